"""Whatever the order of keeping, writing, crashing and starting again: no batch is lost, none comes back."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from db.spool import Kept, Spool
from tests.db.spool.batches import drained, ticks_of
from tests.sizes import sized


class Spools(RuleBasedStateMachine):
    """One worker after another on the same files; some die, some end."""

    def __init__(self) -> None:
        super().__init__()
        self.home = tempfile.TemporaryDirectory()
        self.generation = 0
        self.spool = self.start()
        self.waiting: list[int] = []
        self.given: list[Kept] = []
        self.next = 0

    def directory(self) -> Path:
        return Path(self.home.name) / str(self.generation)

    def start(self) -> Spool:
        spool = Spool(self.directory(), 10)
        spool.open(lambda event, detail: self.fail(event, detail), lambda row: self.fail("gap", repr(row)))
        return spool

    def fail(self, event: str, detail: str) -> None:
        raise AssertionError(f"{event}: {detail}")

    @rule(rows=st.integers(1, 400))
    def keep(self, rows: int) -> None:
        """A batch is kept."""
        self.spool.append(ticks_of(self.next, rows))
        self.waiting.append(self.next)
        self.next += 1

    @rule(most=st.integers(1, 900), data=st.data())
    def read(self, most: int, data: st.DataObject) -> None:
        """The oldest that wait are given, in order, some left out on request."""
        but = {f"b{n}" for n in data.draw(st.sets(st.sampled_from(self.waiting or [0]), max_size=2))}
        self.given = self.spool.oldest(most, but=but)
        expected = [f"b{n}" for n in self.waiting if f"b{n}" not in but]
        names = [kept.batch.batch_id for kept in self.given]
        assert names == expected[: len(names)]
        assert bool(names) == bool(expected)
        assert sum(kept.batch.size for kept in self.given) <= most or len(names) == 1

    @precondition(lambda self: bool(self.given))
    @rule(first=st.booleans())
    def acknowledge(self, first: bool) -> None:
        """All or some of what was given is committed; saying it again changes nothing."""
        done = self.given[:1] if first else self.given
        self.spool.acknowledge(done)
        gone = {kept.batch.batch_id for kept in done}
        self.waiting = [n for n in self.waiting if f"b{n}" not in gone]

    @rule()
    def end_and_start(self) -> None:
        """A worker ends well."""
        assert self.spool.close()
        self.given = []
        self.spool = self.start()

    @rule()
    def crash_and_start(self) -> None:
        """A worker is killed: the next one has its files as they were at that moment."""
        before = self.directory()
        self.generation += 1
        shutil.copytree(before, self.directory())
        self.spool.close()
        shutil.rmtree(before)
        self.given = []
        self.spool = self.start()

    @invariant()
    def counts_are_right(self) -> None:
        """Of batches that wait, and only of those."""
        assert (self.spool.rows > 0) == bool(self.waiting)
        assert self.spool.is_durable

    def teardown(self) -> None:
        """In the end everything that waits is there, as it was."""
        found = drained(self.spool, most_rows=500)
        assert [batch.batch_id for batch in found] == [f"b{n}" for n in self.waiting]
        assert found == [ticks_of(int(batch.batch_id[1:]), batch.size) for batch in found]
        assert self.spool.close()
        self.home.cleanup()


Spools.TestCase.settings = settings(max_examples=sized(12), stateful_step_count=20, deadline=None)
TestSpools = Spools.TestCase

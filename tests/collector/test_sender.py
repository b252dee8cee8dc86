import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from collector import sender as sending
from collector.outbox import Outbox
from collector.sender import Sender
from db.errors import AccessRefused, BatchRefused, SchemaMismatch, StoreBusy, StoreUnavailable
from db.rows import Batch
from db.spool import Spool
from market.instruments import Instrument
from tests.collector.histories import CANDLE, GONE, FakeHistory, Told, batch, opened

PAST = Batch("past", klines=[CANDLE])


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with opened(tmp_path) as made:
        yield made


class Sending:
    """A sender whose turns are taken by the test, with all its surroundings."""

    def __init__(self, history: FakeHistory, spool: Spool) -> None:
        self.history, self.spool = history, spool
        self.outbox = Outbox(spool)
        self.told = Told()
        self.past: list[Batch] = []
        self.sender = Sender(
            history,
            self.outbox,
            spool,
            past=lambda: self.past.pop() if self.past else None,
            on_written=self.told.written.append,
            on_hopeless=self.told.hopeless.append,
        )

    def turns(self, count: int) -> None:
        """Take turns, without the pauses after failures."""
        for _ in range(count):
            self.sender._retry_at = 0.0
            self.sender.turn()


def test_fresh_batches_and_those_that_wait_take_turns(spool: Spool) -> None:
    """A backlog delays a fresh batch by one piece; the past waits for both."""
    run = Sending(FakeHistory(), spool)
    run.sender._pace.rows = 1
    for n in range(3):
        spool.append(batch(f"old{n}", n))
        run.outbox.put(batch(f"new{n}", 10 + n))
    run.past.append(PAST)
    run.turns(3)
    assert run.history.update_ids == [10, 0, 11, 1, 12, 2]
    assert [b.batch_id for b in run.told.written] == ["new0", "new1", "new2"]
    assert len(run.past) == 1
    assert run.sender.turn() == 0.0
    assert run.history.batches[-1] == PAST
    assert run.sender.turn() == sending.IDLE_S


def test_the_state_says_how_it_goes(spool: Spool) -> None:
    """starting, behind while something waits, up, down, and so on."""
    run = Sending(FakeHistory(), spool)
    run.sender._pace.rows = 1
    assert run.sender.state == "starting"
    for n in range(2):
        spool.append(batch(f"b{n}", n))
    states = []
    for error in (None, None, GONE, SchemaMismatch("older"), AccessRefused("no"), None):
        if error:
            run.history.check_answers.append(error)
            run.sender._is_checked = False
        run.turns(1)
        states.append(run.sender.state)
    assert states == ["behind", "up", "down", "schema", "refused", "up"]


def test_while_the_database_is_away_everything_goes_to_the_spool(spool: Spool) -> None:
    """What failed and what comes; when it is back the spool is drained first of all, then all goes on."""
    run = Sending(FakeHistory(GONE, GONE), spool)
    run.outbox.put(batch("b1", 1))
    run.turns(1)
    assert not run.outbox.is_open
    run.outbox.put(batch("b2", 2))
    run.turns(1)
    assert (spool.rows, run.sender.state) == (2, "down")
    run.turns(1)
    assert (run.history.update_ids, run.outbox.is_open, run.sender.rows_written) == ([1, 2], True, 2)
    assert run.told.written == []


def test_pauses_grow_while_it_is_away(spool: Spool) -> None:
    """From a quarter of a second to five, and begin anew after a success."""
    run = Sending(FakeHistory(), spool)
    run.history.check_answers.extend([GONE] * 6)
    pauses = []
    for _ in range(6):
        run.sender._retry_at = 0.0
        pauses.append(run.sender.turn())
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0]
    assert 0 < run.sender.turn() <= 5.0
    run.turns(1)
    assert run.sender.state == "up"
    run.history.check_answers.append(GONE)
    run.sender._is_checked = False
    assert run.sender.turn() == 0.25


def test_the_schema_is_checked_at_the_start_and_after_each_failure(spool: Spool) -> None:
    """Somebody may have migrated meanwhile."""
    run = Sending(FakeHistory(None, GONE), spool)
    for n in range(2):
        run.outbox.put(batch(f"b{n}", n))
        run.turns(1)
    assert run.history.checked == 1
    run.turns(2)
    assert run.history.checked == 2


@pytest.mark.parametrize("error", [StoreBusy("locked"), BatchRefused("bad")])
def test_a_batch_that_cannot_be_written_holds_up_no_other(spool: Spool, error: Exception) -> None:
    """It goes on from the spool while others are sent from memory."""
    run = Sending(FakeHistory(error, error), spool)
    run.outbox.put(batch("b1", 1, 2))
    run.outbox.put(batch("b2", 3))
    run.turns(2)
    assert run.outbox.is_open
    assert run.history.batches[0].batch_id == "b2"
    run.sender._drain._aside = {}
    run.turns(3)
    assert sorted(run.history.update_ids) == [1, 2, 3]


def test_an_error_of_our_own_is_a_refused_batch(spool: Spool) -> None:
    """A row that the program stumbles over ends as a dead letter, not in a loop."""
    run = Sending(FakeHistory(), spool)
    run.history.refuses = lambda b: (
        ValueError("what is this") if b.ticks and b.ticks[0].update_id == 7 else None
    )
    run.outbox.put(batch("b1", 7))
    run.outbox.put(batch("b2", 8))
    run.turns(5)
    assert run.history.update_ids == [8]
    (letter,) = [letter for b in run.history.batches for letter in b.dead_letters]
    assert "what is this" in letter.reason


@pytest.mark.parametrize("error", [StoreBusy("locked"), BatchRefused("bad"), GONE])
def test_candles_of_the_past_that_fail_are_kept(spool: Spool, error: Exception) -> None:
    """They were taken from their queue already."""
    run = Sending(FakeHistory(error), spool)
    run.past.append(PAST)
    run.turns(1)
    assert spool.rows == 1
    run.sender._drain._aside = {}
    run.turns(2)
    assert run.history.batches == [PAST]


def test_a_wrong_password_is_looked_up_again_and_in_the_end_told(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each refusal; hopeless is only what lasts."""
    run = Sending(FakeHistory(), spool)
    run.history.check_answers.extend([AccessRefused("no")] * 3)
    run.turns(1)
    assert (run.history.aimed, run.told.hopeless) == (1, [])
    monkeypatch.setattr(sending, "HOPELESS_S", 0.0)
    run.turns(1)
    assert (run.history.aimed, run.told.hopeless) == (2, ["no"])
    run.history.check_answers.appendleft(StoreUnavailable("gone"))
    monkeypatch.setattr(sending, "HOPELESS_S", 60.0)
    run.turns(2)
    assert run.told.hopeless == ["no"]


def test_instruments_are_saved_before_rows(spool: Spool) -> None:
    """What could not be saved is saved later."""
    run = Sending(FakeHistory(), spool)
    run.history.check_answers.append(GONE)
    known = [Instrument("bybit", "BTCUSDT", "BTC", "USDT", 1.0)]
    run.sender.save_instruments(known)
    assert run.outbox.wake.is_set()
    run.turns(1)
    assert run.history.instruments == []
    run.turns(1)
    assert run.history.instruments == [known]


def test_an_instrument_that_cannot_be_stored_costs_no_other(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor any row."""
    run = Sending(FakeHistory(), spool)
    good, bad = (Instrument("bybit", s, s[:3], "USDT", 1.0) for s in ("BTCUSDT", "X\0USDT"))
    saved: list[Instrument] = []

    def save(instruments: Sequence[Instrument]) -> None:
        if bad in instruments:
            raise ValueError("a text cannot contain NUL")
        saved.extend(instruments)

    monkeypatch.setattr(run.history, "save_instruments", save)
    run.sender.save_instruments([bad, good])
    run.outbox.put(batch("b"))
    run.turns(1)
    assert (saved, run.sender.state, run.outbox.rows) == ([good], "up", 0)


def test_in_the_end_it_sends_what_it_can_in_time(spool: Spool) -> None:
    """All of the backlog if the database takes it; nothing is waited for that does not come."""
    run = Sending(FakeHistory(), spool)
    run.sender._pace.rows = 2
    for n in range(20):
        spool.append(batch(f"b{n}", n))
    run.sender.start()
    run.sender.finish(20.0)
    assert run.history.update_ids == list(range(20))

    away = Sending(FakeHistory(always=GONE), spool)
    spool.append(batch("left", 99))
    away.sender.start()
    asked = time.monotonic()
    away.sender.finish(20.0)
    assert time.monotonic() - asked < 15.0
    assert spool.rows == 1

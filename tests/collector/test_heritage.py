"""What is remembered of instruments that are taken, also by a database that cannot be read at first."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from collector import heritage
from collector.heritage import CLOCKS_APART_MS, Heritage
from db.errors import StoreUnavailable
from db.rows import GapRow, TickerRow
from market.events import Kline
from tests.collector.fakes import Bench

WAIT_S = 5.0


class Memory:
    """A database that is gone at first."""

    def __init__(self) -> None:
        self.is_gone = True
        self.asked_before: list[int] = []
        self.candles_read = 0
        self.lasting: list[GapRow] = []
        self.unrepaired: list[GapRow] = []

    def _answer(self) -> None:
        if self.is_gone:
            raise StoreUnavailable("gone")

    def tickers(self) -> list[TickerRow]:
        self._answer()
        return []

    def newest_klines(self, venue: str, symbols: Sequence[str], per_series: int) -> list[Kline]:  # noqa: ARG002
        self._answer()
        self.candles_read += 1
        return []

    def open_gaps(self, venue: str) -> list[GapRow]:  # noqa: ARG002
        self._answer()
        return self.lasting

    def unrepaired_gaps(self, venue: str, since: int) -> list[GapRow]:  # noqa: ARG002
        self._answer()
        return [row for row in self.unrepaired if row.started_at >= since]

    def last_seen(self, venue: str, before: int) -> dict[str, int]:  # noqa: ARG002
        self._answer()
        self.asked_before.append(before)
        return {"BTCUSDT": 90, "ETHUSDT": 91}


class Feed:
    """Remembers what it was told to miss."""

    def __init__(self) -> None:
        self.resumed: list[tuple[list[GapRow], dict[str, int]]] = []
        self.mute: set[str] = set()

    def resume(self, held: list[GapRow], last_seen: Mapping[str, int]) -> None:
        self.resumed.append((held, dict(last_seen)))


Made = tuple[Heritage, Memory, Feed, list[str]]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """A heritage of a database that is gone; the last part collects what happened."""
    monkeypatch.setattr(heritage, "AGAIN_S", 0.05)
    monkeypatch.setattr(heritage, "LOOK_EVERY_S", 0.05)
    memory, feed, said = Memory(), Feed(), []
    parts: Any = feed
    found: Any = Heritage(
        memory,  # type: ignore[arg-type]  # as much of it as is asked here
        Bench("bybit", "BTCUSDT").pipeline,
        parts,
        begin=lambda symbols: said.append(f"begun {symbols}"),
        ask_history=lambda symbols: said.append(f"asked {symbols}"),
        repair=lambda row: said.append(f"{row.symbol} repaired, candles read {memory.candles_read} times"),
        wait_shown=lambda: said.append(f"shown, candles read {memory.candles_read} times"),
    )
    found.start()
    yield found, memory, feed, said
    found.stop()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_was_missed_is_read_when_the_database_is_back(made: Made) -> None:
    """Followed at once; what the database tells later is of the time before that."""
    found, memory, feed, said = made
    before = time.time_ns() // 1_000_000
    found.on_taken(["BTCUSDT"], is_orphaned=True, taken_at=time.monotonic())
    until(lambda: said == ["begun ['BTCUSDT']", "asked ['BTCUSDT']"])
    assert feed.resumed == []
    memory.is_gone = False
    until(lambda: feed.resumed == [([], {"BTCUSDT": 90})])
    assert 0 <= memory.asked_before[-1] + CLOCKS_APART_MS - before < WAIT_S * 1000
    until(lambda: said[2:] == ["shown, candles read 0 times", "asked ['BTCUSDT']"])
    assert memory.candles_read == 1


def test_a_gap_that_another_worker_left_too_late_is_gone_on_with(made: Made) -> None:
    """Once it lasted at two looks: one whose end is on its way is left alone."""
    _, memory, feed, _ = made
    left = GapRow("bybit", "BTCUSDT", "ticker", 90, None, "crash", "no", 0, "")
    memory.is_gone = False
    memory.lasting = [left]
    until(lambda: feed.resumed[:1] == [([left], {})])


def test_gaps_whose_repair_an_ended_run_did_not_tell_are_repaired_again(made: Made) -> None:
    """Those of what is taken, lately begun, once stored candles are known, however late the database is."""
    found, memory, _, said = made
    now = time.time_ns() // 1_000_000
    gap = GapRow("bybit", "BTCUSDT", "kline", now - 90_000, now - 60_000, "crash", "no", 0, "")
    long_ago = gap._replace(started_at=now - 2 * heritage.REPAIRED_WITHIN_MS)
    memory.unrepaired = [gap, gap._replace(symbol="ETHUSDT"), long_ago]
    found.on_taken(["BTCUSDT"], is_orphaned=True, taken_at=time.monotonic())
    until(lambda: said == ["begun ['BTCUSDT']", "asked ['BTCUSDT']"])
    memory.is_gone = False
    until(lambda: said[-1] == "asked ['BTCUSDT']" and len(said) > 2)
    assert said[3:-1] == ["BTCUSDT repaired, candles read 1 times"]
    found.on_taken(["ETHUSDT"], is_orphaned=False, taken_at=time.monotonic())
    until(lambda: said[-1] == "asked ['ETHUSDT']")
    assert said[-2] == "ETHUSDT repaired, candles read 2 times"

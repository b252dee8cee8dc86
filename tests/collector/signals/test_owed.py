"""Indicators that an earlier run owed: computed from what is stored, once, when there is time."""

from collections.abc import Mapping, Sequence

import pytest

from collector.signals.owed import AFTER_S, AT_ONCE, MOST, RETRY_S, OwedIndicators
from db.errors import StoreUnavailable
from market.indicators import Past, closes
from tests.collector.signals.told import Told
from tests.market.walks import past_of, walk

HISTORY = walk(3, 700)


class Memory(Told):
    """A database with one series for every instrument, some of whose closes have no indicators."""

    def __init__(self, owed: Sequence[int]) -> None:
        super().__init__()
        self.owed = {"ETHUSDT": list(owed)}
        self.history = HISTORY
        self.is_away = False
        self.asked: list[int] = []

    def past(
        self, _venue: str, symbols: Sequence[str], intervals: Sequence[str], most: int
    ) -> Mapping[tuple[str, str], Past]:
        self._check()
        return {(s, i): past_of(self.history[-most:]) for s in symbols for i in intervals if s in self.owed}

    def owed_closes(
        self, _venue: str, symbols: Sequence[str], _intervals: Sequence[str], _most: int
    ) -> Mapping[tuple[str, str], Sequence[int]]:
        self._check()
        self.asked.append(len(symbols))
        return {(s, "1m"): self.owed[s] for s in symbols if self.owed.get(s)}

    def _check(self) -> None:
        if self.is_away:
            raise StoreUnavailable("Postgres: gone")


def owing(memory: Memory) -> tuple[OwedIndicators, Told]:
    told = Told()
    return OwedIndicators("bybit", ("1m", "5m"), memory, told), told  # type: ignore[arg-type]  # the rest is not asked


def test_rows_are_those_of_the_whole_history() -> None:
    """Of what is owed alone, however far back among what is looked at."""
    wanted = [one.open_time for one in (*HISTORY[20:30], HISTORY[500])]
    owed, told = owing(Memory(wanted))
    owed.follow(["ETHUSDT"], 100.0)
    for n in range(5):
        owed.turn(100.0 + AFTER_S + n)
    right = {close.indicators.open_time: close.indicators for close in closes(HISTORY)}
    assert [row.open_time for row in told.indicators] == wanted
    for row in told.indicators:
        assert (row.symbol, row.interval, row.bars) == ("ETHUSDT", "1m", right[row.open_time].bars)
        assert row.rsi == pytest.approx(right[row.open_time].rsi, abs=1e-8)


def test_rows_of_the_oldest_that_are_looked_at_are_right_too() -> None:
    """As many candles before them are read as they rest on."""
    memory = Memory([])
    memory.history = walk(3, 2_500, rests=False)
    memory.owed["ETHUSDT"] = [memory.history[-MOST].open_time]
    owed, told = owing(memory)
    owed.follow(["ETHUSDT"], 0.0)
    for n in range(2):
        owed.turn(AFTER_S + n)
    right = closes(memory.history)[-MOST].indicators
    (row,) = told.indicators
    assert (row.open_time, row.bars, row.reason) == (right.open_time, 400, "")
    assert row.rsi == pytest.approx(right.rsi, abs=1e-6)


def test_a_start_comes_first() -> None:
    """Nothing is asked in its first seconds, also where instruments come later."""
    memory = Memory([])
    owed, _ = owing(memory)
    owed.follow(["ETHUSDT"], 100.0)
    owed.turn(100.0 + AFTER_S - 0.1)
    assert memory.asked == []
    owed.follow(["BTCUSDT"], 104.0)
    owed.turn(100.0 + AFTER_S)
    assert memory.asked == []
    owed.turn(104.0 + AFTER_S)
    assert memory.asked == [2]


def test_each_instrument_is_asked_for_once() -> None:
    """Some at a time."""
    memory = Memory([])
    owed, told = owing(memory)
    owed.follow([f"C{n}USDT" for n in range(AT_ONCE + 3)], 0.0)
    for n in range(9):
        owed.turn(AFTER_S + n)
    assert (memory.asked, told.indicators) == ([AT_ONCE, 3], [])


@pytest.mark.parametrize("before", [0, 1])
def test_a_database_that_is_away_is_asked_again(before: int) -> None:
    """At the first question as at the second; not at every turn."""
    memory = Memory([HISTORY[600].open_time])
    owed, told = owing(memory)
    owed.follow(["ETHUSDT"], 0.0)
    for _ in range(before):
        owed.turn(AFTER_S)
    memory.is_away = True
    owed.turn(AFTER_S)
    memory.is_away = False
    owed.turn(AFTER_S + RETRY_S - 0.1)
    assert told.indicators == []
    for n in range(2):
        owed.turn(AFTER_S + RETRY_S + n)
    assert [row.open_time for row in told.indicators] == [HISTORY[600].open_time]


def test_candles_that_are_gone_meanwhile_owe_nothing() -> None:
    """Retention may have been there between the two questions."""
    memory = Memory([HISTORY[600].open_time])
    owed, told = owing(memory)
    owed.follow(["ETHUSDT"], 0.0)
    owed.turn(AFTER_S)
    memory.owed = {}
    owed.turn(AFTER_S)
    owed.turn(AFTER_S)
    assert told.indicators == []

"""What is known to have come, and what that proves."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.events import Trade
from market.named_trades import REMEMBERED, NamedTrades
from market.numbered_trades import MAX_RUNS, NumberedTrades
from market.received import Received
from tests.market.candles import DAY, trade


def numbered(*seconds: float) -> list[Trade]:
    return [trade(n, at) for n, at in enumerate(seconds)]


def named(*seconds: float, first: int = 0) -> list[Trade]:
    return [trade(n, at, is_named=True) for n, at in enumerate(seconds, first)]


def covers(received: Received, start: float, until: float) -> bool:
    return received.covers(DAY + round(start * 1000), DAY + round(until * 1000))


@pytest.mark.parametrize(
    ("received", "trades"), [(NumberedTrades(), numbered(1, 2)), (NamedTrades(), named(1, 2))]
)
def test_a_trade_is_taken_once(received: Received, trades: list[Trade]) -> None:
    """Every repeat is known for one, of the stream as of an answer."""
    assert [received.take(t) >= 0 for t in trades] == [True, True]
    assert [received.take(t) for t in trades] == [received.take_old(t) for t in trades] == [-1, -1]


@pytest.mark.parametrize(
    ("received", "trades"), [(NumberedTrades(), numbered(1, 5, 9)), (NamedTrades(), named(1, 5, 9))]
)
def test_coverage_goes_from_the_first_trade_to_the_newest(received: Received, trades: list[Trade]) -> None:
    """Not the ms of the first, which may have had trades before it, and not that of the newest."""
    for each in trades:
        received.take(each)
    assert covers(received, 1.001, 9)
    assert not covers(received, 1, 9)
    assert not covers(received, 1.001, 9.001)


def test_a_jump_of_ids_is_a_hole_and_closes_when_they_come() -> None:
    """On a connection that noticed nothing; late ones of the stream fill it as well as asked ones."""
    received, trades = NumberedTrades(), numbered(1, 2, 3, 4, 5)
    for number in (0, 1, 4):
        received.take(trades[number])
    assert covers(received, 1.5, 2)
    assert not covers(received, 1.5, 3)
    assert received.take_old(trades[3]) >= 0
    assert received.take(trades[2]) >= 0
    assert covers(received, 1.5, 5)
    assert received.take(trade(5, 6)) >= 0
    assert covers(received, 1.5, 6)


def test_ids_that_join_prove_that_an_interruption_lost_nothing() -> None:
    """The next id after the last one; no matter how long it took."""
    received = NumberedTrades()
    for each in numbered(1, 2):
        received.take(each)
    received.interrupt()
    assert received.live_since is None
    received.take(trade(2, 500))
    assert covers(received, 2, 500)
    assert received.live_since == DAY + 500_001


def test_trades_without_order_do_not_join_across_an_interruption() -> None:
    """Covered until the last before it, and from the first after it on."""
    received = NamedTrades()
    for each in named(1, 9):
        received.take(each)
    received.interrupt()
    for each in named(30, 40, first=2):
        received.take(each)
    assert covers(received, 2, 9)
    assert not covers(received, 2, 40)
    assert covers(received, 30.001, 40)


def test_a_stream_that_repeats_what_is_known_joins() -> None:
    """Its first trade is the last one before the interruption."""
    received, trades = NamedTrades(), named(1, 9, 20)
    received.take(trades[0])
    received.take(trades[1])
    received.interrupt()
    received.take(trades[1])
    received.take(trades[2])
    assert covers(received, 2, 20)


@pytest.mark.parametrize(("begins_at", "is_joined"), [(8, True), (9, False), (12, False)])
def test_an_answer_bridges_a_hole_if_it_reaches_back_before_it(begins_at: float, is_joined: bool) -> None:
    """Its oldest trade is older than the newest before the hole; the same ms is not enough."""
    received = NamedTrades()
    for each in named(1, 9):
        received.take(each)
    received.interrupt()
    received.take(trade(2, 30, is_named=True))
    answer = [*named(begins_at, 15, first=10), trade(2, 30, is_named=True)]
    for each in answer:
        received.take_old(each)
    received.cover(answer, answer[0].event_time + 1, answer[-1].event_time)
    assert covers(received, 2, 30) == is_joined


@pytest.mark.parametrize(("begins_at", "is_joined"), [(29, True), (30, False)])
def test_an_answer_joins_the_stream_by_its_first_trade(begins_at: float, is_joined: bool) -> None:
    """What traded before that in its ms is in the list, unless that begins in this ms as well."""
    received = NamedTrades()
    for each in named(30, 40):
        received.take(each)
    assert not covers(received, 30, 40)
    answer = [trade(9, begins_at, is_named=True), trade(0, 30, is_named=True)]
    for each in answer:
        received.take_old(each)
    received.cover(answer, answer[0].event_time + 1, answer[-1].event_time)
    assert covers(received, 30, 40) == is_joined


def test_an_answer_says_nothing_of_the_ms_it_ends_in() -> None:
    """It may end in the middle of it."""
    received, answer = NamedTrades(), named(1, 9)
    for each in answer:
        received.take_old(each)
    received.cover(answer, answer[0].event_time + 1, answer[-1].event_time)
    assert covers(received, 1.001, 9)
    assert not covers(received, 1.001, 9.001)
    received.take(trade(5, 9, is_named=True))
    assert not covers(received, 1.001, 9.001)


def test_an_answer_that_ends_with_the_newest_trade_covers_up_to_its_time() -> None:
    """Nothing traded after it until it was asked for."""
    received = NumberedTrades()
    for each in numbered(1, 2):
        received.take(each)
    received.cover([trade(1, 2)], DAY, DAY + 300_000)
    assert covers(received, 2, 300)


def test_only_a_repeat_of_what_is_forgotten_could_count_twice_and_it_is_refused() -> None:
    """Both kinds forget, and refuse what is as old as that."""
    by_number, by_name = NumberedTrades(), NamedTrades()
    for number in (0, 1, 5, 6):
        by_number.take(trade(number, number))
    by_number.forget(DAY + 5_000)
    assert by_number.take_old(trade(1, 1)) == by_number.take_old(trade(0, 0)) == -1
    assert by_number.take_old(trade(3, 3)) >= 0
    for round_ in range(3):
        for n in range(REMEMBERED):
            number = round_ * REMEMBERED + n
            by_name.take(trade(number, number / 10, is_named=True))
        by_name.forget(DAY)
    assert by_name.take(trade(0, 0, is_named=True)) == -1
    assert by_name.take(trade(3 * REMEMBERED - 1, 0.1 * (3 * REMEMBERED - 1), is_named=True)) == -1
    assert by_name.take(trade(3 * REMEMBERED, 0.3 * REMEMBERED, is_named=True)) >= 0


def test_runs_are_bounded() -> None:
    """A venue that loses every second id does not fill the memory."""
    received = NumberedTrades()
    for number in range(0, 4 * MAX_RUNS, 2):
        received.take(trade(number, number))
    received.forget(DAY)
    oldest, newest = 3 * MAX_RUNS, 4 * MAX_RUNS
    assert not covers(received, 1, 1)
    assert received.take_old(trade(1, 1)) == received.take_old(trade(newest - 2, 0)) == -1
    assert received.take_old(trade(oldest + 1, 0)) >= 0


@given(st.permutations(range(12)), st.integers(0, 11))
def test_any_order_of_numbers_covers_the_same(order: list[int], lost: int) -> None:
    """All of them: everything; without one: nothing across it."""
    received, holed = NumberedTrades(), NumberedTrades()
    for number in order:
        received.take(trade(number, number))
        if number != lost:
            holed.take(trade(number, number))
    assert covers(received, 0.5, 11)
    assert covers(holed, 1.5, 10) == (lost in (0, 11))


def test_repeats_in_a_burst_are_all_found() -> None:
    """Two connections that bring the same burst, shuffled, give each trade once."""
    trades = named(*(n / 1000 for n in range(5000)))
    twice = trades + random.Random(5).sample(trades, len(trades))
    received = NamedTrades()
    assert sum(received.take(t) >= 0 for t in twice) == len(trades)

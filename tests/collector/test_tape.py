"""The list of newest trades that an instrument keeps for Redis."""

from collector.tape import Tape
from db.hot.keys import TRADES_LENGTH
from market.events import Trade


def trade(number: int, event_time: int | None = None) -> Trade:
    return Trade(
        symbol="BTCUSDT", price=1.0, size=1.0, taker_side="buy", trade_id=f"t{number}",
        event_time=number if event_time is None else event_time, recv_time=number,
    )  # fmt: skip


def numbers(trades: list[Trade]) -> list[int]:
    return [int(each.trade_id[1:]) for each in trades]


def filled(*span: int) -> Tape:
    tape = Tape()
    for number in range(*span):
        tape.add(trade(number))
    return tape


def test_what_is_new_is_taken_once_and_the_list_stays() -> None:
    """In the order in which it came."""
    tape = filled(3)
    assert numbers(tape.take_new()) == [0, 1, 2]
    assert tape.take_new() == []
    tape.add(trade(3))
    assert (tape.new, numbers(tape.take_new())) == (1, [3])
    assert numbers(tape.take_all()) == [0, 1, 2, 3]


def test_no_more_is_kept_than_redis_holds() -> None:
    """However many came since they were last taken."""
    tape = filled(3 * TRADES_LENGTH)
    newest = list(range(2 * TRADES_LENGTH, 3 * TRADES_LENGTH))
    assert numbers(tape.take_new()) == newest
    assert numbers(tape.take_all()) == newest


def test_after_all_was_taken_nothing_is_new_or_lost() -> None:
    """A trade that came twice is there once, where it came first."""
    tape = filled(3)
    tape.add(trade(1))
    tape.is_lost = True
    assert numbers(tape.take_all()) == [0, 1, 2]
    assert (tape.new, tape.is_lost, tape.take_new()) == (0, False, [])


def test_what_redis_holds_goes_before_what_has_just_come() -> None:
    """What both have was published by another worker, or by this one under another lease."""
    tape = filled(4, 8)
    tape.recall([trade(number) for number in range(6)])
    assert numbers(tape.take_new()) == [6, 7]
    assert numbers(tape.take_all()) == list(range(8))


def test_what_a_full_list_has_let_go_is_not_new() -> None:
    """This worker heard the older trades too, but not yet the newest."""
    tape = filled(TRADES_LENGTH)
    tape.recall([trade(number) for number in range(3, TRADES_LENGTH + 3)])
    assert tape.take_new() == []
    assert numbers(tape.take_all()) == list(range(3, TRADES_LENGTH + 3))

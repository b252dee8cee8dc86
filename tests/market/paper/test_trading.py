"""Paper trades: entries, exits, costs, and what survives a restart."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.paper import PaperState, PaperTrade, on_close, on_quote, on_signal
from market.quotes import Quote
from market.signals import SignalSettings
from tests.market.makes import signal
from tests.market.walks import DAY
from tests.sizes import sized

SETTINGS = SignalSettings(stop_atr=2.0, hold_bars=10, entry_within_s=30, book_hold_s=900)
EMPTY = PaperState("rsi_reversal", "1m")
MINUTE = 60_000


def quote(minute: float, price: float, *, half: float = 0.0, is_reached: bool = False) -> Quote:
    """The book some minutes after `DAY`."""
    return Quote(price - half, price + half, DAY + int(minute * MINUTE), is_reached)


def played(state: PaperState, *quotes: Quote) -> tuple[PaperState, list[PaperTrade]]:
    """The state after these quotes, and the trades they made, at a fee of 5 bps a way."""
    trades: list[PaperTrade] = []
    for one in quotes:
        state, made = on_quote(state, one, taker_bps=5.0)
        trades += made
    return state, trades


def bought(*, atr: float | None = 1.0) -> PaperState:
    """A buy signal of the first candle, entered at the open of the second at 100."""
    return played(on_signal(EMPTY, signal(0, "buy"), atr, SETTINGS), quote(1, 100.0))[0]


def ended(state: PaperState) -> PaperState:
    """The tenth candle after the signal has closed."""
    return on_close(state, DAY + 11 * MINUTE)


def test_the_first_quote_after_the_signal_enters() -> None:
    """At the far side of the book; a quote of its own ms or before does not count."""
    ordered = on_signal(EMPTY, signal(0, "buy"), 1.0, SETTINGS)
    before = Quote(99.0, 101.0, signal(0).ts)
    state, trades = played(ordered, before, quote(1, 100.0, half=0.5), quote(1.1, 100.0, half=0.5))
    assert trades == [PaperTrade("rsi_reversal", "1m", "long", DAY + MINUTE, 100.5, fee_bps=10.0)]
    assert state.position is not None
    assert (state.position.stop_price, state.position.ends_at) == (98.5, DAY + 11 * MINUTE)


def test_a_short_is_the_mirror() -> None:
    """Sold at the bid, its stop above."""
    state, trades = played(on_signal(EMPTY, signal(0, "sell"), 1.0, SETTINGS), quote(1, 100.0, half=0.5))
    assert (trades[0].side, trades[0].entry_price) == ("short", 99.5)
    assert state.position is not None
    assert state.position.stop_price == 101.5
    _, trades = played(ended(state), quote(12, 98.0, half=0.5))
    assert (trades[0].exit_price, trades[0].exit_reason) == (98.5, "time")
    assert trades[0].gross_bps == pytest.approx(1e4 * (1 - 98.5 / 99.5))


def test_a_signal_that_meets_no_book_in_time_is_not_traded() -> None:
    """Half a minute later it is another market."""
    ordered = on_signal(EMPTY, signal(0, "buy"), 1.0, SETTINGS)
    state, trades = played(ordered, quote(1.51, 100.0), quote(1.52, 100.0))
    assert (trades, state.order, state.position) == ([], None, None)


def test_a_stop_leaves_at_what_the_book_gives() -> None:
    """Beyond the stop if the book jumped there; at the stop itself if the price came along continuously."""
    _, trades = played(bought(), quote(2, 97.0, half=0.5))
    assert (trades[0].exit_price, trades[0].exit_reason) == (96.5, "stop")
    _, trades = played(bought(), quote(2, 97.0, is_reached=True))
    assert (trades[0].exit_price, trades[0].exit_reason) == (98.0, "stop")


def test_fees_are_paid_both_ways_and_the_spread_once() -> None:
    """A market that does not move costs the spread and two fees."""
    ordered = on_signal(EMPTY, signal(0, "buy"), 10.0, SETTINGS)
    state, _ = played(ordered, quote(1, 100.0, half=0.05))
    _, trades = played(ended(state), quote(11, 100.0, half=0.05))
    gross, net = trades[0].gross_bps, trades[0].net_bps
    assert (gross, net) == (pytest.approx(-9.995, abs=1e-3), pytest.approx(-19.995, abs=1e-3))
    assert trades[0] == PaperTrade(
        "rsi_reversal", "1m", "long", DAY + MINUTE, 100.05, 10.0, DAY + 11 * MINUTE, 99.95, "time", gross, net
    )


def test_the_time_limit_counts_candles_from_the_signal() -> None:
    """Ten of them; the close of the last one ends it, at the first quote after that close is known."""
    state = bought()
    assert on_close(state, DAY + 10 * MINUTE) == state
    assert played(state, quote(11, 100.0))[1] == []
    assert played(on_close(state, DAY + 11 * MINUTE), quote(11.01, 100.0))[1][0].exit_reason == "time"


def test_a_signal_at_the_close_that_ends_a_trade_begins_the_next() -> None:
    """The same way or the other, at the quote that leaves the old one."""
    for side, reason in (("buy", "time"), ("sell", "opposite")):
        ordered = on_signal(ended(bought()), signal(10, side), 1.0, SETTINGS)  # type: ignore[arg-type]
        state, trades = played(ordered, quote(11.01, 100.0))
        assert [t.exit_reason for t in trades] == [reason, None]
        assert state.position is not None
        assert (state.position.side, state.position.ends_at) == (side, DAY + 21 * MINUTE)


def test_an_opposite_signal_leaves_and_enters_at_one_quote() -> None:
    """One position at a time, now the other way."""
    ordered = on_signal(bought(), signal(3, "sell"), 1.0, SETTINGS)
    state, trades = played(ordered, quote(4, 100.0, half=0.5))
    assert [(t.side, t.exit_reason, t.entry_price, t.exit_price) for t in trades] == [
        ("long", "opposite", 100.0, 99.5),
        ("short", None, 99.5, None),
    ]
    assert state.position is not None
    assert state.position.side == "sell"


def test_a_late_or_unmeasured_opposite_signal_only_leaves() -> None:
    """What it cannot enter it still ends."""
    late = on_signal(bought(), signal(3, "sell"), 1.0, SETTINGS)
    unmeasured = on_signal(bought(), signal(3, "sell"), None, SETTINGS)
    for ordered, minute in ((late, 6), (unmeasured, 4)):
        state, trades = played(ordered, quote(minute, 100.0))
        assert [t.exit_reason for t in trades] == ["opposite"]
        assert (state.order, state.position) == (None, None)


def test_a_signal_the_same_way_changes_nothing() -> None:
    """The position, its stop and its limit stay."""
    held = bought()
    again = on_signal(held, signal(3, "buy"), 5.0, SETTINGS)
    assert (again.position, again.order) == (held.position, None)
    assert played(again, quote(4, 100.0))[1] == []


def test_a_signal_seen_before_changes_nothing() -> None:
    """A restart may tell it again, also after its trade is over."""
    state, _ = played(bought(), quote(2, 90.0))
    assert state.position is None
    assert on_signal(state, signal(0, "buy"), 1.0, SETTINGS) == state


def test_without_a_range_there_is_no_stop_and_no_trade() -> None:
    """ATR is missing, or the market stands still."""
    for atr in (None, 0.0):
        ordered = on_signal(EMPTY, signal(0, "buy"), atr, SETTINGS)
        assert played(ordered, quote(1, 100.0))[1] == []


def test_a_book_rule_has_a_limit_of_its_own() -> None:
    """In seconds, from the signal."""
    state = on_signal(PaperState("book_pressure", "book"), signal(0, interval="book"), 1.0, SETTINGS)
    assert state.order is not None
    assert state.order.ends_at == DAY + 900_000
    state, _ = played(state, quote(0.5, 100.0))
    assert played(state, quote(14.99, 100.0))[1] == []
    assert played(state, quote(15, 100.0))[1][0].exit_reason == "time"


def test_states_survive_a_restart() -> None:
    """Encoded, decoded, and gone on with."""
    for state in (on_signal(EMPTY, signal(0, "buy"), 1.0, SETTINGS), bought()):
        back = msgspec.json.decode(msgspec.json.encode(state), type=PaperState)
        assert back == state
        assert played(back, quote(1.5, 97.0), quote(2, 97.0)) == played(
            state, quote(1.5, 97.0), quote(2, 97.0)
        )


MOVES = st.lists(
    st.tuples(
        st.floats(95, 105),
        st.sampled_from([None, None, None, "buy", "sell"]),
        st.sampled_from(["a", "b"]),
        st.booleans(),
    ),
    max_size=60,
)


@settings(max_examples=sized(50), deadline=None)
@given(MOVES)
def test_one_position_at_a_time(moves: list[tuple[float, object, str, bool]]) -> None:
    """Every trade ends before the next of its rule begins, and what it made is what its prices say."""
    state, trades = EMPTY, []
    for index, (price, side, _, is_reached) in enumerate(moves):
        if side is not None:
            state = on_signal(state, signal(index, side), 1.0, SETTINGS)  # type: ignore[arg-type]
        state, made = on_quote(state, quote(index + 1, price, half=0.1, is_reached=is_reached), 5.0)
        trades += made
    opened = [t for t in trades if t.exit_time is None]
    closed = [t for t in trades if t.exit_time is not None]
    assert len(opened) - len(closed) == (1 if state.position else 0)
    for entry, left in zip(opened, closed, strict=False):
        assert (entry.entry_time, entry.entry_price, entry.side) == (
            left.entry_time,
            left.entry_price,
            left.side,
        )
        assert left.exit_time is not None and left.exit_price is not None and left.gross_bps is not None
        assert left.exit_time > left.entry_time
        change = 1e4 * (left.exit_price / left.entry_price - 1)
        assert left.gross_bps == pytest.approx(change if left.side == "long" else -change)
        assert left.net_bps == left.gross_bps - 10
    for left, entry in zip(closed, opened[1:], strict=False):
        assert left.exit_time is not None
        assert left.exit_time <= entry.entry_time

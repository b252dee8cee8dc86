"""Paper trades: what a rule's signals would have made, one position at a time, spread and fees paid.

A signal is entered at the first quote after it, at the side a taker pays. It is left at its stop, or at the
first quote after an opposite signal (which is then entered in turn) or after the close that ends its time.
Whether quotes come from the live book or from candles is the caller's choice (market.quotes). A close comes
in this order: `on_close`, its signals by `on_signal`, then the next quotes.
"""

from typing import Literal, NamedTuple

import msgspec

from market.intervals import BOOK, INTERVAL_MS, close_of
from market.measures import return_bps
from market.paper.model import Order, PaperState, PaperTrade, Position, Reason
from market.quotes import Quote
from market.signal_settings import SignalSettings
from market.signals.model import Signal


class Step(NamedTuple):
    """What a quote or a signal changed: the state to remember, and the trades to write, in order."""

    state: PaperState
    trades: list[PaperTrade]


def on_signal(state: PaperState, signal: Signal, atr: float | None, settings: SignalSettings) -> PaperState:
    """Place an order for a signal. One that was seen before, or points where one already stands, places none.

    `atr`: of the signal's series, for a book rule that of 1m; without it there is no stop, so no entry.
    """
    if signal.open_time <= state.last_open_time:
        return state
    state = msgspec.structs.replace(state, last_open_time=signal.open_time)
    held = state.position
    if held is not None and held.side == signal.side and not held.is_over:
        return msgspec.structs.replace(state, order=None)
    began_at, hold_ms = _clock_of(signal, settings)
    order = Order(
        signal.side,
        placed_at=signal.ts,
        until=began_at + int(settings.entry_within_s * 1000),
        stop_distance=settings.stop_atr * atr if atr else None,
        ends_at=began_at + hold_ms,
    )
    return msgspec.structs.replace(state, order=order)


def on_close(state: PaperState, closed_at: int) -> PaperState:
    """Note that a candle of the series ended at `closed_at`: a position whose time is up is over."""
    held = state.position
    if held is None or held.is_over or held.ends_at > closed_at:
        return state
    return msgspec.structs.replace(state, position=msgspec.structs.replace(held, is_over=True))


def on_quote(state: PaperState, quote: Quote, taker_bps: float) -> Step:
    """Leave and enter what is due at this quote. `taker_bps`: the fee of one way."""
    order, position, trades = state.order, state.position, []
    if order is not None and quote.time <= order.placed_at:
        order = None
    if state.interval == BOOK and position is not None and quote.time >= position.ends_at:
        position = msgspec.structs.replace(position, is_over=True)
    if position is not None and (left := _exit(position, order, quote)) is not None:
        trades.append(_closed(state, position, quote.time, *left, taker_bps))
        position = None
    if order is None:
        return Step(msgspec.structs.replace(state, position=position), trades)
    if position is None and order.stop_distance is not None and quote.time <= order.until:
        price = quote.opens_at(order.side)
        stop = price - order.stop_distance if order.side == "buy" else price + order.stop_distance
        position = Position(order.side, quote.time, price, stop, order.ends_at)
        trades.append(_opened(state, position, taker_bps))
    return Step(msgspec.structs.replace(state, order=None, position=position), trades)


def _clock_of(signal: Signal, settings: SignalSettings) -> tuple[int, int]:
    """From when a trade's times are counted, and how many ms it may last.

    A candle's end, not the ms in which it became known, so that a backtest counts the same.
    """
    if signal.interval == BOOK:
        return signal.ts, int(settings.book_hold_s * 1000)
    closed_at = close_of(signal.open_time, signal.interval) + 1
    return closed_at, settings.hold_bars * INTERVAL_MS[signal.interval]


def _exit(position: Position, order: Order | None, quote: Quote) -> tuple[float, Reason] | None:
    """Price and reason at which a position is left at this quote, if it is."""
    price = quote.closes_at(position.side)
    is_stopped = price <= position.stop_price if position.side == "buy" else price >= position.stop_price
    if is_stopped:
        return (position.stop_price if quote.is_reached else price), "stop"
    if order is not None and order.side != position.side:
        return price, "opposite"
    return (price, "time") if position.is_over else None


def _opened(state: PaperState, position: Position, taker_bps: float) -> PaperTrade:
    side: Literal["long", "short"] = "long" if position.side == "buy" else "short"
    return PaperTrade(
        state.rule, state.interval, side, position.entry_time, position.entry_price, 2 * taker_bps
    )


def _closed(
    state: PaperState, position: Position, time: int, price: float, reason: Reason, taker_bps: float
) -> PaperTrade:
    gross = return_bps(position.side, position.entry_price, price)
    return msgspec.structs.replace(
        _opened(state, position, taker_bps),
        exit_time=time,
        exit_price=price,
        exit_reason=reason,
        gross_bps=gross,
        net_bps=gross - 2 * taker_bps,
    )

"""State as the text that Redis holds: hash fields and overview rows. Pure, so a test can read it."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from collector.state import InstrumentState
from collector.statistics import FeedStatistics
from db.rows import FeedEventRow, GapRow, SignalRow
from market.book import SERVED_LEVELS
from market.decimals import clean, plain, plain_json
from market.events import Kline, Levels, Trade
from market.measures import PLACES, depth_imbalance, imbalance, microprice, mid, spread_bps
from market.ticker import PARTS, Ticker

_NAMES = ("venue", "symbol")
"""Every entry of `events` has them beside its data."""
_encode = msgspec.json.Encoder().encode


class BookView(NamedTuple):
    """What is published of a book, copied out of its state."""

    state: str
    bids: Levels
    asks: Levels
    update_id: int
    event_time: int
    recv_time: int


def view_book(state: InstrumentState) -> BookView:
    """Copy the best levels out; the caller holds the pipeline's lock."""
    book = state.rules.book
    bids, asks = book.best(SERVED_LEVELS)
    return BookView(state.book_state, bids, asks, book.update_id, book.event_time, book.recv_time)


def book_fields(view: BookView, *, publish_time: int) -> dict[str, str | int]:
    """The `book:` hash."""
    bid = view.bids[0] if view.bids else None
    ask = view.asks[0] if view.asks else None
    bid_price, bid_size = bid or (None, None)
    ask_price, ask_size = ask or (None, None)
    micro = microprice(bid, ask)
    return {
        "state": view.state,
        "best_bid_price": plain(bid_price),
        "best_bid_size": plain(bid_size),
        "best_ask_price": plain(ask_price),
        "best_ask_size": plain(ask_size),
        "mid": plain(mid(bid_price, ask_price)),
        "microprice": plain(None if micro is None else clean(micro)),
        "spread_bps": plain(_rounded(spread_bps(bid_price, ask_price), PLACES)),
        "imbalance": plain(_rounded(imbalance(bid_size, ask_size), PLACES)),
        "imbalance_10": plain(_rounded(depth_imbalance(view.bids, view.asks, 10), PLACES)),
        "bids": levels_json(view.bids),
        "asks": levels_json(view.asks),
        "update_id": view.update_id,
        "event_time": view.event_time or "",
        "recv_time": view.recv_time or "",
        "publish_time": publish_time,
    }


def levels_json(levels: Levels) -> str:
    """[[price,size],…] as JSON numbers without exponents."""
    return plain_json(_encode(levels).decode())


def ticker_fields(ticker: Ticker) -> dict[str, str | int]:
    """The `ticker:` hash."""
    fields: dict[str, str | int] = {part: plain(getattr(ticker, part)) for part in PARTS}
    fields["event_time"] = ticker.event_time or ""
    fields["recv_time"] = ticker.recv_time or ""
    return fields


def kline_fields(kline: Kline) -> dict[str, str | int]:
    """The `kline:` hash."""
    return {
        "open_time": kline.open_time,
        "open": plain(kline.open),
        "high": plain(kline.high),
        "low": plain(kline.low),
        "close": plain(kline.close),
        "volume": plain(kline.volume),
        "turnover": plain(kline.turnover),
        "is_closed": int(kline.is_closed),
        "event_time": kline.event_time,
        "recv_time": kline.recv_time,
    }


def feed_fields(statistics: FeedStatistics, now: float) -> dict[str, str | int]:
    """What the `feed:` hash says in numbers. `now`: monotonic seconds; call it about once a second."""
    fields: dict[str, str | int] = {
        "messages": statistics.messages,
        "message_rate": f"{statistics.message_rate(now):.1f}",
        "reconnects": statistics.reconnects,
        "gaps": statistics.gaps,
        "resyncs": statistics.resyncs,
        "audits": statistics.audits,
        "audit_mismatches": statistics.audit_mismatches,
        "last_message_time": statistics.last_message_time or "",
    }
    stages = {
        "": statistics.venue_lags,
        "redis_": statistics.redis_lags,
        "postgres_": statistics.postgres_lags,
    }
    for stage, lags in stages.items():
        p50, p99 = lags.percentiles()
        fields[f"lag_{stage}p50_ms"] = "" if p50 is None else p50
        fields[f"lag_{stage}p99_ms"] = "" if p99 is None else p99
    return fields


def trade_fields(trade: Trade) -> dict[str, str | int]:
    """An entry of the `trades:` stream."""
    return {
        "price": plain(trade.price),
        "size": plain(trade.size),
        "taker_side": trade.taker_side,
        "trade_id": trade.trade_id,
        "event_time": trade.event_time,
    }


def read_trade(symbol: str, fields: Mapping[str, str]) -> Trade | None:
    """The trade that an entry of the stream tells of; None for one that nobody of us wrote."""
    try:
        event_time = int(fields["event_time"])
        return Trade(
            symbol=symbol,
            trade_id=fields["trade_id"],
            price=float(fields["price"]),
            size=float(fields["size"]),
            taker_side=fields["taker_side"],
            event_time=event_time,
            recv_time=event_time,
        )
    except (KeyError, ValueError):
        return None


def overview_row(state: InstrumentState) -> str:
    """A value of the `market:` hash, as JSON; numbers or null."""
    instrument, ticker = state.instrument, state.ticker
    bid_price, bid_size, ask_price, ask_size = state.best
    row = _encode(
        {
            "venue": instrument.venue,
            "symbol": instrument.symbol,
            "base": instrument.base,
            "quote": instrument.quote,
            "multiplier": instrument.multiplier,
            "tick_size": instrument.tick_size,
            **{part: getattr(ticker, part) for part in PARTS},
            "best_bid_price": bid_price,
            "best_ask_price": ask_price,
            "mid": mid(bid_price, ask_price),
            "spread_bps": _rounded(spread_bps(bid_price, ask_price), PLACES),
            "imbalance": _rounded(imbalance(bid_size, ask_size), PLACES),
            "book_state": state.book_state,
            "event_time": ticker.event_time if state.event_time is None else state.event_time,
            "recv_time": ticker.recv_time if state.recv_time is None else state.recv_time,
        }
    )
    flows = f",{state.flow_part}" if state.flow_part else ""
    return f'{plain_json(row.decode())[:-1]}{flows},"indicators":{state.overview_part}}}'


def candle_event(kline: Kline) -> str:
    """The data of a `candle` event, as JSON."""
    names = ("interval", "open_time", "open", "high", "low", "close", "volume", "turnover", "complete")
    return plain_json(_encode({name: getattr(kline, name) for name in names}).decode())


def signal_event(row: SignalRow) -> str:
    """The data of a `signal` event, as JSON."""
    return plain_json(_encode({n: v for n, v in row._asdict().items() if n not in _NAMES}).decode())


def gap_event(row: GapRow) -> str:
    """The data of a `gap` event, as JSON."""
    return _encode({name: value for name, value in row._asdict().items() if name not in _NAMES}).decode()


def feed_event(row: FeedEventRow) -> str:
    """The data of a `feed` event, as JSON."""
    return _encode({name: getattr(row, name) for name in ("event", "detail", "worker")}).decode()


def _rounded(value: float | None, places: int) -> float | None:
    return None if value is None else round(value, places)

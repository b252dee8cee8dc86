"""Binance's REST endpoints (USDⓈ-M futures, market data): HTTP 400 with a code where a request is refused.

Source: Binance developer documentation, USDⓈ-M futures, REST market data and error codes.
"""

from typing import Any

from collector.simulator.economy.coins import Listing
from collector.simulator.economy.history import OPEN_TIME
from collector.simulator.economy.instrument import Instrument
from collector.simulator.rest import Query, Reply, Source, encoded, whole
from collector.simulator.rest.binance_rows import (
    agg_trade_row,
    book_row,
    day_row,
    info_row,
    kline_rows,
    premium_row,
)
from market.intervals import INTERVAL_MS, MINUTE_MS

WEIGHT_PER_MINUTE = 2400
_DEPTH_WEIGHTS = {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1000: 20}
_HOUR_MS = 3_600_000


class _RefusedError(Exception):
    """A request that Binance refuses, with its code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class BinanceRest:
    """The endpoints, and the weight that has been used in the running minute."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._minute = 0
        self._used = 0

    async def answer(self, path: str, query: Query, source: Source | None = None) -> Reply:
        """The answer to `GET path?query`, as `source` knows it where one is given."""
        handler = _HANDLERS.get(path)
        if handler is None:
            return Reply(404, b"<html><body>404 Not found</body></html>", {"Content-Type": "text/html"})
        try:
            weight, body = await handler(source or self._source, query)
            reply = Reply(200, encoded(body))
        except (_RefusedError, ValueError) as error:
            weight, code = 1, error.code if isinstance(error, _RefusedError) else -1130
            reply = Reply(400, encoded({"code": code, "msg": str(error)}))
        reply.headers["X-MBX-USED-WEIGHT-1M"] = str(self._spend(weight))
        return reply

    def _spend(self, weight: int) -> int:
        minute = int(self._source.now()) // MINUTE_MS
        if minute != self._minute:
            self._minute, self._used = minute, 0
        self._used += weight
        return self._used


Answer = tuple[int, Any]
"""Weight of the request, and the body."""


async def _ping(source: Source, query: Query) -> Answer:  # noqa: ARG001  handlers share one signature
    return 1, {}


async def _time(source: Source, query: Query) -> Answer:  # noqa: ARG001  handlers share one signature
    return 1, {"serverTime": int(source.now())}


async def _exchange_info(source: Source, query: Query) -> Answer:  # noqa: ARG001  handlers share one signature
    limits = [
        {
            "rateLimitType": "REQUEST_WEIGHT",
            "interval": "MINUTE",
            "intervalNum": 1,
            "limit": WEIGHT_PER_MINUTE,
        }
    ]
    return 1, {
        "timezone": "UTC",
        "serverTime": int(source.now()),
        "futuresType": "U_MARGINED",
        "rateLimits": limits,
        "exchangeFilters": [],
        "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
        "symbols": [info_row(listing) for listing in source.listings.values()],
    }


async def _klines(source: Source, query: Query) -> Answer:
    listing = _listing(source, query)
    interval = query.get("interval", "")
    if interval not in INTERVAL_MS:
        raise _RefusedError(-1120, "Invalid interval.")
    limit = _limit(query, 500, 1500)
    rows = source.candles(listing.symbol, interval)
    start = whole(query, "startTime")
    if start is not None:
        rows = rows[rows[:, OPEN_TIME] >= start]
    if (end := whole(query, "endTime")) is not None:
        rows = rows[rows[:, OPEN_TIME] <= end]
    rows = rows[-limit:] if start is None else rows[:limit]
    weight = 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1000 else 10
    return weight, kline_rows(listing, interval, rows)


async def _depth(source: Source, query: Query) -> Answer:
    listing = _listing(source, query)
    limit = whole(query, "limit") or 500
    if limit not in _DEPTH_WEIGHTS:
        raise _RefusedError(-1130, "Data sent for parameter 'limit' is not valid.")
    book = await source.book(listing.symbol, limit)
    if book is None:
        raise _RefusedError(-1000, "An unknown error occurred while processing the request.")
    return _DEPTH_WEIGHTS[limit], {
        "lastUpdateId": book.update_id,
        "E": int(source.now()),
        "T": book.time,
        "bids": book.bids,
        "asks": book.asks,
    }


async def _day(source: Source, query: Query) -> Answer:
    rows = [day_row(instrument, source.now()) for instrument in _instruments(source, query)]
    return (1, rows[0]) if query.get("symbol") else (40, rows)


async def _book_ticker(source: Source, query: Query) -> Answer:
    rows = [book_row(instrument) for instrument in _instruments(source, query)]
    return (2, rows[0]) if query.get("symbol") else (5, rows)


async def _premium(source: Source, query: Query) -> Answer:
    rows = [premium_row(instrument, source.now()) for instrument in _instruments(source, query)]
    return (1, rows[0]) if query.get("symbol") else (10, rows)


async def _agg_trades(source: Source, query: Query) -> Answer:
    listing, limit = _listing(source, query), _limit(query, 500, 1000)
    first, start, end = whole(query, "fromId"), whole(query, "startTime"), whole(query, "endTime")
    if first is not None and (start is not None or end is not None):
        raise _RefusedError(-1128, "Combination of optional parameters invalid.")
    if start is not None and end is not None and end - start > _HOUR_MS:
        raise _RefusedError(-1127, "More than 1 hours between startTime and endTime.")
    trades = list(source.trades(listing.symbol))
    if first is not None:
        trades = [trade for trade in trades if trade.trade_id >= first][:limit]
    elif start is not None:
        trades = [trade for trade in trades if start <= trade.time <= (end or trade.time)][:limit]
    else:
        trades = [trade for trade in trades if end is None or trade.time <= end][-limit:]
    return 20, [agg_trade_row(listing, trade) for trade in trades]


_HANDLERS = {
    "/fapi/v1/ping": _ping,
    "/fapi/v1/time": _time,
    "/fapi/v1/exchangeInfo": _exchange_info,
    "/fapi/v1/klines": _klines,
    "/fapi/v1/depth": _depth,
    "/fapi/v1/ticker/24hr": _day,
    "/fapi/v1/ticker/bookTicker": _book_ticker,
    "/fapi/v1/premiumIndex": _premium,
    "/fapi/v1/aggTrades": _agg_trades,
}


def _listing(source: Source, query: Query) -> Listing:
    symbol = query.get("symbol", "")
    if not symbol:
        raise _RefusedError(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
    if symbol not in source.listings:
        raise _RefusedError(-1121, "Invalid symbol.")
    return source.listings[symbol]


def _instruments(source: Source, query: Query) -> list[Instrument]:
    """The instrument asked for, or all of them. One that nothing is known about is refused."""
    if not query.get("symbol"):
        return [known for symbol in source.listings if (known := source.instrument(symbol))]
    instrument = source.instrument(_listing(source, query).symbol)
    if instrument is None:
        raise _RefusedError(-1000, "An unknown error occurred while processing the request.")
    return [instrument]


def _limit(query: Query, default: int, most: int) -> int:
    limit = whole(query, "limit")
    if limit is not None and limit < 1:
        raise _RefusedError(-1130, "Data sent for parameter 'limit' is not valid.")
    return default if limit is None else min(most, limit)

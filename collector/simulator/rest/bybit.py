"""Bybit's REST endpoints (v5, market). Errors come with HTTP 200 and a `retCode`.

Source: Bybit v5 API documentation, Market.
"""

from typing import Any

import msgspec

from collector.simulator.economy.coins import Listing
from collector.simulator.economy.history import CLOSE, HIGH, LOW, OPEN, OPEN_TIME, TURNOVER, VOLUME
from collector.simulator.economy.noise import FloatArray
from collector.simulator.rest import Query, Reply, Source, encoded, table, whole
from collector.simulator.streams.bybit import INTERVALS, side_of, trade_uuid
from collector.simulator.streams.bybit_ticker import ticker_fields

_LAUNCHED = 1_584_230_400_000
_FUNDING_MINUTES = 480


class _BadRequestError(Exception):
    """A parameter that Bybit refuses."""


async def answer(source: Source, path: str, query: Query) -> Reply:
    """The answer to `GET path?query`."""
    handler = _HANDLERS.get(path)
    if handler is None:
        return Reply(404, b'{"retCode":10017,"retMsg":"Route not found"}')
    now = int(source.now())
    try:
        result = await handler(source, query)
        body = {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": now}
    except (_BadRequestError, ValueError) as error:
        body = {
            "retCode": 10001,
            "retMsg": f"params error: {error}",
            "result": {},
            "retExtInfo": {},
            "time": now,
        }
    return Reply(200, encoded(body))


async def _time(source: Source, query: Query) -> dict[str, Any]:  # noqa: ARG001  handlers share one signature
    now = int(source.now())
    return {"timeSecond": str(now // 1000), "timeNano": str(now * 1_000_000)}


async def _instruments(source: Source, query: Query) -> dict[str, Any]:
    _linear(query)
    if symbol := query.get("symbol"):
        return {"category": "linear", "list": [_info(_listing(source, query), symbol)], "nextPageCursor": ""}
    limit = _limit(query, 500, 1000)
    first = int(query.get("cursor", "").removeprefix("first=") or 0)
    names = sorted(source.listings)
    page = names[first : first + limit]
    following = first + limit
    return {
        "category": "linear",
        "list": [_info(source.listings[name], name) for name in page],
        "nextPageCursor": f"first={following}" if following < len(names) else "",
    }


async def _klines(source: Source, query: Query) -> dict[str, Any]:
    _linear(query)
    listing = _listing(source, query)
    interval = INTERVALS.get(query.get("interval", ""))
    if interval is None:
        raise _BadRequestError("Invalid period!")
    rows = source.candles(listing.symbol, interval)
    if (start := whole(query, "start")) is not None:
        rows = rows[rows[:, OPEN_TIME] >= start]
    if (end := whole(query, "end")) is not None:
        rows = rows[rows[:, OPEN_TIME] <= end]
    rows = rows[-_limit(query, 200, 1000) :][::-1]
    return {"symbol": listing.symbol, "category": "linear", "list": _kline_rows(listing, rows)}


async def _orderbook(source: Source, query: Query) -> dict[str, Any]:
    _linear(query)
    listing = _listing(source, query)
    book = await source.book(listing.symbol, _limit(query, 25, 1000))
    if book is None:
        raise _BadRequestError("no book")
    return {
        "s": listing.symbol,
        "b": book.bids,
        "a": book.asks,
        "ts": int(source.now()),
        "u": book.update_id,
        "seq": book.sequence,
        "cts": book.time,
    }


async def _tickers(source: Source, query: Query) -> dict[str, Any]:
    _linear(query)
    symbols = [_listing(source, query).symbol] if query.get("symbol") else list(source.listings)
    known = [instrument for symbol in symbols if (instrument := source.instrument(symbol))]
    return {"category": "linear", "list": [ticker_fields(instrument, source.now()) for instrument in known]}


async def _trades(source: Source, query: Query) -> dict[str, Any]:
    _linear(query)
    listing = _listing(source, query)
    newest = list(source.trades(listing.symbol))[-_limit(query, 500, 1000) :][::-1]
    rows = [
        {
            "execId": trade_uuid(trade),
            "symbol": listing.symbol,
            "price": listing.price(trade.ticks),
            "size": listing.size(trade.lots),
            "side": side_of(trade),
            "time": str(trade.time),
            "isBlockTrade": False,
            "isRPITrade": False,
            "seq": str(trade.sequence),
        }
        for trade in newest
    ]
    return {"category": "linear", "list": rows}


_HANDLERS = {
    "/v5/market/time": _time,
    "/v5/market/instruments-info": _instruments,
    "/v5/market/kline": _klines,
    "/v5/market/orderbook": _orderbook,
    "/v5/market/tickers": _tickers,
    "/v5/market/recent-trade": _trades,
}


def _linear(query: Query) -> None:
    if query.get("category", "linear") != "linear":
        raise _BadRequestError("Category is invalid")


def _listing(source: Source, query: Query) -> Listing:
    listing = source.listings.get(query.get("symbol", ""))
    if listing is None:
        raise _BadRequestError("Symbol Is Invalid")
    return listing


def _limit(query: Query, default: int, most: int) -> int:
    limit = whole(query, "limit")
    return default if limit is None else max(1, min(most, limit))


def _kline_rows(listing: Listing, rows: FloatArray) -> msgspec.Raw:
    """start, open, high, low, close, volume, turnover: all text."""
    price, size = f'"%.{listing.price_places}f"', f'"%.{listing.size_places}f"'
    turnover = f'"%.{listing.price_places + listing.size_places}f"'
    prices = [rows[:, column] * listing.tick_size for column in (OPEN, HIGH, LOW, CLOSE)]
    value = rows[:, TURNOVER] * (listing.tick_size * listing.lot_size)
    template = f'["%d",{price},{price},{price},{price},{size},{turnover}]'
    return table(template, [rows[:, OPEN_TIME], *prices, rows[:, VOLUME] * listing.lot_size, value])


def _info(listing: Listing, symbol: str) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": listing.base,
        "quoteCoin": "USDT",
        "launchTime": str(_LAUNCHED),
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(listing.price_places),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "50.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": listing.tick, "maxPrice": listing.price(1e7), "tickSize": listing.tick},
        "lotSizeFilter": {
            "maxOrderQty": listing.size(1e6),
            "minOrderQty": listing.lot,
            "qtyStep": listing.lot,
            "maxMktOrderQty": listing.size(1e5),
            "minNotionalValue": "5",
        },
        "unifiedMarginTrade": True,
        "fundingInterval": _FUNDING_MINUTES,
        "settleCoin": "USDT",
        "upperFundingRate": "0.005",
        "lowerFundingRate": "-0.005",
        "isPreListing": False,
        "preListingInfo": None,
        "symbolType": "",
        "tags": [],
    }

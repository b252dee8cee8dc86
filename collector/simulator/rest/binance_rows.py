"""The rows and objects of Binance's REST answers."""

from typing import Any

import msgspec

from collector.simulator.economy.candles import Trade
from collector.simulator.economy.coins import Listing
from collector.simulator.economy.history import (
    BUY_TURNOVER,
    BUY_VOLUME,
    CLOSE,
    HIGH,
    LOW,
    OPEN,
    OPEN_TIME,
    TURNOVER,
    VOLUME,
)
from collector.simulator.economy.instrument import Instrument
from collector.simulator.economy.noise import FloatArray
from collector.simulator.rest import table
from collector.simulator.streams.binance_candles import day_fields
from market.intervals import INTERVAL_MS

_NEVER = 4_133_404_800_000
_ONBOARD = 1_569_398_400_000
_LONG_NAMES = {
    "p": "priceChange",
    "P": "priceChangePercent",
    "w": "weightedAvgPrice",
    "c": "lastPrice",
    "Q": "lastQty",
    "o": "openPrice",
    "h": "highPrice",
    "l": "lowPrice",
    "v": "volume",
    "q": "quoteVolume",
    "O": "openTime",
    "C": "closeTime",
    "F": "firstId",
    "L": "lastId",
    "n": "count",
}


def day_row(instrument: Instrument, now: float) -> dict[str, str | int]:
    """A row of ticker/24hr."""
    row: dict[str, str | int] = {"symbol": instrument.listing.symbol}
    row.update({_LONG_NAMES[name]: value for name, value in day_fields(instrument, now).items()})
    return row


def book_row(instrument: Instrument) -> dict[str, str | int]:
    """A row of ticker/bookTicker."""
    listing, top = instrument.listing, instrument.book.top
    return {
        "symbol": listing.symbol,
        "pair": listing.symbol,
        "bidPrice": listing.price(top.bid),
        "bidQty": listing.size(top.bid_lots),
        "askPrice": listing.price(top.ask),
        "askQty": listing.size(top.ask_lots),
        "time": instrument.time,
        "lastUpdateId": top.update_id,
    }


def premium_row(instrument: Instrument, now: float) -> dict[str, str | int]:
    """A row of premiumIndex."""
    mark, index = instrument.reference()
    rate, next_time = instrument.funding(now)
    places = instrument.listing.price_places + 2
    return {
        "symbol": instrument.listing.symbol,
        "markPrice": f"{mark:.{places}f}",
        "indexPrice": f"{index:.{places}f}",
        "estimatedSettlePrice": f"{index:.{places}f}",
        "lastFundingRate": f"{rate:.8f}",
        "interestRate": "0.00010000",
        "nextFundingTime": next_time,
        "time": int(now),
    }


def kline_rows(listing: Listing, interval: str, rows: FloatArray) -> msgspec.Raw:
    """Candles: 12 fields each, the last unused."""
    price, size = f'"%.{listing.price_places}f"', f'"%.{listing.size_places}f"'
    turnover = f'"%.{listing.price_places + listing.size_places}f"'
    template = f'[%d,{price},{price},{price},{price},{size},%d,{turnover},%d,{size},{turnover},"0"]'
    columns = rows.T.copy()
    columns[[OPEN, HIGH, LOW, CLOSE]] *= listing.tick_size
    columns[[VOLUME, BUY_VOLUME]] *= listing.lot_size
    columns[[TURNOVER, BUY_TURNOVER]] *= listing.tick_size * listing.lot_size
    close_times = columns[OPEN_TIME] + (INTERVAL_MS[interval] - 1)
    return table(template, [*columns[: VOLUME + 1], close_times, *columns[TURNOVER:]])


def agg_trade_row(listing: Listing, trade: Trade) -> dict[str, Any]:
    """A row of aggTrades."""
    size = listing.size(trade.lots)
    return {
        "a": trade.trade_id,
        "p": listing.price(trade.ticks),
        "q": size,
        "nq": size,
        "f": trade.trade_id,
        "l": trade.trade_id,
        "T": trade.time,
        "m": not trade.is_buy,
    }


def info_row(listing: Listing) -> dict[str, Any]:
    """A symbol of exchangeInfo."""
    return {
        "symbol": listing.symbol,
        "pair": listing.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": _NEVER,
        "onboardDate": _ONBOARD,
        "status": "TRADING",
        "baseAsset": listing.base,
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": listing.price_places,
        "quantityPrecision": listing.size_places,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": listing.tick,
                "maxPrice": listing.price(1e7),
                "tickSize": listing.tick,
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": listing.lot,
                "maxQty": listing.size(1e6),
                "stepSize": listing.lot,
            },
            {"filterType": "MIN_NOTIONAL", "notional": "5"},
        ],
    }

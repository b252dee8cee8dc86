"""cryptofeed on the simulator's bench and both stores. A child of `peer`, run by an environment of its own.

Everything is as the package has it by default (uvloop, its writers' batches, its log), but for what it cannot
do here: sockets without TLS, Redis on a unix socket, and Bybit's times, which it takes for seconds.

Takes one JSON object; prints the messages, CPU seconds and wall seconds of a window, and all messages so far.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from cryptofeed import FeedHandler
from cryptofeed.backends.postgres import BookPostgres, CandlesPostgres, TickerPostgres, TradePostgres
from cryptofeed.backends.redis import BookRedis, CandlesRedis, TickerRedis, TradeRedis
from cryptofeed.defines import CANDLES, L2_BOOK, TICKER, TRADES
from cryptofeed.exchanges import BinanceFutures, Bybit
from cryptofeed.symbols import Symbols

_BACKENDS = {
    L2_BOOK: (BookRedis, BookPostgres),
    TICKER: (TickerRedis, TickerPostgres),
    TRADES: (TradeRedis, TradePostgres),
    CANDLES: (CandlesRedis, CandlesPostgres),
}
_MOST_SECONDS = 1e11
_FEW_WAIT = 500


class _Plain:
    """A socket without TLS: an address must begin with wss://, so it is changed just before it is used."""

    async def _ws_authentication(self, address: str, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return address.replace("wss://", "ws://", 1), options


class _Seconds:
    """Times in seconds: Bybit's books and tickers come with ms, at which the Postgres writer would end."""

    async def write(self, data: dict[str, Any]) -> None:
        """Queue one row."""
        if data["timestamp"] > _MOST_SECONDS:
            data["timestamp"] /= 1000
        await super().write(data)  # type: ignore[misc]  # the backend's


class _Bybit(_Plain, Bybit):
    pass


class _BinanceMarket(_Plain, BinanceFutures):
    pass


class _BinancePublic(_Plain, BinanceFutures):
    """Books of partial depth, which the bench sends: applied as changes, from the first one's id on.

    A book still begins with a snapshot over REST; only its id is none of the bench's.
    """

    websocket_channels = {**BinanceFutures.websocket_channels, L2_BOOK: "depth20"}

    async def _book(self, msg: dict[str, Any], pair: str, timestamp: float) -> None:
        name = self.exchange_symbol_to_std_symbol(pair)
        if name not in self._l2_book:
            await self._snapshot(pair)
            self.last_update_id[name] = msg["pu"]
        await super()._book(msg, pair, timestamp)


def _callbacks(redis_url: str, postgres: dict[str, str]) -> dict[str, list[Any]]:
    """One writer for each channel and store, which all feeds share."""
    callbacks: dict[str, list[Any]] = {}
    for channel, (hot, history) in _BACKENDS.items():
        in_redis = type(hot.__name__, (_Seconds, hot), {})()
        in_redis.redis = redis_url  # what its option `socket` makes of a path is ""
        callbacks[channel] = [in_redis, type(history.__name__, (_Seconds, history), {})(**postgres)]
    return callbacks


def _feeds(port: int, symbols: dict[str, list[str]], callbacks: dict[str, list[Any]]) -> list[Any]:
    """Both venues; Binance twice, as its routes are two."""
    address = f"wss://127.0.0.1:{port}"
    _BinancePublic.rest_endpoints = [
        replace(BinanceFutures.rest_endpoints[0], address=f"http://127.0.0.1:{port}")
    ]
    feeds = []
    for kind, path, channels in (
        (_Bybit, "/v5/public/linear", [L2_BOOK, TICKER, TRADES, CANDLES]),
        (_BinancePublic, "/public", [L2_BOOK, TICKER]),
        (_BinanceMarket, "/market", [TRADES, CANDLES]),
    ):
        given = symbols["bybit" if kind is _Bybit else "binance"]
        names = {f"{symbol.removesuffix('USDT')}-USDT-PERP": symbol for symbol in given}
        Symbols.set(kind.id, names, {})
        endpoint = kind.websocket_endpoints[0]
        kind.websocket_endpoints = [replace(endpoint, address=address + path, authentication=True)]
        chosen = {channel: callbacks[channel] for channel in channels}
        feeds.append(kind(symbols=list(names), channels=channels, callbacks=chosen))
    return feeds


def _received(feeds: Iterable[Any]) -> int:
    return sum(handler.conn.received for feed in feeds for handler in feed.connection_handlers)


def _waiting(writers: list[Any]) -> int:
    """Rows that are not written yet, of both stores together."""
    return sum(writer.queue.qsize() for writer in writers)


async def _measure(feeds: list[Any], writers: list[Any], given: dict[str, Any]) -> None:
    """Begin when little waits to be written; end when all that was received is written.

    What did wait counts as if it were received in the window, which is in the peer's favour.
    """
    await asyncio.sleep(given["warm_s"])
    patience = time.monotonic() + given["patience_s"]
    while _waiting(writers) > _FEW_WAIT and time.monotonic() < patience:
        await asyncio.sleep(0.02)
    messages = _received(feeds) - _waiting(writers) // 2
    used, began = time.process_time(), time.monotonic()
    await asyncio.sleep(given["seconds"])
    elapsed = time.monotonic() - began
    for feed in feeds:
        feed.stop()
    written = asyncio.gather(*(writer.queue.join() for writer in writers))
    await asyncio.wait([written, *(it.worker for it in writers)], return_when=asyncio.FIRST_COMPLETED)
    if not written.done():
        raise RuntimeError("a writer ended")  # it says why when it is collected
    spent, total = time.process_time() - used, _received(feeds)
    print(total - messages, spent, elapsed, total, flush=True)


def main(given: dict[str, Any]) -> None:
    """Follow every topic for a time."""
    callbacks = _callbacks(given["redis_url"], given["postgres"])
    feeds = _feeds(given["port"], given["symbols"], callbacks)
    handler = FeedHandler()
    for feed in feeds:
        handler.add_feed(feed)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    handler.run(start_loop=False, install_signal_handlers=False)
    writers = [writer for pair in callbacks.values() for writer in pair]
    loop.run_until_complete(_measure(feeds, writers, given))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

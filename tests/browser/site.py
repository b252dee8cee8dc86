"""A web server of ours in this process, over rows that the test moves, with replies it can delay."""

import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Self
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from app.factory import create_app
from app.ports import Clock
from tests.app.fake_history import FakeHistory
from tests.app.fakes import LIVE_FEED, FakeReader, settings

SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "ADAUSDT", "LINKUSDT", "SUIUSDT"]
PRICES = {
    "BTCUSDT": (65114.2, 0.1), "ETHUSDT": (3321.45, 0.01), "SOLUSDT": (182.31, 0.01),
    "XRPUSDT": (0.6123, 1e-4), "DOGEUSDT": (0.12345, 1e-5), "ADAUSDT": (0.00003217, 1e-8),
    "LINKUSDT": (14.2, None),
}  # fmt: skip
"""First price and tick; SUIUSDT has no data at all."""


def now_ms() -> int:
    """Our clock."""
    return time.time_ns() // 1_000_000


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_args: Any) -> None:
        """Say nothing: the test output is for tests."""


class Site:
    """The app on a free loopback port. `url` stays the same over `stop` and `start`.

    One that comes after another listens where that did: what the browser has cached is still good.
    """

    _last_port = 0

    def __init__(self, **values: Any) -> None:
        self.reader = FakeReader()
        self.history = FakeHistory()
        self.delay_s = 0.0
        self.moving = True
        self.more: dict[str, dict[str, Any]] = {}
        """Further fields of single rows, by `venue:SYMBOL`."""
        self.turnover = {symbol: 1e9 / (i + 1) for i, symbol in enumerate(SYMBOLS)}
        self._steps = 0
        self._ended = threading.Event()
        given = {"feeds": "sim", "symbols": SYMBOLS} | values
        self._app = create_app(settings(**given), self.reader, self.history, Clock(now_ms, time.monotonic))
        self._feeder = threading.Thread(target=self._feed, daemon=True)
        self._server: BaseWSGIServer | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self.step()
        self.start()
        self._feeder.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._feeder.join()
        self.stop()

    @property
    def url(self) -> str:
        """Where the market page is."""
        return f"http://127.0.0.1:{self._port}/"

    def start(self) -> None:
        """Listen, on the port of last time if there was one."""
        served = self._delayed(self._app.server)
        try:
            listening = socket.create_server(("127.0.0.1", self._port or Site._last_port))
        except OSError:  # taken meanwhile
            listening = socket.create_server(("127.0.0.1", self._port))
        with listening:
            self._server = make_server(
                "127.0.0.1", 0, served, threaded=True, request_handler=_Quiet, fd=listening.fileno()
            )
        self._port = Site._last_port = self._server.port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening; connections are refused from here on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def step(self) -> None:
        """Move every price by a tick and tell it to the reader."""
        self._steps += 1
        for venue in ("sim-bybit", "sim-binance"):
            self.reader.states[venue] = LIVE_FEED
            for i, (symbol, (price, tick)) in enumerate(PRICES.items()):
                step = (self._steps + i) % 7 * (tick or 0.01)
                values = {
                    "tick_size": tick, "last_price": price + step, "turnover_24h": self.turnover[symbol],
                    "change_24h_pct": i - 3.0, "funding_rate": 0.0001, "spread_bps": 0.03 + i,
                    "imbalance": i / 3 - 1, "recv_time": now_ms(), "event_time": now_ms(),
                }  # fmt: skip
                self.reader.put(venue, symbol, **(values | self.more.get(f"{venue}:{symbol}", {})))

    def _feed(self) -> None:
        while not self._ended.wait(0.1):
            if self.moving:
                self.step()

    def _delayed(self, inner: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        def outer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            if environ["REQUEST_METHOD"] == "POST":
                time.sleep(self.delay_s)
            return inner(environ, start_response)

        return outer

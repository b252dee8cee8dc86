"""`python -m collector.doctor`: tries both stores and every route of every venue, and says what is wrong."""

import functools
import logging
import threading
import time
from collections.abc import Callable

import structlog

from collector.backfill import RestClient, RestUnavailable
from collector.connection import Connection
from collector.piping import run_piped
from collector.proxy import proxy_for
from collector.venues import Plan, RestError, Venue, venue_for
from db.errors import SchemaMismatch, StoreUnavailable
from db.history.engine import writer_engine
from db.hot.connect import live_client
from db.hot.writer import HotWriter
from db.migrate import check_schema
from db.settings import Settings, load_settings
from market.events import FrameError, Rejected

PATIENCE_S = 10.0
PROBE_SYMBOL = "BTCUSDT"

HINTS = {
    "the proxy": "check HTTPS_PROXY, or name the venue in NO_PROXY",
    "no schema": "`./dev` makes it, or run `python -m db.migrate`",
    "cannot be resolved": "check DNS, or set HTTPS_PROXY",
    "TLS failed": "a proxy that opens TLS, or a wrong clock, is the usual cause",
    "refused)": "check the address and the firewall",
    "timed out": "a firewall drops the packets, or the proxy is wrong",
    "status 403": "a blocked region, or too many requests from this address",
    "status 451": "this region is blocked for legal reasons: use a server elsewhere, or FEEDS=sim",
    "status 30": "redirected, which is never followed: a captive portal or a blocked region",
    "no data": "accepted and silent: wrong route, wrong symbol, or an outage",
}
"""What to do, by a part of what is wrong."""


class Probe:
    """Listens on one route until the first datum."""

    def __init__(
        self, venue: Venue, name: str, urls: list[str], frames: list[str], *, proxy: str = ""
    ) -> None:
        self.verdict = ""
        self._venue = venue
        self._frames = frames
        self._done = threading.Event()
        self._connection = Connection(name, urls, self, send_every_s=0.3, proxy=proxy)

    def run(self) -> str:
        """ "" when data came, else what went wrong."""
        self._connection.start()
        deadline = time.monotonic() + PATIENCE_S
        while not self._done.wait(0.1) and time.monotonic() < deadline:
            self._connection.service(time.monotonic())
        self._connection.stop()
        if not self._done.is_set():
            opened = self._connection.generation > 0
            return f"no data within {PATIENCE_S:.0f} s" if opened else "the connection timed out"
        return self.verdict

    def on_open(self, connection: Connection) -> None:
        """Ask for one topic of each kind."""
        for frame in self._frames:
            connection.send(frame)

    def on_frame(self, _connection: Connection, frame: bytes, recv_time: int) -> None:
        """The first datum, or a refusal, decides."""
        try:
            events = self._venue.stream.decode(frame, recv_time).events
        except FrameError as error:
            self._decide(f"unexpected answer: {error}")
            return
        refused = [e for e in events if isinstance(e, Rejected)]
        if refused:
            self._decide(f"subscription refused: {refused[0].reason}")
        elif any(hasattr(e, "symbol") for e in events):
            self._decide("")

    def on_close(self, _connection: Connection, _state: str, reason: str) -> None:
        """The connection could not be opened or kept."""
        self._decide(reason)

    def _decide(self, verdict: str) -> None:
        if not self._done.is_set():
            self.verdict = verdict
            self._done.set()


def checks(settings: Settings) -> list[tuple[str, Callable[[], str]]]:
    """(what, check) in the order they are tried; a check returns "" or what is wrong."""
    found: list[tuple[str, Callable[[], str]]] = [
        ("PostgreSQL", lambda: _check_postgres(settings)),
        ("Redis", lambda: _check_redis(settings)),
    ]
    addresses = {
        "bybit": (settings.bybit_ws_url, settings.bybit_rest_url),
        "binance": (settings.binance_ws_url, settings.binance_rest_url),
    }
    for adapter, name in settings.venue_names.items():
        ws_urls, rest_url = addresses[adapter]
        venue = venue_for(name)
        if settings.backfill == "auto":
            proxy = proxy_for(rest_url, settings.https_proxy, settings.no_proxy)
            client = RestClient(rest_url, venue.rest, proxy=proxy)
            found.append((f"{name} REST", functools.partial(_check_rest, client)))
        topics = venue.stream.topics(PROBE_SYMBOL, Plan(("1m",), settings.bybit_depth, uses_rest=True))
        for route in venue.stream.ROUTES:
            names = [t.name for t in topics if t.route == route]
            probe = Probe(
                venue,
                f"{name}-{route}",
                [venue.stream.url(base, route) for base in ws_urls],
                [venue.stream.subscribe(names, 1)],
                proxy=proxy_for(ws_urls[0], settings.https_proxy, settings.no_proxy),
            )
            found.append((f"{name} WebSocket {route}", probe.run))
    return found


def _check_postgres(settings: Settings) -> str:
    try:
        check_schema(writer_engine(settings.database_url))
    except (StoreUnavailable, SchemaMismatch) as error:
        return str(error)
    return ""


def _check_redis(settings: Settings) -> str:
    try:
        HotWriter(live_client(settings.redis_url)).has("events")
    except StoreUnavailable as error:
        return str(error)
    return ""


def _check_rest(client: RestClient) -> str:
    try:
        venue_time = client.rest.parse_time(client.get(client.rest.time_request()))
    except (RestUnavailable, RestError) as error:
        return str(error)
    skew_ms = venue_time - time.time_ns() // 1_000_000
    return f"this machine's clock is {-skew_ms / 1000:+.1f} s off" if abs(skew_ms) > 5_000 else ""


def main() -> int:
    """Print a line a check; 0 when all is well."""
    settings = load_settings()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    tried = checks(settings)
    failed = 0
    for what, check in tried:
        problem = check()
        failed += bool(problem)
        hint = next((words for sign, words in HINTS.items() if sign in problem), "")
        print(
            f"{'ok  ' if not problem else 'FAIL'}  {what:<28} {problem[:200]}{f'  ({hint})' if hint else ''}",
            flush=True,
        )
    print("all is well" if not failed else f"{failed} of {len(tried)} checks failed")
    return 1 if failed else 0


if __name__ == "__main__":
    run_piped(main)

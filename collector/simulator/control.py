"""The control port: plain HTTP on loopback, for programs and for curl. Bodies are JSON.

    curl -s localhost:PORT/                                  every kind of fault with its fields
    curl -s localhost:PORT/faults                            the faults there are and were, and what they did
    curl -s localhost:PORT/faults -d '{"kind":"mute","topics":"*@bookTicker","seconds":10}'
    curl -s -X DELETE localhost:PORT/faults                  heal all; /faults/3 heals one
    curl -s localhost:PORT/record -d '{"symbols":{"bybit":["BTCUSDT"],"binance":["BTCUSDT"]}}'
    curl -s 'localhost:PORT/truth?venue=bybit&symbol=BTCUSDT'   &from= and &to= in epoch ms
    curl -s localhost:PORT/counts                            connects, subscriptions, REST requests
    curl -s -X POST localhost:PORT/jump                      with --start-behind: be behind no more

A fault that is asked for answers with its `id`; what cannot be done answers 400 and says why. The server runs
in a thread of its own, and everything it does it does inside the exchange's event loop.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import msgspec

from collector.simulator.exchange import Exchange
from collector.simulator.faults.fault import FaultRefused
from collector.simulator.faults.kinds import fault_of, help_text
from collector.simulator.truth import Truth

_TIMEOUT_S = 60.0
_POLL_S = 0.05
_MOST_BODY = 2**20
_END_OF_TIME = 2**53


class Recording(msgspec.Struct, forbid_unknown_fields=True):
    """What to record."""

    symbols: dict[str, list[str]]
    depth: int = 50


class Asked(NamedTuple):
    """One request: `words` are the parts of its path."""

    method: str
    words: list[str]
    query: dict[str, str]
    body: bytes


class Control:
    """What the control port can do. Coroutines run in the exchange's loop."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._truth = Truth(exchange)
        self._deeds: dict[str, Callable[[Asked], Awaitable[object]]] = {
            "GET /": self._help,
            "GET /faults": self._faults,
            "POST /faults": self._begin,
            "DELETE /faults": self._heal,
            "POST /record": self._record,
            "GET /truth": self._tell,
            "GET /counts": self._counts,
            "POST /jump": self._jump,
        }

    async def perform(self, asked: Asked) -> object:
        """Do what a request asks for; text or data. Raises FaultRefused."""
        deed = self._deeds.get(f"{asked.method} /{asked.words[0] if asked.words else ''}")
        if deed is None:
            raise FaultRefused(
                f"nothing is done on {asked.method} /{'/'.join(asked.words)}; GET / tells what is"
            )
        return await deed(asked)

    async def _help(self, _asked: Asked) -> str:
        return f"{__doc__}\n\nKinds, with their fields:\n\n{help_text()}"

    async def _faults(self, _asked: Asked) -> list[Any]:
        return [entry.told() for entry in self._exchange.faults.entries]

    async def _begin(self, asked: Asked) -> dict[str, Any]:
        return (await self._exchange.faults.begin(fault_of(asked.body))).told()

    async def _heal(self, asked: Asked) -> list[Any]:
        number = int(asked.words[1]) if len(asked.words) > 1 else None
        return [entry.told() for entry in self._exchange.faults.heal(number)]

    async def _record(self, asked: Asked) -> dict[str, str]:
        wanted = msgspec.json.decode(asked.body, type=Recording)
        if unknown := wanted.symbols.keys() - {"bybit", "binance"}:
            raise FaultRefused(
                f"symbols: expected venues bybit and binance, found {', '.join(sorted(unknown))}"
            )
        self._truth.record(wanted.symbols, wanted.depth)
        return {"state": "recording"}

    async def _tell(self, asked: Asked) -> dict[str, Any]:
        query = asked.query
        first, last = int(query.get("from", 0)), int(query.get("to", _END_OF_TIME))
        return self._truth.told(query.get("venue", ""), query.get("symbol", ""), first, last)

    async def _counts(self, _asked: Asked) -> dict[str, Any]:
        return self._exchange.counts.told()

    async def _jump(self, _asked: Asked) -> dict[str, float]:
        return {"skipped_s": self._exchange.jump()}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    control: Control
    loop: asyncio.AbstractEventLoop


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = _TIMEOUT_S

    def do_GET(self) -> None:
        self._do()

    def do_POST(self) -> None:
        self._do()

    def do_DELETE(self) -> None:
        self._do()

    def do_PUT(self) -> None:
        self._do()

    def do_PATCH(self) -> None:
        self._do()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: stdout is the parent's."""

    def _do(self) -> None:
        size = self.headers.get("Content-Length") or "0"
        if size.isdecimal() and int(size) <= _MOST_BODY:
            status, answer = self._answer(self.rfile.read(int(size)))
        else:
            self.close_connection = True  # where its body ends is not known, or far away
            status, answer = 400, {"error": f"Content-Length: expected 0 to {_MOST_BODY}, found {size!r}"}
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(answer, str) else "application/json")
        reply = answer.encode() if isinstance(answer, str) else msgspec.json.encode(answer) + b"\n"
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def _answer(self, body: bytes) -> tuple[int, object]:
        url = urlsplit(self.path)
        words = [word for word in url.path.split("/") if word]
        doing = self.server.control.perform(Asked(self.command, words, dict(parse_qsl(url.query)), body))
        try:
            return 200, asyncio.run_coroutine_threadsafe(doing, self.server.loop).result(_TIMEOUT_S)
        except (FaultRefused, msgspec.DecodeError, ValueError) as error:
            return 400, {"error": str(error)}


@contextmanager
def controlling(exchange: Exchange, port: int) -> Iterator[int]:
    """Serve the control port on 127.0.0.1 and yield it (0: any free one). Inside the exchange's loop."""
    server = _Server(("127.0.0.1", port), _Handler)
    server.control, server.loop = Control(exchange), asyncio.get_running_loop()
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_S,), name="control", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()

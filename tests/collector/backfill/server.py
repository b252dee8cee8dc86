"""A venue's REST on loopback that answers as a test tells it."""

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit


class Said(NamedTuple):
    """One answer."""

    status: int = 200
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = ()


class Server:
    """Answers every GET with what `answer(path, query)` says, and keeps what was asked."""

    def __init__(self) -> None:
        self.answer: Callable[[str, dict[str, str]], Said] = lambda _path, _query: Said()
        self.asked: list[str] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                outer.asked.append(self.path)
                said = outer.answer(url.path, dict(parse_qsl(url.query)))
                self.send_response(said.status)
                for name, value in (*said.headers, ("Content-Length", str(len(said.body)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said.body)

            def log_message(self, *_args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer everything with this; underscores in names of headers are dashes."""
        named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        self.answer = lambda _path, _query: Said(status, body, named)

    @contextmanager
    def running(self) -> Iterator["Server"]:
        """While it listens."""
        self._thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

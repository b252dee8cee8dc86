"""The web as it is served: gunicorn with its workers on a free port, over a real Redis."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.app.stream.sse import Told, parse

ROOT = Path(__file__).parents[3]
DEADLINE_S = 20.0
NOWHERE = "postgresql://nowhere@127.0.0.1:1/app"


class Served:
    """A running gunicorn; `log` is what it has said."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.process, self.port, self._log = process, port, log

    @property
    def log(self) -> str:
        return self._log.read_text()

    def stop(self) -> float:
        """SIGTERM; returns after how many seconds it ended, which it must do well."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(DEADLINE_S) == 0, self.log
        return time.monotonic() - began


class Client:
    """One connection that asked for something and reads the reply as it comes."""

    def __init__(
        self,
        port: int,
        target: str,
        headers: Mapping[str, str] | None = None,
        *,
        receive_buffer: int | None = None,
    ) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE_S)
        lines = [f"GET {target} HTTP/1.1", "Host: here", *(f"{n}: {v}" for n, v in (headers or {}).items())]
        try:
            self.socket.connect(("127.0.0.1", port))
            self.socket.sendall("\r\n".join((*lines, "", "")).encode())
        except OSError:
            self.socket.close()
            raise
        self._got = b""

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_error: object) -> None:
        self.socket.close()

    def read_until(self, words: str) -> str:
        """All that came, once these words are in it."""
        while words.encode() not in self._got:
            piece = self.socket.recv(65_536)
            assert piece, f"ended without {words!r}: {self._got[-2000:]!r}"
            self._got += piece
        return self._got.decode()

    def read_all(self) -> str:
        """All that came until the other end closed."""
        while piece := self.socket.recv(65_536):
            self._got += piece
        return self._got.decode()

    @property
    def status(self) -> int:
        """Of the reply."""
        return int(self.read_until("\r\n\r\n").split(" ", 2)[1])

    def told(self, words: str) -> list[Told]:
        """The events up to the one with these words, which must stand in its last line."""
        body = unchunked(self.read_until(words).partition("\r\n\r\n")[2])
        return parse(body.rpartition("\n\n")[0])[0]


def unchunked(body: str) -> str:
    """Without the sizes of the chunks; no event has a line like those."""
    return re.sub(r"(?:\r\n)?[0-9A-Fa-f]+\r\n", "", body).removesuffix("\r\n")


@contextmanager
def served(redis_url: str, folder: Path, **values: str) -> Iterator[Served]:
    """A gunicorn with these settings; the database is one that does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = folder / "gunicorn.log"
    env = os.environ | {"REDIS_URL": redis_url, "DATABASE_URL": NOWHERE, "PORT": str(port)} | values
    env.pop("GUNICORN_CMD_ARGS", None)
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "app.main:server"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out)
    try:
        _wait_for(port, process, log)
        yield Served(process, port, log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with Client(port, "/healthz", {"Connection": "close"}) as client:
                if client.status == 200:
                    return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"gunicorn does not answer: {log.read_text()}")

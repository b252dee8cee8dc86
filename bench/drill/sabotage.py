"""A collector that does to itself what nobody can do from outside: `python -m bench.drill.sabotage SOCKET`.

It runs `python -m collector` and takes commands on a unix socket, one a connection, answered with a line:

clock SECONDS   what Python tells of the wall clock is off by so much
hold SECONDS    one thread keeps the interpreter so long, and no other gets anywhere
raise THREAD    an error comes out of nowhere in the thread of that name
threads         the names of all threads
"""

import ctypes
import runpy
import socket
import sys
import threading
import time
from pathlib import Path

_NS = 1_000_000_000


class Sabotage(Exception):
    """What is raised in a thread."""


class Saboteur:
    """The other end: commands to a collector that was started so."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def command(self, text: str) -> str:
        """Have something done; what is answered, once it is."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(str(self._path))
            client.sendall(text.encode())
            client.shutdown(socket.SHUT_WR)
            return client.makefile().read()


class Clock:
    """Stands in for `time.time` and `time.time_ns`."""

    def __init__(self) -> None:
        self.offset_ns = 0
        self._now_ns = time.time_ns

    def install(self) -> None:
        """Be what everybody asks who asks the module."""
        time.time_ns = self.time_ns
        time.time = self.time

    def time_ns(self) -> int:
        """The wall clock, and what it is off."""
        return self._now_ns() + self.offset_ns

    def time(self) -> float:
        """The same in seconds."""
        return self.time_ns() / _NS


def obey(clock: Clock, text: str) -> str:
    """Do what a command says; the answer. Raises ValueError."""
    word, _, rest = text.partition(" ")
    if word == "clock":
        clock.offset_ns = int(float(rest) * _NS)
    elif word == "hold":  # PyDLL, unlike CDLL, does not let the interpreter go
        ctypes.PyDLL(None).usleep(int(float(rest) * 1_000_000))
    elif word == "raise":
        return str(sum(_raise_in(thread) for thread in threading.enumerate() if thread.name == rest))
    elif word == "threads":
        return "\n".join(sorted({thread.name for thread in threading.enumerate()}))
    else:
        raise ValueError(f"expected clock, hold, raise or threads, found {word!r}")
    return "done"


def _raise_in(thread: threading.Thread) -> int:
    """It comes with the next line of Python that the thread runs."""
    ident = ctypes.c_ulong(thread.ident or 0)
    return int(ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(Sabotage)))


def _serve(path: str, clock: Clock) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        Path(path).unlink(missing_ok=True)
        listener.bind(path)
        listener.listen()
        while True:
            client, _ = listener.accept()
            with client:
                client.sendall(obey(clock, client.makefile().read()).encode())


def main(path: str) -> None:
    """Listen, and be a collector."""
    clock = Clock()
    clock.install()
    threading.Thread(target=_serve, args=(path, clock), name="sabotage", daemon=True).start()
    sys.argv = [sys.argv[0]]
    runpy.run_module("collector", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1])

"""A collector on the drill's exchange and stores."""

import itertools
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.drill.watch import Instrument
from db.local.stores import CHECKOUT

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")
VENUES = ("bybit", "binance")
FOLLOWED = tuple(Instrument(venue, symbol) for venue in VENUES for symbol in SYMBOLS)
_numbers = itertools.count(1)


def environment(urls: Mapping[str, str], port: int) -> dict[str, str]:
    """What leads a process to these stores and, on this port, to the exchange."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(CHECKOUT),
        **urls,
        "BYBIT_WS_URL": f"ws://127.0.0.1:{port}/v5/public/linear,ws://localhost:{port}/v5/public/linear",
        "BYBIT_REST_URL": f"http://127.0.0.1:{port}",
        "BINANCE_WS_URL": f"ws://127.0.0.1:{port},ws://localhost:{port}",
        "BINANCE_REST_URL": f"http://127.0.0.1:{port}",
        "SYMBOLS": ",".join(SYMBOLS),
        "TICK_INTERVAL_MS": "0",
        "LOG_LEVEL": "INFO",
    }


@contextmanager
def launched(
    urls: Mapping[str, str],
    port: int,
    logs: Path,
    *,
    program: Sequence[str] = ("collector",),
    directory: str = "",
    **settings: str,
) -> Iterator[subprocess.Popen[bytes]]:
    """A collector that follows FOLLOWED, until the end; its log goes to a file of its own.

    `urls` has DATABASE_URL and REDIS_URL, `port` is the exchange's; `settings` go before what is usual here.
    `program`: the module that is run and its arguments; `directory`: where, as a `.env` may lie there.
    """
    env = environment(urls, port) | settings
    with (
        tempfile.TemporaryDirectory() as spool,
        (logs / f"collector-{next(_numbers)}.log").open("wb") as log,
    ):
        env.setdefault("SPOOL_DIR", spool)
        command = [sys.executable, "-m", *program]
        process = subprocess.Popen(command, cwd=directory or None, env=env, stdout=log, stderr=log)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
                process.wait(timeout=20)

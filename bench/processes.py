"""Children of a benchmark, and what they use. Reads /proc, so Linux only."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from collector.simulator import child

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def resident_mb(pid: int) -> float:
    """Resident memory of a process, MB of 1,000,000 bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def simulator(*arguments: str) -> Iterator[int]:
    """A running simulator; its port."""
    process, port = child.start(arguments)
    try:
        yield port
    finally:
        child.stop(process)


@contextmanager
def collector(urls: dict[str, str], port: int, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """A running collector on that simulator and these stores."""
    ws, rest = f"ws://127.0.0.1:{port}", f"http://127.0.0.1:{port}"
    venues = {
        "BYBIT_WS_URL": f"{ws}/v5/public/linear",
        "BYBIT_REST_URL": rest,
        "BINANCE_WS_URL": ws,
        "BINANCE_REST_URL": rest,
        "LOG_LEVEL": "WARNING",
    }
    with tempfile.TemporaryDirectory() as spool:
        env = {"PATH": os.environ.get("PATH", ""), "SPOOL_DIR": spool, **urls, **venues, **settings}
        process = subprocess.Popen([sys.executable, "-m", "collector"], env=env)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=20)


def settle(seconds: float) -> None:
    """Let what was started come to its stride."""
    time.sleep(seconds)

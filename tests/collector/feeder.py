"""A process that gives a writer a script of ticks until it is told to end, or killed.

`python -m tests.collector.feeder URL DIRECTORY FIRST RATE FLUSH_MS`; says after every few rows how many there
were, and exits with 0 when all of them are written or on disk.
"""

import sys
from pathlib import Path

from collector.stopping import Stopping
from db.spool import Spool
from tests.collector.faults import Script, writer_on


def main(url: str, directory: str, first: str, rate: str, flush_ms: str) -> int:
    """Feed until SIGTERM."""
    stopping = Stopping()
    stopping.hear()
    writer = writer_on(url, Spool(Path(directory), 50), print, flush_interval_ms=int(flush_ms))
    script = Script(writer, int(rate), int(first))
    writer.start()
    with script.running():
        while not stopping.wait(0.005):
            print(len(script.ticks), flush=True)
    print(len(script.ticks), flush=True)
    return 0 if writer.stop(8.0) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

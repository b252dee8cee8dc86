"""`python -m collector`: the worker. Settings first, then stores, then the threads; ends on SIGTERM."""

import argparse
import os
import signal
import sys
import threading

import structlog

from collector import garbage, processes
from collector.stopping import Stopping
from collector.worker import Worker
from db.logs import configure_logs
from db.settings import load_settings

STOP_TIMEOUT_S = 9.0
BEGIN_S = 5.0
"""So long a start takes at most; until then nothing is looked at for cycles."""


def main() -> int:
    """Run until SIGTERM or Ctrl-C; 0 when everything at hand was written or is on disk."""
    parser = argparse.ArgumentParser(prog="python -m collector", description=__doc__)
    parser.add_argument("--number", type=int, help="which of COLLECTOR_PROCESSES to be; without, all of them")
    parser.add_argument("--parent", type=int, default=0, help="the process whose end is this one's")
    arguments = parser.parse_args()
    number: int | None = arguments.number
    settings = load_settings()
    configure_logs(settings)
    stopping = Stopping()
    failed = threading.Event()

    def on_thread_error(args: threading.ExceptHookArgs) -> None:
        structlog.get_logger().critical(
            "thread.died", thread=args.thread and args.thread.name, exc_info=args.exc_value
        )
        failed.set()
        stopping.set()

    threading.excepthook = on_thread_error
    stopping.hear()

    def on_hopeless(reason: str) -> None:
        if not failed.is_set():
            structlog.get_logger().critical("collector.hopeless", reason=reason)
        failed.set()
        stopping.set()

    if number is None and settings.collector_processes > 1:
        garbage.collect()
        return processes.run(settings.collector_processes, stopping)
    worker = Worker(settings, on_hopeless, number=number or 0)
    worker.start()
    if not stopping.wait(BEGIN_S if _is_there(arguments.parent) else 0.0):
        garbage.collect()
    _wait(stopping, arguments.parent)
    deadline = threading.Timer(STOP_TIMEOUT_S, lambda: os._exit(1))
    deadline.daemon = True
    deadline.start()
    is_written = worker.stop()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # platforms may send it again while we end
    return 0 if is_written and not failed.is_set() else 1


def _wait(stopping: Stopping, parent: int) -> None:
    """Wait to be stopped; a child also stops when the process that started it is gone."""
    while _is_there(parent) and not stopping.wait(1.0):
        pass


def _is_there(parent: int) -> bool:
    """Whether the process that started this one goes on; 0: none is waited for."""
    return parent in (0, os.getppid())


if __name__ == "__main__":
    sys.exit(main())

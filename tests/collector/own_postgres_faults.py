"""What a server of our own suffers in a test."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.collector.faults import RATE, OwnPostgres

ROWS = RATE
"""So many rows wait in the spool before a fault ends."""


@contextmanager
def stopped(server: OwnPostgres) -> Iterator[None]:
    """The server is gone, without a word to its sessions."""
    server.stop()
    try:
        yield
    finally:
        server.start()

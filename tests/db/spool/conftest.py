"""Spools in directories of their own, and what they say."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from db.rows import GapRow
from db.spool import Spool


class Heard:
    """What a spool told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.gaps: list[GapRow] = []

    def say(self, event: str, detail: str) -> None:
        self.events.append((event, detail))

    @property
    def names(self) -> list[str]:
        """The events' names."""
        return [event for event, _ in self.events]


OpenSpool = Callable[..., Spool]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def open_spool(tmp_path: Path, heard: Heard) -> Iterator[OpenSpool]:
    """Opens a spool in the test's directory, as a start of a worker does; all are closed at the end."""
    opened: list[Spool] = []

    def make(directory: Path = tmp_path, max_mb: int = 10) -> Spool:
        made = Spool(directory, max_mb)
        made.open(heard.say, heard.gaps.append)
        opened.append(made)
        return made

    yield make
    for spool in opened:
        spool.close()

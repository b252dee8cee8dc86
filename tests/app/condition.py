"""How a fake history says it is doing."""

from abc import ABC, abstractmethod

from db.history.reader import Sizes
from db.history.status import Cells, EventCell, GapCell, Incident
from db.migrate import required_version


class FakeCondition(ABC):
    """The part of a fake history that tells of itself; the test sets what it tells."""

    def __init__(self) -> None:
        self.schema: str | None = required_version()
        self.first_tick: int | None = 1_699_999_000_000
        self.gap_counts: list[GapCell] = []
        self.event_counts: list[EventCell] = []
        self.faults: list[Incident] = []
        self.events: list[tuple[int, str, str, str, str]] = []

    def schema_version(self) -> str | None:
        self._check("schema_version")
        return self.schema

    def server_version(self) -> str:
        self._check("server_version")
        return "18.4"

    def sizes(self) -> Sizes:
        self._check("sizes")
        return Sizes(350_000_000, 210_000_000, 1_400_000, 60_000, 20, self.first_tick)

    def oldest_tick(self) -> int | None:
        self._check("oldest_tick")
        return self.first_tick

    def last_feed_events(
        self, limit: int = 100, *, event: str | None = None
    ) -> list[tuple[int, str, str, str, str]]:
        self._check("last_feed_events")
        return [found for found in self.events if event in (None, found[3])][:limit]

    def gap_cells(self, _cells: Cells) -> list[GapCell]:
        """Those the test has set, whatever the span."""
        self._check("gap_cells")
        return list(self.gap_counts)

    def event_cells(self, _cells: Cells) -> list[EventCell]:
        """The same of events."""
        self._check("event_cells")
        return list(self.event_counts)

    def incidents(self, limit: int = 50) -> list[Incident]:
        self._check("incidents")
        return self.faults[:limit]

    @abstractmethod
    def _check(self, what: str) -> None:
        """Note that this was asked; raises StoreUnavailable while the history is broken."""

"""Following `events`: what is new in it, and what came after an entry that somebody has."""

from app.ports import HotReader
from app.stream.news import Event, read_events
from app.stream.wanted import EventId, written

PAGE = 500
"""Entries read at once."""
NOTHING = (0, 0)


class EventTail:
    """Where one process is in `events`. All methods but `forget` raise StoreUnavailable."""

    def __init__(self, reader: HotReader) -> None:
        self._reader = reader
        self._place: EventId | None = None

    @property
    def is_placed(self) -> bool:
        """Whether `news` tells what came since it was asked last; the first time it only takes its place."""
        return self._place is not None

    def forget(self) -> None:
        """Begin at the end again when asked next."""
        self._place = None

    def news(self) -> list[Event]:
        """What came since the last time, oldest first."""
        if self._place is None:
            bounds = self._bounds()
            self._place = bounds[1] if bounds else NOTHING
            return []
        found, self._place = self._after(self._place, None)
        return found

    def has_lost(self) -> bool:
        """Whether entries went that were not read, or the stream is another one; then its end is taken.

        To be asked after Redis was away.
        """
        if self._place is None:
            return False
        bounds = self._bounds()
        oldest, newest = bounds or (NOTHING, NOTHING)
        if oldest <= self._place <= newest or (self._place == NOTHING and not bounds):
            return False
        self._place = newest
        return True

    def since(self, last: EventId) -> list[Event] | None:
        """What came after this entry and is no news any more; None where the stream does not reach so far."""
        bounds = self._bounds()
        if self._place is None or bounds is None or not bounds[0] <= last <= bounds[1]:
            return None
        return self._after(last, self._place)[0]

    def _bounds(self) -> tuple[EventId, EventId] | None:
        bounds = self._reader.event_bounds()
        return (_id(bounds[0]), _id(bounds[1])) if bounds else None

    def _after(self, place: EventId, end: EventId | None) -> tuple[list[Event], EventId]:
        """The readable entries after a place, up to an end, and the last place looked at."""
        found: list[Event] = []
        while end is None or place < end:
            entries = self._reader.events(written(place), PAGE)
            found += read_events(entries)
            if entries:
                place = _id(entries[-1].id)
            if len(entries) < PAGE:
                break
        return [event for event in found if end is None or event.id <= end], place


def _id(text: str) -> EventId:
    ms, _, number = text.partition("-")
    return int(ms), int(number)

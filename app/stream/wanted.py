"""What a stream is asked for: `?symbols=&venues=&kinds=`, and from which event on."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from app.api_names import Names
from app.errors import BadValue, UnknownName

EVENT_KINDS = ("signal", "gap", "feed", "candle")
"""Kinds of entries of `events`."""
MARKET_KINDS = ("market", "change")
"""Either asks for market data: a snapshot, then what changes."""
KINDS = (*MARKET_KINDS, *EVENT_KINDS)
ALWAYS = "reset"
"""May be asked for as well, and comes in any case."""
MOST_NAMES = 500

_ID = re.compile(r"([0-9]{1,19})-([0-9]{1,19})")

EventId = tuple[int, int]
"""Id of an entry of a Redis stream; ids compare as these do."""


class Wanted(NamedTuple):
    """What one stream tells of. An empty set of venues or symbols leaves out none."""

    venues: frozenset[str] = frozenset()
    symbols: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset(KINDS)

    @property
    def is_market(self) -> bool:
        """Whether it tells of market data."""
        return not self.kinds.isdisjoint(MARKET_KINDS)

    @property
    def is_events(self) -> bool:
        """Whether it tells of entries of `events`."""
        return not self.kinds.isdisjoint(EVENT_KINDS)

    def has(self, venue: str, symbol: str) -> bool:
        """Whether it tells of this instrument; without a symbol, of this venue."""
        has_venue = not self.venues or venue in self.venues
        return has_venue and (not self.symbols or not symbol or symbol in self.symbols)


def read_wanted(given: Mapping[str, str], names: Names) -> Wanted:
    """What these parameters ask for. Raises BadValue, UnknownName, or StoreUnavailable if in doubt."""
    kinds = _words("kinds", given) - {ALWAYS}
    if unknown := sorted(kinds.difference(KINDS)):
        raise BadValue("kinds", f"a comma list of {', '.join(KINDS)}", unknown[0])
    venues, symbols = _words("venues", given), _words("symbols", given)
    for field, words in (("venues", venues), ("symbols", symbols)):
        for word in sorted(words):
            try:
                names.check_given(*(word, "") if field == "venues" else ("", word))
            except UnknownName:
                raise UnknownName(field, word) from None
    return Wanted(venues, symbols, kinds or frozenset(KINDS))


def read_id(text: str | None) -> EventId | None:
    """The id that a client got last; None if there is none. Raises BadValue."""
    if not text:
        return None
    found = _ID.fullmatch(text.strip())
    if not found:
        raise BadValue("Last-Event-ID", "the id of an event of this stream, like 1700000000000-0", text)
    return int(found[1]), int(found[2])


def written(event_id: EventId) -> str:
    """An id as Redis writes it."""
    return f"{event_id[0]}-{event_id[1]}"


def _words(field: str, given: Mapping[str, str]) -> frozenset[str]:
    words = frozenset(word.strip() for word in given.get(field, "").split(",")) - {""}
    if len(words) > MOST_NAMES:
        raise BadValue(field, f"at most {MOST_NAMES} names", f"{len(words)} of them")
    return words

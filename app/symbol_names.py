"""Which instruments have a page, and which one a mistyped address may have meant."""

import difflib
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from app.read_model import ReadModel
from app.view import MarketView, unlisted_of
from market.instruments import parse_symbol, spelled_for

NEAREST = 6
_LONGEST = 48
_PREFIX = "/s/"


class Place(NamedTuple):
    """A venue and a symbol as an address names them; known or not."""

    venue: str
    symbol: str

    @property
    def path(self) -> str:
        """Its address."""
        return f"{_PREFIX}{self.venue}/{self.symbol}"


def place_of(path: str) -> Place | None:
    """What `/s/<venue>/<symbol>` names, None for any other path. Asks nobody."""
    if not path.startswith(_PREFIX):
        return None
    venue, slash, symbol = unquote(path.removeprefix(_PREFIX)).rstrip("/").partition("/")
    return Place(venue, symbol) if slash and venue and symbol and "/" not in symbol else None


class Names:
    """The instruments that are shown: those of the configuration, by the names by which venues list them.

    With `auto:N` those that are collected. What a venue does not list has no page.
    """

    def __init__(self, read_model: ReadModel) -> None:
        self._read_model = read_model
        self._held: tuple[MarketView, frozenset[Place]] | None = None
        """Every one there is in a view: each refresh of each Symbol page asks for one."""

    def is_known(self, place: Place) -> bool:
        """Whether this instrument has a page."""
        view = self._read_model.market()
        held = self._held
        if held is None or held[0] is not view:
            held = self._held = view, frozenset(self._all())
        return place in held[1]

    def listed_as(self, place: Place) -> str | None:
        """See MarketView."""
        return self._read_model.market().listed_as(*place)

    def twins(self, place: Place) -> list[Place]:
        """The same coin on the other venues of its kind: simulated ones stand beside simulated ones.

        However it is spelled and multiplied there, in the same quote. Where prices have shown that a symbol
        is another coin than its name says, it has none.
        """
        venues = self._read_model.venues
        group = venues.simulated if place.venue in venues.simulated else venues.live
        told = {Place(row.venue, row.symbol): row for row in self._read_model.market().rows}

        def coin_of(other: Place) -> tuple[str | None, str | None]:
            row = told.get(other)
            return (row.base, row.quote) if row and row.base else parse_symbol(other.symbol)[:2]

        wanted = coin_of(place)
        found = []
        for venue in group:
            if venue != place.venue:
                alike = [other for other in self._symbols(venue) if coin_of(other) == wanted]
                spelled = Place(venue, spelled_for(place.symbol, venue))
                found += [spelled] if spelled in alike else alike[:1]
        return found

    def nearest(self, place: Place) -> list[Place]:
        """Those whose names are most like this one's, nearest first; the first ones there are if none is."""
        wanted, venue = place.symbol[:_LONGEST].upper(), place.venue[:_LONGEST].lower()
        known = list(self._all())
        spelled_here = Place(venue, spelled_for(wanted, venue))

        def likeness(other: Place) -> float:
            if other == spelled_here:
                return 2.0
            names = {other.symbol, parse_symbol(other.symbol)[0]}
            symbol = max(difflib.SequenceMatcher(None, wanted, name).ratio() for name in names)
            return symbol + 0.3 * difflib.SequenceMatcher(None, venue, other.venue).ratio()

        scored = sorted(((likeness(other), other) for other in known), key=lambda pair: -pair[0])
        alike = [other for score, other in scored if score >= 0.75]
        return (alike or known)[:NEAREST]

    def _all(self) -> Iterator[Place]:
        venues = self._read_model.venues
        for venue in venues.live + venues.simulated:
            yield from self._symbols(venue)

    def _symbols(self, venue: str) -> list[Place]:
        if venue not in self._read_model.venues.all:
            return []
        view = self._read_model.market()
        if venue in view.feeds:
            unlisted = unlisted_of(view.feeds[venue])
            rows = (row.symbol for row in view.rows if row.venue == venue)
            return [Place(venue, symbol) for symbol in rows if symbol not in unlisted]
        # Another venue is shown in this one's place, so that nothing is known of it but the configuration.
        return [Place(venue, symbol) for symbol in self._read_model.symbols(venue)]

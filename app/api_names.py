"""Which instruments may be asked for: those that are configured and those that the history has known."""

from app.errors import BadValue, UnknownName
from app.ports import Clock, History
from app.read_model import ReadModel

KEEP_S = 30.0


class Names:
    """Venues and symbols that there are. The history is asked only for names not in the settings."""

    def __init__(self, read_model: ReadModel, history: History, clock: Clock) -> None:
        self._read_model = read_model
        self._history = history
        self._clock = clock
        self._stored: dict[str, set[str]] = {}
        self._asked_at = float("-inf")

    @property
    def interval(self) -> str:
        """The interval of whoever names none."""
        return self._read_model.interval

    def check(self, venue: str | None, symbol: str | None) -> tuple[str, str]:
        """The instrument that is meant. Raises BadValue, UnknownName, or StoreUnavailable if in doubt."""
        if not venue or not symbol:
            field = "symbol" if venue else "venue"
            raise BadValue(field, f"a {field}", "")
        if symbol in self._read_model.symbols(venue) and venue in self._read_model.venues.all:
            return venue, symbol
        if any((row.venue, row.symbol) == (venue, symbol) for row in self._read_model.market().rows):
            return venue, symbol
        stored = self._known()
        if venue not in self._read_model.venues.all and venue not in stored:
            raise UnknownName("venue", venue)
        if symbol not in stored.get(venue, ()):
            raise UnknownName("symbol", f"{symbol} on {venue}")
        return venue, symbol

    def check_given(self, venue: str, symbol: str) -> tuple[str, str]:
        """The same where either may be empty and then means all. Raises UnknownName, StoreUnavailable."""
        if venue and symbol:
            return self.check(venue, symbol)
        if venue and venue not in self._read_model.venues.all and venue not in self._known():
            raise UnknownName("venue", venue)
        if symbol and not self._is_anywhere(symbol):
            raise UnknownName("symbol", symbol)
        return venue, symbol

    def _is_anywhere(self, symbol: str) -> bool:
        if any(symbol in self._read_model.symbols(venue) for venue in self._read_model.venues.all):
            return True
        return any(symbol in symbols for symbols in self._known().values())

    def _known(self) -> dict[str, set[str]]:
        if self._clock.monotonic() - self._asked_at >= KEEP_S:
            found: dict[str, set[str]] = {}
            for instrument in self._history.instruments():
                found.setdefault(instrument.venue, set()).add(instrument.symbol)
            self._stored, self._asked_at = found, self._clock.monotonic()
        return self._stored

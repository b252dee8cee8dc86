"""Which page stands at `/s/<venue>/<symbol>`: the instrument's, or one that names the nearest."""

from typing import Any

from app.pages.symbol.layout import layout, unknown
from app.read_model import ReadModel
from app.symbol_names import Names, place_of


class SymbolPages:
    """The pages of all instruments there are to show."""

    def __init__(self, read_model: ReadModel) -> None:
        self._read_model = read_model
        self.names = Names(read_model)

    def has(self, path: str) -> bool:
        """Whether an instrument's page stands at this path."""
        place = place_of(path)
        return place is not None and self.names.is_known(place)

    def page_at(self, path: str) -> Any:
        """The page, known instrument or not; None for a path that names none."""
        place = place_of(path)
        if place is None:
            return None
        if not self.names.is_known(place):
            return unknown(place, self.names.nearest(place), self.names.listed_as(place))
        model = self._read_model
        return layout(place, model.intervals, model.interval, self.names.twins(place))

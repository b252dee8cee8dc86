"""The Symbol page's callbacks."""

from dash import Dash, Input

from app import ids as shell_ids
from app.pages import asking
from app.pages.symbol import ids
from app.symbol_model import Asked, Reply, SymbolModel
from app.symbol_names import Names, Place


def register(app: Dash, model: SymbolModel, names: Names) -> None:
    """See `asking`; the address holds the interval, and what is not collected gets no answer.

    But where a page is open already, it is told that its venue does not list what it shows.
    """

    def reply_to(asked: Asked) -> Reply | None:
        place = Place(asked.venue, asked.symbol)
        is_shown = names.is_known(place) or names.listed_as(place) is not None
        return model.reply(asked) if is_shown and asked.interval in model.intervals else None

    asking.register(
        app,
        "symbol",
        ids,
        lambda tick: asking.answer(tick, Asked, reply_to),
        Input(shell_ids.ADDRESS, "search"),
    )

"""The Symbol page's callbacks."""

from dash import Dash, Input

from app import ids as shell_ids
from app.pages import asking
from app.pages.symbol import ids
from app.symbol_model import Asked, Reply, SymbolModel
from app.symbol_names import Names, Place


def register(app: Dash, model: SymbolModel, names: Names) -> None:
    """See `asking`; the address holds the interval, and what is not collected gets no answer."""

    def reply_to(asked: Asked) -> Reply | None:
        if asked.interval not in model.intervals or not names.is_known(Place(asked.venue, asked.symbol)):
            return None
        return model.reply(asked)

    asking.register(
        app,
        "symbol",
        ids,
        lambda tick: asking.answer(tick, Asked, reply_to),
        Input(shell_ids.ADDRESS, "search"),
    )

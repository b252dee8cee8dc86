"""The Signals page's callbacks."""

from dash import Dash, Input

from app import ids as shell_ids
from app.pages import asking
from app.pages.signals import ids
from app.record_model import Asked, RecordModel


def register(app: Dash, model: RecordModel) -> None:
    """See `asking`; the address holds the filters."""
    asking.register(
        app,
        "signals",
        ids,
        lambda tick: asking.answer(tick, Asked, model.reply),
        Input(shell_ids.ADDRESS, "search"),
    )

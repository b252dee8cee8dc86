"""The Status page's callbacks."""

from dash import Dash

from app.pages import asking
from app.pages.status import ids
from app.status_model import Asked, StatusModel


def register(app: Dash, model: StatusModel) -> None:
    """See `asking`."""
    asking.register(app, "status", ids, lambda tick: asking.answer(tick, Asked, model.reply))

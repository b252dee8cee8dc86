"""The Market page's one callback: the browser draws what the shell received."""

from dash import Dash, Input, Output

from app import ids as shell_ids
from app.browser import in_browser
from app.pages.market import ids


def register(app: Dash) -> None:
    """Draw each new view, and what the address says of it."""
    in_browser(
        app,
        "market.draw",
        Output(ids.DRAWN, "data"),
        Input(shell_ids.LIVE, "data"),
        Input(shell_ids.ADDRESS, "search"),
    )

"""The Market page's one callback: the browser draws what the shell received."""

from dash import Dash, Input, Output

from app import ids as shell_ids
from app.browser import in_browser
from app.pages.market import ids


def register(app: Dash) -> None:
    """Draw each new view into the grid and the strip of counts."""
    in_browser(
        app,
        "market.draw",
        Output(ids.DRAWN, "data"),
        Output(ids.COUNTS, "children"),
        Input(shell_ids.LIVE, "data"),
    )

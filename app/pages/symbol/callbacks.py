"""The Symbol page's callbacks: the gate, the one the server answers, the drawing."""

from typing import Any

import msgspec
from dash import Dash, Input, Output, no_update

from app import ids as shell_ids
from app.browser import in_browser
from app.compression import keep_reply_as
from app.pages.symbol import ids
from app.symbol_model import Asked, SymbolModel
from app.symbol_names import Names, Place


def answer(model: SymbolModel, names: Names, tick: object) -> Any:
    """The reply to a browser: {now, payload}; nothing for nonsense and for what is not collected."""
    try:
        asked = msgspec.convert(tick, Asked)
    except msgspec.ValidationError:
        return no_update
    if asked.interval not in model.intervals or not names.is_known(Place(asked.venue, asked.symbol)):
        return no_update
    reply = model.reply(asked)
    keep_reply_as(reply.name)
    return {"now": reply.now, "payload": reply.text}


def register(app: Dash, model: SymbolModel, names: Names) -> None:
    """Ask at every tick of the shell's interval while the page is shown, and draw what comes."""
    in_browser(
        app,
        "symbol.pass",
        Output(ids.TICK, "data"),
        Input(shell_ids.INTERVAL, "n_intervals"),
        Input(shell_ids.ADDRESS, "search"),
    )
    in_browser(app, "symbol.draw", Output(ids.DRAWN, "data"), Input(ids.LIVE, "data"))

    @app.callback(Output(ids.LIVE, "data"), Input(ids.TICK, "data"), prevent_initial_call=True)
    def _refresh(tick: object) -> Any:
        return answer(model, names, tick)

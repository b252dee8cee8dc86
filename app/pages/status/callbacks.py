"""The Status page's callbacks: the gate, the one the server answers, the drawing."""

from typing import Any

import msgspec
from dash import Dash, Input, Output, no_update

from app import ids as shell_ids
from app.browser import in_browser
from app.compression import keep_reply_as
from app.pages.status import ids
from app.status_model import Asked, StatusModel


def answer(model: StatusModel, tick: object) -> Any:
    """The reply to a browser: {now, payload}, without payload if it has everything; nothing for nonsense."""
    try:
        asked = msgspec.convert(tick, Asked)
    except msgspec.ValidationError:
        return no_update
    reply = model.reply(asked)
    if reply.text is not None:
        keep_reply_as(reply.name)
    return {"now": reply.now, "payload": reply.text}


def register(app: Dash, model: StatusModel) -> None:
    """Ask at every tick of the shell's interval while the page is shown, and draw what comes."""
    in_browser(app, "status.pass", Output(ids.TICK, "data"), Input(shell_ids.INTERVAL, "n_intervals"))
    in_browser(app, "status.draw", Output(ids.DRAWN, "data"), Input(ids.LIVE, "data"))

    @app.callback(Output(ids.LIVE, "data"), Input(ids.TICK, "data"), prevent_initial_call=True)
    def _refresh(tick: object) -> Any:
        return answer(model, tick)

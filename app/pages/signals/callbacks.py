"""The Signals page's callbacks: the gate, the one the server answers, the drawing."""

from typing import Any

import msgspec
from dash import Dash, Input, Output, no_update

from app import ids as shell_ids
from app.browser import in_browser
from app.compression import keep_reply_as
from app.pages.signals import ids
from app.record_model import Asked, RecordModel


def answer(model: RecordModel, tick: object) -> Any:
    """The reply to a browser: {now, payload}; nothing for nonsense."""
    try:
        asked = msgspec.convert(tick, Asked)
    except msgspec.ValidationError:
        return no_update
    reply = model.reply(asked)
    keep_reply_as(reply.name)
    return {"now": reply.now, "payload": reply.text}


def register(app: Dash, model: RecordModel) -> None:
    """Ask at every tick of the shell's interval while the page is shown, and draw what comes."""
    in_browser(
        app,
        "signals.pass",
        Output(ids.TICK, "data"),
        Input(shell_ids.INTERVAL, "n_intervals"),
        Input(shell_ids.ADDRESS, "search"),
    )
    in_browser(app, "signals.draw", Output(ids.DRAWN, "data"), Input(ids.LIVE, "data"))

    @app.callback(Output(ids.LIVE, "data"), Input(ids.TICK, "data"), prevent_initial_call=True)
    def _refresh(tick: object) -> Any:
        return answer(model, tick)

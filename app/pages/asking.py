"""How a page asks and is answered: the gate in the browser, the server's one callback, the drawing."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import msgspec
from dash import Dash, Input, Output, no_update

from app import ids as shell_ids
from app.browser import in_browser
from app.compression import keep_reply_as

Asked = TypeVar("Asked")


class Ids(Protocol):
    """Of what a question, its answer and the drawing pass through; a page's module `ids` has them."""

    TICK: str
    LIVE: str
    DRAWN: str


class Reply(Protocol):
    """What is new to a browser, None if nothing is; replies of one name are the same text."""

    @property
    def now(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def text(self) -> str | None: ...


def answer(tick: object, kind: type[Asked], reply_to: Callable[[Asked], Reply | None]) -> Any:
    """The reply to a browser: {now, payload}; nothing for nonsense and where `reply_to` has none."""
    try:
        asked = msgspec.convert(tick, kind)
    except msgspec.ValidationError:
        return no_update
    reply = reply_to(asked)
    if reply is None:
        return no_update
    if reply.text is not None:
        keep_reply_as(reply.name)
    return {"now": reply.now, "payload": reply.text}


def register(app: Dash, page: str, ids: Ids, refresh: Callable[[object], Any], *also: Input) -> None:
    """Ask at every tick of the shell's interval while the page is shown, and draw what comes.

    `also`: what else the gate `<page>.pass` listens to.
    """
    ticks = Input(shell_ids.INTERVAL, "n_intervals")
    in_browser(app, f"{page}.pass", Output(ids.TICK, "data"), ticks, *also)
    in_browser(app, f"{page}.draw", Output(ids.DRAWN, "data"), Input(ids.LIVE, "data"))
    answered = app.callback(Output(ids.LIVE, "data"), Input(ids.TICK, "data"), prevent_initial_call=True)
    answered(refresh)

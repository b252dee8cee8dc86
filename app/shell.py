"""The frame of every page: top bar, notices, live data, and which page stands at which address."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from dash import Dash, Input, Output, dcc, html

from app import ids
from app.browser import in_browser
from app.compression import keep_reply_as
from app.market_model import Asked, MarketModel
from app.view import MarketView

Component = Any
Pages = Mapping[str, Callable[[], Component]]
"""Path -> the layout of the page that stands there."""
TABS = (
    ("Market", "/", ids.MARKET_TAB),
    ("Signals", "/signals", ids.SIGNALS_TAB),
    ("Status", "/status", ids.STATUS_TAB),
)
"""The pages in the bar: name, path, id."""


def layout(view: MarketView, live: dict[str, object], refresh_ms: int) -> Component:
    """The shell with the market as it is now, `live` for the page, so that the first paint has numbers."""
    marks: dict[str, Any] = {"data-refresh": str(refresh_ms)}
    return html.Div(
        [
            dcc.Location(id=ids.ADDRESS, refresh="callback-nav"),
            dcc.Interval(id=ids.INTERVAL, interval=refresh_ms),
            dcc.Store(id=ids.TICK),
            dcc.Store(id=ids.LIVE, data=live),
            _bar(view),
            html.Div(_notices(view), id=ids.NOTICES, className="notices"),
            html.Div(id=ids.CONNECTION, className="connection", role="status"),
            html.Main(_skeleton(), id=ids.PAGE, className="page"),
        ],
        className="shell",
        **marks,
    )


def _bar(view: MarketView) -> Component:
    return html.Header(
        [
            dcc.Link("Tickdeck", href="/", className="name"),
            html.Nav(
                [dcc.Link(name, href=path, id=tab, className="tab") for name, path, tab in TABS],
                className="tabs",
            ),
            html.Button(["Search", html.Kbd("/")], id=ids.SEARCH, className="search-open", title="Find (/)"),
            html.Div(_badges(view), id=ids.FEEDS, className="feeds"),
            html.Button("Freeze", id=ids.FREEZE, className="freeze num", title="Stop painting (f)"),
            html.Span("–", id=ids.AGE, className="age num", title="Age of the newest number on the page"),
            html.Button("– UTC", id=ids.CLOCK, className="clock num", title="UTC or local time"),
            html.Button("", id=ids.THEME, className="icon-button", title="Theme"),
            html.Button("⚙", id=ids.SETTINGS, className="icon-button", title="Settings"),
        ],
        className="bar",
    )


def _badges(view: MarketView) -> list[Component]:
    return [
        html.Span(
            [html.B(venue), f" {feed['state'] or '–'}"],
            className=f"feed feed-{feed['state'] or 'unknown'}",
            title=str(feed["reason"] or ""),
        )
        for venue, feed in view.feeds.items()
    ]


def _notices(view: MarketView) -> list[Component]:
    return [html.Div(notice.text, className=f"notice notice-{notice.kind}") for notice in view.notices]


def _skeleton() -> list[Component]:
    return [html.Div(className="counts"), html.Div(className="skeleton-rows")]


def refresh(model: MarketModel, now_ms: Callable[[], int], tick: object) -> dict[str, object]:
    """What is new to a browser that asks `tick`; nonsense asks for everything."""
    try:
        asked = msgspec.convert(tick, Asked)
    except msgspec.ValidationError:
        asked = Asked()
    reply = model.reply(asked)
    if reply.name:
        keep_reply_as(reply.name)  # hence `now` is the view's, not this request's
    now = now_ms() if reply.now is None else reply.now
    return {"now": now, "version": reply.version, "payload": reply.payload, "past": reply.past}


def show_page(pages: Pages, path: object, page_at: Callable[[str], Component] | None = None) -> Component:
    """The page at this path, that which `page_at` finds there, or one that says there is none."""
    found = pages.get(path) if isinstance(path, str) else None
    if found:
        return found()
    return (page_at and page_at(str(path))) or missing_page(str(path))


def missing_page(path: str) -> Component:
    """What stands at an address where nothing stands."""
    return html.Div(
        [
            html.H1("Nothing here"),
            html.P([html.Code(path), " is not a page of Tickdeck."]),
            dcc.Link("Go to the market", href="/"),
        ],
        className="missing",
    )


def register(
    app: Dash,
    model: MarketModel,
    now_ms: Callable[[], int],
    pages: Pages,
    page_at: Callable[[str], Component] | None = None,
) -> None:
    """The callbacks of the shell: gate, live data, what the bar says, theme, page."""
    asks = (Input(ids.INTERVAL, "n_intervals"), Input(ids.ADDRESS, "search"))
    in_browser(app, "gate.pass", Output(ids.TICK, "data"), *asks)
    in_browser(app, "shell.draw", Output(ids.FEEDS, "children"), Input(ids.LIVE, "data"))
    for _, _, tab in TABS:
        parts = (Output(tab, "className"), Input(ids.ADDRESS, "pathname"), Input(tab, "href"))
        in_browser(app, "shell.tab", *parts)
    in_browser(app, "theme.toggle", Output(ids.THEME, "children"), Input(ids.THEME, "n_clicks"))

    @app.callback(Output(ids.LIVE, "data"), Input(ids.TICK, "data"), prevent_initial_call=True)
    def _refresh(tick: object) -> dict[str, object]:
        return refresh(model, now_ms, tick)

    @app.callback(Output(ids.PAGE, "children"), Input(ids.ADDRESS, "pathname"))
    def _show_page(path: object) -> Component:
        return show_page(pages, path, page_at)

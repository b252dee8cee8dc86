"""The Status page: a panel for each thing that can be degraded. `assets/status*.js` fills them."""

from typing import Any

from dash import dcc, html

from app.pages.status import ids

Component = Any

_STRIPS = "24 hours in quarters: low bars are gaps that were repaired, half ones partly, full ones not"
_PANELS = (
    (
        ids.FEEDS,
        "feeds",
        "Feeds",
        f"since each collector's start; below, {_STRIPS}",
    ),
    (
        ids.FRESHNESS,
        "freshness",
        "Freshness in this browser",
        "from the venue's clock to pixels, of the newest values that this tab painted; "
        "expected at most: p50 0.8 s, p99 1.5 s",
    ),
    (ids.WORKERS, "workers", "Workers", "the collectors that run"),
    (ids.STORES, "stores", "Stores", "Redis and Postgres"),
    (ids.LEDGER, "ledger", "What was not received", "the ledger of gaps, those of one fault together"),
)


def layout() -> Component:
    """The page, empty."""
    return html.Div(
        [
            html.H1("Status", className="unseen"),
            html.Div(id=ids.PARTS, className="status-parts", role="list"),
            html.Div([_panel(*panel) for panel in _PANELS], className="status-panels"),
            dcc.Store(id=ids.TICK),
            dcc.Store(id=ids.LIVE),
            dcc.Store(id=ids.DRAWN),
        ],
        id=ids.PAGE,
        className="status",
    )


def _panel(name: str, kind: str, head: str, said: str) -> Component:
    return html.Section(
        [
            html.H2([head, html.Small(said)], className="panel-title"),
            html.Div(id=name, className="num"),
        ],
        className=f"panel status-panel status-{kind}-panel",
    )

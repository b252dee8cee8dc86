"""The Market page's components: filters and counts above one grid. `assets/market*.js` fills them."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import dash_ag_grid as dag
from dash import dcc, html

from app.pages.attrs import attrs
from app.pages.market import ids
from app.pages.market.columns import Column, columns, pair_columns
from app.read_model import ReadModel
from app.theme import GRID_THEME

Component = Any
ROW_HEIGHT = 28
HEADER_HEIGHT = 30
_SIGNALS = (
    ("any", "▲▼ any"),
    ("buy", "▲ buy"),
    ("neutral", "neutral"),
    ("sell", "▼ sell"),
)


class Choices(NamedTuple):
    """What may be chosen from, and the interval that is shown without a choice.

    `shown`: the venues that have rows now; of `venues` others may come, where live data takes over.
    """

    venues: Sequence[str]
    shown: Sequence[str]
    intervals: Sequence[str]
    interval: str


def choices_of(read_model: ReadModel) -> Choices:
    """The venues and intervals of the configuration."""
    shown = tuple(read_model.market().feeds)
    return Choices(read_model.venues.all, shown, read_model.intervals, read_model.interval)


def layout(choices: Choices) -> Component:
    """The page."""
    return html.Div(
        [
            html.Div(
                [html.Div(id=ids.COUNTS, className="counts num"), _controls(choices)], className="market-head"
            ),
            _grid(ids.GRID, columns(), "market-rows"),
            _grid(ids.PAIRS, pair_columns(*_sides(choices.shown)), "market-coins"),
            dcc.Store(id=ids.DRAWN),
        ],
        id=ids.PAGE,
        className="market",
        **attrs(data_interval=choices.interval, data_intervals=",".join(choices.intervals)),
    )


def _sides(venues: Sequence[str]) -> tuple[str, str]:
    """What the two venues are called in the heads."""
    bybit = next((venue for venue in venues if "bybit" in venue), "bybit")
    binance = next((venue for venue in venues if "binance" in venue), "binance")
    return bybit, binance


def _controls(choices: Choices) -> Component:
    return html.Div(
        [
            html.Div(
                [
                    html.Div(id=ids.TEXT, className="market-text"),
                    _choice("venue", "Venue", [(venue, venue) for venue in choices.venues]),
                    _choice("signal", "Signal", _SIGNALS),
                    _button("★", id=ids.STARRED, title="Starred rows only", label="Starred rows only"),
                    html.Button("Clear", id=ids.CLEAR, className="tf", hidden=True),
                ],
                className="market-filters",
                role="search",
                **attrs(aria_label="Filters"),
            ),
            _group(
                "Candle interval",
                [
                    _button(interval, title=f"Indicators of {interval} candles", data_interval=interval)
                    for interval in choices.intervals
                ],
            ),
            _group(
                "View",
                [
                    _button("Markets", data_view=""),
                    _button("Cross-venue", data_view="venues", title="Both venues side by side"),
                ],
            ),
        ],
        className="market-controls",
    )


def _group(label: str, buttons: Sequence[Component]) -> Component:
    return html.Div(buttons, className="tfs", role="group", **attrs(aria_label=label))


def _button(words: str, *, id: str = "", title: str = "", label: str = "", **marks: str) -> Component:
    marks |= {"aria_pressed": "false"} | ({"aria_label": label} if label else {})
    named: dict[str, Any] = ({"id": id} if id else {}) | ({"title": title} if title else {})
    return html.Button(words, className="tf", **named, **attrs(**marks))


def _choice(name: str, head: str, options: Iterable[tuple[str, str]]) -> Component:
    chosen = [html.Option(f"{head}: all", value="")]
    chosen += [html.Option(words, value=value) for value, words in options]
    return html.Select(chosen, name=name, **attrs(data_filter=name, aria_label=head))


def _grid(name: str, defined: list[Column], kind: str) -> Component:
    return dag.AgGrid(
        id=name,
        columnDefs=defined,
        rowData=[],
        getRowId="params.data.id",
        defaultColDef={
            "sortable": True,
            "resizable": True,
            "suppressMovable": True,
            "suppressHeaderMenuButton": True,
            "sortingOrder": ["desc", "asc"],
            "comparator": {"function": "missingLast"},
            "flex": 1,
        },
        dashGridOptions=grid_options(),
        className=f"market-grid {kind} num",
        style={"height": "100%", "width": "100%"},
    )


def grid_options() -> dict[str, Any]:
    """Options that keep the table still: values change in place, the order only when we say so."""
    return {
        "theme": GRID_THEME,
        "rowHeight": ROW_HEIGHT,
        "headerHeight": HEADER_HEIGHT,
        "animateRows": False,
        "suppressOverlays": ["loading", "noRows"],
        "localeText": {"noMatchingRows": "Nothing passes the filters"},
        "suppressModelUpdateAfterUpdateTransaction": True,
        "suppressColumnMoveAnimation": True,
        "suppressDragLeaveHidesColumns": True,
        "cellFlashDuration": 250,
        "cellFadeDuration": 250,
        "tooltipShowDelay": 600,
        "rowClassRules": {
            "row-aged": "params.data.level === 'aged'",
            "row-stale": "params.data.level === 'stale'",
        },
    }

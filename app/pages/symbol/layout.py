"""The Symbol page's components. Everything has its place and size before there is data."""

from collections.abc import Sequence
from typing import Any

from dash import dcc, html

from app.pages.attrs import attrs
from app.pages.symbol import ids
from app.symbol_names import Place
from market.instruments import parse_symbol

Component = Any

_FACTS = (
    ("24 h %", ids.CHANGE, "Change of the last 24 hours"),
    ("Mark", ids.MARK, "The venue's fair price for margin"),
    ("Index", ids.INDEX, "The venue's basket of spot prices"),
    (
        "Funding %",
        ids.FUNDING,
        "Per funding period, and the time until it is paid; positive: longs pay shorts",
    ),
    ("Open interest", ids.OPEN_INTEREST, "Open contracts, in base currency"),
    ("Turnover 24 h", ids.VOLUME, "Traded value of the last 24 hours, in quote currency"),
    ("Age", ids.AGE, "Time since the newest datum of this page came in"),
)
_PARTS = (("chart", "Chart"), ("book", "Book"), ("trades", "Trades"), ("signals", "Signals"))
_SWITCHES = (
    ("rsi", "RSI", "RSI 14, Wilder, in a pane of its own"),
    ("stoch", "StochRSI", "StochRSI 14, 14, 3, 3, in a pane of its own: K solid, D dashed"),
    ("ema", "EMA", "Averages of the closes, 12 solid and 26 dashed"),
    ("bb", "Bollinger", "Mean of 20 closes, two standard deviations up and down"),
    ("vwap", "VWAP", "Turnover through volume since 00:00 UTC"),
    ("signals", "Signals", "What fired at these candles: ▲ buy, ▼ sell"),
    ("gaps", "Gaps", "What was not received, hatched, with the cause from the ledger"),
)
_LEAST_VALUES = ((0, "all"), (100, "≥ 100"), (1_000, "≥ 1K"), (10_000, "≥ 10K"), (100_000, "≥ 100K"))
_MODEBAR: Any = {
    "displaylogo": False,
    "scrollZoom": True,
    "doubleClick": "autosize",
    "responsive": True,
    "showSendToCloud": False,  # plotly 7 would offer to upload the chart
    "modeBarButtons": [["toImage", "zoom2d", "pan2d", "autoScale2d"]],
}


def layout(place: Place, intervals: Sequence[str], interval: str, twins: Sequence[Place]) -> Component:
    """The page of one instrument; `interval` is the one shown when the address names none."""
    return html.Div(
        [
            _head(place, intervals, twins),
            _tabs(),
            html.Div(
                [_chart_part(), _book_part(), _trades_part(place), _signals_part(place)],
                className="symbol-parts",
            ),
            dcc.Store(id=ids.TICK),
            dcc.Store(id=ids.LIVE),
            dcc.Store(id=ids.DRAWN),
        ],
        id=ids.PAGE,
        className="symbol",
        **attrs(
            data_venue=place.venue,
            data_symbol=place.symbol,
            data_interval=interval,
            data_intervals=",".join(intervals),
            data_part="chart",
        ),
    )


def unknown(place: Place, nearest: Sequence[Place], listed: str | None = None) -> Component:
    """What stands at the address of an instrument that is not collected.

    `listed`: where its venue does not list it, the name by which it does, or "" for none; else None.
    """
    found = Place(place.venue, listed) if listed else None
    others = [p for p in nearest if p != found]
    return html.Div(
        [
            html.H1("Not collected here"),
            html.P(_unlisted(place, found) if listed is not None else _not_followed(place)),
            html.P("Nearest names:"),
            html.Ul([html.Li(dcc.Link([html.B(p.symbol), f" {p.venue}"], href=p.path)) for p in others]),
            dcc.Link("Go to the market", href="/"),
        ],
        className="missing",
    )


def _not_followed(place: Place) -> list[Component]:
    return [
        html.Code(f"{place.symbol} on {place.venue}"),
        " is not an instrument that Tickdeck follows.",
    ]


def _unlisted(place: Place, found: Place | None) -> list[Component]:
    """Why nothing comes of what was asked for, and where it is if it has another name."""
    words = f"{place.venue} does not trade {place.symbol}, which SYMBOLS asks for"
    if found is None:
        return [f"{words}."]
    return [f"{words}; it is collected as ", dcc.Link(html.B(found.symbol), href=found.path), "."]


def _head(place: Place, intervals: Sequence[str], twins: Sequence[Place]) -> Component:
    facts = [
        html.Div([html.Dt(head), html.Dd("–", id=name, className="num")], title=title, className="fact")
        for head, name, title in _FACTS
    ]
    links = [
        dcc.Link(i, href=f"{place.path}?tf={i}", className="tf", title=f"{i} candles ({n})")
        for n, i in enumerate(intervals, 1)
    ]
    others = [
        dcc.Link(f"{p.symbol} on {p.venue} →", href=p.path, className="twin", title="The same coin there (v)")
        for p in twins
    ]
    return html.Header(
        [
            html.Div(
                [html.H1(place.symbol), html.Span(place.venue, className="venue-tag"), *others],
                className="symbol-name",
            ),
            html.Div("–", id=ids.LAST, className="symbol-last num"),
            html.Dl(facts, className="facts"),
            html.Nav(links, className="tfs", **attrs(aria_label="Candle interval")),
        ],
        className="symbol-head",
    )


def _tabs() -> Component:
    buttons = [
        html.Button(
            name,
            role="tab",
            className="part-tab",
            **attrs(data_part=part, aria_selected="true" if part == "chart" else "false"),
        )
        for part, name in _PARTS
    ]
    return html.Div(buttons, role="tablist", className="part-tabs", **attrs(aria_label="Part of the page"))


def _chart_part() -> Component:
    return html.Section(
        [
            html.Div("", id=ids.NOTE, className="symbol-note", role="status"),
            _switches(),
            _graph(ids.CHART, "chart", panes=4),
            _table("candles", "Table of the candles"),
            html.H2("Last 10 minutes", className="panel-title"),
            _graph(ids.STRIPS, "strips", panes=4),
            _table("strips", "Table of the last 10 minutes"),
        ],
        className="panel chart-part",
        **attrs(aria_label="Candles and the last 10 minutes of the top of the book"),
    )


def _switches() -> Component:
    """What may be on or off; the browser says which are."""
    buttons = [
        html.Button(
            name,
            title=title,
            className="switch",
            **attrs(data_on=key, aria_pressed="false", type="button"),
        )
        for key, name, title in _SWITCHES
    ]
    return html.Div(buttons, className="switches", role="group", **attrs(aria_label="Shown on the chart"))


def _table(kind: str, words: str) -> Component:
    """What a chart shows, in numbers; written while it is open."""
    frame = html.Div(className="table-frame", tabIndex=0, **attrs(role="region", aria_label=words))
    return html.Details([html.Summary(words), frame], className="chart-table", **attrs(data_table=kind))


def _chooser(name: str, title: str, options: Sequence[tuple[int, str]]) -> Component:
    chosen = [html.Option(text, value=str(value)) for value, text in options]
    select = html.Select(chosen, id=name, title=title, **attrs(aria_label=title))
    return html.Div(select, className="chooser")


def _blank_figure(panes: int) -> Any:
    """Nothing to see until the browser draws, but every axis: plotly draws a new one before it places it."""
    axes = {f"yaxis{n if n > 1 else ''}": {"visible": False} for n in range(1, panes + 1)}
    return {
        "data": [{"x": [], "y": [], "yaxis": f"y{n if n > 1 else ''}"} for n in range(1, panes + 1)],
        "layout": {
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 8, "r": 64, "t": 8, "b": 34},
            "showlegend": False,
            "xaxis": {"visible": False},
            **axes,
        },
    }


def _graph(name: str, kind: str, *, panes: int) -> Component:
    graph = dcc.Graph(id=name, figure=_blank_figure(panes), config=_MODEBAR, style={"height": "100%"})
    return html.Div(graph, className=f"graph graph-{kind}")


def _book_part() -> Component:
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Book", className="panel-title"),
                    _chooser(ids.GROUP, "Prices of one row, in ticks", []),
                ],
                className="panel-head",
            ),
            html.Div(
                [html.Div(id=ids.LADDER, className="ladder num"), html.Div("", id=ids.LADDER_STATE)],
                className="ladder-frame",
            ),
            html.H2("Depth", className="panel-title"),
            html.Div(id=ids.DEPTH, className="depth num"),
            _table("depth", "Table of the book"),
        ],
        className="panel book-part",
    )


def _trades_part(place: Place) -> Component:
    quote = parse_symbol(place.symbol)[1]
    head = [
        html.H2("Trades", className="panel-title"),
        html.Span("CVD –", id=ids.CVD, className="cvd num"),
        _chooser(ids.LEAST, f"Trades of at least this value, in {quote}", _LEAST_VALUES),
    ]
    return html.Section(
        [html.Div(head, className="panel-head"), html.Div(id=ids.TAPE, className="tape num")],
        className="panel trades-part",
    )


def _signals_part(place: Place) -> Component:
    record = dcc.Link("Track record", href=f"/signals?venue={place.venue}&symbol={place.symbol}")
    return html.Section(
        [
            html.Div([html.H2("Signals", className="panel-title"), record], className="panel-head"),
            html.Div(id=ids.SIGNALS, className="table-frame"),
        ],
        className="panel signals-part",
    )

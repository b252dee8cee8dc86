"""The Signals page's components, each in its place before there is data; `assets/signals*.js` fills them."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from dash import dcc, html

from app.pages.attrs import attrs
from app.pages.signals import ids
from app.pages.signals.terms import Term
from app.read_model import ReadModel
from market.intervals import BOOK, HORIZONS_S, INTERVAL_MS
from market.rule_words import RULE_WORDS

Component = Any

MOTTO = "Textbook rules. Tickdeck does not claim that they pay; it counts whether they did, after costs."
_BOARD_WORDS = (
    "After spread and fees, of the last 30 days. Chance: ten random moments for each signal, of the same "
    "market, side and hour on other days, at the same costs. Better than chance is not the same as paying: "
    "look at the mean. Of hundreds of rows one or two are praised by luck."
)


class Choices(NamedTuple):
    """What may be chosen from."""

    venues: Sequence[str]
    symbols: Sequence[str]


def choices_of(read_model: ReadModel) -> Choices:
    """The venues that there may be, and the symbols that have a row."""
    symbols = sorted({row.symbol for row in read_model.market().rows})
    return Choices(read_model.venues.all, symbols)


def layout(choices: Choices, terms: Iterable[Term]) -> Component:
    """The page."""
    return html.Div(
        [
            _head(choices),
            html.Div("", id=ids.NOTE, className="signals-note", role="status"),
            html.Div(
                [_open_part(), _equity_part(), _terms_part(terms), _board_part(), _past_part()],
                className="signals-parts",
            ),
            dcc.Store(id=ids.TICK),
            dcc.Store(id=ids.LIVE),
            dcc.Store(id=ids.DRAWN),
        ],
        id=ids.PAGE,
        className="signals",
    )


def _head(choices: Choices) -> Component:
    filters = [
        _filter("venue", "Venue", [(venue, venue) for venue in choices.venues]),
        _filter("symbol", "Symbol", [(symbol, symbol) for symbol in choices.symbols]),
        _filter("interval", "Interval", [(interval, interval) for interval in (*INTERVAL_MS, BOOK)]),
        _filter("rule", "Rule", [(rule, rule) for rule in RULE_WORDS]),
        _filter("side", "Side", [("buy", "▲ buy, long"), ("sell", "▼ sell, short")]),
    ]
    return html.Header(
        [
            html.Div([html.H1("Signals"), html.P(MOTTO)], className="signals-name"),
            html.Div(
                [*filters, html.Button("Clear", id=ids.CLEAR, className="button", hidden=True)],
                id=ids.FILTERS,
                className="signals-filters",
                role="search",
                **attrs(aria_label="Filters"),
            ),
        ],
        className="signals-head",
    )


def _filter(name: str, head: str, options: Iterable[tuple[str, str]]) -> Component:
    chosen = [html.Option("all", value="")]
    chosen += [html.Option(words, value=value) for value, words in options]
    return html.Label(
        [html.Span(head), html.Select(chosen, className="num", name=name, **attrs(data_filter=name))]
    )


def _title(words: str, *rest: Component, csv: str) -> Component:
    """A part's title, what stands beside it, and the button that saves what the part shows."""
    button = html.Button(
        "CSV", className="button csv", title="Save what is shown as CSV", **attrs(data_csv=csv)
    )
    return html.Div([html.H2(words), *rest, button], className="part-title")


def _frame(name: str, label: str) -> Component:
    """Where a table goes; one that is higher than its frame can be scrolled by keys."""
    return html.Div(
        id=name, className="table-frame num", tabIndex="0", role="region", **attrs(aria_label=label)
    )


def _open_part() -> Component:
    total = html.Span("–", id=ids.OPEN_SUM, className="part-sum num")
    title = _title("Open paper trades", total, csv="open")
    return html.Section([title, _frame(ids.OPEN, "Open paper trades")], className="panel open-part")


def _equity_part() -> Component:
    return html.Section(
        [
            _title("What paper trades made", html.Span("last 30 days", className="part-sum"), csv="equity"),
            html.Dl(id=ids.EQUITY_SUM, className="facts num"),
            html.Div(id=ids.EQUITY, className="equity num"),
            html.P("", id=ids.EQUITY_READ, className="equity-read num"),
            html.Details(
                [html.Summary("The curve as a table"), _frame(ids.EQUITY_TABLE, "Equity curve as a table")],
                className="equity-table",
            ),
        ],
        className="panel equity-part",
    )


def _terms_part(terms: Iterable[Term]) -> Component:
    rows = [html.Div([html.Dt(term.head), html.Dd(term.words)]) for term in terms]
    return html.Section(
        [html.Div(html.H2("Fees and assumptions"), className="part-title"), html.Dl(rows, className="terms")],
        className="panel terms-part",
    )


def _board_part() -> Component:
    horizons = [
        html.Button(f"{h // 60} m", className="tf", **attrs(data_horizon=str(h), aria_pressed="false"))
        for h in HORIZONS_S
    ]
    after = html.Div(
        [html.Span("priced after"), *horizons],
        className="tfs",
        role="group",
        **attrs(aria_label="Horizon"),
    )
    return html.Section(
        [
            _title(
                "Scoreboard", html.Span("", id=ids.BOARD_SUM, className="part-sum num"), after, csv="board"
            ),
            html.P(_BOARD_WORDS, className="part-words"),
            _frame(ids.BOARD, "Scoreboard"),
        ],
        className="panel board-part",
    )


def _past_part() -> Component:
    shown = html.Div(
        [
            html.Button(words, className="tf", **attrs(data_show=show, aria_pressed="false"))
            for show, words in (("signals", "Signals"), ("trades", "Closed paper trades"))
        ],
        className="tfs",
        role="group",
        **attrs(aria_label="What is listed"),
    )
    total = html.Span("", id=ids.PAST_SUM, className="part-sum num")
    pager = html.Div(
        [
            html.Button("Newest", id=ids.NEWEST, className="button", hidden=True),
            html.Button("Older", id=ids.OLDER, className="button", hidden=True),
        ],
        className="pager",
    )
    return html.Section(
        [_title("History", shown, total, csv="past"), _frame(ids.PAST, "History"), pager],
        className="panel past-part",
    )

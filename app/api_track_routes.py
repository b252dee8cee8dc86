"""The routes of `/api` that tell of indicators, signals, paper trades and the scoreboard."""

from collections.abc import Callable

from flask import Blueprint, Response, request

from app.api_gaps import NO_GAPS, gaps_of
from app.api_names import Names
from app.api_page import Page
from app.api_query import Query, one_of, read_query
from app.api_reply import reply
from app.api_track import indicator_page, score_page, signal_page, track_gaps, trade_page
from app.errors import BadValue
from app.ports import Clock, History
from db.history.track import TrackFilter
from market.intervals import BOOK, INTERVAL_MS

_SERIES = (*INTERVAL_MS, BOOK)


def add_track(api: Blueprint, names: Names, history: History, clock: Clock) -> None:
    """Add them."""
    _add_indicators(api, names, history, clock)
    _add_fired(api, "signals", names, history, clock, signal_page)
    _add_fired(api, "paper-trades", names, history, clock, trade_page)
    _add_scoreboard(api, names, history, clock)


def _add_indicators(api: Blueprint, names: Names, history: History, clock: Clock) -> None:
    @api.get("/indicators")
    def indicators() -> Response:
        given = request.args
        query = read_query(given, cursor_length=1, least_points=1)
        interval = one_of("interval", given.get("interval") or names.interval, tuple(INTERVAL_MS))
        venue, symbol = names.check(given.get("venue"), given.get("symbol"))
        page = indicator_page(history, venue, symbol, interval, query)
        gaps = gaps_of(history, venue, symbol, ("kline", "trade"), page.span)
        return reply(page, gaps, query, clock.now_ms(), f"indicators-{venue}-{symbol}-{interval}")


def _add_fired(
    api: Blueprint,
    path: str,
    names: Names,
    history: History,
    clock: Clock,
    make: Callable[[History, TrackFilter, Query], Page],
) -> None:
    def fired() -> Response:
        query = read_query(request.args, cursor_length=2, least_points=None)
        venue, symbol, interval, rule = _names_given(names)
        wanted = TrackFilter(venue, symbol, interval, rule, query.start, query.end)
        page = make(history, wanted, query)
        gaps = track_gaps(history, wanted, page.span)
        return reply(page, gaps, query, clock.now_ms(), _file_name(path, venue, symbol, interval, rule))

    api.add_url_rule(f"/{path}", path, fired)


def _add_scoreboard(api: Blueprint, names: Names, history: History, clock: Clock) -> None:
    @api.get("/scoreboard")
    def scoreboard() -> Response:
        query = read_query(request.args, cursor_length=1, least_points=None)
        venue, _, interval, rule = _names_given(names)
        page = score_page(history, {"venue": venue, "interval": interval, "rule": rule})
        name = _file_name("scoreboard", venue, interval, rule)
        return reply(page, NO_GAPS, query, clock.now_ms(), name)


def _names_given(names: Names) -> tuple[str, str, str, str]:
    """Venue, symbol, interval and rule, empty where not given. Raises BadValue, UnknownName."""
    given = request.args
    interval = given.get("interval", "") and one_of("interval", given["interval"], _SERIES)
    venue, symbol = names.check_given(given.get("venue", ""), given.get("symbol", ""))
    return venue, symbol, interval, _storable(given.get("rule", ""))


def _storable(rule: str) -> str:
    """Rules come and go with versions: one that is not known simply has no rows."""
    if rule and not rule.isidentifier():
        raise BadValue("rule", "a name like rsi_reversal", rule)
    return rule


def _file_name(*words: str) -> str:
    return "-".join(word for word in words if word)

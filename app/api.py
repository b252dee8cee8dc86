"""`/api`: the same numbers as the pages, as JSON and CSV for programs."""

from collections.abc import Mapping

from flask import Blueprint, Response, request

from app.api_book import book_view, last_known_book
from app.api_gaps import NO_GAPS, gap_page, gaps_of
from app.api_market import market_json
from app.api_names import Names
from app.api_page import json_bytes
from app.api_query import one_of, read_query
from app.api_reply import reply, uncached
from app.api_series import kline_page, tick_page
from app.api_track_routes import add_track
from app.openapi.parts import Example
from app.openapi.routes import add_docs
from app.ports import Clock, History, HotReader
from app.read_model import ReadModel
from app.stream.routes import Streams, add_stream
from app.view import MarketView, blank_row
from db.errors import StoreUnavailable
from db.rows import CHANNELS
from market.intervals import INTERVAL_MS

_LEAST_TICK_POINTS = 2
"""The lowest and the highest."""


def blueprint(
    read_model: ReadModel,
    reader: HotReader,
    history: History,
    clock: Clock,
    streams: Streams,
    *,
    has_login: bool = False,
) -> Blueprint:
    """The routes of the API over these stores. `has_login`: whether a password is asked for."""
    api = Blueprint("api", __name__, url_prefix="/api")
    names = Names(read_model, history, clock)
    _add_market(api, read_model)
    _add_klines(api, names, history, clock)
    _add_ticks(api, names, history, clock)
    _add_gaps(api, names, history, clock)
    add_track(api, names, history, clock)
    add_stream(api, names, streams)
    add_docs(api, _example(read_model), has_login=has_login)

    @api.get("/book/<venue>/<symbol>")
    def book(venue: str, symbol: str) -> Response:
        names.check(venue, symbol)
        body = json_bytes(_book(venue, symbol))
        return uncached(Response(body, mimetype="application/json"))

    def _book(venue: str, symbol: str) -> dict[str, object]:
        silence: StoreUnavailable | None = None
        fields: Mapping[str, str] | None = None
        try:
            fields = reader.book(venue, symbol)
        except StoreUnavailable as error:
            silence = error
        ticker = None if fields else read_model.last_ticker(venue, symbol)
        if ticker is not None:
            return last_known_book(ticker, clock.now_ms())
        if silence is not None:
            raise silence
        return book_view(venue, symbol, fields, clock.now_ms())

    return api


def _example(read_model: ReadModel) -> Example:
    """The first instrument, as far as settings tell; with FEEDS=auto of a live venue."""
    venue = read_model.venues.all[0]
    return Example(venue, next(iter(read_model.symbols(venue)), "BTCUSDT"))


def _add_market(api: Blueprint, read_model: ReadModel) -> None:
    bodies: dict[tuple[str, str], tuple[MarketView, bytes]] = {}

    def body_of(view: MarketView, interval: str, venue: str) -> bytes:
        kept, body = bodies.get((interval, venue), (None, b""))
        if kept is not view:  # written once per view, whoever asks; the keys are few and checked
            rows = [row for row in view.rows if venue in ("", row.venue)]
            if not rows and venue not in ("", *view.feeds):  # a venue that another stands in for
                rows = [blank_row(venue, symbol) for symbol in read_model.symbols(venue)]
            body = market_json(view, rows, interval)
            bodies[interval, venue] = view, body
        return body

    @api.get("/market")
    def market() -> Response:
        given = request.args
        interval = one_of("interval", given.get("interval") or read_model.interval, read_model.intervals)
        venue = given.get("venue", "") and one_of("venue", given["venue"], read_model.venues.all)
        view = read_model.market()
        response = Response(mimetype="application/json")
        response.set_etag(view.version, weak=True)
        response.cache_control.no_cache = True
        if request.if_none_match.contains_weak(view.version):
            response.status_code = 304
        else:
            response.set_data(body_of(view, interval, venue))
        return response


def _add_klines(api: Blueprint, names: Names, history: History, clock: Clock) -> None:
    @api.get("/klines")
    def klines() -> Response:
        given = request.args
        query = read_query(given, cursor_length=1, least_points=1)
        interval = one_of("interval", given.get("interval") or names.interval, tuple(INTERVAL_MS))
        venue, symbol = names.check(given.get("venue"), given.get("symbol"))
        page = kline_page(history, venue, symbol, interval, query)
        gaps = gaps_of(history, venue, symbol, ("kline", "trade"), page.span)
        return reply(page, gaps, query, clock.now_ms(), f"klines-{venue}-{symbol}-{interval}")


def _add_ticks(api: Blueprint, names: Names, history: History, clock: Clock) -> None:
    @api.get("/ticks")
    def ticks() -> Response:
        given = request.args
        query = read_query(given, cursor_length=2, least_points=_LEAST_TICK_POINTS)
        venue, symbol = names.check(given.get("venue"), given.get("symbol"))
        page = tick_page(history, venue, symbol, query)
        gaps = gaps_of(history, venue, symbol, ("book",), page.span)
        return reply(page, gaps, query, clock.now_ms(), f"ticks-{venue}-{symbol}")


def _add_gaps(api: Blueprint, names: Names, history: History, clock: Clock) -> None:
    @api.get("/gaps")
    def gaps() -> Response:
        given = request.args
        query = read_query(given, cursor_length=2, least_points=None)
        channel = given.get("channel", "") and one_of("channel", given["channel"], CHANNELS)
        venue, symbol = names.check_given(given.get("venue", ""), given.get("symbol", ""))
        page = gap_page(history, venue, symbol, channel, query)
        name = "-".join(word for word in ("gaps", venue, symbol, channel) if word)
        return reply(page, NO_GAPS, query, clock.now_ms(), name)

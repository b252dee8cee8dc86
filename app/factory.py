"""Puts the web together: read model, pages, API and what protects them. Connects to nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dash import Dash
from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from app import api, api_status, compression, errors, health, login, rate, security, shell
from app.market_history import MarketHistory
from app.market_model import MarketModel
from app.metrics import add_metrics
from app.pages.market import callbacks as market_callbacks
from app.pages.market import layout as market_layout
from app.pages.signals import callbacks as signals_callbacks
from app.pages.signals import layout as signals_layout
from app.pages.signals.terms import terms_of
from app.pages.status import callbacks as status_callbacks
from app.pages.status import layout as status_layout
from app.pages.symbol import callbacks as symbol_callbacks
from app.pages.symbol.pages import SymbolPages
from app.ports import Clock, History, HotReader
from app.read_model import ReadModel
from app.record_model import RecordModel
from app.record_model import Sources as RecordSources
from app.status_model import StatusModel
from app.stream.hub import Hub
from app.stream.places import Places
from app.stream.routes import EXTENSION, Streams
from app.symbol_model import Sources, SymbolModel, in_background
from app.theme import FIRST_PAINT_HASH, index_string
from app.watch import HistoryWatch
from app.web_metrics import WebMetrics
from db.breaker import Breaker
from db.settings import Settings

ASSETS = Path(__file__).resolve().parent.parent / "assets"
_YEAR_S = 31_536_000
_MARKET = "/"
_SIGNALS = "/signals"
_STATUS = "/status"
_LAYOUT = "/_dash-layout"
_GRID = "/_dash-component-suites/dash_ag_grid/async-community.js"
_DASH_PAGE = "/<path:path>"
"""Endpoint of Dash's catch-all, which answers 200 wherever one looks."""


class _Server(Flask):
    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Every function of ours is a plain one; Flask would look at each anew with each request."""
        return func


def create_app(
    settings: Settings,
    reader: HotReader,
    history: History,
    clock: Clock,
    breaker: Breaker | None = None,
) -> Dash:
    """The Dash app over these readers; its `server` is what gunicorn serves.

    `breaker`: what the reader's client knows of Redis, for the rate limiter's.
    """
    server = _Server("tickdeck")
    # Addresses of assets carry the file's time, so they may be kept for a year.
    server.config["SEND_FILE_MAX_AGE_DEFAULT"] = _YEAR_S
    web = WebMetrics()
    web.watch(server)
    login.install(server, settings.users, settings.metrics_token)
    history = web.timed(history)
    compression.configure(server)
    health.add_routes(server, reader, history, clock)
    app = _dash(server)
    compression.read_assets(server)
    read_model = ReadModel(settings, reader, clock, HistoryWatch(history, clock.monotonic))
    sources = Sources(read_model, reader, history, clock, in_background())
    status = StatusModel(settings, read_model, reader, history, clock)
    has_page = _add_pages(app, settings, sources, status)
    add_metrics(server, status, web)
    server.register_blueprint(api_status.blueprint(status))
    hub = Hub(read_model, reader, clock.monotonic, settings.refresh_ms / 1000)
    streams = server.extensions[EXTENSION] = Streams(hub, Places(settings.streams_per_address))
    server.register_blueprint(
        api.blueprint(read_model, reader, history, clock, streams, has_login=bool(settings.users))
    )
    errors.install(server)
    rate.install(server, settings.api_rate_limit, settings.redis_url, breaker)
    security.guard_callbacks(app)
    security.add_headers(server, security.content_security_policy([*app.csp_hashes(), FIRST_PAINT_HASH]))
    _finish_pages(server, has_page)
    if hops := settings.proxy_hops:
        server.wsgi_app = ProxyFix(server.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]  # the documented way
    return app


def _add_pages(app: Dash, settings: Settings, sources: Sources, status: StatusModel) -> Callable[[str], bool]:
    """The pages with their callbacks; tells whether there is one at a path."""
    read_model, clock = sources.read_model, sources.clock
    terms = terms_of(settings, read_model.venues.all)
    pages: shell.Pages = {
        _MARKET: lambda: market_layout.layout(market_layout.choices_of(read_model)),
        _SIGNALS: lambda: signals_layout.layout(signals_layout.choices_of(read_model), terms),
        _STATUS: status_layout.layout,
    }
    symbols = SymbolPages(read_model)
    market = MarketModel(read_model, MarketHistory(read_model, sources.history, clock))
    app.layout = lambda: _layout(market, settings.refresh_ms)
    shell.register(app, market, clock.now_ms, pages, symbols.page_at)
    market_callbacks.register(app)
    symbol_callbacks.register(app, SymbolModel(sources), symbols.names)
    record = RecordSources(read_model, sources.history, clock, sources.start)
    signals_callbacks.register(app, RecordModel(record))
    status_callbacks.register(app, status)
    return lambda path: path in pages or symbols.has(path)


def _dash(server: Flask) -> Dash:
    app = Dash(
        "tickdeck",
        server=server,  # type: ignore[arg-type]  # a Flask is documented; the annotation forgot it
        assets_folder=str(ASSETS),
        pages_folder="",
        use_pages=False,
        suppress_callback_exceptions=True,
        title="Tickdeck",
        update_title=None,  # type: ignore[arg-type]  # as above: no title while updating
        index_string=index_string(),
        use_async=False,
        compress=True,
        serve_locally=True,
        enable_mcp=False,
        add_log_handler=False,
    )
    # Left unsaid, the environment could turn each on.
    app.enable_dev_tools(
        debug=False,
        dev_tools_ui=False,
        dev_tools_props_check=False,
        dev_tools_serve_dev_bundles=False,
        dev_tools_hot_reload=False,
        dev_tools_disable_version_check=True,
    )
    return app


def _layout(market: MarketModel, refresh_ms: int) -> shell.Component:
    # Dash also has it made to check it, at whatever request comes first: /healthz must not wait for a store.
    is_wanted = request.path == _LAYOUT
    view = market.read_model.market() if is_wanted else market.read_model.blank()
    return shell.layout(view, market.first(view), refresh_ms)


def _finish_pages(server: Flask, has_page: Callable[[str], bool]) -> None:
    @server.after_request
    def _finish(response: Response) -> Response:
        is_page = request.endpoint == _DASH_PAGE and response.status_code == 200
        if is_page and not has_page(request.path):
            response.status_code = 404
        if request.path == _MARKET:
            # Dash would ask for the table itself only when everything else has run.
            response.headers["Link"] = f"<{_GRID}>; rel=preload; as=script"
        return response

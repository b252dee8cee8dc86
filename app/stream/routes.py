"""`/api/stream` and `/api/ws`: the market and what happens in it, as it happens."""

from collections.abc import Callable
from typing import NamedTuple

from flask import Blueprint, Response, request

from app.address import address_of
from app.api_names import Names
from app.errors import error
from app.stream.hub import Hub
from app.stream.open_stream import OpenStream
from app.stream.places import Places
from app.stream.wanted import EventId, Wanted, read_id, read_wanted
from app.stream.web_socket import WebSocketReply, is_foreign, read_handshake

EXTENSION = "streams"
"""Name under which Flask's `extensions` has the Streams."""
MOST_STREAMS = 3_000
"""In one process: pages need connections, too (gunicorn.conf.py)."""
FULL_RETRY_S = 10
LEFT_RETRY_S = 2

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Streams(NamedTuple):
    """What serves the streams of this process."""

    hub: Hub
    places: Places

    def live_under(self, is_alive: Callable[[], bool], shared_file: int | None) -> None:
        """Let all streams end when the process does, and be counted together with those of its siblings."""
        self.hub.is_ending = lambda: not is_alive()
        if shared_file is not None:
            self.places.share(shared_file)


def add_stream(api: Blueprint, names: Names, streams: Streams) -> None:
    """Add the routes."""

    @api.get("/stream")
    def stream() -> Response:
        wanted = read_wanted(request.args, names)
        last_id = read_id(request.headers.get("Last-Event-ID"))
        response = Response(mimetype="text/event-stream", headers=_HEADERS)
        if request.method == "HEAD":
            return response
        opened = _open(streams, wanted, last_id)
        if isinstance(opened, Response):
            return opened
        response.response = opened.frames()
        response.call_on_close(opened.close)
        return response

    @api.get("/ws")
    def no_web_socket() -> Response:
        response = error(426, "upgrade_required", "expected a WebSocket")
        response.headers["Upgrade"] = "websocket"
        return response

    @api.route("/ws", websocket=True)
    def web_socket() -> Response:
        wanted = read_wanted(request.args, names)
        last_id = read_id(request.headers.get("Last-Event-ID") or request.args.get("last_event_id"))
        connection, handshake = request.environ.get("gunicorn.socket"), read_handshake(request)
        if handshake is None or connection is None:
            return error(400, "bad_request", "expected the handshake of a WebSocket")
        if is_foreign(request):
            return error(403, "forbidden", "expected a page of this server", "Origin")
        opened = _open(streams, wanted, last_id)
        return opened if isinstance(opened, Response) else WebSocketReply(connection, *handshake, opened)


def _open(streams: Streams, wanted: Wanted, last_id: EventId | None) -> OpenStream | Response:
    """A stream that the hub serves, or why there is none."""
    if streams.hub.is_ending() or streams.hub.count >= MOST_STREAMS:
        return _refused(503, "unavailable", "there is no room for more streams now", LEFT_RETRY_S)
    give_back = streams.places.take(address_of(request))
    if give_back is None:
        return _refused(429, "too_many_streams", "too many streams are open from this address", FULL_RETRY_S)
    connection = request.environ.get("gunicorn.socket") or request.environ.get("werkzeug.socket")
    opened = OpenStream(wanted, last_id, connection, give_back)
    streams.hub.add(opened)
    return opened


def _refused(status: int, code: str, message: str, retry_s: int) -> Response:
    response = error(status, code, message)
    response.headers["Retry-After"] = str(retry_s)
    return response

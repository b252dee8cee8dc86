"""`/api/stream`: Server-Sent Events of the market and of what happens in it."""

from collections.abc import Callable
from typing import NamedTuple

from flask import Blueprint, Response, request

from app.address import address_of
from app.api_names import Names
from app.errors import error
from app.stream.hub import Hub
from app.stream.open_stream import OpenStream
from app.stream.places import Places
from app.stream.wanted import read_id, read_wanted

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
    """Add the route."""

    @api.get("/stream")
    def stream() -> Response:
        wanted = read_wanted(request.args, names)
        last_id = read_id(request.headers.get("Last-Event-ID"))
        response = Response(mimetype="text/event-stream", headers=_HEADERS)
        if request.method == "HEAD":
            return response
        if streams.hub.is_ending() or streams.hub.count >= MOST_STREAMS:
            return _refused(503, "unavailable", "there is no room for more streams now", LEFT_RETRY_S)
        give_back = streams.places.take(address_of(request))
        if give_back is None:
            return _refused(
                429, "too_many_streams", "too many streams are open from this address", FULL_RETRY_S
            )
        connection = request.environ.get("gunicorn.socket") or request.environ.get("werkzeug.socket")
        opened = OpenStream(wanted, last_id, connection, give_back)
        response.response = opened.frames()
        response.call_on_close(opened.close)
        streams.hub.add(opened)
        return response


def _refused(status: int, code: str, message: str, retry_s: int) -> Response:
    response = error(status, code, message)
    response.headers["Retry-After"] = str(retry_s)
    return response

"""How gunicorn serves the web: `gunicorn -c gunicorn.conf.py app.main:server`."""

import ctypes
import errno
import json
import os
import shutil
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger

from db.logs import line_formatter
from db.settings import load_settings


class JsonLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's own lines in the shape of all others."""

    def setup(self, cfg: Any) -> None:
        """Called at the start and with each reload."""
        super().setup(cfg)
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            handler.setFormatter(line_formatter("json"))


# Bad ones end the start here, by their names. Left to the workers, each would end so and be replaced.
settings = load_settings()
bind = f"0.0.0.0:{settings.port}"
workers = settings.web_concurrency
# An open stream costs a greenlet, not a thread.
worker_class = "gevent"
worker_connections = 4000
timeout = 30
graceful_timeout = 20  # platforms kill after 30 s
keepalive = 95  # longer than Heroku's router keeps its side open, or callbacks fail at random
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # a heartbeat file on a slow disk blocks
control_socket_disable = True
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS") or "127.0.0.1,::1"
accesslog = None  # a line per viewer and second says nothing; /metrics counts
errorlog = "-"
logger_class = JsonLogger if settings.log_format == "json" else Logger

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the name that prometheus_client looks for
METRICS_PREFIX = "tickdeck-metrics-"
STREAM_PLACES = "TICKDECK_STREAM_PLACES"
"""Where a master remembers, beyond a reload, which file it opened: its pid and the descriptor."""
stream_places: int | None = None
"""A file whose locks are the places that streams take (app/stream/places.py), open in all workers."""

REQUEST_S = 10.0
"""How long the head of a request may take from its first byte on, and how long its body."""

LINGER_S = 1.0
LINGER_BYTES = 16 * 2**20
"""How long, and for how many bytes, a client is heard out whose answer did not wait for all that it sends."""

POSTGRES_WAIT_S = 8.0  # longer than any statement may take (db/history/engine.py)


def nworkers_changed(server: Any, _new: int, _old: int | None) -> None:
    """Never preload the app, whatever GUNICORN_CMD_ARGS says (Render's own does).

    Each worker patches the standard library before it makes the app; of one made in the master the threads
    stay there, and its locks hang. No other hook is heard before that would be made.
    """
    server.cfg.set("preload_app", False)


def on_starting(_server: Any) -> None:
    """Prepare what all workers share."""
    share_metrics()
    open_stream_places()


def on_exit(server: Any) -> None:
    """Remove what was made for the metrics, unless a new master goes on with it."""
    folder = Path(os.environ.get(METRICS_FOLDER, ""))
    if folder.name.startswith(METRICS_PREFIX) and not server.reexec_pid:
        shutil.rmtree(folder, ignore_errors=True)


def share_metrics() -> None:
    """Make the folder where each worker keeps its numbers: any of them can tell those of all.

    A worker that ends leaves its file: sums never fall.
    """
    if not os.environ.get(METRICS_FOLDER):
        os.environ[METRICS_FOLDER] = tempfile.mkdtemp(prefix=METRICS_PREFIX, dir=worker_tmp_dir)


def on_reload(_server: Any) -> None:
    """Prepare for the next workers: this file was read anew."""
    open_stream_places()


def open_stream_places() -> None:
    """To be called before workers are forked; the file has no name and goes with them.

    All generations of workers of this master count in the one that it opened first.
    """
    global stream_places
    owner, _, opened = os.environ.get(STREAM_PLACES, "").partition(":")
    if owner == str(os.getpid()):
        stream_places = int(opened)
        return
    stream_places, name = tempfile.mkstemp(prefix="tickdeck-")
    Path(name).unlink()
    os.environ[STREAM_PLACES] = f"{os.getpid()}:{stream_places}"


def post_worker_init(worker: Any) -> None:
    """Tell the streams of a worker's app when to end."""
    streams = getattr(worker.wsgi, "extensions", {}).get("streams")
    if streams is not None:
        streams.live_under(lambda: worker.alive, stream_places)


def post_fork(_server: Any, _worker: Any) -> None:
    """Prepare a worker."""
    return_large_blocks()
    refuse_in_json()
    hear_clients_out()
    end_slow_requests()
    let_greenlets_wait_for_postgres()


def return_large_blocks() -> None:
    """Have glibc map every large block by itself, so that the system has it back when it is freed.

    Otherwise the first that is freed raises the size from which it does so, and what comes later stays in the
    heap: 25 MB a process, when plotly.js is compressed.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:  # musl has none, and needs none
        mallopt(-3, 256 * 1024)  # M_MMAP_THRESHOLD


def refuse_in_json() -> None:
    """Have gunicorn refuse in the shape of the API what the app never sees; its own is an HTML page."""
    from gunicorn import util

    def write_error(sock: Any, status: int, reason: str, message: str) -> None:
        code = reason.lower().replace(" ", "_")
        body = json.dumps({"error": {"code": code, "message": message or reason, "field": None}})
        head = (
            f"HTTP/1.1 {status} {reason}",
            "Connection: close",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        )
        util.write_nonblock(sock, "\r\n".join((*head, "", body)).encode())

    util.write_error = write_error


def hear_clients_out() -> None:
    """Have the gevent worker end requests as gunicorn's others do (RFC 9112, 9.6).

    A plain close with bytes unread resets the connection, and the answer may be lost on its way. Between two
    requests of a connection, what is unread of a body would be read to its end, however long that is.
    """
    from gunicorn import util
    from gunicorn.http.parser import Parser

    finish_body = Parser.finish_body

    def finish_short_body(parser: Any) -> Any:
        return finish_body(parser, deadline=time.monotonic() + LINGER_S)  # and up to 64 KiB

    Parser.finish_body = finish_short_body
    util.close = partial(util.close_graceful, timeout=LINGER_S, max_drain=LINGER_BYTES)


def end_slow_requests() -> None:
    """Have nobody hold a connection by sending a byte now and then: all of them could be held so.

    gunicorn limits the head alone, by the time that a connection may be idle, and a body not at all.
    """
    from gevent import Timeout
    from gunicorn.http.body import Body
    from gunicorn.http.message import Request

    read_head, read_body = Request.read_into, Body.read

    def in_time(seconds: float) -> Any:
        late = ConnectionResetError(errno.ECONNRESET, f"the request took over {REQUEST_S:g} s")
        return Timeout(max(0.0, seconds), late)

    def head(request: Any, unreader: Any, buffer: Any, stop: bool = False) -> None:
        if stop:  # the first bytes: a connection may be idle before them
            read_head(request, unreader, buffer, stop)
            request.late_at = time.monotonic() + REQUEST_S
            return
        with in_time(request.late_at - time.monotonic()):
            read_head(request, unreader, buffer)

    def body(asked: Any, size: int | None = None) -> Any:
        with in_time(REQUEST_S):
            return read_body(asked, size)

    Request.read_into, Body.read = head, body


def let_greenlets_wait_for_postgres() -> None:
    """Have them give way while they wait: psycopg2 waits in C, out of the patches' reach.

    No time-out of the driver or the server ends a wait for a server that hangs: this does.
    """
    import psycopg2.extensions
    from gevent.socket import wait_read, wait_write

    def silent() -> Exception:
        return psycopg2.OperationalError(f"the server is silent for {POSTGRES_WAIT_S:g} s")

    def wait(connection: Any) -> None:
        while True:
            state = connection.poll()
            if state == psycopg2.extensions.POLL_OK:
                return
            if state == psycopg2.extensions.POLL_READ:
                wait_read(connection.fileno(), POSTGRES_WAIT_S, silent())
            elif state == psycopg2.extensions.POLL_WRITE:
                wait_write(connection.fileno(), POSTGRES_WAIT_S, silent())
            else:
                raise psycopg2.OperationalError(f"unexpected poll state {state}")

    psycopg2.extensions.set_wait_callback(wait)

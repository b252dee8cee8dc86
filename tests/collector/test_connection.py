"""A connection against a server on loopback that does what it is told."""

import contextlib
import http
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from collector.connection import Connection, opening
from collector.connection.opening import MOST_BYTES

pytestmark = pytest.mark.wire

WAIT_S = 5.0


class Log:
    """Keeps what a connection tells."""

    def __init__(self) -> None:
        self.opened: queue.Queue[int] = queue.Queue()
        self.frames: queue.Queue[bytes] = queue.Queue()
        self.closed: queue.Queue[tuple[str, str]] = queue.Queue()
        self.to_send: list[str] = []

    def on_open(self, connection: Connection) -> None:
        for frame in self.to_send:
            connection.send(frame)
        self.opened.put(connection.generation)

    def on_frame(self, _connection: Connection, frame: bytes, _recv_time: int) -> None:
        self.frames.put(bytes(frame))

    def on_close(self, _connection: Connection, state: str, reason: str) -> None:
        self.closed.put((state, reason))


Serve = Callable[..., str]


@pytest.fixture
def serving() -> Iterator[Serve]:
    """Starts a server with a handler; returns its URL."""
    servers: list[tuple[Server, threading.Thread]] = []

    def start(
        handler: Callable[[ServerConnection], None],
        answer: Callable[[ServerConnection, Request], Response | None] | None = None,
    ) -> str:
        server = serve(handler, "127.0.0.1", 0, process_request=answer, compression=None)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f"ws://127.0.0.1:{server.socket.getsockname()[1]}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join(WAIT_S)


@pytest.fixture
def connect() -> Iterator[Callable[[str], tuple[Connection, Log]]]:
    """Opens a connection; closes it at the end."""
    made: list[Connection] = []

    def start(url: str) -> tuple[Connection, Log]:
        log = Log()
        connection = Connection("test", [url], log, send_every_s=0.0)
        made.append(connection)
        return connection, log

    yield start
    for connection in made:
        connection.stop()
        connection.join(WAIT_S)


Connect = Callable[[str], tuple[Connection, Log]]


def test_many_small_and_large_frames_arrive_whole_and_in_order(serving: Serve, connect: Connect) -> None:
    """However they fall on the socket's reads."""
    sent = [b"x" * size for size in (1, 125, 126, 65_535, 65_536, 200_000, 3, 70_000, 1)] * 5

    def handler(server: ServerConnection) -> None:
        for frame in sent:
            server.send(frame)
        server.recv()

    connection, log = connect(serving(handler))
    connection.start()
    assert [log.frames.get(timeout=WAIT_S) for _ in sent] == sent


def test_the_first_socket_waits_for_what_is_shown_before(serving: Serve) -> None:
    """The next ones do not."""
    may_open, waited = threading.Event(), threading.Event()

    def wait() -> None:
        assert not waited.is_set()
        waited.set()
        may_open.wait(WAIT_S)

    log = Log()
    url = serving(lambda server: server.close(1001, "restart"))
    connection = Connection("test", [url], log, send_every_s=0.0, wait=wait)
    connection.start()
    try:
        assert waited.wait(WAIT_S)
        with pytest.raises(queue.Empty):
            log.opened.get(timeout=0.1)
        may_open.set()
        assert [log.opened.get(timeout=WAIT_S) for _ in range(2)] == [1, 2]
    finally:
        connection.stop()
        connection.join(WAIT_S)


def test_queued_frames_leave_with_service(serving: Serve, connect: Connect) -> None:
    """And come to the server in order."""
    received: queue.Queue[str | bytes] = queue.Queue()

    def handler(server: ServerConnection) -> None:
        for message in server:
            received.put(message)

    connection, log = connect(serving(handler))
    log.to_send = ["one", "two"]
    connection.start()
    log.opened.get(timeout=WAIT_S)
    connection.service(1.0)
    assert [received.get(timeout=WAIT_S) for _ in range(2)] == ["one", "two"]


def test_a_closed_socket_is_opened_again(serving: Serve, connect: Connect) -> None:
    """With the venue's words as the reason, and a new generation."""
    connection, log = connect(serving(lambda server: server.close(1001, "restart")))
    connection.start()
    assert [log.opened.get(timeout=WAIT_S) for _ in range(2)] == [1, 2]
    state, reason = log.closed.get(timeout=WAIT_S)
    assert state == "reconnecting"
    assert "1001 restart" in reason


def test_abort_breaks_a_socket_that_is_silent(serving: Serve, connect: Connect) -> None:
    """Although the peer is alive; the reason is ours."""
    connection, log = connect(serving(lambda server: server.recv()))
    connection.start()
    log.opened.get(timeout=WAIT_S)
    connection.abort("no data for 15 s")
    assert log.closed.get(timeout=WAIT_S) == ("reconnecting", "no data for 15 s")
    assert log.opened.get(timeout=WAIT_S) == 2


ANSWERS = {
    302: ("blocked", "status 302, Location https://elsewhere.example/"),
    403: ("blocked", "status 403"),
    451: ("blocked", "status 451"),
    502: ("down", "status 502"),
}


@pytest.mark.parametrize("status", ANSWERS)
def test_a_refused_handshake_says_its_status(serving: Serve, connect: Connect, status: int) -> None:
    """A redirect is not followed; where it points is in the reason."""
    asked = 0

    def answer(server: ServerConnection, _request: Request) -> Response:
        nonlocal asked
        asked += 1
        response = server.respond(http.HTTPStatus(status), "<html>no</html>")
        if status == 302:
            response.headers["Location"] = "https://elsewhere.example/"
        return response

    connection, log = connect(serving(lambda _server: None, answer))
    connection.start()
    state, reason = log.closed.get(timeout=WAIT_S)
    expected_state, words = ANSWERS[status]
    assert state == expected_state
    assert words in reason
    if expected_state == "blocked":
        assert asked == 1


def test_a_message_without_end_is_given_up_at_its_bound(serving: Serve, connect: Connect) -> None:
    """By the length that its header tells, or where its parts together pass it; the next socket is opened."""
    half = b"x" * (MOST_BYTES // 2 + 1)
    told = threading.Event()

    def handler(server: ServerConnection) -> None:
        if told.is_set():
            server.send(iter((half, half, half)))
        else:
            told.set()
            server.socket.sendall(b"\x82\x7f" + (2**62).to_bytes(8, "big") + half)
        server.recv()

    connection, log = connect(serving(handler))
    connection.start()
    ends = [log.closed.get(timeout=2 * WAIT_S) for _ in range(2)]
    assert [state for state, _ in ends] == ["reconnecting", "reconnecting"]
    assert f"a message of {2**62:,} bytes" in ends[0][1]
    assert f"a message of {2 * len(half):,} bytes" in ends[1][1]
    assert log.frames.empty()


def test_a_handshake_that_dribbles_is_given_up(monkeypatch: pytest.MonkeyPatch, connect: Connect) -> None:
    """Every read of it is quick, and it never ends: its time is limited in all."""
    monkeypatch.setattr(opening, "OPEN_WITHIN_S", 0.5)
    tried = queue.Queue[None]()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def dribble() -> None:
            for _ in range(2):
                peer, _address = server.accept()
                tried.put(None)
                with peer, contextlib.suppress(OSError):
                    peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nX-A: ")
                    while True:
                        peer.sendall(b"a")
                        time.sleep(0.02)

        thread = threading.Thread(target=dribble, daemon=True)
        thread.start()
        connection, log = connect(f"ws://127.0.0.1:{server.getsockname()[1]}")
        connection.start()
        for _ in range(2):
            tried.get(timeout=WAIT_S)
            state, reason = log.closed.get(timeout=WAIT_S)
            assert state == "down"
            assert reason.startswith("no answer within")
        thread.join(WAIT_S)


def test_a_name_that_nobody_knows_is_told_without_numbers(connect: Connect) -> None:
    """People read it on the page."""
    connection, log = connect("ws://name.invalid")
    connection.start()
    state, reason = log.closed.get(timeout=2 * WAIT_S)
    assert state == "down"
    assert reason.startswith("the venue's name cannot be resolved (")
    assert "Errno" not in reason


def test_a_port_where_nothing_listens_is_down(connect: Connect) -> None:
    """And is tried again."""
    connection, log = connect("ws://127.0.0.1:9")
    connection.start()
    states = [log.closed.get(timeout=WAIT_S)[0] for _ in range(2)]
    assert states == ["down", "down"]

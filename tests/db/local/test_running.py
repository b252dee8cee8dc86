"""A second `dev` that meets one whose page is not there yet."""

import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from db.local.checkout import State
from db.local.errors import LocalError
from db.local.running import page_url, wait_for_page

pytestmark = pytest.mark.wire
NOBODY = 2**22 + 1
"""No process has that pid."""


class Answer(BaseHTTPRequestHandler):
    """A page that is there."""

    def do_GET(self) -> None:
        """What a web process says."""
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """A port at which nobody listens yet."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        found: int = place.getsockname()[1]
    yield found


def test_it_waits_until_the_page_answers_and_says_so_once(port: int) -> None:
    """The page comes while it waits."""
    said: list[str] = []
    pages: list[HTTPServer] = []

    def begin() -> None:
        page = HTTPServer(("127.0.0.1", port), Answer)
        pages.append(page)
        page.serve_forever()

    timer = threading.Timer(0.3, begin)
    timer.start()
    wait_for_page(State("up", os.getpid(), page_url(port)), lambda: said.append("waits"), every_s=0.02)
    assert said == ["waits"]
    wait_for_page(State("up", os.getpid(), page_url(port)), lambda: said.append("waits"))
    assert said == ["waits"]
    pages[0].shutdown()
    timer.join(10)
    pages[0].server_close()


@pytest.mark.parametrize(
    ("pid", "words"), [(os.getpid(), "does not answer"), (NOBODY, "has ended")], ids=["hangs", "gone"]
)
def test_it_does_not_wait_for_ever(port: int, pid: int, words: str) -> None:
    """Neither for one that hangs nor for one that is gone."""
    with pytest.raises(LocalError, match=words):
        wait_for_page(State("up", pid, page_url(port)), lambda: None, patience_s=0.1, every_s=0.02)

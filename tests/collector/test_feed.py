"""A feed against a scripted Bybit on loopback: bad frames, silence, refusals."""

import json
import time

import pytest
from websockets.sync.server import ServerConnection

from collector import silence, subscriptions
from tests.collector.feed_rig import Setup, snapshot

pytestmark = pytest.mark.wire
GARBAGE = [b"\x00\xff\x00", b'{"topic":"orderbook.50.BTCUSDT","type":"delta","da', b"[" * 10_000_000]


def test_unreadable_frames_are_counted_and_three_in_a_row_break_the_socket(setup: Setup) -> None:
    """Binary, truncated and huge ones; the next socket brings the book back, and the state says why."""

    def script(server: ServerConnection, count: int) -> None:
        server.send(snapshot(count))
        for frame in GARBAGE if count == 1 else []:
            server.send(frame)

    setup.venue.script = script
    setup.start()
    setup.until(lambda: setup.bench.pipeline.states["BTCUSDT"].rules.book.update_id == 2, "the second socket")
    assert setup.bench.pipeline.statistics.faults["frame"] == 3
    assert setup.bench.pipeline.statistics.reconnects == 1
    said = [setup.said.get_nowait() for _ in range(setup.said.qsize())]
    assert ("disconnected", "bybit-linear-0: 3 unreadable frames in a row") in said


def test_single_unreadable_frames_break_nothing(setup: Setup) -> None:
    """Data in between shows that the socket is sound."""

    def script(server: ServerConnection, _count: int) -> None:
        for number in range(1, 6):
            server.send(b"\x00")
            server.send(snapshot(number))

    setup.venue.script = script
    setup.start()
    setup.until(
        lambda: setup.bench.pipeline.states["BTCUSDT"].rules.book.update_id == 5, "the fifth snapshot"
    )
    assert setup.bench.pipeline.statistics.reconnects == 0
    assert setup.feed.state == ("live", "")


def test_a_refused_topic_is_left_out_and_the_rest_asked_again(setup: Setup) -> None:
    """One bad symbol takes no other with it."""
    setup.venue.refuse = {t.name for t in setup.bench.venue.stream.topics("NOPEUSDT", setup.bench.plan)}
    setup.venue.script = lambda server, _count: server.send(snapshot(1))
    setup.start()
    setup.until(lambda: setup.book_state == "live", "the good symbol's book")
    requests = [setup.venue.requests.get_nowait()["args"] for _ in range(setup.venue.requests.qsize())]
    assert len(requests) == 5
    assert not set(map(str, requests[-1])) & setup.venue.refuse  # type: ignore[call-overload]  # a list of topics


def test_a_topic_that_was_refused_is_asked_for_again(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal may be a mood of the venue; meanwhile the state says what is missing."""
    monkeypatch.setattr(subscriptions, "RETRY_S", 0.5)
    setup.venue.refuse = {"orderbook.50.BTCUSDT"}
    setup.venue.script = lambda server, _count: server.send(snapshot(1).replace("BTCUSDT", "NOPEUSDT"))
    setup.start()
    setup.until(lambda: setup.feed.state[0] == "degraded", "a state that tells of it")
    assert "orderbook.50.BTCUSDT is refused: error:handler not found" in setup.feed.state[1]
    setup.venue.refuse = set()
    setup.venue.script = lambda server, _count: server.send(snapshot(2))
    setup.until(lambda: setup.book_state == "live", "the book")
    setup.until(lambda: setup.feed.state == ("live", ""), "a state that is well again")
    assert setup.bench.pipeline.statistics.reconnects == 0


def test_a_venue_that_refuses_everything_is_not_live(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """No topic is given up for good: the next socket asks for all of them."""
    monkeypatch.setattr(silence, "FIRST_SILENT_S", 1.0)
    setup.venue.refuse = {
        t.name for s in ("BTCUSDT", "NOPEUSDT") for t in setup.bench.venue.stream.topics(s, setup.bench.plan)
    }
    setup.venue.script = lambda server, count: server.send(snapshot(count))
    setup.start()
    setup.until(lambda: setup.feed.state[0] == "reconnecting" and "not found" in setup.feed.state[1], "words")
    setup.venue.refuse = set()
    setup.until(lambda: setup.book_state == "live", "the book")


def test_a_market_that_rests_from_the_start_breaks_no_socket(setup: Setup) -> None:
    """One state of the book, and then nothing: that is no habit to go by."""
    setup.venue.script = lambda server, _count: server.send(snapshot(1))
    setup.start()
    setup.until(lambda: setup.book_state == "live", "a live book")
    for ahead_s in range(30):
        setup.feed.keep(time.monotonic() + ahead_s)
    assert setup.bench.pipeline.statistics.reconnects == 0
    assert [gap for gap in setup.gaps if gap.cause == "silent" and gap.channel != "ticker"] == []


def test_silence_breaks_the_socket_and_is_in_the_ledger(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing for a while: the book is stale, a new socket is opened; the last levels stay meanwhile."""
    monkeypatch.setattr(silence, "SILENT_S", 0.3)
    first = snapshot(1)

    def script(server: ServerConnection, count: int) -> None:
        for _ in range(silence.HEARD):
            server.send(first if count == 1 else snapshot(count))

    setup.venue.script = script
    setup.start()
    setup.until(lambda: setup.book_state == "live", "a live book")
    setup.until(lambda: setup.book_state == "stale", "a stale book")
    assert setup.bench.pipeline.states["BTCUSDT"].rules.book.top() == (100.0, 1.0, 101.0, 1.0)
    monkeypatch.setattr(silence, "SILENT_S", 60.0)
    setup.until(lambda: setup.book_state == "live", "the book again")
    assert setup.bench.pipeline.statistics.reconnects == 1
    setup.until(lambda: setup.feed.state == ("live", ""), "a live feed")
    opened, closed = (g for g in setup.gaps if g.channel == "book")
    assert (opened.channel, opened.cause, opened.ended_at) == ("book", "silent", None)
    assert opened.started_at == json.loads(first)["cts"]
    assert closed.ended_at is not None and closed.ended_at > opened.started_at
    assert closed._replace(ended_at=None) == opened


def test_a_socket_that_never_says_anything_is_replaced(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Acknowledged, and silent from the beginning: E1 and E3."""
    monkeypatch.setattr(silence, "FIRST_SILENT_S", 0.3)
    setup.venue.script = lambda server, count: server.send(snapshot(count)) if count > 1 else None
    setup.start()
    setup.until(lambda: setup.book_state == "live", "a live book")
    assert setup.bench.pipeline.statistics.reconnects == 1
    assert setup.gaps == []  # nothing was ever had that could be missing


def test_a_pause_of_our_own_is_nobodys_silence(setup: Setup) -> None:
    """A process that was stopped for a minute breaks no socket when it wakes."""
    setup.venue.script = lambda server, count: server.send(snapshot(count))
    setup.start()
    setup.until(lambda: setup.book_state == "live", "a live book")
    for ahead_s in (60.0, 60.1, 64.0):
        setup.feed.keep(time.monotonic() + ahead_s)
    assert setup.book_state == "live"
    assert setup.gaps == []

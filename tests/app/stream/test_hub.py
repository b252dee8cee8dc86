"""The hub, round by round; its thread is left out but for the last test."""

import queue
import threading
from typing import Any

import pytest

from app.read_model import ReadModel
from app.stream import hub as hub_module
from app.stream.hub import Hub
from app.stream.open_stream import MOST_WAITING, OpenStream
from app.stream.wanted import Wanted
from tests.app.fakes import LIVE_FEED, FakeReader, FakeTime, place, settings
from tests.app.stream.sse import Told, parse

SIGNALS = Wanted(kinds=frozenset({"signal"}))
MARKET = Wanted(kinds=frozenset({"market"}))


class Reading(OpenStream):
    """A stream whose reader the test is."""

    def __init__(self, wanted: Wanted = SIGNALS, last_id: str | None = None) -> None:
        super().__init__(wanted, place(last_id) if last_id else None, None, lambda: None)

    def told(self) -> list[Told]:
        """What waits, taken."""
        return parse(self.taken())[0]

    def taken(self) -> str:
        pieces = []
        while True:
            try:
                pieces.append(self._waiting.get_nowait() or b"")
            except queue.Empty:
                return b"".join(pieces).decode()


class Rig:
    """A hub without a thread, over a reader and a clock in the test's hand."""

    def __init__(self) -> None:
        self.reader, self.time = FakeReader(), FakeTime()
        self.reader.states = {"bybit": LIVE_FEED}
        model = ReadModel(settings(venues=["bybit"], symbols=["BTCUSDT"]), self.reader, self.time.clock)
        self.hub = Hub(model, self.reader, self.time.clock.monotonic, 1.0)
        self.hub._thread = threading.current_thread()  # it has one, as far as it knows

    def add(self, *streams: OpenStream) -> None:
        for stream in streams:
            self.hub.add(stream)
        self.round()

    def round(self, after_s: float = 0.25) -> None:
        self.time.elapsed_s += after_s
        self.hub.round()


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_events_go_to_those_who_want_them(rig: Rig) -> None:
    """With the id they have in Redis; what came before the stream opened is not told."""
    rig.reader.tell("signal")
    signals, gaps = Reading(), Reading(Wanted(kinds=frozenset({"gap"}), symbols=frozenset({"ETHUSDT"})))
    rig.add(signals, gaps)
    told = rig.reader.tell("signal", data='{"side":"buy"}')
    rig.reader.tell("gap")
    rig.round()
    (event,) = signals.told()
    assert (event.event, event.id, event.data["data"]) == ("signal", told, {"side": "buy"})
    assert gaps.told() == []


def test_the_market_is_a_snapshot_and_then_changes(rig: Rig) -> None:
    """Told at the rhythm of the pages; where nothing changed nothing is told."""
    rig.reader.put("bybit", "BTCUSDT", last_price=5.0)
    stream = Reading(MARKET)
    rig.add(stream)
    assert [(t.event, t.id) for t in stream.told()] == [("market", None)]
    rig.reader.put("bybit", "BTCUSDT", last_price=6.0)
    rig.round()
    assert stream.told() == []
    rig.round(1.0)
    (change,) = stream.told()
    assert (change.event, change.data["rows"][0]["last_price"]) == ("change", 6.0)
    rig.round(1.0)
    assert stream.told() == []


def test_who_comes_later_begins_with_a_snapshot_that_the_changes_fit(rig: Rig) -> None:
    """The one that the hub told last, whatever has changed since."""
    first, second = Reading(MARKET), Reading(MARKET)
    rig.add(first)
    rig.reader.put("bybit", "BTCUSDT", last_price=6.0)
    rig.add(second)
    assert second.told()[0].data["rows"][0]["last_price"] is None
    rig.round(1.0)
    assert second.told()[0].data["rows"][0]["last_price"] == 6.0


def test_what_was_missed_is_told_and_then_goes_on(rig: Rig) -> None:
    """Each event once, in order, also what comes in the round in which the stream resumes."""
    seen = rig.reader.tell("signal")
    missed = rig.reader.tell("signal")
    rig.add(Reading())
    late = rig.reader.tell("signal")
    stream = Reading(last_id=seen)
    rig.add(stream)
    after = rig.reader.tell("signal")
    rig.round()
    assert [t.id for t in stream.told()] == [missed, late, after]


def test_older_than_the_stream_is_a_reset(rig: Rig) -> None:
    """Without an id; what comes then is told."""
    seen = rig.reader.tell("signal")
    for _ in range(3):
        rig.reader.tell("signal")
    rig.reader.kept = 2
    stream = Reading(last_id=seen)
    rig.add(stream)
    after = rig.reader.tell("signal")
    rig.round()
    reset, event = stream.told()
    assert (reset.event, reset.id, reset.data["reason"]) == ("reset", None, "too_old")
    assert event.id == after


def test_market_data_does_not_resume(rig: Rig) -> None:
    """An id means nothing to a stream that tells no events."""
    stream = Reading(MARKET, last_id="5-0")
    rig.add(stream)
    assert [t.event for t in stream.told()] == ["market"]


def test_while_redis_is_away_streams_stay(rig: Rig) -> None:
    """What came meanwhile is told later; who resumes waits for it."""
    seen = rig.reader.tell("signal")
    stream = Reading()
    rig.add(stream)
    rig.reader.broken = True
    back = Reading(last_id=seen)
    rig.add(back)
    missed = rig.reader.tell("signal")
    rig.round()
    assert stream.told() == back.told() == []
    rig.reader.broken = False
    rig.round()
    assert [t.id for t in stream.told()] == [t.id for t in back.told()] == [missed]


def test_what_redis_lost_is_a_reset(rig: Rig) -> None:
    """It came back empty: nobody knows what happened meanwhile."""
    rig.reader.tell("signal")
    stream = Reading()
    rig.add(stream)
    rig.reader.broken = True
    rig.round()
    rig.reader.told.clear()
    rig.reader.broken = False
    rig.round()
    (told,) = stream.told()
    assert (told.event, told.data["reason"]) == ("reset", "lost")


def test_a_comment_comes_every_15_seconds(rig: Rig) -> None:
    """Whatever else is told."""
    stream = Reading()
    rig.add(stream)
    stream.taken()
    rig.round(14.0)
    assert stream.taken() == ""
    rig.round(1.0)
    assert stream.taken() == ": \n\n"


def test_a_slow_reader_is_dropped_with_a_reason(rig: Rig) -> None:
    """In place of what waits; others are told on."""
    slow, good = Reading(), Reading()
    rig.add(slow, good)
    for _ in range(MOST_WAITING + 1):
        rig.reader.tell("signal")
        rig.round()
        assert good.told()
    pieces = list(slow.frames())
    assert parse(b"".join(pieces[1:]).decode())[0] == [
        ("reset", {"reason": "too_slow", "message": "you read slower than it comes; this ends here"}, None)
    ]
    slow.close()
    rig.round()
    assert rig.hub.count == 1


def test_all_end_when_the_process_does(rig: Rig) -> None:
    """With a comment, at once."""
    stream = Reading()
    rig.add(stream)
    rig.hub.is_ending = lambda: True
    rig.round()
    assert list(stream.frames())[1:] == [b": the server ends\n\n"]


def test_a_reader_that_takes_no_last_words_is_cut_off(rig: Rig) -> None:
    """After a moment."""
    cuts: list[float] = []

    class Stuck(Reading):
        def cut(self) -> None:
            cuts.append(rig.time.elapsed_s)

    rig.add(Stuck())
    rig.hub.is_ending = lambda: True
    for _ in range(7):
        rig.round(1.0)
    assert cuts
    assert cuts[0] > hub_module.CUT_S


def test_many_that_come_back_are_one_question(rig: Rig) -> None:
    """After a deploy all have the same last event."""
    seen = rig.reader.tell("signal")
    rig.reader.tell("signal")
    asked: list[Any] = []
    events = rig.reader.events
    rig.reader.events = lambda *given: asked.append(given) or events(*given)  # type: ignore[method-assign,func-returns-value]
    streams = [Reading(last_id=seen) for _ in range(50)]
    rig.add(*streams)
    assert all(len(stream.told()) == 1 for stream in streams)
    assert len(asked) <= 2


def test_the_thread_ends_with_the_last_stream_and_begins_again() -> None:
    """A process that nobody listens to reads nothing."""
    rig = Rig()
    rig.hub._thread = None
    for _ in range(2):
        stream = Reading(MARKET)
        rig.hub.add(stream)
        thread = rig.hub._thread
        assert thread is not None
        frames = stream.frames()
        next(frames)
        assert parse(next(frames).decode())[0][0].event == "market"
        stream.close()
        rig.hub._wake.set()
        thread.join(5)
        assert not thread.is_alive()
        assert rig.hub.count == 0

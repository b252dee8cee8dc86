"""Following `events`."""

from app.stream.tail import PAGE, EventTail
from tests.app.fakes import FakeReader, place


def placed() -> tuple[FakeReader, EventTail]:
    reader = FakeReader()
    reader.tell("signal")
    tail = EventTail(reader)
    assert tail.news() == []  # what was there before is no news
    return reader, tail


def test_each_entry_is_news_once() -> None:
    """In their order, also where there are more than one page."""
    reader, tail = placed()
    told = [place(reader.tell("candle")) for _ in range(PAGE + 3)]
    assert [event.id for event in tail.news()] == told
    assert tail.news() == []


def test_an_entry_that_cannot_be_read_is_passed_over() -> None:
    """Broken data and kinds of a later version; the rest goes on."""
    reader, tail = placed()
    reader.tell("signal", data="{")
    told = reader.tell("gap", data='{"cause": "silent"}')
    reader.tell("weather")
    (event,) = tail.news()
    assert event.id == place(told)
    assert b'"data":{"cause":"silent"}' in event.frame
    assert tail.news() == []


def test_what_came_after_an_entry_can_be_had() -> None:
    """Up to what was told as news; not what has still to be told."""
    reader, tail = placed()
    told = [place(reader.tell("candle")) for _ in range(3)]
    tail.news()
    reader.tell("candle")
    since = tail.since(told[0])
    assert since is not None
    assert [event.id for event in since] == told[1:]
    assert tail.since(told[-1]) == []


def test_an_entry_that_is_gone_cannot_be_resumed_from() -> None:
    """Neither can one that never was, nor any of an empty stream."""
    reader, tail = placed()
    told = [place(reader.tell("candle")) for _ in range(3)]
    tail.news()
    reader.kept = 2
    assert tail.since(told[0]) is None
    assert tail.since(told[1]) is not None
    assert tail.since((told[-1][0] + 1, 0)) is None
    reader.told.clear()
    assert tail.since(told[-1]) is None


def test_a_loss_is_noticed_and_told_once() -> None:
    """Entries that went unread, or a stream that was begun anew."""
    reader, tail = placed()
    assert not tail.has_lost()
    for _ in range(5):
        reader.tell("candle")
    reader.kept = 2
    assert tail.has_lost()
    assert not tail.has_lost()
    assert tail.news() == []
    reader.told.clear()
    assert tail.has_lost()
    assert not tail.has_lost()
    reader.tell("candle")
    assert len(tail.news()) == 1


def test_a_stream_that_begins_is_followed_from_its_first_entry() -> None:
    """There was none when the place was taken."""
    reader = FakeReader()
    tail = EventTail(reader)
    tail.news()
    assert not tail.has_lost()
    reader.tell("gap")
    assert len(tail.news()) == 1

"""Frames, and the market as a stream tells it."""

from typing import Any

from app.stream.news import Market, comment, frame, read_events, reset
from app.stream.wanted import Wanted
from app.view import Notice, OverviewRow, build_view, read_feed
from db.hot.reader import StreamEntry
from tests.app.fakes import NOW
from tests.app.stream.sse import Told, parse

FEED = {"state": "live", "messages": "1"}


def market(
    *rows: OverviewRow, before: Market | None = None, feed: dict[str, str] = FEED, notices: Any = ()
) -> Market:
    view = build_view(NOW, rows, {"bybit": read_feed(feed)}, notices)
    return Market(view, "5m", before)


def row(symbol: str, price: float | None = None, recv_time: int = NOW - 100) -> OverviewRow:
    return OverviewRow("bybit", symbol, last_price=price, recv_time=recv_time)


def only(sent: bytes) -> Told:
    (told,), _ = parse(sent.decode())
    return told


def test_a_frame_is_what_browsers_expect() -> None:
    """Only entries of `events` have an id; a comment is no event."""
    assert frame("gap", b"{}", "7-0") == b"id: 7-0\nevent: gap\ndata: {}\n\n"
    assert frame("change", b"{}") == b"event: change\ndata: {}\n\n"
    assert comment() == b": \n\n"
    assert only(reset("too_old", "words")) == ("reset", {"reason": "too_old", "message": "words"}, None)


def test_an_entry_keeps_its_names_and_its_digits() -> None:
    """`data` is an object inside, in one line, its numbers as they were written."""
    fields = {"kind": "candle", "time": "5", "venue": "bybit", "symbol": "BTCUSDT", "data": '{"open":\n1.10}'}
    (event,) = read_events([StreamEntry("7-1", fields)])
    assert event.frame == (
        b"id: 7-1\nevent: candle\n"
        b'data: {"kind":"candle","time":5,"venue":"bybit","symbol":"BTCUSDT","data":{"open":1.10}}\n\n'
    )
    assert event.is_for(Wanted(symbols=frozenset({"BTCUSDT"})))
    assert not event.is_for(Wanted(kinds=frozenset({"gap"})))


def test_the_snapshot_has_the_rows_that_are_wanted() -> None:
    """As `/api/market` has them."""
    found = market(row("BTCUSDT", 5.0), row("ETHUSDT"))
    told = only(found.snapshot(Wanted(symbols=frozenset({"BTCUSDT"}))))
    assert (told.event, told.id) == ("market", None)
    assert [(r["symbol"], r["last_price"], r["age_ms"]) for r in told.data["rows"]] == [("BTCUSDT", 5.0, 100)]
    assert told.data["interval"] == "5m"
    assert len(only(found.snapshot(Wanted())).data["rows"]) == 2


def test_a_change_has_the_fields_that_are_others() -> None:
    """Beside the instrument and its age."""
    before = market(row("BTCUSDT", 5.0), row("ETHUSDT", 1.0))
    after = market(row("BTCUSDT", 5.5), row("ETHUSDT", 1.0), before=before, feed=FEED | {"messages": "2"})
    told = only(after.change(Wanted()))
    assert told.event == "change"
    assert told.data["rows"] == [{"venue": "bybit", "symbol": "BTCUSDT", "last_price": 5.5, "age_ms": 100}]
    assert "venues" not in told.data
    assert after.change(Wanted(symbols=frozenset({"ETHUSDT"}))) == b""


def test_a_feed_or_a_notice_that_changes_is_told_to_all() -> None:
    """Whatever symbols they want."""
    before = market(row("BTCUSDT"))
    notices = [Notice("trouble", "words")]
    after = market(row("BTCUSDT"), before=before, feed=FEED | {"state": "down"}, notices=notices)
    told = only(after.change(Wanted(symbols=frozenset({"ETHUSDT"}))))
    assert told.data["venues"]["bybit"]["state"] == "down"
    assert told.data["notices"][0]["text"] == "words"
    assert told.data["rows"] == []
    later = market(row("BTCUSDT"), before=before, feed=FEED | {"unlisted": "FOOUSDT"})
    assert only(later.change(Wanted())).data["venues"]["bybit"]["unlisted"] == "FOOUSDT"


def test_other_instruments_are_a_new_snapshot() -> None:
    """Nobody has to guess which rows went."""
    before = market(row("BTCUSDT"))
    assert only(before.change(Wanted())).event == "market"
    assert only(market(row("BTCUSDT"), row("ETHUSDT"), before=before).change(Wanted())).event == "market"

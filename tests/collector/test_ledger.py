"""The ledger: one row an instrument and channel, opened once, closed when all of it is back."""

from collector.ledger import STOPPED, Ledger
from collector.venues import Topic
from db.rows import GapRow

BOOK = Topic("orderbook.50.BTCUSDT", "linear", "book", "BTCUSDT")
DEPTH = Topic("btcusdt@depth@100ms", "public", "book", "BTCUSDT")
QUOTES = Topic("btcusdt@bookTicker", "public", "top", "BTCUSDT")
TRADES = Topic("btcusdt@aggTrade", "market", "trade", "BTCUSDT")


class Book:
    """A ledger and what it wrote."""

    def __init__(self) -> None:
        self.rows: list[GapRow] = []
        self.closed: list[GapRow] = []
        self.ledger = Ledger("binance", self.rows.append)
        self.ledger.on_closed = self.closed.append


def test_a_gap_is_written_when_it_opens_and_when_it_closes() -> None:
    """With the venue's times of the last and the first good datum."""
    book = Book()
    assert book.ledger.lose(TRADES, 100, "disconnect", "closed with 1001")
    assert book.ledger.open_count == 1
    book.ledger.regain(TRADES, 250)
    opened, closed = book.rows
    assert opened == GapRow(
        "binance", "BTCUSDT", "trade", 100, None, "disconnect", "no", 0, "closed with 1001"
    )
    assert closed == opened._replace(ended_at=250)
    assert book.closed == [closed]
    assert book.ledger.open_count == 0


def test_quotes_and_depth_are_one_channel() -> None:
    """It is whole again when both are; the first cause stays."""
    book = Book()
    book.ledger.lose(DEPTH, 100, "sequence", "expected 5, found 7")
    book.ledger.lose(QUOTES, 120, "disconnect", "reset")
    book.ledger.regain(DEPTH, 300)
    assert len(book.rows) == 1
    book.ledger.regain(QUOTES, 280)
    assert [(r.channel, r.started_at, r.ended_at, r.cause) for r in book.rows] == [
        ("book", 100, None, "sequence"),
        ("book", 100, 300, "sequence"),
    ]


def test_what_never_came_cannot_be_missing() -> None:
    """And what is not missing cannot come back."""
    book = Book()
    assert not book.ledger.lose(TRADES, 0, "silent", "")
    book.ledger.regain(TRADES, 5)
    assert book.rows == []


def test_a_sequence_that_goes_on_shows_that_nothing_was_missed() -> None:
    """The row says so, and nothing is asked for."""
    book = Book()
    book.ledger.lose(BOOK, 100, "silent", "no data for 5.0 s")
    book.ledger.regain(BOOK, 100, is_unbroken=True)
    assert (book.rows[-1].repaired, book.rows[-1].ended_at) == ("yes", 100)
    assert "nothing was missed" in book.rows[-1].detail
    assert book.closed == []


def test_unbroken_is_only_what_is_so_in_every_stream() -> None:
    """Quotes have no sequence that could show it."""
    book = Book()
    book.ledger.lose(DEPTH, 100, "disconnect", "reset")
    book.ledger.lose(QUOTES, 100, "disconnect", "reset")
    book.ledger.regain(QUOTES, 200)
    book.ledger.regain(DEPTH, 200, is_unbroken=True)
    assert book.rows[-1].repaired == "no"


def test_repairs_are_told_in_words() -> None:
    """All of it, a part of it, nothing of it."""
    book = Book()
    book.ledger.lose(TRADES, 100, "disconnect", "reset")
    book.ledger.regain(TRADES, 200)
    (closed,) = book.closed
    book.ledger.repaired(closed, 12, is_whole=True)
    book.ledger.repaired(closed, 7, is_whole=False)
    book.ledger.repaired(closed, 0, is_whole=False)
    assert [(r.repaired, r.rows_recovered) for r in book.rows[-3:]] == [("yes", 12), ("partly", 7), ("no", 0)]


def test_a_start_goes_on_with_open_gaps_and_finds_those_of_a_crash() -> None:
    """A stop left rows; a crash left none, but the database knows what it last saw."""
    book = Book()
    held = [GapRow("binance", "BTCUSDT", "book", 90, None, "restart", "no", 0, STOPPED)]
    other = TRADES._replace(name="ethusdt@aggTrade", symbol="ETHUSDT")
    found = book.ledger.resume([DEPTH, QUOTES, other], held, {"BTCUSDT": 95, "ETHUSDT": 95})
    assert found == [(DEPTH, 90), (QUOTES, 90), (other, 95)]
    assert [(r.channel, r.cause, r.started_at) for r in book.rows] == [("trade", "crash", 95)]
    for topic in (DEPTH, QUOTES, other):
        book.ledger.regain(topic, 500)
    assert {(r.channel, r.cause, r.started_at, r.ended_at) for r in book.rows if r.ended_at} == {
        ("book", "restart", 90, 500),
        ("trade", "crash", 95, 500),
    }


def test_an_instrument_that_is_left_leaves_its_gaps_open() -> None:
    """Nobody will hear when it comes back."""
    book = Book()
    book.ledger.lose(TRADES, 100, "silent", "")
    book.ledger.forget("BTCUSDT")
    book.ledger.regain(TRADES, 200)
    assert [r.ended_at for r in book.rows] == [None]


def test_the_gaps_of_an_instrument_that_nobody_follows_any_more_are_over() -> None:
    """They are not repaired; those of others last."""
    book = Book()
    book.ledger.lose(TRADES, 100, "silent", "no word")
    book.ledger.lose(TRADES._replace(symbol="ETHUSDT"), 100, "silent", "")
    book.ledger.forget("BTCUSDT", 300)
    (row,) = (r for r in book.rows if r.ended_at)
    assert (row.symbol, row.ended_at, row.repaired) == ("BTCUSDT", 300, "no")
    assert row.detail == "no word; then it was followed no more"
    assert book.ledger.open_count == 1


def test_what_a_late_reading_tells_leaves_alone_what_is_missing_by_then() -> None:
    """A gap of this run's own is not that of the run before."""
    book = Book()
    book.ledger.lose(TRADES, 500, "silent", "")
    resumed = book.ledger.resume([TRADES, DEPTH], [], {"BTCUSDT": 90})
    assert resumed == [(DEPTH, 90)]


def test_a_gap_that_was_left_open_ends_where_the_next_one_began() -> None:
    """At the latest: there was data until then."""
    book = Book()
    book.ledger.lose(TRADES, 500, "silent", "")
    left = GapRow("binance", "BTCUSDT", "trade", 90, None, "crash", "no", 0, "")
    assert book.ledger.resume([TRADES], [left], {}) == []
    assert [(row.started_at, row.ended_at) for row in book.rows] == [(500, None), (90, 500)]


def test_a_gap_whose_end_is_on_its_way_to_the_database_is_not_gone_on_with() -> None:
    """Though it lasts there."""
    book = Book()
    book.ledger.lose(TRADES, 500, "silent", "")
    (lasting,) = book.rows
    book.ledger.regain(TRADES, 700)
    assert book.ledger.resume([TRADES], [lasting], {}) == []
    assert book.ledger.open_count == 0


def test_two_losses_after_one_datum_are_two_gaps() -> None:
    """A gap is known by its beginning: the second must not be taken for the first, which is repaired."""
    book = Book()
    book.ledger.lose(DEPTH, 100, "disconnect", "reset")
    book.ledger.regain(DEPTH, 100, is_unbroken=True)
    book.ledger.lose(DEPTH, 100, "disconnect", "reset")
    book.ledger.regain(DEPTH, 900)
    assert [(row.started_at, row.ended_at, row.repaired) for row in book.rows if row.ended_at] == [
        (100, 100, "yes"), (101, 900, "no"),
    ]  # fmt: skip


def test_a_gap_goes_over_to_the_topic_that_takes_the_place_of_another() -> None:
    """It ends when that one is there."""
    book = Book()
    book.ledger.lose(DEPTH, 100, "sequence", "expected 5, found 7")
    tops = DEPTH._replace(name="btcusdt@depth20@100ms")
    book.ledger.replace(DEPTH, tops)
    book.ledger.regain(tops, 300)
    assert [row.ended_at for row in book.rows] == [None, 300]
    assert book.ledger.open_count == 0


def test_a_channel_that_never_spoke_was_stopped_like_the_others_of_its_symbol() -> None:
    """A tape without a trade in all of an earlier run left no row; that is no crash."""
    book = Book()
    held = GapRow("binance", "BTCUSDT", "book", 500, None, "restart", "no", 0, STOPPED)
    assert book.ledger.resume([DEPTH, TRADES], [held], {"BTCUSDT": 600}) == [(DEPTH, 500), (TRADES, 600)]
    assert [(row.channel, row.cause) for row in book.rows] == [("trade", "restart")]


def test_a_stop_is_told_of_a_gap_that_lasts() -> None:
    """So the next start knows of no crash, though no gap of this symbol began with the stop."""
    before, after = Book(), Book()
    before.ledger.lose(DEPTH, 500, "silent", "nothing for 5 s")
    for _ in range(2):
        before.ledger.lose(DEPTH, 500, "restart", STOPPED)
    began, held = before.rows
    assert held == began._replace(detail=f"nothing for 5 s; then {STOPPED}")
    after.ledger.resume([DEPTH, TRADES], [held], {"BTCUSDT": 600})
    assert [(row.channel, row.cause) for row in after.rows] == [("trade", "restart")]


def test_what_was_withheld_as_crossed_is_not_had_again() -> None:
    """However unbroken the sequence: nothing of that time is stored."""
    book = Book()
    book.ledger.lose(DEPTH, 100, "crossed", "crossed for a second")
    book.ledger.regain(DEPTH, 4_000, is_unbroken=True)
    assert [(row.ended_at, row.repaired) for row in book.rows] == [(None, "no"), (4_000, "no")]

"""The ledger of gaps: states that come in any order, spans that overlap, pages, and the last sign of life."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from db.history import ledger
from db.history.columns import moment
from db.history.ledger import GapFilter
from db.history.reader import HistoryReader
from db.history.writer import HistoryWriter
from db.rows import REPAIRED, GapRow, TickerRow
from tests.db.history.rows import MINUTE, T0, batch, gap, tick

HOUR = 60 * MINUTE
EVERYTHING = GapFilter(start=0)


def stored(reader: HistoryReader, wanted: GapFilter = EVERYTHING) -> list[GapRow]:
    return [found.row for found in reader.gaps(wanted, limit=5_000).rows]


def test_a_gap_comes_back_as_it_went(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Every field, one that lasts, and a detail that needs quoting; the instrument is known from then on."""
    rows = [gap(detail="lost\t'1' \\ \n,"), gap(1, ended_at=None, channel="trade", rows_recovered=7)]
    assert writer.write(batch(gaps=rows)).gaps == 2
    assert stored(reader) == rows
    assert [(i.venue, i.symbol) for i in reader.instruments()] == [("bybit", "ETHUSDT")]


def test_an_older_state_changes_nothing_back(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Neither the end, nor the repair, nor the rows, nor the words; what is new in it counts."""
    opened = gap(ended_at=None, detail="u 8 after 5")
    ended = opened._replace(ended_at=T0 + 900, detail="")
    mended = ended._replace(repaired="yes", rows_recovered=40, detail="by REST")
    assert [writer.write(batch(gaps=[row])).gaps for row in (opened, ended, mended)] == [1, 1, 1]
    other_end = mended._replace(ended_at=T0 + 5_000, cause="outage")
    partly = ended._replace(repaired="partly", rows_recovered=12, detail="12 of 40")
    assert writer.write(batch(gaps=[opened, other_end, partly, ended])).gaps == 0
    assert stored(reader) == [mended]


def test_of_a_state_that_is_only_partly_newer_that_part_counts(
    writer: HistoryWriter, reader: HistoryReader
) -> None:
    """Two workers may know different things: each field goes forward by itself."""
    ended = gap(detail="live again")
    rows = gap(ended_at=None, cause="outage", rows_recovered=5, detail="5 rows")
    mended = gap(ended_at=T0 + 1, repaired="yes")
    assert [writer.write(batch(gaps=[row])).gaps for row in (ended, rows, mended)] == [1, 1, 1]
    assert stored(reader) == [ended._replace(rows_recovered=5, repaired="yes")]


def test_of_two_words_as_far_on_the_newer_stays(writer: HistoryWriter, reader: HistoryReader) -> None:
    """While a gap lasts its detail follows what is done about it; silence on it takes nothing away."""
    for detail in ("resubscribed", "new socket", ""):
        writer.write(batch(gaps=[gap(ended_at=None, detail=detail)]))
    assert [row.detail for row in stored(reader)] == ["new socket"]


def test_the_first_cause_stays(writer: HistoryWriter, reader: HistoryReader) -> None:
    """A silence that ends in a restart was a silence."""
    writer.write(batch(gaps=[gap(ended_at=None), gap(cause="restart")]))
    assert stored(reader) == [gap()]


@st.composite
def lives(draw: st.DrawFn) -> list[GapRow]:
    """The states of one gap in the order in which they came about; what is said may be nothing."""
    first = gap(ended_at=None)
    ended = draw(st.integers(0, 4))
    repaired = sorted(draw(st.lists(st.integers(0, 2), min_size=1, max_size=6)))
    rows = sorted(draw(st.lists(st.integers(0, 5), min_size=len(repaired), max_size=len(repaired))))
    states = [
        first._replace(
            ended_at=first.started_at + 77 if n >= ended else None,
            repaired=REPAIRED[repaired[n]],
            rows_recovered=rows[n],
        )
        for n in range(len(repaired))
    ]
    distinct = list(dict.fromkeys(states))
    words = draw(st.lists(st.sampled_from(["", "x", "y"]), min_size=len(distinct), max_size=len(distinct)))
    return [
        state._replace(detail=word and f"{word}{n}")
        for n, (state, word) in enumerate(zip(distinct, words, strict=True))
    ]


@given(life=lives(), data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_in_whatever_order_states_come_the_same_gap_stays(
    writer: HistoryWriter, reader: HistoryReader, engine: Engine, life: list[GapRow], data: st.DataObject
) -> None:
    """Shuffled, repeated, cut into batches anyhow: the row is that of the last state, with its last word."""
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE gap_rows"))
    repeated = life + data.draw(st.lists(st.sampled_from(life), max_size=4))
    queue = data.draw(st.permutations(repeated))
    while queue:
        size = data.draw(st.integers(1, len(queue)))
        writer.write(batch(gaps=queue[:size]))
        queue = queue[size:]
    said = [state.detail for state in life if state.detail]
    (found,) = stored(reader)
    assert found == life[-1]._replace(detail=said[-1] if said else "")
    assert writer.write(batch(gaps=life)).gaps == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": "kline_1m"}, {"cause": "bad luck"}, {"repaired": "maybe"}, {"started_at": -1},
        {"started_at": None}, {"started_at": 10**15, "ended_at": None}, {"ended_at": T0 - 1},
        {"ended_at": 10**15}, {"rows_recovered": -1}, {"rows_recovered": 10**15}, {"rows_recovered": None},
        {"detail": "\x00"}, {"detail": "\ud800"}, {"venue": "By bit"}, {"symbol": "A B"},
    ],
)  # fmt: skip
def test_a_gap_that_cannot_be_stored_is_refused_alone(
    writer: HistoryWriter, reader: HistoryReader, changes: dict[str, Any]
) -> None:
    """Unknown words, impossible times, a gap that ends before it starts; the others are stored."""
    written = writer.write(batch([tick()], gaps=[gap(1), gap(**changes)]))
    assert (written.ticks, written.gaps, len(written.refused)) == (1, 1, 1)
    assert stored(reader) == [gap(1)]


@pytest.mark.parametrize("change", ["repaired = 'maybe'", "ended_at = started_at - interval '1 ms'"])
def test_the_table_refuses_what_its_readers_could_not_bear(
    writer: HistoryWriter, engine: Engine, change: str
) -> None:
    """A hand at psql cannot break the order of repairs or of times."""
    writer.write(batch(gaps=[gap()]))
    with pytest.raises(IntegrityError, match="check"), engine.begin() as connection:
        connection.execute(text(f"UPDATE gap_rows SET {change}"))


def test_gaps_that_overlap_a_span_are_found(writer: HistoryWriter, reader: HistoryReader) -> None:
    """[start, end) against [started_at, ended_at); a point is where it is, one that lasts has no end."""
    rows = {
        "before": gap(0, started_at=T0, ended_at=T0 + 100),
        "into": gap(0, started_at=T0 + 1, ended_at=T0 + 101),
        "point": gap(0, started_at=T0 + 100, ended_at=T0 + 100),
        "over": gap(0, started_at=T0 + 2, ended_at=None),
        "last": gap(0, started_at=T0 + 199, ended_at=T0 + 300),
        "after": gap(0, started_at=T0 + 200, ended_at=None),
    }
    writer.write(batch(gaps=list(rows.values())))
    names = {row: name for name, row in rows.items()}

    def found(**span: int) -> list[str]:
        return [names[row] for row in stored(reader, GapFilter("bybit", "ETHUSDT", ("book",), **span))]

    assert found(start=T0 + 100, end=T0 + 200) == ["into", "over", "point", "last"]
    assert found(start=T0 + 101, end=T0 + 199) == ["over"]
    assert found(start=T0 + 299) == ["over", "last", "after"]
    assert found(end=T0 + 1) == ["before"]


def test_gaps_are_those_of_what_is_asked_for(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Venue, symbol and channels each narrow; ascending over all of them."""
    rows = [
        gap(0), gap(1, channel="kline"), gap(2, channel="trade"), gap(3, symbol="BTCUSDT"),
        gap(4, venue="binance"),
    ]  # fmt: skip
    writer.write(batch(gaps=rows[::-1]))
    assert stored(reader) == rows
    assert stored(reader, GapFilter("bybit")) == rows[:4]
    assert stored(reader, GapFilter(symbol="ETHUSDT", start=0)) == [*rows[:3], rows[4]]
    assert stored(reader, GapFilter("bybit", "ETHUSDT", ("kline", "trade"))) == rows[1:3]


def test_pages_cover_the_ledger_once(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Ascending by start, then id, also where many begin together; without a start the last ones."""
    rows = [gap(n // 4, symbol=f"S{n}USDT") for n in range(22)]
    writer.write(batch(gaps=rows))
    seen: list[GapRow] = []
    page = reader.gaps(EVERYTHING, limit=5)
    while page.end is not None:
        seen += [found.row for found in page.rows]
        page = reader.gaps(EVERYTHING, after=page.end, limit=5)
    assert seen + [found.row for found in page.rows] == stored(reader)
    assert sorted(seen + [found.row for found in page.rows]) == sorted(rows)
    last = reader.gaps(GapFilter(), limit=5)
    assert ([found.row for found in last.rows], last.end) == (stored(reader)[-5:], None)


def test_open_gaps_are_those_that_last(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Of one venue, ascending; one that is ended later is gone from them."""
    rows = [gap(n, ended_at=None) for n in range(3)]
    writer.write(batch(gaps=[*rows[::-1], gap(4), gap(5, venue="binance", ended_at=None)]))
    assert reader.open_gaps("bybit") == rows
    writer.write(batch(gaps=[gap(1)]))
    assert reader.open_gaps("bybit") == [rows[0], rows[2]]
    assert reader.open_gaps("sim-bybit") == []


def test_unrepaired_gaps_are_those_of_candles_that_are_over(
    writer: HistoryWriter, reader: HistoryReader
) -> None:
    """Of one venue, begun since a time, of which nobody said yet that their candles were had."""
    rows = [gap(n, channel="kline") for n in range(3)]
    others = [
        gap(0, channel="trade"), gap(3, channel="kline", ended_at=None),
        gap(4, channel="kline", venue="binance"), gap(5, channel="kline", repaired="partly"),
    ]  # fmt: skip
    writer.write(batch(gaps=[*rows[::-1], *others]))
    assert reader.unrepaired_gaps("bybit", 0) == rows
    assert reader.unrepaired_gaps("bybit", rows[1].started_at) == rows[1:]
    writer.write(batch(gaps=[rows[2]._replace(repaired="yes")]))
    assert reader.unrepaired_gaps("bybit", rows[1].started_at) == rows[1:2]


def test_open_and_overlapping_gaps_are_found_without_reading_the_ledger(
    writer: HistoryWriter, engine: Engine
) -> None:
    """Of ten thousand gaps only those near are looked at, at either end of time."""
    rows = [gap(n // 20, symbol=f"S{n % 20}USDT", channel="kline") for n in range(10_000)]
    for begin in range(0, len(rows), 5_000):
        writer.write(batch(gaps=rows[begin : begin + 5_000]))
    writer.write(batch(gaps=[gap(1, ended_at=None)]))
    of = "SELECT * FROM gaps WHERE venue = 'bybit' AND symbol = 'S3USDT' AND channel IN ('kline', 'trade')"
    first = "started_at < to_timestamp(:at / 1000.0)"
    last = "coalesce(ended_at, 'infinity') >= to_timestamp(:at / 1000.0)"
    queries = [
        ("SELECT * FROM gaps WHERE venue = 'bybit' AND ended_at IS NULL", 0),
        (f"{of} AND {first} AND {last}", T0 + 495 * MINUTE),
        (f"{of} AND {first} AND {last}", T0 + 5 * MINUTE),
    ]
    with engine.begin() as connection:
        connection.execute(text("ANALYZE gap_rows"))
        for query, at in queries:
            plan = connection.execute(
                text(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}"), {"at": at}
            ).scalar_one()
            node = plan[0]["Plan"]
            assert "Seq Scan" not in str(node)
            assert node["Actual Rows"] + node.get("Rows Removed by Filter", 0) <= 10


def test_an_instrument_was_last_seen_by_its_ticker_or_its_newest_tick(
    writer: HistoryWriter, reader: HistoryReader
) -> None:
    """Whichever is later, by the venue's clock; what never gave a sign is not named, nor another venue."""
    tickers = [
        TickerRow("bybit", "AUSDT", event_time=T0 + 500, recv_time=T0),
        TickerRow("bybit", "BUSDT", event_time=T0, recv_time=T0),
        TickerRow("bybit", "CUSDT", recv_time=T0),
        TickerRow("binance", "AUSDT", event_time=T0 + 9 * HOUR, recv_time=T0),
    ]
    ticks = [tick(n, ts=T0 + n * HOUR, symbol=s) for n in range(9) for s in ("BUSDT", "DUSDT")]
    writer.write(
        batch([tick(symbol="AUSDT"), tick(1, symbol="BUSDT", venue="binance"), *ticks], tickers=tickers)
    )
    late = {"AUSDT": T0 + 500, "BUSDT": T0 + 8 * HOUR, "DUSDT": T0 + 8 * HOUR}
    assert reader.last_seen("bybit", T0 + 10 * HOUR) == late
    assert reader.last_seen("bybit", T0 + 500) == {"AUSDT": T0, "BUSDT": T0, "DUSDT": T0}
    assert reader.last_seen("sim-bybit", T0 + 10 * HOUR) == {}


def test_the_last_signs_are_found_without_reading_the_ticks(writer: HistoryWriter, engine: Engine) -> None:
    """At most one entry of an index per instrument, of partitions newer than its ticker, also if quiet."""
    symbols = [f"S{n}USDT" for n in range(10)]
    ticks = [
        tick(n, ts=T0 + n * 20_000, symbol=s) for n in range(2_000) for s in symbols[: 5 if n > 300 else 10]
    ]
    tickers = [TickerRow("bybit", s, event_time=T0 + 10 * HOUR, recv_time=T0) for s in symbols]
    writer.write(batch(ticks, tickers=tickers))
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))
        query = text(f"EXPLAIN (ANALYZE, FORMAT JSON) {ledger._LAST_SEEN.text}")
        (plan,) = connection.execute(
            query, {"venue": "bybit", "before": moment(T0 + 100 * HOUR)}
        ).scalar_one()
    scans = [node for node in _nodes(plan["Plan"]) if "tick_rows" in node.get("Relation Name", "")]
    assert {node["Node Type"] for node in scans} <= {"Index Scan", "Index Only Scan"}
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in scans) == 5
    assert len([node for node in scans if node["Actual Loops"]]) == 1


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in _nodes(child))]

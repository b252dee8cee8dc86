"""Frames in; books, ticks and candles out."""

import json

import pytest

from collector.clock import Clock
from collector.venues import binance_rest
from market.book_rules import ANEW_MS
from market.events import BookSnapshot, FrameError
from tests.collector.fakes import Bench
from tests.market.candles import DAY
from tests.recordings import binance_frames, bybit_frames, needs_recordings

BYBIT = "linear_20260809_BTCUSDT_SOLUSDT.jsonl.gz"
NOW = 1_763_600_000_000


def book_frame(kind: str, update_id: int, bids: list[list[str]], *, time_ms: int = NOW) -> bytes:
    data = {"s": "BTCUSDT", "b": bids, "a": [["101", "1"]], "u": update_id, "seq": update_id}
    topic = "orderbook.200.BTCUSDT"
    return json.dumps({"topic": topic, "type": kind, "ts": time_ms, "cts": time_ms, "data": data}).encode()


@needs_recordings
def test_recorded_bybit_frames_give_a_tick_per_change_and_no_false_gap() -> None:
    """133 and 150 changes after a first snapshot each; none twice; one candle a symbol."""
    bench = Bench("bybit", "BTCUSDT", "SOLUSDT")
    for when, frame in bybit_frames(BYBIT):
        bench.pipeline.on_frame(frame, when)
    by_symbol = {s: [t for t in bench.rows.ticks if t.symbol == s] for s in ("BTCUSDT", "SOLUSDT")}
    assert {s: len(ticks) for s, ticks in by_symbol.items()} == {"BTCUSDT": 134, "SOLUSDT": 151}
    assert len({(t.symbol, t.ts, t.update_id) for t in bench.rows.ticks}) == 285
    assert [r.kline.interval for r in bench.rows.news] == ["1m", "1m"]
    statistics = bench.pipeline.statistics
    assert (statistics.gaps, statistics.resyncs, statistics.faults, bench.lost) == (0, 0, {}, [])


@needs_recordings
def test_recorded_binance_quotes_are_ticks_also_while_depth_is_syncing() -> None:
    """Every bookTicker of the recording is a change; the book goes live with the snapshot."""
    bench = Bench("binance", "ETHUSDT")
    bench.pipeline.states["ETHUSDT"].attach()
    for when, frame in binance_frames("usdm_ethusdt_20240718.txt.gz"):
        if frame.startswith(b'{"lastUpdateId"'):
            assert bench.pipeline.on_snapshot(binance_rest.parse_depth(frame, "ETHUSDT", when))
        elif b"@trade" not in frame[:40]:
            bench.pipeline.on_frame(frame, when)
    assert len(bench.rows.ticks) == len({(t.ts, t.update_id) for t in bench.rows.ticks}) == 9089
    state = bench.pipeline.states["ETHUSDT"]
    assert state.book_state == "live"
    assert state.rules.book.top() == (3424.98, 77.165, 3424.99, 80.013)
    assert bench.lost == []


@needs_recordings
def test_playing_a_recording_twice_makes_the_same_ticks() -> None:
    """Their identity comes from the venue alone."""
    keys = []
    for _ in range(2):
        bench = Bench("bybit", "BTCUSDT", "SOLUSDT")
        for when, frame in bybit_frames(BYBIT):
            bench.pipeline.on_frame(frame, when)
        keys.append([(t.symbol, t.ts, t.update_id) for t in bench.rows.ticks])
    assert keys[0] == keys[1]
    assert len(keys[0]) == 285


@needs_recordings
@pytest.mark.parametrize("lost", [3, 200, 790])
def test_any_lost_delta_is_noticed_at_once(lost: int) -> None:
    """The next delta of that symbol gives its book up, once; the other symbol is not touched."""
    bench = Bench("bybit", "BTCUSDT", "SOLUSDT")
    deltas = [(when, f) for when, f in bybit_frames(BYBIT) if b'"orderbook.200' in f]
    symbol = "BTCUSDT" if b"BTCUSDT" in deltas[lost][1] else "SOLUSDT"
    other = {"BTCUSDT": "SOLUSDT", "SOLUSDT": "BTCUSDT"}[symbol]
    for number, (when, frame) in enumerate(deltas):
        if number != lost:
            bench.pipeline.on_frame(frame, when)
    assert [s for s, _ in bench.lost] == [symbol]
    assert bench.pipeline.states[symbol].book_state == "syncing"
    assert bench.pipeline.states[other].book_state == "live"
    assert bench.pipeline.statistics.gaps == 1


def test_a_snapshot_after_a_gap_is_a_tick_only_if_the_best_changed() -> None:
    """What was there before the gap and is there after it has not changed."""
    bench = Bench("bybit", "BTCUSDT")
    bench.pipeline.on_frame(book_frame("snapshot", 5, [["100", "1"]]), NOW)
    bench.pipeline.on_frame(book_frame("delta", 9, [["100", "2"]]), NOW)
    bench.pipeline.on_frame(book_frame("snapshot", 9, [["100", "1"]]), NOW)
    assert len(bench.rows.ticks) == 1
    bench.pipeline.on_frame(book_frame("snapshot", 12, [["100", "2"]]), NOW)
    assert [t.bid_size for t in bench.rows.ticks] == [1.0, 2.0]


def test_a_snapshot_that_comes_after_its_connection_closed_is_not_taken() -> None:
    """A book is never live without a connection; neither is one that was."""
    bench = Bench("binance", "BTCUSDT")
    state = bench.pipeline.states["BTCUSDT"]
    late = BookSnapshot("BTCUSDT", [(100.0, 1.0)], [(101.0, 1.0)], 5, NOW, NOW)
    state.attach()
    state.detach()
    assert not bench.pipeline.on_snapshot(late)
    assert state.book_state == "stale"
    state.attach()
    assert bench.pipeline.on_snapshot(late)
    assert state.book_state == "live"
    state.detach()
    assert (state.book_state, state.rules.book.is_live) == ("stale", False)


def test_what_is_ahead_of_its_time_closes_no_other_symbols_candle() -> None:
    """Each instrument's own events tell when its candle is over."""
    bench = Bench("bybit", "BTCUSDT", "ETHUSDT", max_event_age_days=7)
    minute = NOW - NOW % 60_000
    entry = {"start": minute, "interval": "1", "open": "1", "close": "1", "high": "1", "low": "1"}
    entry |= {"volume": "1", "turnover": "1", "confirm": False}
    candle = {"topic": "kline.1.BTCUSDT", "type": "snapshot", "ts": NOW, "data": [entry]}
    ahead = {
        "topic": "tickers.ETHUSDT",
        "type": "snapshot",
        "ts": NOW + 58_000,
        "data": {"symbol": "ETHUSDT"},
    }
    for message in (candle, ahead):
        bench.pipeline.on_frame(json.dumps(message).encode(), NOW)
    bench.pipeline.expire(0.0)
    assert bench.rows.klines == []
    later = candle | {"ts": minute + 70_000}
    bench.pipeline.on_frame(json.dumps(later).encode(), minute + 70_000)
    bench.pipeline.expire(1.0)
    assert [(r.kline.open_time, r.kline.complete) for r in bench.rows.klines] == [(minute, False)]


def test_a_crossed_book_is_withheld() -> None:
    """No tick, not published, until it is right again."""
    bench = Bench("bybit", "BTCUSDT")
    bench.pipeline.on_frame(book_frame("snapshot", 5, [["100", "1"]]), NOW)
    state = bench.pipeline.states["BTCUSDT"]
    state.book_changed = False
    bench.pipeline.on_frame(book_frame("delta", 6, [["102", "1"]]), NOW)
    assert (state.is_crossed, state.book_changed, len(bench.rows.ticks)) == (True, False, 1)
    bench.pipeline.on_frame(book_frame("delta", 7, [["102", "0"]]), NOW)
    assert (state.is_crossed, state.book_changed) == (False, True)


@pytest.mark.parametrize("wrong", [NOW * 1000, NOW + 61_000, NOW - 8 * 86_400_000])
def test_impossible_times_are_refused_and_counted(wrong: int) -> None:
    """Outside [-7 days, +60 s] of our own clock."""
    bench = Bench("bybit", "BTCUSDT", max_event_age_days=7)
    bench.pipeline.on_frame(book_frame("snapshot", 5, [["100", "1"]], time_ms=wrong), NOW)
    assert bench.rows.ticks == []
    assert bench.pipeline.statistics.faults == {"time": 1}


def test_a_clock_that_is_behind_is_real_input() -> None:
    """Negative latency is kept as it is."""
    bench = Bench("bybit", "BTCUSDT", max_event_age_days=7)
    bench.pipeline.on_frame(book_frame("snapshot", 5, [["100", "1"]], time_ms=NOW + 1_500), NOW)
    assert bench.rows.ticks[0].ts - bench.rows.ticks[0].recv_ts == 1_500
    assert bench.pipeline.statistics.venue_lags.percentiles() == (-1_500, -1_500)


def test_a_clock_that_was_set_right_is_followed_by_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was an hour slow: what the venue says of the time settles which of the two clocks is right."""
    wall_ms = NOW - 3_600_000
    clock = Clock(lambda: wall_ms * 1_000_000, lambda: 0)
    monkeypatch.setattr("collector.pipeline.CLOCK", clock)
    bench = Bench("bybit", "BTCUSDT")
    wall_ms = NOW
    assert clock.now_ms() == NOW - 3_600_000
    assert bench.pipeline.on_frame(book_frame("snapshot", 1, [["100", "1"]]), clock.now_ms()).refused
    assert clock.now_ms() == NOW
    assert not bench.pipeline.on_frame(book_frame("snapshot", 2, [["100", "1"]]), clock.now_ms()).refused


def test_unknown_symbols_and_unreadable_frames_are_counted() -> None:
    """Nothing else is disturbed."""
    bench = Bench("bybit", "ETHUSDT")
    bench.pipeline.on_frame(book_frame("snapshot", 5, [["100", "1"]]), NOW)
    with pytest.raises(FrameError):
        bench.pipeline.on_frame(b"\x00garbage", NOW)
    with pytest.raises(FrameError):
        bench.pipeline.on_frame(b'{"topic":"tickers.\xff"}', NOW)
    assert bench.pipeline.statistics.faults == {"symbol": 1, "frame": 2}
    assert bench.pipeline.statistics.messages == 3


def agg_trade(number: int) -> bytes:
    data = {
        "e": "aggTrade",
        "E": NOW,
        "s": "BTCUSDT",
        "a": number,
        "p": "100",
        "q": "1",
        "T": NOW,
        "m": False,
    }
    return json.dumps({"stream": "btcusdt@aggTrade", "data": data}).encode()


def test_ids_of_trades_that_jump_are_told_once_they_are_known_to_count_up() -> None:
    """Repeats, late ones and what comes after an interruption are no jump."""
    bench = Bench("binance", "BTCUSDT")
    for number in (7, 90, *range(100, 120), 125, 124, 126, 126, 130):
        bench.pipeline.on_frame(agg_trade(number), NOW)
    assert bench.missed == [("119", "125"), ("126", "130")]
    bench.pipeline.interrupt("BTCUSDT")
    bench.pipeline.on_frame(agg_trade(200), NOW)
    assert len(bench.missed) == 2


def test_the_books_of_two_connections_are_told_apart_over_a_restart_of_the_service() -> None:
    """`u` begins again at 1, `seq` goes on: neither a gap nor a step back, whichever was ahead."""
    bench = Bench("bybit", "BTCUSDT")

    def delta(kind: str, u: int, seq: int, size: str) -> bytes:
        data = {"s": "BTCUSDT", "b": [["100", size]], "a": [["101", "1"]], "u": u, "seq": seq}
        topic = "orderbook.200.BTCUSDT"
        return json.dumps({"topic": topic, "type": kind, "ts": NOW, "cts": NOW, "data": data}).encode()

    frames = [delta("snapshot", 5000, 10, "1"), delta("delta", 5001, 11, "2"), delta("delta", 1, 12, "3")]
    frames += [delta("delta", 2, 13, "4"), delta("delta", 3, 14, "5")]
    for frame in frames[:4]:
        bench.pipeline.on_frame(frame, NOW)
    bench.pipeline.replay((bench.venue.stream.decode(frame, NOW), NOW) for frame in frames)
    book = bench.pipeline.states["BTCUSDT"].rules.book
    assert (book.update_id, book.top()[1], book.is_live) == (3, 5.0, True)
    assert (bench.lost, [t.update_id for t in bench.rows.ticks]) == ([], [5000, 5001, 1, 2, 3])


def quote(update_id: int, time_ms: int, size: str = "1") -> bytes:
    fields = {"e": "bookTicker", "u": update_id, "s": "BTCUSDT", "T": time_ms, "E": time_ms}
    fields |= {"b": "100", "B": size, "a": "101", "A": size}
    return json.dumps({"stream": "btcusdt@bookTicker", "data": fields}).encode()


def test_quotes_that_are_counted_anew_are_taken_and_what_was_lost_is_told() -> None:
    """A repeat is neither taken nor good."""
    bench = Bench("binance", "BTCUSDT")
    assert bench.pipeline.on_frame(quote(9_000, NOW), NOW).good_time == NOW
    for size in ("2", "3"):
        assert bench.pipeline.on_frame(quote(7, NOW + 500, size), NOW + 500).good_time == 0
    assert bench.missed_quotes == []
    later = NOW + ANEW_MS + 1
    assert bench.pipeline.on_frame(quote(8, later, "4"), later).good_time == later
    assert bench.pipeline.on_frame(quote(9, later + 1, "5"), later + 1).good_time == later + 1
    assert [symbol for symbol, _ in bench.missed_quotes] == ["BTCUSDT"]
    assert [tick.bid_size for tick in bench.rows.ticks] == [1.0, 4.0, 5.0]


@pytest.mark.parametrize("sides", [([], [[101.0, 1.0]]), ([(100.0, 1.0)], []), ([], [])])
def test_a_snapshot_without_a_side_that_is_quoted_is_not_taken(
    sides: tuple[list[tuple[float, float]], list[tuple[float, float]]],
) -> None:
    """REST may answer so while it is not well; where the quotes say the same the side is really empty."""
    bench = Bench("binance", "BTCUSDT")
    state = bench.pipeline.states["BTCUSDT"]
    state.attach()
    snapshot = BookSnapshot("BTCUSDT", *sides, 5, NOW, NOW)
    assert not bench.pipeline.on_snapshot(snapshot)
    bench.pipeline.on_frame(quote(1, NOW), NOW)
    assert not bench.pipeline.on_snapshot(snapshot)
    assert not state.rules.book.is_live
    state.best = (None, None, None, None)
    assert bench.pipeline.on_snapshot(snapshot)


def test_a_repeat_says_nothing_good_of_a_book() -> None:
    """Else a stream of old deltas would look like one that is well."""
    bench = Bench("bybit", "BTCUSDT")
    bench.pipeline.on_frame(book_frame("snapshot", 10, [["100", "1"]]), NOW)
    assert bench.pipeline.on_frame(book_frame("delta", 11, [["100", "2"]]), NOW).good_time == NOW
    assert bench.pipeline.on_frame(book_frame("delta", 11, [["100", "2"]]), NOW).good_time == 0


def test_a_minute_of_which_nothing_came_is_told() -> None:
    """Once it cannot come any more."""
    bench = Bench("bybit", "BTCUSDT", uses_rest=False)
    state = bench.pipeline.states["BTCUSDT"]
    state.candles.missed.append(DAY)
    bench.pipeline.expire(100.0)
    bench.pipeline.expire(200.0)
    assert bench.missed_candles[0] == ("BTCUSDT", DAY) and bench.missed_candles.count(("BTCUSDT", DAY)) == 1

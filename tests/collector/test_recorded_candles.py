"""Recorded trades and recorded candles say the same."""

from collections.abc import Iterator, Sequence

import pytest

from collector.venues import venue_for
from market.events import Kline, Trade
from market.intervals import MINUTE_MS
from market.klines import GRACE_MS, Candles
from tests.recordings import bybit_frames, merged_frames, needs_recordings

pytestmark = needs_recordings

FOUR = ("usdm_4sym_20210722.ws.txt.gz", "usdm_4sym_20210722.http.txt.gz")
Told = tuple[float, ...]


def events(venue: str) -> Iterator[Trade | Kline]:
    """The trades and candles of the recordings that have both, as they came."""
    decode = venue_for(venue).stream.decode
    if venue == "bybit":
        frames = list(bybit_frames("linear_20260809_BTCUSDT_SOLUSDT.jsonl.gz"))
    else:
        frames = [(when, frame) for when, symbol, frame in merged_frames(*FOUR) if not symbol]
    for when, frame in frames:
        yield from (e for e in decode(frame, when).events if isinstance(e, Trade | Kline))


def candles_of(venue: str) -> Candles:
    stream = venue_for(venue).stream
    return Candles(
        ids_rise_by_one=stream.TRADE_IDS_RISE_BY_ONE, opens_at_last_close=stream.OPENS_AT_LAST_CLOSE
    )


def by_symbol(venue: str) -> dict[str, list[Trade | Kline]]:
    found: dict[str, list[Trade | Kline]] = {}
    for event in events(venue):
        found.setdefault(event.symbol, []).append(event)
    return found


def told(kline: Kline) -> Told:
    prices = (kline.open, kline.high, kline.low, kline.close)
    return (*prices, kline.volume, kline.trades or 0, kline.taker_buy_volume or 0.0)


def made_of_each_beginning(
    venue: str, trades: Sequence[Trade], open_time: int, close_before: Kline
) -> list[Kline]:
    """The minute's candle of the first trade, of the first two, and so on."""
    found: list[Kline] = []
    for count in range(1, len(trades) + 1):
        candles = candles_of(venue)
        candles.upsert(close_before)
        for each in trades[:count]:
            candles.trades.add(each)
        closed = candles.expire(open_time + MINUTE_MS + GRACE_MS)
        found += [k for k in closed if k.open_time == open_time and k.interval == "1m"]
    return found


@pytest.mark.parametrize(("venue", "symbols", "compared"), [("bybit", 2, 41), ("binance", 4, 15)])
def test_each_forming_candle_is_the_candle_of_the_trades_until_then(
    venue: str, symbols: int, compared: int
) -> None:
    """Open, high, low, close, volume, and on Binance number of trades and taker volume.

    Binance's candles count single executions, so they may end between those of one aggregate trade; those
    that do not are compared.
    """
    count = 0
    recorded = by_symbol(venue)
    assert len(recorded) == symbols
    for heard in recorded.values():
        klines = [e for e in heard if isinstance(e, Kline)]
        (closed,) = [k for k in klines if k.is_closed]
        open_time = closed.open_time + MINUTE_MS
        trades = [e for e in heard if isinstance(e, Trade) and e.event_time >= open_time]
        made = made_of_each_beginning(venue, trades, open_time, closed)
        assert len(made) == len(trades)
        for forming in (k for k in klines if k.open_time == open_time and k.volume):
            if venue == "bybit":
                assert told(forming)[:5] in {told(k)[:5] for k in made}
                count += 1
            elif same := [k for k in made if k.trades == forming.trades]:
                assert told(forming) == told(same[0])
                count += 1
    assert count == compared


@pytest.mark.parametrize(
    ("venue", "exact"), [("bybit", {"SOLUSDT"}), ("binance", {"SUSHIUSDT", "CTKUSDT", "KEEPUSDT"})]
)
def test_a_withheld_close_is_made_up_for_and_then_taken(venue: str, exact: set[str]) -> None:
    """The recordings begin within the minute, so the candle is not whole; where the last forming candle held
    everything it is the venue's, else it has no more than that. The venue's close replaces it."""
    for symbol, heard in by_symbol(venue).items():
        candles = candles_of(venue)
        withheld = [e for e in heard if isinstance(e, Kline) and e.is_closed]
        for event in heard:
            if isinstance(event, Trade):
                candles.trades.add(event)
            elif not event.is_closed:
                candles.upsert(event)
        (close,) = withheld
        (made, *_) = candles.expire(close.open_time + MINUTE_MS + GRACE_MS)
        assert (made.open_time, made.source, made.complete) == (close.open_time, "trades", False)
        assert (made.open, made.close) == (close.open, close.close)
        assert close.low <= made.low <= made.high <= close.high
        assert made.volume <= close.volume
        assert (told(made)[:5] == told(close)[:5]) == (symbol in exact)
        (taken,) = candles.upsert(close)
        assert (told(taken), taken.source, taken.complete) == (told(close), "stream", True)
        assert candles.revisions == (symbol not in exact)


def test_each_forming_candle_of_bybit_tells_what_takers_bought() -> None:
    """As much as all trades until then. No trade came before this minute, so where one is ahead of the candle
    it is not known whether there were others before it."""
    told, compared = 0, 0
    for heard in by_symbol("bybit").values():
        candles, bought = candles_of("bybit"), 0.0
        (closed,) = [k for k in heard if isinstance(k, Kline) and k.is_closed]
        open_time = closed.open_time + MINUTE_MS
        for event in heard:
            if isinstance(event, Trade):
                candles.trades.add(event)
                is_in = event.taker_side == "buy" and event.event_time >= open_time
                bought += event.size if is_in else 0.0
                continue
            candles.upsert(event)
            if event.open_time == open_time:
                made = candles.forming_of_trades()["1m"]
                assert made.volume == event.volume
                assert made.taker_buy_volume in (None, pytest.approx(bought))
                told += made.taker_buy_volume is not None
                compared += 1
    assert (told, compared) == (42, 43)

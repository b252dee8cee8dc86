"""What cannot be costs its message: it reaches no store."""

import msgspec
import pytest

from collector.venues import binance, binance_rest, bybit, bybit_rest
from collector.venues.soundness import BEHIND_MS, sound_kline, sound_ticker
from market.events import FrameError, Kline, TickerUpdate

MINUTE = 60_000
UPDATE = TickerUpdate("X", 1_000, 1_000)
KLINE = Kline("X", "1m", 5 * MINUTE, 2.0, 3.0, 1.0, 2.0, 1.0, 1.0, True, 6 * MINUTE, 6 * MINUTE)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("last_price", -5.0), ("mark_price", -1e-9), ("index_price", 1e19), ("high_24h", -1.0),
        ("volume_24h", -1.0), ("open_interest", -1.0), ("funding_rate", 1e19), ("change_24h_pct", -1e19),
        ("next_funding_time", -1), ("next_funding_time", 10**18),
    ],
)  # fmt: skip
def test_a_ticker_with_an_impossible_number_is_refused(part: str, value: float) -> None:
    """And says which."""
    with pytest.raises(msgspec.ValidationError, match=part):
        sound_ticker(msgspec.structs.replace(UPDATE, **{part: value}))


def test_a_far_time_stands_for_never() -> None:
    """Venues write the years 2099 and 2100 where nothing is due."""
    update = msgspec.structs.replace(UPDATE, next_funding_time=4_133_404_800_000)
    assert sound_ticker(update) is update


def test_a_price_of_zero_is_none() -> None:
    """A volume of zero is one; a rate and a change may be below it."""
    update = msgspec.structs.replace(
        UPDATE, mark_price=0.0, last_price=3.0, volume_24h=0.0, funding_rate=-0.1
    )
    assert sound_ticker(update) == msgspec.structs.replace(update, mark_price=None)
    assert sound_ticker(UPDATE) is UPDATE


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"open_time": 5 * MINUTE + 1_234}, "no 1m candle begins at 301234"),
        ({"interval": "1h"}, "no 1h candle"),
        ({"event_time": 3 * MINUTE}, "cannot be told"),
        ({"event_time": 7 * MINUTE + BEHIND_MS}, "cannot be told"),
        ({"low": 3.5}, "low of 3.5 is above its high of 3.0"),
    ],
)
def test_a_candle_that_cannot_be_one_is_refused(changes: dict[str, object], words: str) -> None:
    """Off its grid, told at an impossible time, or upside down."""
    assert sound_kline(KLINE) is KLINE
    with pytest.raises(msgspec.ValidationError, match=words):
        sound_kline(msgspec.structs.replace(KLINE, **changes))


@pytest.mark.parametrize(
    ("decode", "frame"),
    [
        (
            bybit.decode,
            b'{"topic":"tickers.X","type":"delta","ts":9,"data":{"symbol":"X","lastPrice":"-5"}}',
        ),
        (
            bybit.decode,
            b'{"topic":"kline.1.X","type":"snapshot","ts":61234,"data":[{"start":61234,"end":0,"interval":"1",'
            b'"open":"1","close":"1","high":"1","low":"1","volume":"1","turnover":"1","confirm":true}]}',
        ),
        (
            binance.decode,
            b'{"stream":"x@ticker","data":{"e":"24hrTicker","E":9,"s":"X","P":"1","c":"1","h":"1","l":"1","v":"-1",'
            b'"q":"1"}}',
        ),
        (
            binance.decode,
            b'{"stream":"x@markPrice@1s","data":{"e":"markPriceUpdate","E":9,"s":"X","p":"-1","i":"1","r":"0",'
            b'"T":9}}',
        ),
        (
            binance.decode,
            b'{"stream":"x@kline_1m","data":{"e":"kline","E":61234,"s":"X","k":{"t":61234,"T":9,"s":"X","i":"1m",'
            b'"o":"1","c":"1","h":"1","l":"1","v":"1","n":1,"x":true,"q":"1","V":"1","Q":"1"}}}',
        ),
    ],
)
def test_both_venues_refuse_the_frame(decode: object, frame: bytes) -> None:
    """It is counted as one that cannot be read."""
    with pytest.raises(FrameError, match=r"cannot be|no 1m candle"):
        decode(frame, 9)  # type: ignore[operator]


def test_a_candle_of_rest_that_cannot_be_is_missing() -> None:
    """The others of its answer are taken."""
    rows = [[MINUTE, "1", "1", "1", "1", "1", "1"], [2 * MINUTE + 7, "1", "1", "1", "1", "1", "1"]]
    body = msgspec.json.encode({"retCode": 0, "retMsg": "OK", "result": {"list": rows}})
    found = bybit_rest.parse_klines(body, "X", "1m", now=9 * MINUTE, recv_time=9 * MINUTE)
    assert [kline.open_time for kline in found] == [MINUTE]
    rest = [0, "1", 1, "1", "1", "0"]
    rows = [[at, "1", "1", "1", "1", "1", *rest] for at in (MINUTE, 2 * MINUTE + 7)]
    body = msgspec.json.encode(rows)
    found = binance_rest.parse_klines(body, "X", "1m", now=9 * MINUTE, recv_time=9 * MINUTE)
    assert [kline.open_time for kline in found] == [MINUTE]

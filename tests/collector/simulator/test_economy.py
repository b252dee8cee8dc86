"""The simulated market itself, on a clock of the test's."""

from itertools import pairwise
from random import Random

import numpy as np
import pytest

from collector.simulator.economy.book import LEVELS, Book, Shape
from collector.simulator.economy.candles import Candles, Trade
from collector.simulator.economy.coins import Coin, coins
from collector.simulator.economy.history import (
    BUY_VOLUME,
    CLOSE,
    HIGH,
    LOW,
    OPEN,
    OPEN_TIME,
    TRADES,
    TURNOVER,
    VOLUME,
    Source,
    rollup,
)
from collector.simulator.economy.instrument import Instrument
from collector.simulator.economy.path import Path
from market.intervals import INTERVAL_MS
from tests.collector.simulator.exchange import MINUTE_MS, START

COINS = coins()
PATH = Path(COINS, seed=1)
NOW = START + 7 * 60 * MINUTE_MS + 25_000


def source(symbol: str = "BTCUSDT", venue: str = "binance", path: Path = PATH) -> Source:
    coin: Coin = next(coin for coin in COINS if coin.symbol == symbol)
    return Source(path, coin, coin.listing(venue), venue)


def test_the_path_is_a_function_of_seed_and_time() -> None:
    """Another process with the same seed sees the same price at the same time; another seed another one."""
    again, other = Path(COINS, seed=1), Path(COINS, seed=2)
    for time in (NOW, NOW + 86_400_000):
        assert np.array_equal(PATH.now(time)[0], again.now(time)[0])
        assert not np.allclose(PATH.now(time)[0], other.now(time)[0], rtol=1e-4)


def test_history_lies_on_the_path_that_goes_on() -> None:
    """The price of the moment and the price that history gives for it are the same, on both venues."""
    for venue, column in (("binance", 0), ("bybit", 1)):
        price, _ = PATH.grid(3, venue, (START, 3, 100))
        assert price[0] == pytest.approx(PATH.now(START)[column][3], rel=1e-12)


def test_prices_stay_plausible() -> None:
    """Over a year a coin stays within a factor of three of its usual price, and the venues within 20 bps."""
    times = (START - 365 * 86_400_000, 365, 86_400_000)
    for coin in COINS[::7]:
        price, _ = PATH.grid(coin.rank - 1, "binance", times)
        other, _ = PATH.grid(coin.rank - 1, "bybit", times)
        assert coin.anchor / 3 < price.min() and price.max() < coin.anchor * 3
        assert 0 < np.abs(other / price - 1).max() < 0.002


def test_coins_move_together_and_in_clusters() -> None:
    """Five-minute returns of two coins are correlated, and large ones follow large ones."""
    times = (START - 5000 * 300_000, 5000, 300_000)
    returns = [np.diff(np.log(PATH.grid(coin, "binance", times)[0])) for coin in (0, 1)]
    assert 0.2 < np.corrcoef(returns)[0, 1] < 0.95
    size = np.abs(returns[0])
    assert np.corrcoef(size[1:], size[:-1])[0, 1] > 0.1


@pytest.mark.parametrize(("symbol", "venue"), [("BTCUSDT", "binance"), ("1000PEPEUSDT", "bybit")])
def test_every_interval_has_400_closed_candles_without_a_hole(symbol: str, venue: str) -> None:
    """All candles before now are there, whole and plausible."""
    candles = Candles(source(symbol, venue), NOW)
    for interval, step in INTERVAL_MS.items():
        rows = candles.closed(interval)
        assert len(rows) >= 400
        assert set(np.diff(rows[:, OPEN_TIME])) == {step}
        assert rows[-1, OPEN_TIME] + step <= NOW < rows[-1, OPEN_TIME] + 2 * step
        assert (rows[:, HIGH] >= np.maximum(rows[:, OPEN], rows[:, CLOSE])).all()
        assert (rows[:, LOW] <= np.minimum(rows[:, OPEN], rows[:, CLOSE])).all()
        assert (rows[1:, OPEN] == rows[:-1, CLOSE]).all()
        assert (rows[:, BUY_VOLUME] <= rows[:, VOLUME]).all()
        average = rows[:, TURNOVER] / rows[:, VOLUME]
        assert ((average >= rows[:, LOW] - 1) & (average <= rows[:, HIGH] + 1)).all()


def test_a_coarser_candle_is_the_rollup_of_the_finer_ones() -> None:
    """Wherever two intervals are both served, they agree: closed candles and the running one."""
    candles = Candles(source(), NOW)
    intervals = list(INTERVAL_MS)
    for finer, coarser in pairwise(intervals):
        folded = rollup(candles.all(finer), INTERVAL_MS[coarser])[1:]
        assert len(folded) > 10
        assert np.array_equal(folded, candles.all(coarser)[-len(folded) :])


def test_live_candles_are_the_fold_of_the_trades() -> None:
    """Closed candles hold exactly the trades of their minute, open at the close before, and roll up."""
    candles = Candles(source(), NOW)
    before = candles.running("1m")
    minute = candles.minute
    assert not candles.roll(minute + MINUTE_MS - 1)
    assert candles.roll(minute + MINUTE_MS)
    trades = [(900_010, 5, True), (899_990, 7, False), (900_000, 1, True)]
    for number, (ticks, lots, is_buy) in enumerate(trades):
        candles.add(Trade(number, minute + MINUTE_MS, ticks, lots, is_buy, number))
    assert candles.roll(minute + 3 * MINUTE_MS)
    traded, flat = candles.closed("1m")[-2:]
    assert traded[OPEN] == before[CLOSE]
    assert traded[HIGH] == max(before[CLOSE], 900_010) and traded[LOW] == min(before[CLOSE], 899_990)
    assert traded[[CLOSE, VOLUME, TRADES, BUY_VOLUME]].tolist() == [900_000, 13, 3, 6]
    assert traded[TURNOVER] == 900_010 * 5 + 899_990 * 7 + 900_000
    assert flat[[OPEN, HIGH, LOW, CLOSE, VOLUME]].tolist() == [900_000] * 4 + [0]
    whole = rollup(candles.closed("1m"), INTERVAL_MS["5m"])
    assert np.array_equal(whole[1:-1], candles.closed("5m")[-len(whole) + 2 :])


def test_a_day_of_minutes_is_kept() -> None:
    """After more than a day of running, the last 24 hours of 1m candles are there, and they add up."""
    candles = Candles(source(), NOW)
    candles.roll(NOW + 26 * 3_600_000)
    rows = candles.closed("1m")
    assert len(rows) >= 24 * 60
    assert set(np.diff(rows[:, OPEN_TIME])) == {MINUTE_MS}
    day = candles.day()
    assert day.volume == rows[-24 * 60 :, VOLUME].sum() == 0


def test_the_day_adds_up() -> None:
    """24-hour figures are those of the last 288 closed 5m candles and the running one."""
    candles = Candles(source(), NOW)
    rows = candles.all("5m")[-289:]
    day = candles.day()
    assert day.volume == rows[:, VOLUME].sum() and day.trades == rows[:, TRADES].sum()
    assert (day.high, day.low, day.open) == (rows[:, HIGH].max(), rows[:, LOW].min(), rows[0, OPEN])


def test_a_restarted_market_goes_on_where_it_was() -> None:
    """A simulator that starts later has the same history, and a price next to the last one."""
    first = Candles(source(), NOW)
    later = Candles(source(path=Path(COINS, seed=1)), NOW + 10 * MINUTE_MS)
    overlap = first.closed("1m")[-300:]
    again = later.closed("1m")
    shared = np.isin(again[:, OPEN_TIME], overlap[:, OPEN_TIME])
    assert np.array_equal(again[shared], overlap)
    price, _ = PATH.grid(0, "binance", (NOW + 10 * MINUTE_MS, 1, 1))
    assert later.last_price == round(price[0] * 10)


def test_a_book_is_never_crossed_nor_shallow() -> None:
    """Whatever it follows and whatever eats it, the sides keep their levels and the bid is below the ask."""
    random = Random(5)
    book = Book(Shape(gap=3.0, level_lots=50.0, half_spread=1.5, stickiness=2.0), 30_000.0, 1, random)
    target = 30_000.0
    for _ in range(2000):
        target += random.gauss(0.0, 12.0)
        book.trade(random.random() < 0.5, random.randint(1, 400))
        book.move(target, random.uniform(0.5, 3.0))
        assert book.top.bid < book.top.ask
        assert min(len(book.bids.keys), len(book.asks.keys)) >= LEVELS - 10
        assert book.bids.keys == sorted(book.bids.lots) and book.asks.keys == sorted(book.asks.lots)
    assert abs(book.top.bid - target) < 60


def test_a_trade_eats_the_best_levels() -> None:
    """A buy takes the asks from the touch on and leaves the rest."""
    book = Book(Shape(1.0, 10.0, 0.05, 0.6), 1000.0, 1, Random(1))
    levels = list(book.asks.levels(2).items())
    (best, lots), (following, more) = levels
    fills = book.trade(True, lots + 1)
    assert [tuple(fill) for fill in fills] == [(best, lots), (following, 1)]
    assert best not in book.asks.lots
    assert book.asks.lots.get(following, 0) == more - 1


def test_the_market_of_an_instrument_is_believable() -> None:
    """In two minutes BTC trades about its usual turnover, with a tight spread, along the path."""
    instrument = Instrument(source(), NOW, Random(3))
    spreads = []
    now = float(NOW)
    while now < NOW + 100_000:
        now = max(instrument.visit(now), now + 1.0)
        spreads.append(instrument.book.top.ask - instrument.book.top.bid)
    rows = instrument.candles.closed("1m")[-1:]
    expected = source().coin.daily_turnover("binance") / 1440
    turnover = rows[:, TURNOVER].mean() * instrument.listing.tick_size * instrument.listing.lot_size
    assert expected / 5 < turnover < expected * 5
    assert 1 <= np.median(spreads) < 20 < max(spreads)
    assert abs(rows[-1, CLOSE] - PATH.now(rows[-1, OPEN_TIME] + MINUTE_MS)[0][0] * 10) < 400


@pytest.mark.parametrize("symbol", ["BNBUSDT", "PUMPFUNUSDT"])
def test_the_touch_stays_at_the_path(symbol: str) -> None:
    """Whatever takers eat and however the path jumps, no move leaves the best levels far from it."""
    instrument = Instrument(source(symbol, "bybit"), NOW, Random(3))
    tick_size, book = instrument.listing.tick_size, instrument.book
    now = float(NOW)
    while instrument.version < 1000:
        now = max(instrument.visit(now), now + 1.0)
        path = PATH.now(instrument.time)[1][instrument.source.coin.rank - 1] / tick_size
        near, deep = 4 + 4e-4 * path, 40 + 20e-4 * path
        assert path - near < book.top.bid < book.top.ask < path + near
        assert book.asks.keys[9] < path + deep and -book.bids.keys[9] > path - deep


def test_time_that_is_skipped_leaves_the_book_at_the_price() -> None:
    """After an hour without a look the touch is where the path is."""
    instrument = Instrument(source(), NOW, Random(3))
    instrument.skip_to(NOW + 60 * MINUTE_MS)
    path = PATH.now(NOW + 60 * MINUTE_MS)[0][0] * 10
    assert path - 500 < instrument.book.top.bid < instrument.book.top.ask < path + 500
    assert abs(instrument.candles.last_price - path) < 1000

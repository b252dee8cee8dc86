"""Where every price is, at any instant: a pure function of the seed and the time.

The log price of a coin is its share of a common factor plus a curve of its own, both sums of noise whose
amplitude grows with the square root of the period, as in a random walk. The shorter periods are scaled by a
slow curve, so calm and wild hours come in clusters. Nothing is remembered, so a restarted simulator goes on
where the last one was, and history lies on the same curve.
"""

from functools import lru_cache

import numpy as np

from collector.simulator.economy.coins import Coin
from collector.simulator.economy.noise import FloatArray, HashArray, Octaves, keys_of

_DAY_S = 86_400.0
_PERIODS: FloatArray = np.power(3.0, np.arange(15))
_FAST = int(np.searchsorted(_PERIODS, 7200.0))
_AMPLITUDES = 0.56 * np.sqrt(_PERIODS / _DAY_S)
"""The factor makes one-day returns have the standard deviation 1 (measured over 20 years of the curve)."""
_MOOD_PERIODS = np.array([1200.0, 7200.0, 43_200.0, 259_200.0])
_BASIS_PERIODS = np.array([20.0, 90.0, 600.0, 3600.0])
_BASIS = 0.00005
_SLOT_MS = 100


class Path:
    """The true price of each coin, in quote currency, and how lively its market is."""

    def __init__(self, coins: tuple[Coin, ...], seed: int) -> None:
        names = [coin.symbol for coin in coins]
        self.seed = seed
        self._anchors = np.array([coin.anchor for coin in coins])
        volatility = np.array([coin.daily_volatility for coin in coins])
        self._common_share = np.minimum(0.017, volatility * 0.75) * (1.0 + 0.2 * (volatility > 0.03))
        self._own_share = np.sqrt(np.maximum(volatility**2 - self._common_share**2, 1e-6))
        self._common_key = keys_of(seed, ["common"])
        self._own_keys = keys_of(seed, names)
        self._basis_keys = keys_of(seed, [f"basis/{name}" for name in names])
        self._waves = Octaves(_PERIODS)
        self._moods = Octaves(_MOOD_PERIODS)
        self._bases = Octaves(_BASIS_PERIODS)
        self._slot = -1
        self._now: tuple[FloatArray, FloatArray, FloatArray] = (self._anchors,) * 3
        self._common_grid = lru_cache(maxsize=64)(self._common_on_grid)
        self._own_grid = lru_cache(maxsize=512)(self._own_on_grid)

    def now(self, time_ms: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(price on Binance, price on Bybit, liveliness) of all coins, each (coins,), in steps of 100 ms."""
        slot = int(time_ms) // _SLOT_MS
        if slot != self._slot:
            times = np.array([slot * _SLOT_MS / 1000.0])
            common, common_mood = self._walk(self._common_key, times)
            own, mood = self._walk(self._own_keys, times, common_mood)
            log_price = common[0, 0] * self._common_share + own[:, 0] * self._own_share
            price = self._anchors * np.exp(log_price)
            basis = self._bases.at(self._basis_keys, times)[:, 0, :].sum(axis=1) * _BASIS
            self._slot, self._now = slot, (price, price * np.exp(basis), mood[:, 0])
        return self._now

    def grid(self, coin: int, venue: str, times_ms: tuple[int, int, int]) -> tuple[FloatArray, FloatArray]:
        """(price, liveliness) of one coin at `times_ms` = (first, count, step), each (count,)."""
        common, _ = self._common_grid(times_ms)
        own, mood = self._own_grid(coin, times_ms)
        log_price = common * self._common_share[coin] + own * self._own_share[coin]
        if venue == "bybit":
            key = self._basis_keys[coin : coin + 1]
            log_price = log_price + self._bases.at(key, _seconds(times_ms))[0].sum(axis=1) * _BASIS
        return self._anchors[coin] * np.exp(log_price), mood

    def _common_on_grid(self, times_ms: tuple[int, int, int]) -> tuple[FloatArray, FloatArray]:
        wave, mood = self._walk(self._common_key, _seconds(times_ms))
        return wave[0], mood[0]

    def _own_on_grid(self, coin: int, times_ms: tuple[int, int, int]) -> tuple[FloatArray, FloatArray]:
        _, common_mood = self._common_grid(times_ms)
        wave, mood = self._walk(self._own_keys[coin : coin + 1], _seconds(times_ms), common_mood[None, :])
        return wave[0], mood[0]

    def _walk(
        self, keys: HashArray, times_s: FloatArray, common_mood: FloatArray | float = 1.0
    ) -> tuple[FloatArray, FloatArray]:
        """keys (r,), times (t,) -> the walk, its daily returns of deviation 1, and its liveliness: (r, t)."""
        waves = self._waves.at(keys, times_s) * _AMPLITUDES
        tempo = self._moods.at(keys, times_s).sum(axis=2)
        mood = np.sqrt(common_mood) * np.exp(0.25 * tempo - 0.05)
        return waves[:, :, _FAST:].sum(axis=2) + mood * waves[:, :, :_FAST].sum(axis=2), mood


def _seconds(times_ms: tuple[int, int, int]) -> FloatArray:
    first, count, step = times_ms
    return (first + step * np.arange(count, dtype=np.float64)) / 1000.0

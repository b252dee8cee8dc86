"""Hashed value noise: a smooth random curve that can be evaluated at any instant, without any state."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
HashArray = npt.NDArray[np.uint64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_WORD = np.uint64(0xFFFF)
_SHIFTS = tuple(np.uint64(bits) for bits in (16, 27, 30, 31, 32, 48))


def hashed(keys: HashArray, index: npt.NDArray[np.int64]) -> HashArray:
    """64 random bits for each (key, index); broadcasts. Source: SplitMix64 (Steele, Lea, Flood, 2014)."""
    _, s27, s30, s31, _, _ = _SHIFTS
    value: HashArray = keys + index.astype(np.uint64) * _STEP
    value = (value ^ (value >> s30)) * _MIX_1
    value = (value ^ (value >> s27)) * _MIX_2
    return value ^ (value >> s31)


def uniform(keys: HashArray, index: npt.NDArray[np.int64]) -> FloatArray:
    """A number in (0, 1) for each (key, index)."""
    share: FloatArray = ((hashed(keys, index) >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return share


def normal(keys: HashArray, index: npt.NDArray[np.int64]) -> FloatArray:
    """Roughly normal (mean 0, variance 1): four 16-bit words of one hash, summed."""
    s16, _, _, _, s32, s48 = _SHIFTS
    bits = hashed(keys, index)
    words = (bits & _WORD) + ((bits >> s16) & _WORD) + ((bits >> s32) & _WORD) + (bits >> s48)
    value: FloatArray = (words.astype(np.float64) * 2.0**-16 - 2.0) * np.sqrt(3.0)
    return value


def keys_of(seed: int, names: Sequence[str]) -> HashArray:
    """One key per name, the same in every process (unlike `hash`)."""
    values = [int.from_bytes(f"{seed}/{name}".encode(), "big") % (2**64 - 59) for name in names]
    return hashed(np.array(values, dtype=np.uint64), np.zeros(len(values), dtype=np.int64))


class Octaves:
    """Noise of several periods at once, each with its own curve for each key."""

    def __init__(self, periods_s: FloatArray) -> None:
        self._periods = periods_s
        self._ids = np.arange(1, len(periods_s) + 1, dtype=np.int64)

    def at(self, keys: HashArray, times_s: FloatArray) -> FloatArray:
        """keys (r,), times (t,) -> (r, t, periods): between lattice points the curve is a smooth step."""
        octave_keys = hashed(keys[:, None], self._ids)
        phase = uniform(octave_keys, np.zeros_like(self._ids))
        position = times_s[None, :, None] / self._periods + phase[:, None, :]
        whole = np.floor(position)
        part = position - whole
        index = whole.astype(np.int64)
        left = normal(octave_keys[:, None, :], index)
        right = normal(octave_keys[:, None, :], index + 1)
        return left + (right - left) * (part * part * (3.0 - 2.0 * part))

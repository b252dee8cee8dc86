"""What rules are made of, what they read, and what they say."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from market.indicators.model import CandleClose, ClosedIndicators
from market.quotes import Side


class Firing(NamedTuple):
    """A rule's answer: which way, and how strongly, above 0 and up to 1."""

    side: Side
    strength: float


class BookView(msgspec.Struct, frozen=True, gc=False):
    """What book rules read of a live book: see market.measures; `time` is the venue's, in ms."""

    time: int
    mid: float
    microprice: float
    spread_bps: float
    imbalance: float
    imbalance_10: float


class Signal(msgspec.Struct, frozen=True):
    """One rule fired. Identity: symbol, interval, rule, open_time. It never changes after that.

    `ts` is when it fired; `open_time` that of its candle, for book rules the book's time. `price` is the
    middle of the book then (of a candle, without a book, its close and `spread_bps` None). `inputs`: every
    number that the rule read.
    """

    symbol: str
    interval: str
    rule: str
    side: Side
    strength: float
    ts: int
    price: float
    spread_bps: float | None
    open_time: int
    inputs: dict[str, float]


_CLOSE = ("open", "high", "low", "close", "close_before", "volume", "volume_mean")
_NOT_READ = ("open_time", "bars", "reason", "vwap")
"""VWAP neither: where a series begins within a day, as a backtest may, it is not known."""
_INDICATORS = tuple(f for f in ClosedIndicators.__struct_fields__ if f not in _NOT_READ)
CANDLE_INPUTS: dict[str, str] = {
    **{name: name for name in _CLOSE},
    **{name: f"indicators.{name}" for name in _INDICATORS},
    **{f"{name}_before": f"before.{name}" for name in _INDICATORS},
}
"""What a candle rule may name as a parameter, and where it lies in a `CandleClose`."""
BOOK_INPUTS: dict[str, str] = {n: n for n in BookView.__struct_fields__ if n != "time"}
"""What a book rule may name as a parameter."""


def _inputs_of(function: Callable[..., Any], known: dict[str, str]) -> tuple[str, ...]:
    """The names of its parameters but for the settings. Raises ValueError for one that cannot be read."""
    names = tuple(name for name in inspect.signature(function).parameters if name != "settings")
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"{function.__name__} reads {', '.join(unknown)}, which is not known")
    return names


@dataclass(frozen=True, slots=True)
class CandleRule:
    """Judges each close once. `fires` names what it reads by its parameters, and gets nothing else."""

    name: str
    words: str
    fires: Callable[..., Firing | None]
    inputs: tuple[str, ...] = field(init=False)
    needs_settings: bool = field(init=False)
    read: Callable[[CandleClose], tuple[float | None, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        inputs = _inputs_of(self.fires, CANDLE_INPUTS)
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "needs_settings", "settings" in inspect.signature(self.fires).parameters)
        object.__setattr__(self, "read", attrgetter(*(CANDLE_INPUTS[name] for name in inputs)))


@dataclass(frozen=True, slots=True)
class BookRule:
    """Says at each look how hard the book presses, -1 (down) to 1 (up); a signal is pressure that lasts."""

    name: str
    words: str
    pressure: Callable[..., float]
    inputs: tuple[str, ...] = field(init=False)
    read: Callable[[BookView], tuple[float, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        inputs = _inputs_of(self.pressure, BOOK_INPUTS)
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "read", attrgetter(*(BOOK_INPUTS[name] for name in inputs)))

"""One order book: it follows the price path, trades eat into it, and it fills up again.

Prices are ticks, sizes lots. A side keeps its levels by key, best first: the tick for asks, minus the tick
for bids. Every change of the book takes a new update id, and journals collect what changed for those who
publish it.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

import numpy as np

LEVELS = 1100
"""Levels that each side has at least, so that a window of 1,000 is always full."""
_MOST = 1300
_TARGET = 1180


class Shape(NamedTuple):
    """How the book of one instrument looks."""

    gap: float
    """Mean distance between levels, in ticks."""
    level_lots: float
    """Typical size of a level near the touch."""
    half_spread: float
    """In ticks, in a calm market."""
    stickiness: float
    """How far the price path may stray from the middle of the book before the book follows, in ticks."""


class Top(NamedTuple):
    """The best bid and ask at one update id: ticks and lots."""

    update_id: int
    bid: int
    bid_lots: int
    ask: int
    ask_lots: int


class Fill(NamedTuple):
    """One price at which an order of a taker was filled."""

    ticks: int
    lots: int


@dataclass(slots=True, eq=False)
class Journal:
    """What has changed since it was last read: keys of both sides, and the first update id."""

    bids: set[int] = field(default_factory=set)
    asks: set[int] = field(default_factory=set)
    first: int | None = None


class Side:
    """One side of a book; `sign` is 1 for asks and -1 for bids."""

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.lots: dict[int, int] = {}
        self.touched: list[set[int]] = []

    def put(self, key: int, lots: int) -> None:
        """Set a level; 0 lots removes it."""
        if lots > 0:
            if key not in self.lots:
                insort(self.keys, key)
            self.lots[key] = lots
        elif self.lots.pop(key, None) is not None:
            del self.keys[bisect_left(self.keys, key)]
        for journal in self.touched:
            journal.add(key)

    def append(self, keys: list[int], lots: list[int]) -> None:
        """Add levels behind the last one; keys rise."""
        self.keys.extend(keys)
        self.lots.update(zip(keys, lots, strict=True))
        for journal in self.touched:
            journal.update(keys)

    def refine_tick(self) -> None:
        """Tell all prices in ticks of a tenth."""
        self.keys = [key * 10 for key in self.keys]
        self.lots = {key * 10: lots for key, lots in self.lots.items()}
        for journal in self.touched:
            changed = {key * 10 for key in journal}
            journal.clear()
            journal.update(changed)

    def levels(self, depth: int) -> dict[int, int]:
        """The best `depth` levels, best first: tick to lots."""
        sign, lots = self.sign, self.lots
        return {sign * key: lots[key] for key in self.keys[:depth]}


class Book:
    """Both sides, and the ways a book moves."""

    def __init__(self, shape: Shape, center: float, first_update_id: int, random: Random) -> None:
        self.shape = shape
        self._draws = np.random.default_rng(random.getrandbits(64))
        self.center = center
        self.update_id = first_update_id
        self.bids, self.asks = Side(-1), Side(1)
        self.journals: list[Journal] = []
        self.tops: list[Top] = []
        """Every change of the best price or size since the owner last cleared the list."""
        self._random = random
        for side in (self.bids, self.asks):
            self._extend(side)
        self._last = self.top

    @property
    def top(self) -> Top:
        """The best bid and ask as they are now."""
        bid, ask = self.bids.keys[0], self.asks.keys[0]
        return Top(self.update_id, -bid, self.bids.lots[bid], ask, self.asks.lots[ask])

    def open_journal(self) -> Journal:
        """A journal that collects changes from now on."""
        journal = Journal()
        self.journals.append(journal)
        self.bids.touched.append(journal.bids)
        self.asks.touched.append(journal.asks)
        return journal

    def close_journal(self, journal: Journal) -> None:
        """Stop collecting into `journal`."""
        self.journals.remove(journal)
        self.bids.touched = [keys for keys in self.bids.touched if keys is not journal.bids]
        self.asks.touched = [keys for keys in self.asks.touched if keys is not journal.asks]

    def mark(self) -> int:
        """An update id of this very state, inside the range of the next message of every journal."""
        if any(journal.first is None for journal in self.journals):
            self._advance()
        return self.update_id

    def move(self, target: float, spread_factor: float) -> None:
        """Follow the price path to `target` ticks, put some orders in and take some out, and fill up."""
        if abs(target - self.center) > self.shape.stickiness:
            self.center = target
            self._follow(spread_factor)
        self._churn()
        self._fill_up(spread_factor)
        self._note_top()

    def trade(self, is_buy: bool, lots: int) -> list[Fill]:
        """A market order: it eats the other side from the touch on, three levels at most."""
        side = self.asks if is_buy else self.bids
        fills = []
        for key in side.keys[:3]:
            taken = min(lots, side.lots[key])
            fills.append(Fill(side.sign * key, taken))
            side.put(key, side.lots[key] - taken)
            lots -= taken
            if lots == 0:
                break
        self._advance()
        self._note_top()
        return fills

    def refine_tick(self) -> None:
        """Tell all prices in ticks of a tenth; in money the book stays what it was."""
        shape = self.shape
        self.shape = shape._replace(
            gap=shape.gap * 10, half_spread=shape.half_spread * 10, stickiness=shape.stickiness * 10
        )
        self.center *= 10
        for side in (self.bids, self.asks):
            side.refine_tick()
        self.tops.clear()
        self._last = self.top

    def _follow(self, spread_factor: float) -> None:
        """Take away what the middle has run over; orders behind it follow in `_fill_up`."""
        for side in (self.bids, self.asks):
            limit = self._limit(side, spread_factor)
            for key in side.keys[: bisect_left(side.keys, limit)]:
                side.put(key, 0)
            if len(side.keys) < LEVELS:
                self._extend(side)
        self._advance()

    def _churn(self) -> None:
        """Change a few levels, most of them near the touch."""
        draw = self._random.random
        for _ in range(2 + int(draw() * 4)):
            side = self.bids if draw() < 0.5 else self.asks
            index = int(self._random.expovariate(0.15))
            if index >= 200:
                continue
            key, kind = side.keys[index], draw()
            room = side.keys[index + 1] - key
            if kind < 0.3 and room > self._gap():
                side.put(key + 1 + int(draw() * (room - 1)), self._size(index))
            elif kind < 0.15 and index > 0:
                side.put(key, 0)
            else:
                side.put(key, self._size(index))
        for side in (self.bids, self.asks):
            if len(side.keys) < LEVELS:
                self._extend(side)
            elif len(side.keys) > _MOST:
                for key in side.keys[_TARGET:]:
                    side.put(key, 0)
        self._advance()

    def _fill_up(self, spread_factor: float) -> None:
        """New orders where the middle has left room, from the best price on: at times a gap short of it."""
        changed = False
        for side, other in ((self.bids, self.asks), (self.asks, self.bids)):
            key = max(self._limit(side, spread_factor), 1 - other.keys[0])
            best = side.keys[0]
            if key < best and self._random.random() >= 0.6:
                key += self._gap()
            for _ in range(_MOST):
                if key >= best:
                    break
                side.put(key, self._size(0))
                key += self._gap()
                changed = True
        if changed:
            self._advance()

    def _limit(self, side: Side, spread_factor: float) -> int:
        """The best key that the middle allows on `side`."""
        edge = side.sign * self.center + self.shape.half_spread * spread_factor
        return -int(-edge // 1)

    def _extend(self, side: Side) -> None:
        """Add levels at the far end, up to the usual number."""
        count = _TARGET - len(side.keys)
        far = side.keys[-1] if side.keys else self._limit(side, 1.0) - 1
        gaps = 1 + (self._draws.exponential(size=count) * (self.shape.gap - 1.0)).astype(np.int64)
        keys = far + np.cumsum(gaps)
        rank = np.minimum(np.arange(_TARGET - count, _TARGET), 100)
        walls = np.where(self._draws.random(count) < 0.01, 6.0, 1.0)
        lots = self.shape.level_lots * (0.4 + rank / 30.0) * walls * self._draws.lognormal(-0.3, 0.8, count)
        whole = np.maximum(1, lots.astype(np.int64))
        possible = side.sign * keys > 0
        side.append(keys[possible].tolist(), whole[possible].tolist())

    def _gap(self) -> int:
        return 1 + int(self._random.expovariate(1.0) * (self.shape.gap - 1.0))

    def _size(self, index: int) -> int:
        """Size of the level at `index`: more rests away from the touch, and now and then a wall."""
        wall = 6.0 if self._random.random() < 0.01 else 1.0
        typical = self.shape.level_lots * (0.4 + min(index, 100) / 30.0) * wall
        return max(1, int(typical * self._random.lognormvariate(-0.3, 0.8)))

    def _advance(self) -> None:
        """A new update id for the changes just made. Ids of other instruments lie between, so they leap."""
        self.update_id += 1 + int(self._random.random() * 30)
        for journal in self.journals:
            if journal.first is None:
                journal.first = self.update_id

    def _note_top(self) -> None:
        top = self.top
        if top[1:] != self._last[1:]:
            self._last = top
            self.tops.append(top)

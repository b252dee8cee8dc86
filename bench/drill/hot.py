"""What readers and another writer may do to the hot state while a collector writes it."""

import itertools
import json
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import redis

from bench.drill.case import Opened, Outcome, Solo
from bench.drill.exchange import now_ms
from bench.drill.flow import CALM_WITHIN_S
from bench.drill.launch import FOLLOWED
from bench.drill.rig import Rig
from bench.drill.workers import Clock
from db.hot.batch import Fence
from db.hot.writer import HotWriter

Open = Callable[..., Opened]
LOOKED_S = 5.0
_SIDES = (("bids", "best_bid_price", "best_bid_size"), ("asks", "best_ask_price", "best_ask_size"))


def _half_books(open_rig: Open) -> Outcome:
    """Reads as quick as they go: each shows one book, whose fields belong together."""
    outcome = Outcome()
    with open_rig() as rig, rig.collector():
        _live(rig, outcome)
        first_ms, until, reads = now_ms(), time.monotonic() + LOOKED_S, 0
        seen: set[tuple[str, str]] = set()
        for venue, symbol in itertools.cycle(FOLLOWED):
            fields: Any = rig.hot.hgetall(f"book:{venue}:{symbol}")
            if wrong := _mixed(fields):
                outcome.problems.append(f"{venue} {symbol}: {wrong}")
            seen.add((symbol, fields["update_id"]))
            reads += 1
            if time.monotonic() > until or outcome.problems:
                break
        outcome.others = f"{len(seen):,} books in {reads:,} reads"
        _compare(rig, outcome, first_ms)
    return outcome


def _mixed(fields: Mapping[str, str]) -> str:
    """What does not belong together in a book, or ""."""
    levels = {side: json.loads(fields[side]) for side, _, _ in _SIDES}
    for side, price, size in _SIDES:
        if levels[side][0] != [float(fields[price]), float(fields[size])]:
            return f"{side} begin with {levels[side][0]}, the best is {fields[price]} {fields[size]}"
        prices = [level[0] for level in levels[side]]
        if prices != sorted(prices, reverse=side == "bids"):
            return f"{side} are not in order"
    bid, ask = levels["bids"][0][0], levels["asks"][0][0]
    if bid >= ask or not math.isclose(float(fields["mid"]), (bid + ask) / 2, rel_tol=1e-9):
        return f"the mid of {bid} and {ask} is {fields['mid']}"
    return ""


def _older_writer(open_rig: Open) -> Outcome:
    """Another one writes what was, with the epoch before: Redis takes nothing of it."""
    outcome = Outcome()
    with open_rig() as rig, rig.collector():
        _live(rig, outcome)
        first_ms, refused, tried = now_ms(), 0, 0
        with Clock(rig.hot).running() as clock, redis.Redis.from_url(rig.urls["REDIS_URL"]) as own:
            writer = HotWriter(own)
            for _ in range(3):
                held: dict[str, Any] = {
                    f"book:{v}:{s}": rig.hot.hgetall(f"book:{v}:{s}") for v, s in FOLLOWED
                }
                rig.pause(1.0)
                for key, fields in held.items():
                    writer.put(key, fields, Fence(key, int(fields.pop("epoch")) - 1))
                tried += len(held)
                refused += len(writer.send().fenced)
        outcome.others = f"{refused} of {tried} refused"
        if refused != tried:
            outcome.problems.append(f"only {outcome.others}")
        if clock.back:
            outcome.problems.append(f"hot state went back in time: {clock.back[:3]}")
        _compare(rig, outcome, first_ms)
    return outcome


def _live(rig: Rig, outcome: Outcome) -> None:
    if rig.until(rig.is_calm, CALM_WITHIN_S) is None:
        outcome.problems.append(f"not live within {CALM_WITHIN_S:.0f} s: {rig.watch.books}")


def _compare(rig: Rig, outcome: Outcome, first_ms: int) -> None:
    outcome.rows = rig.ticks(FOLLOWED, first_ms, now_ms())
    if outcome.rows.missing or outcome.rows.twice:
        outcome.problems.append(f"{outcome.rows.missing} rows missing: {outcome.rows.example}")


HOT: tuple[Solo, ...] = (
    Solo("R11", "a writer that was replaced writes what was", _older_writer),
    Solo("R12", "readers hammer the books", _half_books),
)

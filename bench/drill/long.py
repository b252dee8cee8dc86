"""What takes long: outages, rotation under load, and a soak."""

import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench.drill.case import Case, Opened, Outcome, Solo
from bench.drill.cases import ALL_BOOKS, CUT
from bench.drill.exchange import now_ms
from bench.drill.flow import play, why_not_calm
from bench.drill.launch import FOLLOWED, VENUES
from bench.drill.rig import Rig
from bench.drill.solos import rotation
from bench.drill.watch import Sign
from bench.processes import cpu_s, resident_mb

Open = Callable[..., Opened]
_CALM_WITHIN_S = 90.0
_REPAIRED_WITHIN_S = 120.0
_SOAK_S = 1200.0
_WARM_S = 240.0
_SAMPLE_EVERY_S = 10.0


def _outage(open_rig: Open) -> Outcome:
    """A minute in which nothing can be reached."""
    with open_rig() as rig, rig.collector():
        rig.until(rig.is_calm, _CALM_WITHIN_S)
        first_ms = now_ms()
        case = Case(
            "N6", "", [{"kind": "refuse", "cut": True}], ALL_BOOKS, lasts_s=60.0, live_s=65.0, disturbs="all",
            causes=CUT,
        )  # fmt: skip
        outcome = play(rig, case)
        _judge_repairs(rig, outcome, first_ms, "yes")
        return outcome


def _jump(seconds: int, backfill: str) -> Callable[[Open], Outcome]:
    """An exchange that is behind leaps to now: for the collector an outage of so many seconds."""

    def played(open_rig: Open) -> Outcome:
        outcome = Outcome()
        with open_rig("--start-behind", str(seconds)) as rig, rig.collector(BACKFILL=backfill):
            if rig.until(rig.is_whole, _CALM_WITHIN_S) is None:  # its feeds say how late data comes
                outcome.problems.append(f"not calm before it: {why_not_calm(rig)}")
            first_ms = int(rig.exchange.truth(*FOLLOWED[0], 0, 0)["now"])
            rig.pause(2.0)
            began = time.monotonic()
            rig.exchange.jump()
            rig.until(lambda: rig.watch.first(began, _is_new_gap) is not None, 10.0)
            sign = rig.watch.first(began, _is_new_gap)
            outcome.noticed_s = math.inf if sign is None else sign.at - began
            took = rig.until(rig.is_whole, _CALM_WITHIN_S)
            outcome.live_s = math.inf if took is None else time.monotonic() - began - outcome.noticed_s
            if took is None:
                outcome.problems.append(f"not calm within {_CALM_WITHIN_S:.0f} s: {why_not_calm(rig)}")
            outcome.rows = rig.ticks(FOLLOWED, first_ms, now_ms())
            if outcome.rows.outside or outcome.rows.twice:
                outcome.problems.append(outcome.rows.example)
            _judge_repairs(rig, outcome, first_ms, "yes" if backfill == "auto" else "no")
            requests = rig.exchange.counts()["requests"]
            if backfill == "off" and requests:
                outcome.problems.append(f"REST was asked with BACKFILL=off: {requests}")
        return outcome

    return played


def _is_new_gap(sign: Sign) -> bool:
    return sign.kind == "gap"


def _judge_repairs(rig: Rig, outcome: Outcome, first_ms: int, repaired: str) -> None:
    """The ledger's gaps of candles are closed and repaired as expected, and the candles are right."""

    def gaps() -> list[tuple[str, bool]]:
        mine = [
            g for g in rig.watch.gaps.values() if g.channel == "kline" and g.started_at >= first_ms - 300_000
        ]
        return [(g.repaired, g.ended_at is not None) for g in mine]

    def is_right() -> bool:
        found = gaps()
        return bool(found) and all(it == (repaired, True) for it in found)

    if rig.until(is_right, _REPAIRED_WITHIN_S if repaired == "yes" else 5.0) is None:
        outcome.problems.append(f"gaps of candles (repaired, closed): {gaps()}, expected {repaired}, True")
    rig.pause(5.0)
    rows = rig.klines(FOLLOWED, first_ms, now_ms() - 90_000)
    if rows.outside or rows.twice:
        outcome.problems.append(f"candles: {rows.outside} of {rows.expected} wrong: {rows.example}")
    if repaired == "yes" and rows.missing:
        outcome.problems.append(f"candles: {rows.missing} of {rows.expected} missing or not equal")
    outcome.rows = outcome.rows.plus(rows)
    said = sorted({f"{g.channel} {g.cause}, {g.repaired}" for g in rig.watch.gaps.values()})
    outcome.ledger = "; ".join(said) or "none"


class _Sample(NamedTuple):
    at: float
    memory_mb: float
    cpu_s: float
    messages: int
    threads: int
    descriptors: int


def _soak(open_rig: Open) -> Outcome:
    """Twenty minutes at 3,000 messages/s: nothing grows."""
    outcome = Outcome()
    samples: list[_Sample] = []
    with (
        open_rig("--bench", "--rate", "3000") as rig,
        rig.collector(BACKFILL="off", INTERVALS="1m") as process,
    ):
        began = time.monotonic()
        while time.monotonic() - began < _SOAK_S:
            rig.pause(_SAMPLE_EVERY_S)
            place = Path(f"/proc/{process.pid}")
            messages = sum(int(str(rig.hot.hget(f"feed:{venue}", "messages") or 0)) for venue in VENUES)
            descriptors = len(list((place / "fd").iterdir()))
            threads = len(list((place / "task").iterdir()))
            samples.append(
                _Sample(
                    time.monotonic() - began,
                    resident_mb(process.pid),
                    cpu_s(process.pid),
                    messages,
                    threads,
                    descriptors,
                )
            )
    warm = [sample for sample in samples if sample.at >= _WARM_S]
    quarter = len(warm) // 4
    early, late = warm[:quarter], warm[-quarter:]
    growth = _mean(late, "memory_mb") / _mean(early, "memory_mb") - 1
    costs = _cost_us(late) / _cost_us(early) - 1
    rate = (warm[-1].messages - warm[0].messages) / (warm[-1].at - warm[0].at)
    outcome.others = (
        f"{rate:,.0f} msg/s, {_mean(late, 'memory_mb'):.0f} MB ({growth:+.1%}), {_cost_us(late):.0f} µs"
        f" ({costs:+.1%}), {late[-1].threads} threads, {late[-1].descriptors} descriptors"
    )
    if growth > 0.05:
        outcome.problems.append(f"memory grew by {growth:.1%}")
    if costs > 0.10:
        outcome.problems.append(f"CPU time per message grew by {costs:.1%}")
    for name in ("threads", "descriptors"):
        if _mean(late, name) > _mean(early, name) + 0.5:
            outcome.problems.append(f"{name} grew from {_mean(early, name):.1f} to {_mean(late, name):.1f}")
    if rate < 2_700:
        outcome.problems.append(f"only {rate:,.0f} messages/s came")
    return outcome


def _mean(samples: list[_Sample], name: str) -> float:
    return statistics.fmean(getattr(sample, name) for sample in samples)


def _cost_us(samples: list[_Sample]) -> float:
    """CPU time per message."""
    first, last = samples[0], samples[-1]
    return (last.cpu_s - first.cpu_s) / max(1, last.messages - first.messages) * 1e6


LONG: tuple[Solo, ...] = (
    Solo("E13", "rotation every 20 s for 3 min at 1,000 msg/s",
         lambda open_rig: rotation(open_rig, "--pace", "14", seconds=180.0, rotate_s=20.0, rate=1_000),
         is_long=True),
    Solo("N6", "an outage of 60 s", _outage, is_long=True),
    Solo("N6", "an outage of 30 min, refilled", _jump(1_800, "auto"), is_long=True),
    Solo("N6", "an outage of 30 min, BACKFILL=off", _jump(1_800, "off"), is_long=True),
    Solo("N6", "an outage of 4 h, refilled", _jump(14_400, "auto"), is_long=True),
    Solo("N6", "an outage of 4 h, BACKFILL=off", _jump(14_400, "off"), is_long=True),
    Solo("SOAK", "a soak of 20 min at 3,000 msg/s", _soak, is_long=True),
)  # fmt: skip

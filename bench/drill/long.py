"""What takes long: outages and rotation under load; the soak is in `soak`."""

import math
import time
from collections.abc import Callable

from bench.drill.case import Case, Opened, Outcome, Solo
from bench.drill.cases import ALL_BOOKS, CUT
from bench.drill.exchange import now_ms
from bench.drill.flow import play, why_not_calm
from bench.drill.launch import FOLLOWED
from bench.drill.rig import Rig
from bench.drill.soak import soak
from bench.drill.solos import rotation
from bench.drill.watch import Gap, Sign

Open = Callable[..., Opened]
_CALM_WITHIN_S = 90.0
_REPAIRED_WITHIN_S = 120.0


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
            if sign is None:
                outcome.problems.append("the ledger says nothing of it")
            took = rig.until(rig.is_whole, _CALM_WITHIN_S)
            outcome.live_s = math.inf if took is None else time.monotonic() - began - outcome.noticed_s
            if took is None:
                outcome.problems.append(f"not calm within {_CALM_WITHIN_S:.0f} s: {why_not_calm(rig)}")
            outcome.rows = rig.ticks(FOLLOWED, first_ms, now_ms())
            if outcome.rows.outside or outcome.rows.twice:
                outcome.problems.append(outcome.rows.example)
            _judge_repairs(rig, outcome, first_ms, "yes" if backfill == "auto" else "no")
            if (minutes := outcome.rows.expected) < len(FOLLOWED) * seconds // 60:
                outcome.problems.append(f"only {minutes} rows to compare: the exchange has no such past")
            requests = rig.exchange.counts()["requests"]
            if backfill == "off" and requests:
                outcome.problems.append(f"REST was asked with BACKFILL=off: {requests}")
        return outcome

    return played


def _is_new_gap(sign: Sign) -> bool:
    return sign.kind == "gap"


def _judge_repairs(rig: Rig, outcome: Outcome, first_ms: int, repaired: str) -> None:
    """Each instrument has gaps of candles, closed and repaired as expected, and its candles are right."""

    def gaps() -> list[Gap]:
        return [
            g for g in rig.watch.gaps.values() if g.channel == "kline" and g.started_at >= first_ms - 300_000
        ]

    def is_right() -> bool:
        found = gaps()
        is_each = {(gap.venue, gap.symbol) for gap in found} == set(FOLLOWED)
        return is_each and all(gap.repaired == repaired and gap.ended_at for gap in found)

    if rig.until(is_right, _REPAIRED_WITHIN_S if repaired == "yes" else 5.0) is None:
        said = [f"{g.venue} {g.symbol} {g.repaired} {g.started_at} to {g.ended_at}" for g in gaps()]
        outcome.problems.append(f"gaps of candles: {said}, expected each to be closed, repaired: {repaired}")
    rows = rig.klines(FOLLOWED, first_ms, now_ms() - 90_000, all_come=repaired == "yes")
    if rows.outside or rows.twice:
        outcome.problems.append(f"candles: {rows.outside} of {rows.expected} wrong: {rows.example}")
    if repaired == "yes" and rows.missing:
        outcome.problems.append(f"candles: {rows.missing} of {rows.expected} missing or not equal")
    outcome.rows = outcome.rows.plus(rows)
    causes = sorted({f"{g.channel} {g.cause}, {g.repaired}" for g in rig.watch.gaps.values()})
    outcome.ledger = "; ".join(causes) or "none"


LONG: tuple[Solo, ...] = (
    Solo("E13", "rotation every 20 s for 3 min at 1,000 msg/s",
         lambda open_rig: rotation(open_rig, "--pace", "30", seconds=180.0, rotate_s=20.0, rate=1_000),
         is_long=True),
    Solo("N6", "an outage of 60 s", _outage, is_long=True),
    Solo("N6", "an outage of 30 min, refilled", _jump(1_800, "auto"), is_long=True),
    Solo("N6", "an outage of 30 min, BACKFILL=off", _jump(1_800, "off"), is_long=True),
    Solo("N6", "an outage of 4 h, refilled", _jump(14_400, "auto"), is_long=True),
    Solo("N6", "an outage of 4 h, BACKFILL=off", _jump(14_400, "off"), is_long=True),
    Solo("SOAK", "a soak of 20 min at 3,000 msg/s", soak, is_long=True),
)  # fmt: skip

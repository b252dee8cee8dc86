"""How one case is played: inject, wait until it is noticed, heal, wait until all lives again, compare."""

import math
import time
from collections.abc import Sequence
from functools import partial

from bench.drill.case import LEDGER_CHANNEL, Case, Outcome, Target
from bench.drill.exchange import now_ms
from bench.drill.launch import FOLLOWED
from bench.drill.rig import SETTLED_WITHIN_S, Rig
from bench.drill.watch import Gap, Instrument, Sign

CALM_WITHIN_S = 30.0
PATIENCE = 2.5
"""How many times its budget a case may take before it is given up."""
SEEN_S = 0.5
AFTERWARDS_S = 1.0
"""How long all must go well after it, to be compared as well."""


def play(rig: Rig, case: Case) -> Outcome:
    """Play a case on the collector that runs."""
    if case.play is not None:
        return case.play(rig)
    outcome = Outcome()
    if rig.until(rig.is_calm, CALM_WITHIN_S) is None:
        outcome.was_calm = False
        outcome.problems.append(f"not calm before it: {why_not_calm(rig)}")
        return outcome
    rig.pause(SEEN_S)  # what was written of the case before has been seen now
    first_ms, began = now_ms(), time.monotonic()
    numbers = [rig.exchange.inject(command) for command in case.faults]
    if case.act is not None:
        case.act(rig)
    try:
        if case.starts is not None:
            began = case.starts(rig, numbers)
            first_ms = now_ms()
        _notice(rig, case, outcome, began)
        if case.lasts_s is None:
            _recover(rig, case, outcome, began)
        else:
            rig.pause(max(0.0, began + case.lasts_s - time.monotonic()))
    finally:
        if case.undo is not None:
            case.undo(rig)
        for number in numbers:
            rig.exchange.heal(number)
    if case.lasts_s is not None:
        _recover(rig, case, outcome, began)
    _compare(rig, case, outcome, first_ms, began)
    if case.check is not None and (wrong := case.check(rig)):
        outcome.problems.append(wrong)
    return outcome


def why_not_calm(rig: Rig) -> str:
    """What is not as it should be, in words."""
    books = [f"{v} {s} {state}" for (v, s), state in rig.watch.books.items() if state != "live"]
    feeds = [f"{venue} {' '.join(it)}" for venue, it in rig.watch.feeds.items() if it[0] != "live"]
    open_gaps = [f"open gap {g.venue} {g.symbol} {g.channel} {g.cause}" for g in rig.open_gaps()]
    return "; ".join([*books, *feeds, *open_gaps[:4]])


def concerns(sign: Sign, targets: Sequence[Target], *, whole_venue: bool) -> bool:
    """Whether a sign shows that a fault was noticed."""
    venues = {target.venue for target in targets}
    if sign.venue not in venues or sign.kind == "repair" or (sign.kind == "book" and sign.text == "live"):
        return False
    if sign.kind in ("book", "gap"):
        return whole_venue or (sign.venue, sign.symbol) in {target.instrument for target in targets}
    if sign.kind == "feed" and sign.text.startswith("live"):
        return False
    return whole_venue or any(target.symbol.lower() in sign.text.lower() for target in targets)


def _notice(rig: Rig, case: Case, outcome: Outcome, began: float) -> None:
    if case.budget_s is None:
        return
    missed = []
    for target in case.targets:

        def found(target: Target = target) -> Sign | None:
            whole = case.disturbs != "symbol"
            return rig.watch.first(began, partial(concerns, targets=[target], whole_venue=whole))

        rig.until(lambda check=found: check() is not None, case.budget_s * PATIENCE)  # type: ignore[misc]
        sign = found()
        took = math.inf if sign is None else sign.at - began
        outcome.noticed_s = max(outcome.noticed_s or 0.0, took)
        outcome.sign = outcome.sign or (f"{sign.kind} {sign.text}" if sign else "")
        until = time.monotonic() if sign is None else sign.at
        if outcome.is_late(took, case.budget_s, rig.pulse.margin_s(case.budget_s, began, until)):
            missed.append(f"{target.venue} {target.symbol} {target.channel} after {took:.1f} s")
    if missed:
        budget = f"budget {case.budget_s:.0f} + {outcome.granted_s:.1f} s"
        outcome.problems.append(f"noticed too late ({budget}): {', '.join(missed)}")


def _recover(rig: Rig, case: Case, outcome: Outcome, began: float) -> None:
    """Wait until the targets bring data again and nothing is missing any more."""
    if case.budget_s is None:
        return
    noticed_at = began + (outcome.noticed_s or 0.0)
    since = time.monotonic() if case.lasts_s is not None or math.isinf(noticed_at) else noticed_at
    since_ms = now_ms()

    met, lacked = _met(case), [""]

    def is_live() -> bool:
        gaps = [g for g in rig.watch.gaps.values() if g.ended_at is None and (g.venue, g.symbol) in met]
        lacks = [f"gap of {g.venue} {g.symbol} {g.channel}" for g in gaps]
        lacks += [f"book of {' '.join(it)}" for it in sorted(met) if rig.watch.books.get(it) != "live"]
        venues = sorted({target.venue for target in case.targets})
        lacks += [f"feed of {it}" for it in venues if rig.watch.feeds.get(it, ("",))[0] != "live"]
        lacks += [f"data of {' '.join(it)}" for it in case.targets if not rig.is_fresh(it, since_ms)]
        lacked[:] = lacks or lacked
        return not lacks

    took = rig.until(is_live, case.live_s * PATIENCE)
    now = time.monotonic()
    outcome.live_s = math.inf if took is None else now - since
    granted_s = rig.pulse.margin_s(case.live_s, since, now)
    if outcome.is_late(outcome.live_s, case.live_s, granted_s):
        how = "not live" if took is None else f"live again after {outcome.live_s:.1f} s"
        budget = f"budget {case.live_s:.0f} + {granted_s:.1f} s"
        outcome.problems.append(f"{how}, {budget}; what came last: {', '.join(lacked[:4])}")


def _met(case: Case) -> set[Instrument]:
    """The instruments that the fault may disturb."""
    if case.disturbs == "symbol":
        return {target.instrument for target in case.targets}
    venues = {target.venue for target in case.targets}
    return {it for it in FOLLOWED if case.disturbs == "all" or it.venue in venues}


def _compare(rig: Rig, case: Case, outcome: Outcome, first_ms: int, began: float) -> None:
    rig.pause(AFTERWARDS_S)
    last_ms = now_ms()
    mine = sorted({target.instrument for target in case.targets})
    outcome.rows = rig.ticks(mine, first_ms, last_ms)
    if outcome.rows.outside or outcome.rows.twice:
        outcome.problems.append(outcome.rows.example)
    _read_ledger(rig, case, outcome, mine, (first_ms, last_ms), began)
    if others := [it for it in FOLLOWED if it not in _met(case)]:
        _look_at_others(rig, outcome, others, (first_ms, last_ms), began)


def _read_ledger(
    rig: Rig, case: Case, outcome: Outcome, mine: Sequence[Instrument], span: tuple[int, int], began: float
) -> None:
    """A book that did not change has a gap of no length, maybe before the fault: it came after, though."""

    def gaps() -> list[Gap]:
        return [gap for it in mine for gap in rig.gaps_of(it, *span)]

    def unnamed() -> list[Target]:
        new = [gap for number, gap in list(rig.watch.gaps.items()) if rig.watch.came_at[number] >= began]
        named = {Target(gap.venue, gap.symbol, gap.channel) for gap in [*gaps(), *new]}
        wanted = {t: t._replace(channel=LEDGER_CHANNEL.get(t.channel, t.channel)) for t in case.targets}
        return [target for target, row in wanted.items() if case.causes and row not in named]

    rig.until(lambda: not unnamed(), SETTLED_WITHIN_S)
    found = gaps()
    outcome.ledger = (
        "; ".join(sorted({f"{gap.channel} {gap.cause}, {gap.repaired}" for gap in found})) or "none"
    )
    if wrong := sorted({gap.cause for gap in found} - case.causes - case.may_say):
        expected = ", ".join(sorted(case.causes)) or "no row"
        outcome.problems.append(f"the ledger says {', '.join(wrong)}, expected {expected}")
    outcome.problems += [f"no row of the ledger names {' '.join(target)}" for target in unnamed()]


def _look_at_others(
    rig: Rig, outcome: Outcome, others: Sequence[Instrument], span_ms: tuple[int, int], began: float
) -> None:
    """All others: not a row missing or twice, no row in the ledger, no book that was not live."""
    rows = rig.ticks(others, *span_ms)
    gaps = [g for it in others for g in rig.gaps_of(it, *span_ms) if not rig.is_background(g)]
    signs = [
        s for s in list(rig.watch.signs)
        if s.at >= began and s.kind == "book" and s.text != "live" and (s.venue, s.symbol) in others
    ]  # fmt: skip
    wrong = []
    if rows.missing or rows.twice:
        wrong.append(f"{rows.missing} rows missing, {rows.twice} wrong {rows.example}")
    wrong += [f"gap of {g.venue} {g.symbol} {g.channel} {g.cause} {g.detail}" for g in gaps[:3]]
    wrong += [f"book of {s.venue} {s.symbol} was {s.text}" for s in signs[:3]]
    outcome.others = "disturbed" if wrong else "undisturbed"
    outcome.problems += [f"others disturbed: {it}" for it in wrong]

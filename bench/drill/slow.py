"""What lasts while others are played, and what is judged at the end of a run."""

from collections.abc import Sequence

from bench.drill.case import Background, Outcome
from bench.drill.exchange import now_ms
from bench.drill.launch import FOLLOWED
from bench.drill.rig import Rig

_MINUTE_MS = 60_000
_SETTLED_MS = 30_000
"""A candle that closed longer ago must be stored and right."""


def _nobody_was_cut(rig: Rig, numbers: Sequence[int], _began: float) -> Outcome:
    """The exchange has not missed a ping."""
    cut = rig.exchange.fault(numbers[0])["withheld"]
    return Outcome(problems=[f"cut for want of pings: {cut}"] if cut else [])


def candles_of(rig: Rig, first_ms: int) -> Outcome:
    """Every candle that closed since then is stored, and equal to what the exchange tells."""
    last_ms = now_ms() - _SETTLED_MS - _MINUTE_MS
    rows = rig.klines(FOLLOWED, first_ms, last_ms)
    outcome = Outcome(rows=rows)
    if rows.outside or rows.twice:
        outcome.problems.append(rows.example)
    if not rows.expected:
        outcome.skipped = "no candle closed during it"
    return outcome


BACKGROUNDS: tuple[Background, ...] = (
    Background(
        "E15",
        "Bybit cuts whoever sends no JSON ping for 25 s",
        [{"kind": "enforce_pings", "within": 25.0}],
        (),
        _nobody_was_cut,
    ),
)

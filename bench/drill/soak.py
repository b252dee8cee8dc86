"""A collector under load for a long time: what grows, and what does not."""

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.drill.case import Opened, Outcome
from bench.drill.rig import Rig
from bench.processes import cpu_s, resident_mb

SECONDS = 1_200.0
WARM_S = 240.0
"""Until then it fills what it keeps."""
RATE = 3_000
"""Messages/s."""
LEAST_RATE = 0.95
"""The part of them that must have come on average."""
MOST_MEMORY = 0.05
MOST_TIME = 0.10
"""By which part memory, and CPU time per message, may be more at the end than at the beginning."""
_SAMPLE_EVERY_S = 10.0


class Sample(NamedTuple):
    """What a collector used, seconds after it started."""

    at: float
    memory_mb: float
    cpu_s: float
    messages: int
    threads: int
    descriptors: int


def soak(open_rig: Callable[..., Opened]) -> Outcome:
    """Twenty minutes at 3,000 messages/s: nothing grows."""
    with (
        open_rig("--bench", "--rate", str(RATE)) as rig,
        rig.collector(BACKFILL="off", INTERVALS="1m") as process,
    ):
        samples = _sampled(rig, process.pid)
    return judge([sample for sample in samples if sample.at >= WARM_S])


def _sampled(rig: Rig, pid: int) -> list[Sample]:
    samples, began, place = [], time.monotonic(), Path(f"/proc/{pid}")
    while time.monotonic() - began < SECONDS:
        rig.pause(_SAMPLE_EVERY_S)
        threads, descriptors = (len(list((place / name).iterdir())) for name in ("task", "fd"))
        used = (resident_mb(pid), cpu_s(pid), rig.messages())
        samples.append(Sample(time.monotonic() - began, *used, threads, descriptors))
    return samples


def judge(samples: Sequence[Sample]) -> Outcome:
    """What came of it: the first quarter of the samples beside the last. Eight of them, at least."""
    quarter = len(samples) // 4
    early, late = samples[:quarter], samples[-quarter:]
    growth = _mean(late, "memory_mb") / _mean(early, "memory_mb") - 1
    costs = _cost_us(late) / _cost_us(early) - 1
    rate = (samples[-1].messages - samples[0].messages) / (samples[-1].at - samples[0].at)
    used = f"{_mean(late, 'memory_mb'):.0f} MB ({growth:+.1%}), {_cost_us(late):.0f} µs ({costs:+.1%})"
    counts = f"{late[-1].threads} threads, {late[-1].descriptors} descriptors"
    outcome = Outcome(others=f"{rate:,.0f} msg/s, {used}, {counts}")
    if rate < LEAST_RATE * RATE:
        outcome.problems.append(f"only {rate:,.0f} messages/s came, wanted {RATE:,}")
    if growth > MOST_MEMORY:
        outcome.problems.append(f"memory grew by {growth:.1%}")
    if costs > MOST_TIME:
        outcome.problems.append(f"CPU time per message grew by {costs:.1%}")
    for name in ("threads", "descriptors"):
        if _mean(late, name) > _mean(early, name) + 0.5:
            outcome.problems.append(f"{name} grew from {_mean(early, name):.1f} to {_mean(late, name):.1f}")
    return outcome


def _mean(samples: Sequence[Sample], name: str) -> float:
    return statistics.fmean(getattr(sample, name) for sample in samples)


def _cost_us(samples: Sequence[Sample]) -> float:
    """CPU time per message."""
    first, last = samples[0], samples[-1]
    return (last.cpu_s - first.cpu_s) / max(1, last.messages - first.messages) * 1e6

"""Whether the live way, from candles and books to the scoreboard, believes in luck."""

import random

import pytest

from bench import verdicts
from tests.sizes import sized


def test_live_verdicts_do_not_praise_luck() -> None:
    """Four seeds of two days without an edge; all 20 are `./dev bench verdicts`."""
    seeds = sized(4, quick=1)
    found = verdicts.verdicts(range(seeds), 2)
    judged = found.total() - found["too few"]
    assert judged >= 15 * seeds
    assert found["better than chance"] <= verdicts.MOST * judged
    assert found["worse"] <= verdicts.MOST * judged


def test_what_is_judged_was_lived() -> None:
    """Every signal of the first day is priced at every horizon, and pays its costs."""
    lived, rng = verdicts.Lived(), random.Random(1)
    for kline in verdicts.wander(rng, 1_440 + 61):
        lived.live(kline, 0.0)
    first = [name for name, row in lived.signals.items() if row.ts < verdicts.START + 86_400_000]
    assert len(first) > 200
    assert all(len(lived.net_bps[name]) == 4 for name in first)
    rows = verdicts.score(lived)
    assert {row["horizon_s"] for row in rows} == {60, 300, 900, 3600}
    mean_bps = sum(row["mean_bps"] * row["count"] for row in rows) / sum(row["count"] for row in rows)
    assert -16 < mean_bps < -6  # 2 × 5 of fees and 1 of spread


def test_random_moments_pay_the_spread_that_signals_met() -> None:
    """The same moments make less by what more it is."""
    lived, rng = verdicts.Lived(), random.Random(2)
    for kline in verdicts.wander(rng, 1_440 + 61):
        lived.live(kline, 0.0)
    before = verdicts.score(lived)
    lived.signals = {name: row._replace(spread_bps=7.0) for name, row in lived.signals.items()}
    after = verdicts.score(lived)
    fallen = [
        old["baseline_mean_bps"] - new["baseline_mean_bps"]
        for old, new in zip(before, after, strict=True)
        if old["baseline_mean_bps"] is not None
    ]
    assert len(fallen) > 10
    assert fallen == pytest.approx([7.0 - verdicts.SPREAD_BPS] * len(fallen), abs=0.1)

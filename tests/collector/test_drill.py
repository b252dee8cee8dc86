"""Some quick faults of the drill, injected into a real collector: rows, ledger and neighbours must be right.

How quickly each is noticed is for `./dev drill` to judge; here a fault only has to be noticed at all.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.drill.cases import CASES
from bench.drill.flow import play
from bench.drill.rig import rig

PATIENCE_S = 30.0
QUICK = (
    "Binance: pu is not the last u",
    "Bybit: u jumps",
    "Bybit: a snapshot nobody asked for, then u = 1",
    "diffs come twice",
    "one book dies, the rest flow (Bybit)",
    "all sockets closed with 1001 (Bybit)",
)


@pytest.mark.timeout(240)
def test_quick_faults_leave_no_row_missing_outside_the_ledger(
    database_url: str, redis_client_url: str, tmp_path: Path
) -> None:
    """None is twice either, and no fault of one symbol touches another's data."""
    cases = [case for case in CASES if case.title in QUICK]
    assert len(cases) == len(QUICK)
    urls = {"DATABASE_URL": database_url, "REDIS_URL": redis_client_url}
    wrong = []
    with rig(urls, tmp_path) as running, running.collector():
        for case in cases:
            budget_s = None if case.budget_s is None else PATIENCE_S
            outcome = play(running, replace(case, budget_s=budget_s, live_s=PATIENCE_S))
            assert outcome.rows.expected
            wrong += [f"{case.number} {case.title}: {problem}" for problem in outcome.problems]
    assert wrong == []

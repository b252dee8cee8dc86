"""Several real collectors on one exchange: how quickly they take over is for `./dev drill` to judge."""

from functools import partial
from pathlib import Path

import pytest

from bench.drill import workers
from bench.drill.case import Outcome
from bench.drill.rig import rig


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "play", [workers.deploy, partial(workers.paused, seconds=12.0)], ids=["new", "pause"]
)
def test_no_row_is_lost_or_doubled_and_hot_state_never_goes_back(
    database_url: str,
    redis_client_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    play: "partial[Outcome]",
) -> None:
    """While the next generation starts and the last one ends; while one stands still and wakes up."""
    monkeypatch.setattr(workers, "TAKEN_WITHIN_S", 60.0)
    monkeypatch.setattr(workers, "STARTED_WITHIN_S", 60.0)
    urls = {"DATABASE_URL": database_url, "REDIS_URL": redis_client_url}
    outcome = play(partial(rig, urls, tmp_path))
    assert outcome.rows.expected
    assert outcome.problems == []

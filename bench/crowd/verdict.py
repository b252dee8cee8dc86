"""What was seen of the crowd, held against its budgets."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from bench.crowd.viewers import BROKEN, Asked
from bench.report import Result

PAGE_MS, HEALTH_MS, BEHIND_S, MEMORY_MB, EXIT_S = 250, 100, 2.0, 512, 25
CATCH_UP_S = 3.0
"""After Redis goes on: nobody asks for the second after a failure, and market data is told once a second."""


class Seen(NamedTuple):
    """What a run gave. Times are of the monotonic clock."""

    heard: dict[str, Any]
    """What the listeners tell (bench/crowd/listeners.py)."""
    pages: Sequence[Asked]
    health: Sequence[Asked]
    waits: Sequence[tuple[int, float]]
    frozen: tuple[float, float]
    window: tuple[float, float]
    """From the first page until the web was told to end."""
    told: Sequence[str]
    """Events that every stream should have had."""
    memory_mb: float
    exit_s: float
    exit_code: int


def results(seen: Seen, streams: int, pages: int, seconds: float) -> list[Result]:
    """One line a budget."""
    began, ended = seen.window
    stop, go = seen.frozen
    within = [each for each in seen.pages if began <= each[0] < ended]
    calm = [each for each in within if each[0] + each[1] < stop or each[0] > go]
    frozen = [each for each in within if each[0] + each[1] >= stop and each[0] <= go]
    health = [each for each in seen.health if began <= each[0] < ended]
    what = f"{streams:,} streams, {pages} pages, {seconds:.0f} s"
    memory = f"{seen.memory_mb:.0f} MB"
    return [
        _times(f"{what}: pages but while Redis stands still, p95", calm, 95, PAGE_MS),
        _times("pages while Redis stands still, p95", frozen, 95, None),
        _times("/healthz throughout, p99", health, 99, HEALTH_MS),
        _counted("pages and /healthz not answered with 200", within + health, lambda status: status != 200),
        _behind(seen),
        Result("web processes together", f"< {MEMORY_MB} MB", memory, seen.memory_mb < MEMORY_MB),
        Result(
            "requests that waited on PostgreSQL",
            "",
            _waits(seen.waits),
        ),
        *_deploy(seen, streams),
    ]  # fmt: skip


def _waits(waits: Sequence[tuple[int, float]]) -> str:
    statuses, seconds = {status for status, _ in waits}, [waited for _, waited in waits]
    return f"{len(waits)} answered {sorted(statuses)} after {min(seconds):.1f} to {max(seconds):.1f} s"


def _times(what: str, asked: Sequence[Asked], percent: int, budget_ms: int | None) -> Result:
    times = sorted(seconds * 1e3 for _, seconds, _ in asked)
    if not times:
        return Result(what, f"< {budget_ms} ms", "nobody asked", False)
    found = times[len(times) * percent // 100]
    measured = f"{found:.0f} ms (half {times[len(times) // 2]:.0f}, most {times[-1]:.0f}; {len(times):,})"
    if budget_ms is None:
        return Result(what, "", measured)
    return Result(what, f"< {budget_ms} ms", measured, found < budget_ms)


def _counted(what: str, asked: Sequence[Asked], is_wrong: Callable[[int], bool]) -> Result:
    wrong = [status for _, _, status in asked if is_wrong(status)]
    kinds = ", ".join(map(str, sorted(set(wrong))))
    return Result(what, "0", f"{len(wrong)} of {len(asked):,} {kinds}".rstrip(), bool(asked) and not wrong)


def _behind(seen: Seen) -> Result:
    """By the time of the newest market data that each has."""
    begin, end = seen.frozen[1] + CATCH_UP_S, seen.window[1]
    late = [ms / 1e3 for at, ms in seen.heard["samples"] if begin <= at < end]
    worst = max(late, default=float("inf"))
    return Result(
        "the last of the streams afterwards",
        f"≤ {BEHIND_S:.0f} s behind",
        f"{worst:.1f} s ({len(late)} looks)",
        worst <= BEHIND_S,
    )


def _deploy(seen: Seen, streams: int) -> list[Result]:
    """SIGTERM under all that, and another web in its place."""
    after = [each for each in seen.pages if each[0] + each[1] >= seen.window[1]]
    heard = [seen.heard["heard"].get(event_id, [0, 0])[0] for event_id in seen.told]
    missed = sum(streams - count for count in heard)
    came_back = seen.heard["connections"] - streams
    refused, resets = sum(seen.heard["refused"].values()), seen.heard["resets"]
    disordered = seen.heard["disordered"]
    return [
        Result(
            "SIGTERM under that load",
            f"ends within {EXIT_S} s",
            f"{seen.exit_s:.1f} s, code {seen.exit_code}",
            seen.exit_s <= EXIT_S and seen.exit_code == 0,
        ),
        _counted("pages since then: 5xx, or half a reply", after, lambda s: s >= 500 or s == BROKEN),
        Result(
            f"events that {streams:,} streams missed, over all",
            "0",
            f"{missed:,} of {len(seen.told) * streams:,}, {disordered} twice;"
            f" {came_back:,} came back, {refused} refused, {resets} resets",
            bool(seen.told) and missed == 0 and disordered == 0 and came_back >= streams,
        ),
    ]  # fmt: skip

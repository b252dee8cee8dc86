"""What a soak says of a collector that grows."""

import pytest

from bench.drill.soak import Sample, judge


def samples(
    *, rate: int = 3_000, memory: float = 0.0, cost: float = 0.0, threads: int = 0, descriptors: int = 0
) -> list[Sample]:
    """A collector of 100 MB and 20 µs a message; each figure grows by so much from start to end."""
    cpu_s, found = 0.0, []
    for number in range(97):
        part = number / 96
        cpu_s += 10 * rate * 20e-6 * (1 + cost * part)
        used = (100 * (1 + memory * part), cpu_s, 10 * rate * number)
        more = (20 + round(threads * part), 30 + round(descriptors * part))
        found.append(Sample(240.0 + 10 * number, *used, *more))
    return found


def test_one_that_stays_as_it_is_is_right() -> None:
    """The line says what it used."""
    outcome = judge(samples(memory=0.03, cost=0.05))
    assert outcome.problems == []
    assert outcome.others.startswith("3,000 msg/s, 103 MB (+2.")
    assert outcome.others.endswith("20 threads, 30 descriptors")


@pytest.mark.parametrize(
    ("grown", "problem"),
    [
        ({"memory": 0.1}, "memory grew by 7."),
        ({"cost": 0.2}, "CPU time per message grew by 1"),
        ({"threads": 2}, "threads grew from 20.0 to"),
        ({"descriptors": 4}, "descriptors grew from 30."),
        ({"rate": 2_800}, "only 2,800 messages/s came, wanted 3,000"),
    ],
)
def test_what_grows_is_told(grown: dict[str, int], problem: str) -> None:
    """And that too little came to tell anything."""
    (said,) = judge(samples(**grown)).problems
    assert said.startswith(problem)

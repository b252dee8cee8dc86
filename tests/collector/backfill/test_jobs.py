"""The order of what is to be asked."""

from collector.backfill.jobs import AUDIT, GAP, HISTORY, SCREEN, SNAPSHOT, Job, Jobs


def job(symbol: str, urgency: int, *, key: str = "", not_before: float = 0.0) -> Job:
    return Job(key or f"{symbol}-{urgency}", symbol, urgency, lambda: None, print, print, not_before)


def order(jobs: Jobs, *, least: int = AUDIT, screen: tuple[str, ...] = (), now: float = 0.0) -> list[str]:
    """The keys of all jobs as they are taken."""
    found: list[str] = []
    while (taken := jobs.take(now, least, screen)) is not None:
        found.append(str(taken.key))
    return found


def filled() -> Jobs:
    jobs = Jobs()
    for symbol, urgency in (("A", AUDIT), ("B", HISTORY), ("C", GAP), ("D", SNAPSHOT), ("E", HISTORY)):
        jobs.put(job(symbol, urgency))
    return jobs


def test_the_most_urgent_comes_first_and_of_equals_the_oldest() -> None:
    """Snapshot, gap, history, audit."""
    assert order(filled()) == ["D-0", "C-2", "B-3", "E-3", "A-4"]


def test_symbols_on_screen_come_after_books_and_before_the_rest() -> None:
    """Their audits do not."""
    assert order(filled(), screen=("E", "A")) == ["D-0", "E-3", "C-2", "B-3", "A-4"]


def test_a_thread_may_take_urgent_jobs_alone() -> None:
    """And hears when there will be one for it."""
    jobs = filled()
    assert order(jobs, least=SCREEN, screen=("E",)) == ["D-0", "E-3"]
    assert jobs.due_in(0.0, SCREEN, ()) is None
    assert jobs.due_in(0.0, SCREEN, ("B",)) == 0.0
    assert len(jobs) == 3


def test_a_job_is_not_taken_before_its_time() -> None:
    """Others go first meanwhile."""
    jobs = Jobs()
    jobs.put(job("A", SNAPSHOT, not_before=5.0))
    jobs.put(job("B", AUDIT))
    assert order(jobs, now=1.0) == ["B-4"]
    assert jobs.due_in(1.0, AUDIT, ()) == 4.0
    assert order(jobs, now=5.0) == ["A-0"]
    assert jobs.due_in(5.0, AUDIT, ()) is None


def test_a_newer_job_takes_the_place_of_the_older_one() -> None:
    """More urgent and earlier, never less or later."""
    jobs = Jobs()
    first, second = job("A", GAP, key="a", not_before=3.0), job("A", HISTORY, key="a", not_before=9.0)
    jobs.put(first)
    jobs.put(job("B", GAP))
    jobs.put(second)
    assert len(jobs) == 2
    assert jobs.take(3.0, AUDIT, ()) is second
    assert (second.urgency, second.not_before, second.number) == (GAP, 3.0, first.number)


def test_a_job_that_is_put_back_keeps_its_place() -> None:
    """Unless it was replaced meanwhile."""
    jobs = Jobs()
    for symbol in "ABC":
        jobs.put(job(symbol, GAP))
    taken = jobs.take(0.0, AUDIT, ())
    assert taken is not None
    jobs.put_back(taken)
    assert order(jobs) == ["A-2", "B-2", "C-2"]
    newer = job("A", GAP)
    jobs.put(newer)
    jobs.put_back(taken)
    assert jobs.take(0.0, AUDIT, ()) is newer


def test_the_jobs_of_a_symbol_can_be_dropped() -> None:
    """And are returned, so that somebody can say so."""
    jobs = filled()
    assert [j.symbol for j in jobs.drop(["B", "D", "X"])] == ["B", "D"]
    assert order(jobs) == ["C-2", "E-3", "A-4"]

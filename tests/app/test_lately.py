"""What was asked for lately is kept."""

from app.lately import KEEP_S, Lately
from tests.app.fakes import FakeTime


def test_a_value_is_made_once_and_let_go_when_nobody_asks() -> None:
    """Asking again counts as lately; the one asked for longest ago goes first, also where there are many."""
    time, made = FakeTime(), list[str]()

    def make(key: str) -> int:
        made.append(key)
        return len(made)

    held = Lately[str, int](make, time.clock.monotonic, most=2)
    assert [held.get("a"), held.get("a"), held.get("b")] == [1, 1, 2]
    time.elapsed_s = KEEP_S
    assert held.get("a") == 1
    time.elapsed_s = KEEP_S + 1
    assert [held.get("a"), held.get("b")] == [1, 3]
    assert [held.get("c"), held.get("b"), held.get("a")] == [4, 3, 5]
    assert made == ["a", "b", "b", "c", "a"]

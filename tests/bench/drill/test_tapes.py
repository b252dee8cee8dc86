"""Lists of trades before and after a fault."""

from bench.drill.tapes import compare_tapes
from db.hot.keys import TRADES_LENGTH

KEY = "trades:bybit:BTCUSDT"


def wrong(before: list[int], after: list[int]) -> str:
    return compare_tapes({KEY: [str(n) for n in before]}, {KEY: [str(n) for n in after]})


def test_a_list_that_goes_on_is_right() -> None:
    """With more before it and after it, and where so many came that nothing of before is left."""
    assert wrong([1, 2, 3], [1, 2, 3]) == wrong([1, 2, 3], [0, 1, 2, 3, 4]) == wrong([], [1]) == ""
    full = list(range(TRADES_LENGTH))
    assert wrong(full, full[50:] + list(range(1000, 1050))) == ""
    assert wrong([1, 2], list(range(1000, 1000 + TRADES_LENGTH))) == ""


def test_what_is_gone_or_twice_or_has_changed_places_is_wrong() -> None:
    """Whatever came since."""
    assert wrong([1, 2, 3], []) == f"{KEY}: 3 of 3 trades are gone, or out of order"
    assert wrong([1, 2, 3], [2, 3, 4]) == f"{KEY}: 1 of 3 trades are gone, or out of order"
    assert wrong([1, 2, 3], [4, 5]).startswith(f"{KEY}: 3 of 3")
    assert wrong([1, 2, 3], [2, 1, 3]) == f"{KEY}: 0 of 3 trades are gone, or out of order"
    assert wrong([1, 2], [1, 2, 1]) == f"{KEY}: 1 trades are twice"
    full = list(range(TRADES_LENGTH))
    assert "gone" in wrong(full, [*full[51:], *range(1000, 1050)])

"""Whether two symbols are one coin."""

from collector.pairs import CHECKS, Pairs, Verdict

LIVE = {"bybit": {"BTCUSDT": 91_000.0, "XYZUSDT": 1.0}, "binance": {"BTCUSDT": 91_010.0, "XYZUSDT": 40.0}}


def check(pairs: Pairs, prices: dict[str, dict[str, float]], times: int = CHECKS) -> list[Verdict]:
    """All verdicts of some checks."""
    return [verdict for _ in range(times) for verdict in pairs.check(prices)]


def test_prices_that_stay_apart_part_a_pair() -> None:
    """Both of it, with the reason, once; its neighbours stay together."""
    pairs = Pairs()
    assert check(pairs, LIVE, CHECKS - 1) == []
    reason = "binance:XYZUSDT at 40, bybit:XYZUSDT at 1"
    assert check(pairs, LIVE, 1) == [
        Verdict("binance", "XYZUSDT", True, reason),
        Verdict("bybit", "XYZUSDT", True, reason),
    ]
    assert check(pairs, LIVE, 5) == []


def test_a_moment_apart_changes_nothing() -> None:
    """Only checks in a row count."""
    pairs = Pairs()
    together = {"bybit": {"XYZUSDT": 1.0}, "binance": {"XYZUSDT": 1.1}}
    for _ in range(5):
        assert check(pairs, LIVE, CHECKS - 1) == []
        assert check(pairs, together, 1) == []


def test_prices_that_meet_again_join_the_pair() -> None:
    """After as many checks."""
    pairs = Pairs()
    check(pairs, LIVE)
    together = {"bybit": {"XYZUSDT": 38.0}, "binance": {"XYZUSDT": 40.0}}
    assert [(v.venue, v.is_apart) for v in check(pairs, together)] == [("binance", False), ("bybit", False)]


def test_multipliers_are_counted_in() -> None:
    """1000 of one may be 1 of the other; a wrong multiplier is a wrong pair."""
    pairs = Pairs()
    right = {"bybit": {"1000TURBOUSDT": 2.0, "SHIB1000USDT": 0.008}, "binance": {"TURBOUSDT": 0.0021}}
    assert check(pairs, right) == []
    wrong = {"bybit": {"10000SATSUSDT": 0.002}, "binance": {"1000SATSUSDT": 0.002}}
    assert len(check(pairs, wrong)) == 2


def test_only_venues_of_a_kind_are_compared() -> None:
    """Never simulated with live ones, nor a venue with itself, nor without a price."""
    prices = {
        "bybit": {"XYZUSDT": 1.0, "1000XYZUSDT": 1.0},
        "sim-binance": {"XYZUSDT": 40.0},
        "binance-testnet": {"XYZUSDT": 80.0},
        "binance": {"XYZUSDT": 0.0},
    }
    assert check(Pairs(), prices, 10) == []
    simulated = {"sim-bybit": {"XYZUSDT": 1.0}, "sim-binance": {"XYZUSDT": 40.0}}
    assert [v.venue for v in check(Pairs(), simulated)] == ["sim-binance", "sim-bybit"]

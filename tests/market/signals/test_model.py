"""A rule gets what its parameters name, and can name nothing else."""

import pytest

from market.indicators import closes
from market.signals.model import BookRule, BookView, CandleRule
from tests.market.walks import walk


def test_a_rule_reads_its_parameters() -> None:
    """Of the candle, its indicators and those before; of the book."""

    def fires(close: float, rsi: float, atr_before: float, volume_mean: float) -> None:
        """A candle rule."""

    def pressure(mid: float, imbalance: float) -> float:
        return mid * imbalance

    close = closes(walk(1, 40))[-1]
    assert close.before is not None
    rule = CandleRule("x", "x", fires)
    assert rule.inputs == ("close", "rsi", "atr_before", "volume_mean")
    assert rule.read(close) == (close.close, close.indicators.rsi, close.before.atr, close.volume_mean)
    view = BookView(1, mid=2.0, microprice=3.0, spread_bps=4.0, imbalance=5.0, imbalance_10=6.0)
    assert BookRule("x", "x", pressure).read(view) == (2.0, 5.0)


@pytest.mark.parametrize("name", ["rsi_after", "open_time", "reason", "bars"])
def test_a_rule_cannot_read_what_is_not_there(name: str) -> None:
    """Nothing of the future, and nothing that is no number of the market."""
    namespace: dict[str, object] = {}
    exec(f"def fires({name}): ...", namespace)
    with pytest.raises(ValueError, match=f"fires reads {name}, which is not known"):
        CandleRule("x", "x", namespace["fires"])  # type: ignore[arg-type]

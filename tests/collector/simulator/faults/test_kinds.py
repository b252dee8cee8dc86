"""A fault that makes no sense is refused with what was expected."""

import pytest

from collector.simulator.faults.fault import FaultRefused
from collector.simulator.faults.kinds import fault_of


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"kind":"max_age","age":-1}', "`float` >= 0.0 - at `$.age`"),
        (b'{"kind":"late_close","delay":-5,"topics":"*"}', ">= 0.0 - at `$.delay`"),
        (b'{"kind":"drop","topics":"*","count":-1}', ">= 0 - at `$.count`"),
        (b'{"kind":"burst","factor":0}', "> 0.0 - at `$.factor`"),
        (b'{"kind":"burst","seconds":1e99}', "<= 1000000000.0 - at `$.seconds`"),
        (b'{"kind":"enlist","symbol":"NEWUSDT","tick":"0"}', "at `$.tick`"),
        (b'{"kind":"enlist","symbol":"NEWUSDT","lot":"-1"}', "at `$.lot`"),
        (b'{"kind":"enlist","symbol":"X Y"}', "at `$.symbol`"),
        (b'{"kind":"burst","venue":"kraken"}', "venue: expected bybit, binance or a pattern"),
        (b'{"kind":"nothing"}', "Invalid value 'nothing'"),
        (b"{", "truncated"),
    ],
)
def test_what_is_wrong_is_named(body: bytes, words: str) -> None:
    """The field, and its bounds."""
    with pytest.raises(FaultRefused) as refused:
        fault_of(body)
    assert words in str(refused.value)


def test_a_pattern_of_venues_is_one() -> None:
    """Both, or those whose names begin so."""
    assert [fault_of(b'{"kind":"burst","venue":"b*"}').is_of_venue(v) for v in ("bybit", "binance")] == [
        True,
        True,
    ]

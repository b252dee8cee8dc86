"""The table of a drill, and what counts as a sign that a fault was noticed."""

import math

import pytest

from bench.drill.__main__ import main
from bench.drill.case import Outcome, Target
from bench.drill.flow import concerns
from bench.drill.report import details, line, table, verdict
from bench.drill.rows import Rows
from bench.drill.watch import Sign

BTC = Target("bybit", "BTCUSDT", "book")


def test_a_line_says_what_came_of_a_fault() -> None:
    """Seconds, rows, the verdict; what was skipped says why."""
    right = Outcome(noticed_s=4.21, live_s=0.5, rows=Rows(9, 7, 2, 0, 0), ledger="book silent, no")
    wrong = Outcome(noticed_s=math.inf, problems=["noticed too late"])
    skipped = Outcome(skipped="takes long")
    assert [verdict(it) for it in (right, wrong, skipped)] == ["RIGHT", "WRONG", "skipped"]
    assert line("E2", "one dies", right)[2:10] == (
        "4.2 s",
        "0.5 s",
        "–",
        "9",
        "7",
        "0",
        "0",
        "book silent, no",
    )
    assert line("E5", "a gap", wrong)[2] == "never"
    assert not right.is_late(5.2, 5.0, 0.3) and right.is_late(5.2, 5.0, 0.1)
    assert line("E2", "one dies", right)[4] == "+0.3 s"
    lines = table([line("E2", "one dies", right), line("N6", "an outage", skipped)]).splitlines()
    assert len(lines) == 3 and lines[2].endswith("skipped: takes long")
    assert lines[0].index("expected") == lines[1].index("9 ")
    assert details(wrong) == ["     noticed too late"]


@pytest.mark.parametrize(
    ("kind", "symbol", "text", "is_sign"),
    [
        ("book", "BTCUSDT", "stale", True),
        ("book", "BTCUSDT", "live", False),
        ("book", "ETHUSDT", "stale", False),
        ("gap", "BTCUSDT", "book silent open", True),
        ("repair", "BTCUSDT", "kline disconnect closed, yes", False),
        ("feed", "", "degraded: orderbook.50.BTCUSDT silent", True),
        ("feed", "", "degraded: orderbook.50.ETHUSDT silent", False),
        ("feed", "", "live: ", False),
        ("event", "", "silent: btcusdt@bookTicker", True),
        ("event", "", "disconnected: bybit-linear-0", False),
    ],
)
def test_a_sign_must_concern_the_target(kind: str, symbol: str, text: str, is_sign: bool) -> None:
    """Of its venue, and of its symbol, unless the whole venue is meant."""
    sign = Sign(0.0, kind, "bybit", symbol, text)
    assert concerns(sign, [BTC], whole_venue=False) == is_sign
    assert not concerns(sign._replace(venue="binance"), [BTC], whole_venue=True)
    if kind != "repair" and not text.startswith("live"):
        assert concerns(sign, [BTC], whole_venue=True)


def test_an_unknown_name_is_refused_before_anything_starts(capsys: pytest.CaptureFixture[str]) -> None:
    """With the names there are."""
    with pytest.raises(SystemExit) as ended:
        main(["E99"])
    assert ended.value.code == 2
    assert "no such fault: E99; there are E1, " in capsys.readouterr().err

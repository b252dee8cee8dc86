import json
from math import inf, nan
from typing import Any

import pytest

from db.history.screening import dead_letter, screened
from db.rows import Batch, DeadLetterRow, TickerRow
from tests.db.history.rows import T0, gap, kline, tick
from tests.db.spool.batches import of_every_kind


def test_a_good_batch_passes_as_it_is() -> None:
    """It is not even copied."""
    batch = of_every_kind()
    assert screened(batch) is batch


def test_each_bad_row_becomes_a_letter_and_the_others_stay() -> None:
    """Of every kind, with the reason and all its fields."""
    batch = Batch(
        "b",
        ticks=[tick(0), tick(1)._replace(bid_price=nan), tick(2)],
        klines=[kline(0), kline(1, is_closed=False)],
        tickers=[TickerRow("bybit", "ETHUSDT", inf), TickerRow("bybit", "ETHUSDT", 1.0)],
        gaps=[gap(0, cause="boredom"), gap(1)],
        dead_letters=[DeadLetterRow(T0, "ticks", "older", "{}")],
    )
    found = screened(batch)
    assert (found.ticks, found.klines, found.gaps) == ([tick(0), tick(2)], [kline(0)], [gap(1)])
    assert found.tickers == [TickerRow("bybit", "ETHUSDT", 1.0)]
    assert [letter.kind for letter in found.dead_letters] == ["ticks", "ticks", "klines", "tickers", "gaps"]
    bodies = [json.loads(letter.body) for letter in found.dead_letters[1:]]
    assert bodies[0] == tick(1)._asdict() | {"bid_price": "nan"}
    assert bodies[1]["kline"]["open_time"] == kline(1).kline.open_time
    assert bodies[2]["last_price"] == "inf"
    assert bodies[3]["cause"] == "boredom"
    assert "closed candle" in found.dead_letters[2].reason


@pytest.mark.parametrize("value", [b"bytes", [1], object(), "\ud800 \x00", 2**80])
def test_whatever_a_row_holds_can_be_written_down(value: Any) -> None:
    """As text that Postgres takes, even if nothing of the row is as it should be."""
    (letter,) = screened(Batch("b", ticks=[tick()._replace(update_id=value)])).dead_letters
    assert "update_id" in json.loads(letter.body)
    assert "\x00" not in letter.body + letter.reason
    assert (letter.body + letter.reason).encode()


def test_a_letter_that_is_refused_stands_for_the_row_in_it() -> None:
    """It says what refused it last."""
    letter = DeadLetterRow(T0, "ticks", "no number", "{}")
    assert dead_letter("dead_letters", letter, "too long\x00") == letter._replace(reason="too long\\x00")

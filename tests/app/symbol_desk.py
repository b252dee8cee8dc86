"""A Symbol page's model over fakes."""

import json
from collections.abc import Callable
from typing import Any

from app.read_model import ReadModel
from app.symbol_model import (
    Asked,
    Series,
    Sources,
    SymbolModel,
)
from market.events import Kline
from market.instruments import Instrument
from market.intervals import INTERVAL_MS, open_of
from tests.app.fake_history import FakeHistory
from tests.app.fakes import LIVE_FEED, NOW, FakeReader, FakeTime, settings

STEP = INTERVAL_MS["1m"]
OPEN = open_of(NOW, "1m")
SERIES = ("bybit", "BTCUSDT", "1m")


def at_once(job: Callable[[], None]) -> None:
    job()


def kline(open_time: int) -> Kline:
    return Kline(
        "BTCUSDT", "1m", open_time, 1, 2, 0.5, 1.5, 10, 15, True, open_time + STEP - 1, open_time + STEP
    )


class Desk:
    """A model over fakes."""

    def __init__(self) -> None:
        self.reader, self.history, self.time = FakeReader(), FakeHistory(), FakeTime()
        self.reader.states = {"bybit": LIVE_FEED, "binance": LIVE_FEED}
        self.reader.put("bybit", "BTCUSDT", tick_size=0.1, last_price=65114.2)
        self.reader.tickers["bybit", "BTCUSDT"] = {"last_price": "65114.2", "recv_time": str(NOW)}
        self.reader.books["bybit", "BTCUSDT"] = {
            "state": "live", "bids": "[[65114.2,1]]", "asks": "[[65114.3,1]]", "recv_time": str(NOW),
        }  # fmt: skip
        self.history.known = [Instrument("bybit", "BTCUSDT", "BTC", "USDT", 1.0, 0.1, 0.001)]
        self.history.candles[SERIES] = [kline(OPEN - n * STEP) for n in range(600, 0, -1)]
        read_model = ReadModel(settings(), self.reader, self.time.clock)
        self.model = SymbolModel(Sources(read_model, self.reader, self.history, self.time.clock, at_once))

    def ask(self, last: int | None = None, until: int | None = None, series: Series = SERIES) -> Any:
        """The content of the reply."""
        return json.loads(self.model.reply(Asked(*series, last, until)).text)

    def ask_on(self, held: Any) -> Any:
        """The content of the reply to who has this one."""
        last, until = held["candles"]["open_time"][-1], held["strips"]["until"]
        return json.loads(self.model.reply(Asked(*SERIES, last, until, held["marks_version"])).text)

    def asked(self, what: str) -> int:
        """How often Postgres was asked for this."""
        return self.history.asked.count(what)

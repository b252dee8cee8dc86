"""What the collector's signals cost with their stores: starts, closes, provisional values, looks at books."""

import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from bench.indicators import HISTORY, INSTRUMENTS, SETTINGS, walk
from bench.report import Result
from collector.signals.fields import flow_part, hash_fields, overview_part
from collector.signals.instrument import InstrumentSignals, Terms
from collector.stores import StoredHistory
from db.hot import keys
from db.hot.connect import live_client
from db.hot.writer import HotWriter
from db.local.stores import temporary_stores
from db.migrate import migrate
from db.rows import Batch, IndicatorRow, KlineRow, OutcomeRow, PaperStepRow, SignalRow
from db.settings import Settings
from db.spool import Spool
from market.events import Kline
from market.intervals import INTERVAL_MS, close_of
from market.quotes import Quote
from market.signals import BookView

CLOSES = 3
SECONDS = 10
LOOKS = 200
SYMBOLS = [f"S{n}USDT" for n in range(INSTRUMENTS)]
TERMS = Terms(SETTINGS, 5.0, tuple(INTERVAL_MS))


class Rows:
    """Collects rows as the writer does, and forms a batch of them."""

    has_room = True

    def __init__(self) -> None:
        self._rows: defaultdict[str, list[Any]] = defaultdict(list)

    def add_indicators(self, row: IndicatorRow) -> None:
        self._rows["indicators"].append(row)

    def add_signal(self, row: SignalRow) -> None:
        self._rows["signals"].append(row)

    def add_outcome(self, row: OutcomeRow) -> None:
        self._rows["outcomes"].append(row)

    def add_paper_step(self, row: PaperStepRow) -> None:
        self._rows["paper_steps"].append(row)

    def batch(self) -> Batch:
        """What was collected since the last call."""
        rows, self._rows = self._rows, defaultdict(list)
        return Batch("b", **rows)


def run() -> list[Result]:
    """Measure; about half a minute."""
    with temporary_stores() as stores, tempfile.TemporaryDirectory() as directory:
        migrate(stores.urls["DATABASE_URL"])
        settings = Settings(
            _env_file=None, database_url=stores.urls["DATABASE_URL"], redis_url=stores.urls["REDIS_URL"]
        )
        spool = Spool(Path(directory), 10)
        spool.open(lambda _event, _detail: None, lambda _row: None)
        history = StoredHistory(settings, spool)
        histories = {interval: walk(interval, HISTORY + CLOSES + 1) for interval in INTERVAL_MS}
        for symbol in SYMBOLS:
            klines = [_of(symbol, k) for each in histories.values() for k in each[:HISTORY]]
            history.write(Batch("b", klines=[KlineRow("bybit", k) for k in klines]))
        rows = Rows()
        made = {symbol: InstrumentSignals("bybit", symbol, TERMS, rows) for symbol in SYMBOLS}
        results = [_start(history, made)]
        history.write(rows.batch())
        results.append(_closes(history, made, rows, histories))
        hot = HotWriter(live_client(stores.urls["REDIS_URL"]))
        results += [_provisional(hot, made, histories), _looks(made, rows)]
        spool.close()
    return results


def _start(history: StoredHistory, made: dict[str, InstrumentSignals]) -> Result:
    began, used = time.monotonic(), time.process_time()
    stored = history.past("bybit", SYMBOLS, TERMS.intervals, HISTORY)
    InstrumentSignals.fill([(made[symbol], interval, past) for (symbol, interval), past in stored.items()], 0)
    for instrument in made.values():
        instrument.resume([], [])
    took, used = time.monotonic() - began, time.process_time() - used
    return Result(
        f"start of {INSTRUMENTS} × 6 series from {HISTORY} stored candles",
        "part of ≤ 2 s to full pages",
        f"{took:.2f} s, {used:.2f} s CPU",
        took <= 2,
    )


def _closes(
    history: StoredHistory, made: dict[str, InstrumentSignals], rows: Rows, histories: dict[str, list[Kline]]
) -> Result:
    count = stored = 0

    def close_all() -> None:
        nonlocal count, stored
        for number in range(HISTORY, HISTORY + CLOSES):
            candles = [each[number] for each in histories.values()]
            at = max(close_of(k.open_time, k.interval) for k in candles)
            for symbol, instrument in made.items():
                closed = [_of(symbol, k) for k in candles]
                instrument.close(closed, at, Quote(closed[0].close, closed[0].close, at), at)
                count += len(closed)
            stored += history.write(rows.batch())

    used = _cpu_s(close_all) / CLOSES
    return Result(
        f"{count // CLOSES} closes of one minute, computed and stored",
        "≤ 1 s CPU",
        f"{used * 1e3:.0f} ms, {stored // CLOSES} rows",
        used <= 1,
    )


def _provisional(
    hot: HotWriter, made: dict[str, InstrumentSignals], histories: dict[str, list[Kline]]
) -> Result:
    rng = random.Random(1)

    def show_all() -> None:
        for _ in range(SECONDS):
            for symbol, instrument in made.items():
                instrument.form({name: _forming(symbol, each[-1], rng) for name, each in histories.items()})
                volumes = instrument.volumes()
                for interval in instrument.changed:
                    hot.put(
                        keys.indicator("bybit", symbol, interval),
                        hash_fields(instrument.said[interval], volumes[interval]),
                    )
                instrument.changed.clear()
                overview_part(instrument.said, volumes)
                flow_part(instrument.flows)
            hot.send()

    share = _cpu_s(show_all) / SECONDS
    return Result(
        f"provisional values of {len(made) * 6} series once a second, into Redis",
        "≤ 10 % of a core",
        f"{share:.1%}",
        share <= 0.1,
    )


def _looks(made: dict[str, InstrumentSignals], rows: Rows) -> Result:
    start = 2 * 10**12

    def look_all() -> None:
        for number in range(LOOKS):
            quote = Quote(1000.0, 1000.1, start + number * 200)
            view = BookView(quote.time, quote.mid, quote.mid, quote.spread_bps, 0.1, 0.1)
            for instrument in made.values():
                instrument.look(view, quote)

    each = _cpu_s(look_all) / LOOKS / len(made)
    rows.batch()
    share = each * 5 * len(made)
    return Result(
        f"looks at {len(made)} books five times a second", "", f"{share:.2%}, {each * 1e6:.1f} µs each"
    )


def _of(symbol: str, kline: Kline) -> Kline:
    return msgspec.structs.replace(kline, symbol=symbol)


def _forming(symbol: str, kline: Kline, rng: random.Random) -> Kline:
    close = kline.close * (1 + rng.gauss(0, 1e-4))
    high, low = max(kline.high, close), min(kline.low, close)
    return msgspec.structs.replace(kline, symbol=symbol, close=close, high=high, low=low, is_closed=False)


def _cpu_s(work: Callable[[], None]) -> float:
    """CPU seconds that a piece of work takes in this process; the stores' own are not counted."""
    began = time.process_time()
    work()
    return time.process_time() - began

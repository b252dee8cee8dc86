"""What a venue is asked, against the simulator: the real paths of both venues."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Queue
from typing import Any, NamedTuple

import pytest

from collector.backfill import Backfill, Budget, RestClient
from collector.simulator.economy.clock import Clock
from collector.simulator.economy.market import SimulatedMarket
from collector.venues import venue_for
from market.events import BookSnapshot, Trade
from market.intervals import INTERVAL_MS
from tests.collector.fakes import Bench
from tests.collector.simulator.exchange import serving

pytestmark = pytest.mark.wire

WAIT_S = 15.0


class Rest(NamedTuple):
    """A venue's REST, and the pipeline that its answers go to."""

    backfill: Backfill
    bench: Bench

    def told(self, ask: Callable[[Callable[..., None]], None]) -> Any:
        """What `done` is told."""
        answers: Queue[Any] = Queue()
        ask(lambda *result: answers.put(result))
        return answers.get(timeout=WAIT_S)


@contextmanager
def asking(name: str, port: int) -> Iterator[Rest]:
    """REST of a venue that a simulator plays."""
    bench = Bench(name, "BTCUSDT")
    adapter = venue_for(name).rest
    client = RestClient(f"http://127.0.0.1:{port}", adapter)
    backfill = Backfill(client, bench.pipeline, Budget(adapter.LIMITS))
    backfill.start()
    try:
        yield Rest(backfill, bench)
    finally:
        backfill.stop()
        backfill.join(time.monotonic() + WAIT_S)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A simulated market's, on our clock."""
    with serving(lambda: SimulatedMarket(1, Clock())) as found:
        yield found


@pytest.fixture(params=["bybit", "sim-binance"])
def rest(request: pytest.FixtureRequest, port: int) -> Iterator[Rest]:
    """One venue, by whatever name."""
    with asking(request.param, port) as found:
        yield found


def test_the_clock_and_the_lists(rest: Rest) -> None:
    """Every instrument trades, and the most traded one is known."""
    rest.backfill.ask_clock()
    assert abs(rest.backfill.venue_now() - time.time_ns() // 1_000_000) < 5_000
    listed = {i.symbol: i for i in rest.backfill.instruments()}
    assert len(listed) == 50
    assert all(i.is_trading and i.tick_size and i.lot_size for i in listed.values())
    turnover = rest.backfill.turnover()
    assert set(turnover) == set(listed)
    assert max(turnover, key=lambda symbol: turnover[symbol]) == "BTCUSDT"
    assert rest.backfill.requests >= 3
    assert rest.backfill.used_weight >= 3
    assert rest.backfill.trouble == ""


def test_a_gap_becomes_whole(rest: Rest) -> None:
    """Every closed candle that it touched is the venue's, whole."""
    rest.backfill.ask_clock()
    ended_at = rest.backfill.venue_now() - 70_000
    started_at = ended_at - 20 * 60_000
    recovered, is_whole = rest.told(
        lambda done: rest.backfill.refill.after_gap("BTCUSDT", started_at, ended_at, done)
    )
    assert is_whole
    assert recovered >= 20
    with rest.bench.pipeline.lock:
        series = rest.bench.pipeline.states["BTCUSDT"].candles.series
        for interval in ("1m", "5m"):
            step = INTERVAL_MS[interval]
            for open_time in range(started_at - started_at % step, ended_at - ended_at % step, step):
                assert series[interval].closed[open_time].complete
    assert {row.kline.source for row in rest.bench.rows.klines} <= {"rest", "rollup"}


def test_a_book_to_compare_with(rest: Rest) -> None:
    """At least 20 levels a side, best first, not crossed; Bybit's with its sequence."""
    (snapshot,) = rest.told(lambda done: rest.backfill.ask_audit("BTCUSDT", done))
    assert isinstance(snapshot, BookSnapshot)
    assert len(snapshot.bids) >= 20
    assert snapshot.bids == sorted(snapshot.bids, reverse=True)
    assert snapshot.bids[0][0] < snapshot.asks[0][0]
    assert (snapshot.sequence is not None) == (rest.backfill.name == "bybit")
    assert rest.told(lambda done: rest.backfill.ask_audit("NOPEUSDT", done)) == (None,)


@pytest.mark.parametrize("name", ["bybit", "sim-binance"])
def test_trades_over_a_hole(name: str) -> None:
    """From the last one seen on, as the stream would have told them."""
    adapter = venue_for(name).rest
    old = Trade("BTCUSDT", "1" if adapter.TRADES_BY_ID else "x", 1.0, 1.0, "buy", 1, 1)
    hour_ago = time.time() * 1000 - 3_600_000
    with serving(lambda: SimulatedMarket(1, Clock(hour_ago, speed=20))) as port, asking(name, port) as rest:
        client = RestClient(f"http://127.0.0.1:{port}", adapter)
        trades: list[Trade] = []
        deadline = time.monotonic() + WAIT_S
        while len(trades) < 5:
            assert time.monotonic() < deadline, "no trades"
            time.sleep(0.05)  # each question costs weight, which the backfill is told
            trades = adapter.parse_trades(client.get(adapter.trades_request("BTCUSDT", old)), "BTCUSDT", 0)
        last, later, until = trades[1], trades[2:], trades[-1].event_time
        found, bridges = rest.told(lambda done: rest.backfill.ask_trades("BTCUSDT", last, until, done))
        assert bridges
        assert [(t.trade_id, t.price) for t in found[: len(later)]] == [(t.trade_id, t.price) for t in later]
        assert not rest.told(lambda done: rest.backfill.ask_trades("BTCUSDT", old, until, done))[1]
        assert rest.told(lambda done: rest.backfill.ask_trades("BTCUSDT", None, until, done)) == ([], False)


def test_a_snapshot_for_a_book_that_waits(port: int) -> None:
    """Binance's; a symbol that the venue does not know gives none."""
    with asking("binance", port) as rest:
        rest.bench.pipeline.states["BTCUSDT"].attach()
        assert rest.told(lambda done: rest.backfill.ask_snapshot("BTCUSDT", done)) == (True,)
        assert rest.told(lambda done: rest.backfill.ask_snapshot("NOPEUSDT", done)) == (False,)

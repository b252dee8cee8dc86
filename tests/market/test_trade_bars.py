"""The laws of minutes made of trades."""

from hypothesis import given
from hypothesis import strategies as st

from market.events import Trade
from market.intervals import MINUTE_MS
from market.trade_bars import KEPT, TradeBar, TradeBars
from tests.market.candles import DAY, trade

Numbers = tuple[float, ...]


def numbers(bar: TradeBar | None) -> Numbers:
    """Everything a bar tells."""
    assert bar is not None
    prices = (bar.open, bar.high, bar.low, bar.close)
    return (*prices, bar.volume, bar.turnover, bar.taker_buy_volume, bar.trades, bar.last_time, bar.recv_time)


def bars_of(trades: list[Trade], *, ids_rise_by_one: bool = True) -> TradeBars:
    bars = TradeBars(ids_rise_by_one=ids_rise_by_one)
    for each in trades:
        bars.add(each)
    return bars


@st.composite
def trades_of_two_minutes(draw: st.DrawFn, *, is_named: bool = False) -> list[Trade]:
    """Trades in the venue's order; those with names have a ms each, because their ids cannot rank them."""
    times = sorted(draw(st.lists(st.integers(0, 119_999), min_size=1, max_size=30, unique=is_named)))
    return [
        trade(
            number,
            time / 1000,
            price=draw(st.integers(1, 10**9)) / 1000,
            size=draw(st.integers(1, 10**10)) / 1000,
            taker_side=draw(st.sampled_from(("buy", "sell"))),
            is_named=is_named,
            fills=draw(st.integers(1, 5)),
        )
        for number, time in enumerate(times)
    ]


@given(st.data(), st.booleans())
def test_any_order_and_any_repeats_make_the_same_bars(data: st.DataObject, is_named: bool) -> None:
    """The stream's, an answer's, or a part of each: equal to the last digit."""
    trades = data.draw(trades_of_two_minutes(is_named=is_named))
    expected = bars_of(trades, ids_rise_by_one=not is_named)
    shuffled = data.draw(st.permutations(trades + data.draw(st.lists(st.sampled_from(trades)))))
    cut = data.draw(st.integers(0, len(shuffled)))
    found = bars_of(shuffled[:cut], ids_rise_by_one=not is_named)
    found.recover(shuffled[cut:])
    for open_time in (DAY, DAY + MINUTE_MS):
        if expected.bar(open_time) is None:
            assert found.bar(open_time) is None
        else:
            assert numbers(found.bar(open_time)) == numbers(expected.bar(open_time))


@given(trades_of_two_minutes())
def test_a_bar_is_the_plain_fold_of_its_trades(trades: list[Trade]) -> None:
    """First, highest, lowest, last, and sums without the noise of adding floats."""
    bars = bars_of(trades)
    for open_time in (DAY, DAY + MINUTE_MS):
        mine = [t for t in trades if open_time <= t.event_time < open_time + MINUTE_MS]
        bar = bars.bar(open_time)
        assert (bar is None) == (not mine)
        if bar is not None:
            prices = [t.price for t in mine]
            assert (bar.open, bar.high, bar.low) == (prices[0], max(prices), min(prices))
            assert (bar.close, bar.last_time) == (mine[-1].price, mine[-1].event_time)
            assert bar.trades == sum(t.fills for t in mine)
            assert bar.volume == round(sum(t.size for t in mine), 3)
            bought = [t.size for t in mine if t.taker_side == "buy"]
            assert bar.taker_buy_volume == round(sum(bought), 3)
            assert abs(bar.turnover - sum(t.size * t.price for t in mine)) <= 1e-12 * bar.turnover


def test_replaying_everything_changes_nothing() -> None:
    """Neither a sum nor the count of changes."""
    trades = [trade(n, n / 20) for n in range(1024)]
    bars = bars_of(trades)
    before, changes = numbers(bars.bar(DAY)), bars.changes
    for each in trades:
        bars.add(each)
    assert (numbers(bars.bar(DAY)), bars.changes) == (before, changes)


def test_trades_of_one_millisecond_close_with_the_last() -> None:
    """By their ids where those rise, else as they came."""
    prices = (1.0, 3.0, 2.0)
    numbered = [trade(n, 1, price=p) for n, p in enumerate(prices)]
    named = [trade(n, 1, price=p, is_named=True) for n, p in enumerate(prices)]
    for bars in (bars_of(numbered[::-1]), bars_of(named, ids_rise_by_one=False)):
        bar = bars.bar(DAY)
        assert bar is not None
        assert (bar.open, bar.close) == (1.0, 2.0)


def test_a_minute_is_covered_by_trades_on_both_of_its_sides() -> None:
    """Nothing is proven by silence: not before a trade of the next minute has come."""
    bars = bars_of([trade(0, 59), trade(1, 70), trade(2, 119)])
    assert not bars.covers(DAY + MINUTE_MS)
    bars.add(trade(3, 120))
    assert bars.covers(DAY + MINUTE_MS)
    assert not bars.covers(DAY)


def test_a_minute_without_trades_is_covered_too() -> None:
    """From the trade before it to the one after it; the price before it is that trade's."""
    bars = bars_of([trade(0, 58, price=7.0), trade(1, 59, price=8.0), trade(2, 121)])
    assert bars.bar(DAY + MINUTE_MS) is None
    assert bars.covers(DAY + MINUTE_MS)
    assert bars.price_before(DAY + MINUTE_MS) == 8.0


def test_the_price_before_is_not_told_across_a_hole() -> None:
    """A trade that is missing may have moved it."""
    bars = bars_of([trade(0, 58), trade(2, 121)])
    assert bars.price_before(DAY + MINUTE_MS) is None
    assert bars.price_before(DAY) is None


def test_recovered_trades_make_a_minute_whole() -> None:
    """Those of a hole, out of order with what came since."""
    named = [trade(n, 10 * n, is_named=True) for n in range(20)]
    bars = TradeBars(ids_rise_by_one=False)
    for each in named[:8]:
        bars.add(each)
    bars.interrupt()
    for each in named[11:]:
        bars.add(each)
    assert not bars.covers(DAY + MINUTE_MS)
    bars.recover(named[6:13])
    assert bars.covers(DAY + MINUTE_MS)
    assert numbers(bars.bar(DAY + MINUTE_MS)) == numbers(
        bars_of(named, ids_rise_by_one=False).bar(DAY + MINUTE_MS)
    )


def test_an_answer_that_bridges_a_hole_needs_no_overlap() -> None:
    """It has all that followed the last trade before the hole, up to the first after it, which it names."""
    named = [trade(n, 10 * n, is_named=True) for n in range(20)]
    for ends_at in (11, 12):
        bars = TradeBars(ids_rise_by_one=False)
        for each in named[:8]:
            bars.add(each)
        bars.interrupt()
        for each in named[11:]:
            bars.add(each)
        bars.recover(named[8:ends_at], (named[7].event_time, named[11].event_time))
        assert bars.covers(DAY + MINUTE_MS) == (ends_at == 12)
        assert bars.bar(DAY + MINUTE_MS) is not None


def test_an_empty_answer_tells_nothing() -> None:
    """Nothing is covered and nothing changes."""
    bars = bars_of([trade(0, 1)])
    changes = bars.changes
    bars.recover([])
    assert bars.changes == changes
    assert not bars.covers(DAY)


def test_trades_that_come_after_their_minute_was_settled_are_late() -> None:
    """Whether its bar is the newest, is there, or is made by them; settling again ends it."""
    bars = bars_of([trade(0, 1), trade(1, 2)])
    bars.settle(DAY)
    bars.add(trade(2, 3))
    assert bars.late == {DAY}
    bars.settle(DAY)
    bars.settle(DAY + MINUTE_MS)
    bars.add(trade(4, 130))
    bars.recover([trade(3, 70)])
    assert bars.late == {DAY + MINUTE_MS}


def test_old_minutes_are_forgotten_and_what_is_older_is_not_taken() -> None:
    """The memory is bounded however long it runs."""
    bars = bars_of([trade(n, 60 * n) for n in range(2 * KEPT)])
    assert bars.bar(DAY + (KEPT - 1) * MINUTE_MS) is None
    assert bars.bar(DAY + KEPT * MINUTE_MS) is not None
    changes = bars.changes
    bars.add(trade(-1, 30))
    assert (bars.bar(DAY), bars.changes) == (None, changes)


def test_it_is_live_from_the_first_trade_until_an_interruption() -> None:
    """In the minutes since."""
    bars = TradeBars(ids_rise_by_one=False)
    assert not bars.is_live(DAY)
    bars.add(trade(0, 61, is_named=True))
    assert [bars.is_live(DAY + n * MINUTE_MS) for n in range(3)] == [False, True, True]
    bars.interrupt()
    assert not bars.is_live(DAY + MINUTE_MS)

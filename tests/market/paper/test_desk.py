"""All paper trading on one instrument."""

from hypothesis import given, settings
from hypothesis import strategies as st

from market.paper import PaperDesk, PaperState, PaperTrade, on_close, on_quote, on_signal
from market.quotes import Quote
from tests.market.makes import signal
from tests.market.paper.test_trading import MINUTE, MOVES, SETTINGS, quote
from tests.market.walks import DAY
from tests.sizes import sized


@settings(max_examples=sized(50), deadline=None)
@given(MOVES, st.integers(0, 60))
def test_a_desk_does_what_its_states_would_do_alone(
    moves: list[tuple[float, object, str, bool]], cut: int
) -> None:
    """Its short cuts change nothing, nor does a restart in the middle."""
    desk = PaperDesk(SETTINGS, 5.0)
    alone = {rule: PaperState(rule, "1m") for rule in ("a", "b")}
    told: list[PaperTrade] = []
    wanted: list[PaperTrade] = []
    for index, (price, side, rule, is_reached) in enumerate(moves):
        if index == cut:
            desk = PaperDesk(SETTINGS, 5.0, alone.values())
        if side is not None:
            fired = signal(index, side, rule=rule)  # type: ignore[arg-type]
            alone[rule] = on_signal(alone[rule], fired, 1.0, SETTINGS)
            assert desk.on_signal(fired, 1.0) == alone[rule]
        before = list(alone.values())
        alone = {name: on_close(state, DAY + index * MINUTE) for name, state in alone.items()}
        changed = [state for state in alone.values() if state not in before]
        assert sorted(desk.on_close("1m", DAY + index * MINUTE), key=str) == sorted(changed, key=str)
        one = quote(index + 1, price, half=0.1, is_reached=is_reached)
        told += [trade for step in desk.on_quote(one) for trade in step.trades]
        for name, state in sorted(alone.items()):
            alone[name], made = on_quote(state, one, 5.0)
            wanted += made
    assert sorted(told, key=lambda t: t.rule) == sorted(wanted, key=lambda t: t.rule)


def test_a_desk_ends_book_trades_by_the_clock() -> None:
    """They have no closes; each step says what to remember and what to write."""
    desk = PaperDesk(SETTINGS, 5.0)
    desk.on_signal(signal(0, rule="book_pressure", interval="book"), 1.0)
    assert desk.on_quote(Quote(100.0, 100.0, DAY)) == []
    (entered,) = desk.on_quote(quote(0.1, 100.0))
    assert (entered.state.rule, len(entered.trades)) == ("book_pressure", 1)
    assert desk.on_quote(quote(14.9, 100.0)) == []
    (left,) = desk.on_quote(quote(15, 100.0))
    assert left.state == PaperState("book_pressure", "book", DAY)
    assert left.trades[0].exit_reason == "time"

from hypothesis import given
from hypothesis import strategies as st

from db.batches import halves, merged, pieces
from db.rows import KINDS, Batch
from tests.db.history.rows import gap, kline, tick
from tests.db.spool.batches import of_every_kind, rows_of

BATCHES = st.builds(
    lambda ticks, klines, gaps: Batch(
        "b",
        ticks=[tick(n) for n in range(ticks)],
        klines=[kline(n) for n in range(klines)],
        gaps=[gap(n) for n in range(gaps)],
    ),
    *[st.integers(0, 20)] * 3,
)


@given(BATCHES, st.integers(1, 25))
def test_pieces_have_each_row_once_in_order(batch: Batch, most: int) -> None:
    """And no more rows than they may have; a small batch is its own piece."""
    found = pieces(batch, most)
    for kind in KINDS:
        assert [row for piece in found for row in getattr(piece, kind)] == getattr(batch, kind)
    assert all(0 < piece.size <= most for piece in found) or found == [batch]
    assert len({piece.batch_id for piece in found}) == len(found)


@given(st.lists(BATCHES, min_size=1, max_size=4))
def test_what_is_merged_has_the_rows_of_all(batches: list[Batch]) -> None:
    """In their order, kind by kind."""
    for kind in KINDS:
        assert getattr(merged(batches), kind) == [row for batch in batches for row in getattr(batch, kind)]


def test_one_batch_alone_keeps_its_name() -> None:
    """It is the same batch still; of several the first and the last name it."""
    batch = of_every_kind()
    assert merged([batch]) is batch
    assert pieces(batch, batch.size) == [batch]
    assert merged([Batch("a"), Batch("b"), Batch("c")]).batch_id == "a..c"


def test_halves_are_as_equal_as_can_be() -> None:
    """Of an odd number the first has one more."""
    batch = of_every_kind()
    assert [half.size for half in halves(batch)] == [6, 5]
    assert rows_of(*halves(batch)) == rows_of(batch)
    assert [half.size for half in halves(Batch("b", ticks=[tick(0), tick(1)]))] == [1, 1]

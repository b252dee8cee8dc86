"""The market's model with both stores, and what its rows are."""

from app.read_model import (
    ReadModel,
)
from app.view import MarketView
from app.watch import HistoryWatch
from tests.app.fake_history import FakeHistory
from tests.app.fakes import FakeReader, FakeTime, settings


def symbols(view: MarketView) -> list[tuple[str, str]]:
    return [(row.venue, row.symbol) for row in view.rows]


def watched(reader: FakeReader, history: FakeHistory, time: FakeTime, **values: object) -> ReadModel:
    """A read model whose fetches aside are done at once."""
    watch = HistoryWatch(history, time.clock.monotonic, lambda job: job())
    return ReadModel(settings(**values), reader, time.clock, watch)

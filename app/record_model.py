"""What the Signals page reads: one text for each question, made at most twice a second for all who ask it.

Postgres is asked in the background; what open trades would make now comes from the market view.
"""

import itertools
from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

import msgspec

from app.lately import Lately
from app.ports import Clock, History
from app.read_model import ReadModel
from app.record_history import Common, Parts, Question, RecordHistory
from app.record_view import Values, marks_of
from app.shared import Shared
from app.symbol_model import FIRST_WAIT_S, Reply, Start
from app.symbol_view import newest_of, text_of
from app.view import feed_words
from db.history.track import TrackPlace

MAX_AGE_S = 0.5
"""A text this old is made anew when somebody asks."""
MOST_QUESTIONS = 32

_Name = Annotated[str, msgspec.Meta(pattern=r"^[\w.-]{0,40}$")]
_Place = Annotated[str, msgspec.Meta(pattern=r"^(\d{1,18}\.\d{1,18})?$")]
NUMBERS = itertools.count()
"""Of views, whatever they are of: a reply that was compressed once is known by it."""


class Asked(msgspec.Struct, frozen=True):
    """What a browser asks, and which version it has of each part.

    `before` is the `end` of a part `past`: microseconds and id of its last row.
    """

    venue: _Name = ""
    symbol: _Name = ""
    interval: _Name = ""
    rule: _Name = ""
    side: Literal["", "buy", "sell"] = ""
    show: Literal["signals", "trades"] = "signals"
    before: _Place = ""
    held: dict[str, str] = {}

    @property
    def question(self) -> Question:
        """What is asked for, whatever is held of it."""
        place = TrackPlace(*map(int, self.before.split("."))) if self.before else None
        names = self.venue, self.symbol, self.interval, self.rule, self.side
        return Question(*names, self.show, place)


class Sources(NamedTuple):
    """Where the page's parts come from. `start` runs a job without waiting for it."""

    read_model: ReadModel
    history: History
    clock: Clock
    start: Start


class _View(NamedTuple):
    now: int
    number: int
    common: Values
    parts: Parts
    texts: dict[frozenset[str], str]
    """Those that somebody asked for, by the parts in them."""

    def changed(self, held: Mapping[str, str]) -> frozenset[str]:
        """The parts of which the browser has another version, or none."""
        return frozenset(n for n, part in self.parts.by_name.items() if held.get(n) != part.version)

    def text(self, names: frozenset[str]) -> str:
        """What browsers get: what moves all the time, and these parts."""
        text = self.texts.get(names)
        if text is None:
            parts = {name: part.content for name, part in self.parts.by_name.items() if name in names}
            text = self.texts[names] = text_of(self.common | {"parts": parts})
        return text


class RecordModel:
    """The texts of all questions that somebody asked lately."""

    def __init__(self, sources: Sources) -> None:
        common = Common(sources.history, sources.clock)
        self._questions = Lately[Question, _QuestionModel](
            lambda question: _QuestionModel(question, common, sources),
            sources.clock.monotonic,
            MOST_QUESTIONS,
        )

    def reply(self, asked: Asked) -> Reply:
        """What is new to this browser; never raises StoreUnavailable, but says in the text what is old."""
        question = asked.question
        view = self._questions.get(question).view()
        names = view.changed(asked.held)
        name = f"record:{question}:{view.number}:{'+'.join(sorted(names))}"
        return Reply(view.now, name, view.text(names))


class _QuestionModel:
    """One question: the view of its answer, made by one request at a time."""

    def __init__(self, question: Question, common: Common, sources: Sources) -> None:
        self._question = question
        self._read_model = sources.read_model
        self._clock = sources.clock
        self._start = sources.start
        self._history = RecordHistory(question, self._venues, common, sources.history, sources.clock)
        self._view = Shared[_View](sources.clock.monotonic, MAX_AGE_S)
        self._is_first = True

    def view(self) -> _View:
        return self._view.get(self._make)

    def _venues(self) -> tuple[str, ...]:
        return tuple(self._read_model.market().feeds)

    def _make(self) -> _View:
        if self._history.is_due():
            self._start(self._history.refresh)
        number = next(NUMBERS)
        if self._is_first:
            self._is_first = False
            self._history.was_read.wait(FIRST_WAIT_S)
        parts, now = self._history.parts, self._clock.now_ms()
        return _View(now, number, self._common(parts, now), parts, {})

    def _common(self, parts: Parts, now: int) -> Values:
        """What every browser gets, whatever it has already."""
        market = self._read_model.market()
        rows = {(row.venue, row.symbol): row for row in market.rows}
        return {
            "question": self._question,
            "feeds": feed_words(market.feeds),
            "notices": market.notices,
            "newest": newest_of(*({"recv_time": row.recv_time} for row in market.rows)),
            "history": parts.state,
            "read_at": parts.read_at,
            "versions": {name: part.version for name, part in parts.by_name.items()},
            "marks": marks_of(parts.open_trades, rows, now),
        }

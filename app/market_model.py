"""What the Market page reads: one text for each question, made once a version for all who ask it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from app.market_history import MarketHistory
from app.market_payload import Question, payload_of
from app.part import Part
from app.read_model import ReadModel
from app.symbol_view import text_of
from app.view import MarketView


class Asked(msgspec.Struct, frozen=True):
    """What a browser asks: which interval's indicators, whether both venues side by side, and what it has.

    `version`: of the reply before; `held`: part of the history -> version. Without an interval it is the
    default one.
    """

    version: str | None = None
    interval: str = ""
    pairs: bool = False
    held: dict[str, str] = {}


class Reply(NamedTuple):
    """What a browser gets. `payload` and `past` are JSON texts, None where it has the newest.

    Replies of one `name` are the same; without a name no two need be.
    """

    now: int | None
    version: str
    payload: str | None
    past: str | None
    name: str = ""


class _Texts(NamedTuple):
    view: MarketView
    texts: dict[Question, str]


class MarketModel:
    """The market as browsers get it."""

    def __init__(self, read_model: ReadModel, history: MarketHistory) -> None:
        self.read_model = read_model
        self._history = history
        self._held: _Texts | None = None

    def first(self, view: MarketView) -> dict[str, object]:
        """What comes with the page, of a view that need not be the newest."""
        question = Question(self.read_model.interval)
        version, payload = _version(view, question), payload_of(view, question)
        return {"now": view.now, "version": version, "payload": payload, "past": None}

    def reply(self, asked: Asked) -> Reply:
        """What is new to this browser; `now` is None where that of the asking may be told."""
        interval = asked.interval if asked.interval in self.read_model.intervals else self.read_model.interval
        question = Question(interval, asked.pairs)
        view = self.read_model.market()
        version = _version(view, question)
        parts = self._history.parts(interval)
        past = _past_text(parts, asked.held)
        if asked.version == version:
            return Reply(None, version, None, past)
        name = "" if past else f"market:{version}:{view.now}"
        return Reply(view.now, version, self._text(view, question), past, name)

    def _text(self, view: MarketView, question: Question) -> str:
        held = self._held
        if held is None or held.view is not view:
            held = self._held = _Texts(view, {})
        text = held.texts.get(question)
        if text is None:
            text = held.texts[question] = payload_of(view, question)
        return text


def _version(view: MarketView, question: Question) -> str:
    return f"{view.version}.{question.interval}{'.pairs' if question.has_pairs else ''}"


def _past_text(parts: Mapping[str, Part], held: Mapping[str, str]) -> str | None:
    """The parts of which the browser has another version, or none; None if there are none such."""
    changed: dict[str, Any] = {n: part._asdict() for n, part in parts.items() if held.get(n) != part.version}
    return text_of(changed) if changed else None

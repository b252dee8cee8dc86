"""Whether a store answers now: asked aside, and waited for no longer than a moment."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from app.watch import Job, in_thread
from db.errors import StoreUnavailable

Answer = TypeVar("Answer")
Wait = Callable[[float], Answer]
"""Takes seconds, gives the answer; raises StoreUnavailable where none came in time."""


class _Question(Generic[Answer]):
    """One question under way."""

    def __init__(self, ask: Callable[[], Answer]) -> None:
        self.done = threading.Event()
        self._ask = ask
        self._answers: list[Answer] = []
        self._error: StoreUnavailable | None = None

    def run(self) -> None:
        try:
            self._answers.append(self._ask())
        except StoreUnavailable as error:
            self._error = error
        finally:
            self.done.set()

    def wait(self, seconds: float) -> Answer:
        if self.done.wait(seconds) and self._answers:
            return self._answers[0]
        raise self._error or StoreUnavailable("no answer in time")


class Probe(Generic[Answer]):
    """Puts one question at a time; whoever comes meanwhile waits for the same answer."""

    def __init__(self, ask: Callable[[], Answer], spawn: Callable[[Job], None] = in_thread) -> None:
        """`ask` may raise StoreUnavailable."""
        self._ask = ask
        self._spawn = spawn
        self._lock = threading.Lock()
        self._question: _Question[Answer] | None = None

    def begin(self) -> Wait[Answer]:
        """Ask, and return at once."""
        with self._lock:
            question = self._question
            is_new = question is None or question.done.is_set()
            if question is None or is_new:
                question = self._question = _Question(self._ask)
        if is_new:
            self._spawn(question.run)
        return question.wait

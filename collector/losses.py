"""What the topics of a line miss: told to the ledger when it begins, and when it is over."""

from collections.abc import Callable, Mapping

from collector.ledger import Ledger
from collector.pipeline import Pipeline
from collector.ports import Taken
from collector.venues import Topic
from collector.watchdog import Clock


class Losses:
    """Keeps a clock for each topic of one line."""

    def __init__(self, pipeline: Pipeline, ledger: Ledger, topics: Callable[[], Mapping[str, Topic]]) -> None:
        """`topics()`: what the line carries right now, by name."""
        self.clocks: dict[str, Clock] = {}
        self.unusable: dict[str, str] = {}
        """Topics of which what came last was not let in, and why."""
        self._pipeline = pipeline
        self._ledger = ledger
        self._topics = topics

    @property
    def watched(self) -> list[tuple[Topic, Clock]]:
        """The topics with their clocks."""
        topics = list(self._topics().values())
        return [(t, c) for t in topics if (c := self.clocks.get(t.name)) is not None]

    def lose(self, topic: Topic, cause: str, detail: str) -> None:
        """A topic's data is missing since its last good datum; candles since any of their instrument."""
        if topic.channel == "trade":
            self._pipeline.interrupt(topic.symbol)
        clock = self.clocks.get(topic.name) or Clock()
        since = clock.good_time
        if topic.channel == "kline" and not since:  # it speaks rarely, and may not have had its turn
            since = max((c.good_time for t, c in self.watched if t.symbol == topic.symbol), default=0)
        if self._ledger.lose(topic, since, cause, detail):
            clock.is_lost = True

    def regain(self, topic: Topic, at: int, *, is_unbroken: bool = False) -> None:
        """A topic's data is good again. `at`: the venue's time, epoch ms."""
        clock = self.clocks.get(topic.name)
        if clock is not None:
            clock.is_lost, clock.good_time = False, max(clock.good_time, at)
            self._ledger.regain(topic, at, is_unbroken=is_unbroken)

    def hear(self, taken: Taken, now: float) -> None:
        """A datum came. `now`: monotonic seconds."""
        clock = self.clocks.get(taken.topic)
        if clock is None:
            return
        if taken.good_time:
            if not clock.is_good:
                clock.first_time = taken.good_time
            clock.good_time = taken.good_time
        clock.hear(now, is_good=bool(taken.good_time))
        if taken.good_time:
            if self.unusable:
                self.unusable.pop(taken.topic, None)
            if clock.is_lost and (topic := self._topics().get(taken.topic)):
                self.regain(topic, taken.good_time)
        elif taken.refused and (topic := self._topics().get(taken.topic)):
            self.unusable[taken.topic] = taken.refused
            self.lose(topic, "refused", taken.refused)

    def drop(self, name: str) -> Clock | None:
        """A topic is carried no longer; its clock."""
        self.unusable.pop(name, None)
        return self.clocks.pop(name, None)

    def close(self) -> None:
        """The connection is gone."""
        self.unusable.clear()
        for clock in list(self.clocks.values()):
            clock.close()

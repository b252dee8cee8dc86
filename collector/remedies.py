"""What is done about topics that are silent: step by step, and never at another topic's cost.

First the topic is asked for again on its socket. If that does not help it gets a socket of its own, on the
second URL where one is configured, which is replaced like any other that brings nothing, the URLs in turn.
While that does not help either it is an alarm, once a minute. A topic that is only suspected, because its
market may rest, is asked for again on its socket, less and less often, and that is all.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog

from collector.ledger import Ledger
from collector.line import Line
from collector.pipeline import Pipeline
from collector.sisters import Sisters
from collector.venues import Adapter, Topic
from collector.watchdog import Clock, Verdict, has_moved_on, judge

log = structlog.get_logger()

CHECK_EVERY_S = 0.2
WHOLE_LINE_S = 2.0
"""Silence of a whole connection that is left to the line to judge, but for what other lines show."""
NEXT_STEP_S = 3.0
"""How long a remedy has to help before the next is tried."""
ALARM_EVERY_S = 60.0
SUSPECT_MOST_S = 960.0
"""How long to leave a topic alone that is only suspected, in the end."""
NEVER = float("-inf")


@dataclass(slots=True)
class Treatment:
    """What was done about one topic, and when the next step is due."""

    topic: Topic
    verdict: Verdict
    began_at: float
    next_at: float
    tries: int = 0
    is_moved: bool = False


class Remedies:
    """Looks after the topics of one venue. Called by the keeper thread alone."""

    def __init__(
        self,
        pipeline: Pipeline,
        venue: Adapter,
        ledger: Ledger,
        record: Callable[[str, str], None],
        open_spare: Callable[[str, Sequence[Topic], dict[str, Clock], Sequence[Line]], Line],
    ) -> None:
        """`open_spare(route, topics, clocks, origins)` has a few topics carried by another connection."""
        self._pipeline = pipeline
        self._venue = venue
        self._ledger = ledger
        self._record = record
        self._open_spare = open_spare
        self._sisters: dict[str, Sisters] = {}
        self._treatments: dict[str, Treatment] = {}
        self._checked_at = NEVER

    @property
    def silent(self) -> dict[str, str]:
        """Topics that are dead for sure and not back yet, with the reason."""
        return {name: t.verdict.why for name, t in self._treatments.items() if t.verdict.is_sure}

    @property
    def doubtful(self) -> set[str]:
        """Topics that are dead for sure, and those of books that rest for so long that they may be."""
        treated = list(self._treatments.items())
        return {name for name, t in treated if t.verdict.is_sure or t.topic.channel in ("book", "top")}

    def forget(self, names: Iterable[str]) -> None:
        """These topics are no longer followed."""
        for name in names:
            self._treatments.pop(name, None)

    def keep(self, lines: Sequence[Line], now: float) -> None:
        """Look at every topic, and do what is due. `now`: monotonic seconds."""
        if now - self._checked_at < CHECK_EVERY_S:
            return
        self._checked_at = now
        self._look(lines, now)
        to_move: dict[str, list[tuple[Line, Topic]]] = defaultdict(list)
        for line in lines:
            is_well = line.is_well
            for topic, clock in line.losses.watched:
                if topic.name in line.subscriptions.refused:  # said, and in the ledger
                    self._treatments.pop(topic.name, None)
                elif (held := self._treatments.get(topic.name)) and self._goes_on(clock, held, now):
                    if self._go_on(line, topic, held, now):
                        to_move[line.route].append((line, topic))
                elif is_well:
                    self._examine(line, topic, clock, now)
        for route, moved in to_move.items():
            self._move(route, moved)

    def _look(self, lines: Sequence[Line], now: float) -> None:
        """Bring what is known of each instrument's streams up to now."""
        heard: dict[str, list[tuple[Topic, Clock]]] = defaultdict(list)
        for line in lines:
            for topic, clock in line.losses.watched:
                clock.learn(now)
                heard[topic.symbol].append((topic, clock))
        with self._pipeline.lock:
            for symbol, topics in heard.items():
                if (state := self._pipeline.states.get(symbol)) is not None:
                    self._sisters.setdefault(symbol, Sisters()).look(state, topics, now)

    def _examine(self, line: Line, topic: Topic, clock: Clock, now: float) -> None:
        """Judge one topic that was well so far, and take the first step."""
        sisters = self._sisters.get(topic.symbol)
        if sisters is None:
            return
        moved_at = sisters.moved_at(topic.channel)
        if line.clock.age(now) > WHOLE_LINE_S and not has_moved_on(clock, topic.channel, now, moved_at):
            return
        verdict = judge(
            clock,
            topic.channel,
            now,
            moved_at=moved_at,
            rests=topic.channel != "ticker" and sisters.ticks_on(now),
            greets=self._greets(topic),
            rests_together=sisters.rest_together(now) and self._tells_rest_from_death(topic.symbol),
        )
        if verdict is not None and verdict.is_sure:
            self._treatments[topic.name] = Treatment(topic, verdict, now, now + NEXT_STEP_S)
            self._give_up(line, topic, verdict)
            line.renew([topic.name])
        elif verdict is not None:
            suspected = self._treatments.get(topic.name)
            if suspected is None or now >= suspected.next_at:
                tries = suspected.tries + 1 if suspected is not None else 0
                wait_s = min(SUSPECT_MOST_S, ALARM_EVERY_S * float(2**tries))
                self._treatments[topic.name] = Treatment(topic, verdict, now, now + wait_s, tries)
                line.renew([topic.name])

    def _give_up(self, line: Line, topic: Topic, verdict: Verdict) -> None:
        """Say what is missed from now on."""
        self._record("silent", f"{topic.name}: {verdict.why}")
        line.losses.lose(topic, "silent", f"{topic.name} {verdict.why}")
        if topic.channel == "book":
            with self._pipeline.lock:
                if (state := self._pipeline.states.get(topic.symbol)) is not None:
                    state.silence_book()

    def _tells_rest_from_death(self, symbol: str) -> bool:
        """Whether this venue's tickers greet, and none of an instrument's streams has failed to."""
        if "ticker" not in self._venue.GREETING_CHANNELS:
            return False
        treated = self._treatments.values()
        return not any(t.topic.symbol == symbol and t.verdict.is_sure for t in treated)

    def _greets(self, topic: Topic) -> bool:
        return topic.channel in self._venue.GREETING_CHANNELS

    def _goes_on(self, clock: Clock, treatment: Treatment, now: float) -> bool:
        """Whether a topic is still under treatment; one that is only suspected is judged anew each time."""
        topic, is_sure = treatment.topic, treatment.verdict.is_sure
        if not (clock.is_good if self._greets(topic) else not clock.is_silent):
            return is_sure
        if is_sure:
            self._record("heard again", topic.name)
        if is_sure or now >= treatment.next_at:  # a market that rests is not asked every few seconds
            self._treatments.pop(topic.name, None)
        return False

    def _go_on(self, line: Line, topic: Topic, treatment: Treatment, now: float) -> bool:
        """Look after a topic under treatment; True if it is to be moved."""
        clock = line.clocks.get(topic.name)
        if clock is not None and not clock.is_silent and now - clock.asked_at > NEXT_STEP_S:
            line.renew([topic.name])  # it speaks, but what it began with was lost
        if now < treatment.next_at or (line.trouble is not None and not treatment.is_moved):
            return False
        treatment.next_at = now + ALARM_EVERY_S
        if not treatment.is_moved:
            treatment.is_moved = True
            return True
        age_s = now - treatment.began_at + treatment.verdict.age_s
        self._record("alarm", f"{topic.name}: silent for {age_s:.0f} s, no remedy helps")
        return False

    def _move(self, route: str, moved: list[tuple[Line, Topic]]) -> None:
        """Give silent topics a socket of their own."""
        topics = [topic for _, topic in moved]
        names = ", ".join(sorted(topic.name for topic in topics)[:5])
        self._record("moved", f"{len(topics)} silent topics to a socket of their own: {names}")
        clocks: dict[str, Clock] = {}
        for line, topic in moved:
            clocks |= line.drop([topic.name])
        self._open_spare(route, topics, clocks, [line for line, _ in moved])

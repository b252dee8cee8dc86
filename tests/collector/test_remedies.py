"""What is done about silent topics, step by step, on lines whose sockets are played by hand."""

import time
from collections.abc import Sequence
from functools import partial

from collector.connection import Connection, Handler
from collector.ledger import Ledger
from collector.line import Line
from collector.remedies import ALARM_EVERY_S, CHECK_EVERY_S, NEXT_STEP_S, Remedies
from collector.resync import Resync
from collector.venues import Topic
from collector.watchdog import LEARN_S, Clock
from db.rows import GapRow
from tests.collector.fakes import Bench

BOOK, TICKER, TRADES = "orderbook.50.BTCUSDT", "tickers.BTCUSDT", "publicTrade.BTCUSDT"
KLINE = "kline.1.BTCUSDT"


class Socket(Connection):
    """Never opens anything; keeps what would be sent."""

    def __init__(self, name: str, handler: Handler, _first_url: str) -> None:
        super().__init__(name, ["ws://nowhere"], handler, send_every_s=0.0)
        self.sent: list[str] = []
        self.opened_at = 1.0

    def start(self) -> None:
        pass

    def send(self, frame: str) -> None:
        self.sent.append(frame)


class Setup:
    """One line with the topics of BTCUSDT, everything heard up to now."""

    def __init__(self) -> None:
        self.bench = Bench("bybit", "BTCUSDT", depth=50)
        self.gaps: list[GapRow] = []
        self.said: list[str] = []
        self.spares: list[Line] = []
        self.ledger = Ledger("bybit", self.gaps.append)
        self.line = self.make_line("main")
        self.line.add(self.bench.venue.stream.topics("BTCUSDT", self.bench.plan))
        self.remedies = Remedies(
            self.bench.pipeline, self.bench.venue.stream, self.ledger, self.record, self.open_spare
        )
        self.now = time.monotonic()
        for clock in [self.line.clock, *self.line.clocks.values()]:
            clock.good_time = 1_000
            for second in range(10):
                clock.hear(self.now - 10 + second)

    def record(self, event: str, detail: str) -> None:
        self.said.append(f"{event}: {detail}")

    def make_line(self, name: str) -> Line:
        line = Line(
            name, "linear", self.bench.pipeline, self.bench.venue.stream, self.ledger, self.record, Socket,
            resync=Resync(None), rotate_s=1e9,
        )  # fmt: skip
        line.trouble = None
        line.renew = partial(renewed, self, line)  # type: ignore[method-assign]
        return line

    def open_spare(
        self, _route: str, topics: Sequence[Topic], clocks: dict[str, Clock], _origins: Sequence[Line] = ()
    ) -> Line:
        line = self.make_line(f"spare-{len(self.spares)}")
        line.add(topics, clocks)
        line.clock.ask(self.now)
        self.spares.append(line)
        return line

    @property
    def lines(self) -> list[Line]:
        return [self.line, *(s for s in self.spares if s.topics)]

    def run(self, seconds: float, *speaking: str) -> None:
        """Let time pass while these topics go on."""
        until = self.now + seconds
        while self.now < until:
            self.now += CHECK_EVERY_S
            for line in self.lines:
                for name in speaking:
                    if name in line.clocks:
                        line.clocks[name].hear(self.now)
                        line.clock.hear(self.now)
                        self.bench.pipeline.states["BTCUSDT"].moving_trades += name == TRADES
            self.remedies.keep(self.lines, self.now)

    def frames(self, line: Line) -> list[str]:
        assert isinstance(line.connection, Socket)
        return line.connection.sent


def asked(frames: Sequence[str], op: str, topic: str) -> int:
    """How often a topic was asked for, or ended."""
    return sum(f'"op":"{op}"' in frame and topic in frame for frame in frames)


def test_a_muted_topic_is_asked_for_again_and_nothing_else_is_touched() -> None:
    """The trades go on, so the book must have moved."""
    setup = Setup()
    before = len(setup.frames(setup.line))
    setup.run(6.0, TICKER, TRADES)
    frames = setup.frames(setup.line)[before:]
    assert (asked(frames, "unsubscribe", BOOK), asked(frames, "subscribe", BOOK)) == (1, 1)
    assert asked(frames, "subscribe", TICKER) == asked(frames, "subscribe", TRADES) == 0
    assert [(g.channel, g.cause, g.started_at, g.ended_at) for g in setup.gaps] == [
        ("book", "silent", 1_000, None)
    ]
    assert setup.bench.pipeline.states["BTCUSDT"].book_state == "stale"
    assert list(setup.remedies.silent) == [BOOK]
    setup.line.clocks[BOOK].hear(setup.now)
    setup.run(1.0, TICKER, TRADES, BOOK)
    assert setup.remedies.silent == {}


def test_what_does_not_help_is_followed_by_a_socket_of_its_own_and_then_by_an_alarm() -> None:
    """The others stay where they are; the alarm comes once a minute; one gap is all the ledger gets."""
    setup = Setup()
    setup.run(6.0, TICKER, TRADES)
    setup.run(NEXT_STEP_S, TICKER, TRADES)
    assert [list(s.topics) for s in setup.spares] == [[BOOK]]
    assert BOOK not in setup.line.topics
    assert asked(setup.frames(setup.spares[0]), "subscribe", BOOK) == 1
    setup.run(2 * ALARM_EVERY_S + 1, TICKER, TRADES, KLINE)
    alarms = [s.split() for s in setup.said if s.startswith("alarm: ")]
    assert [words[:4] for words in alarms] == [["alarm:", f"{BOOK}:", "silent", "for"]] * 2
    first, second = (int(words[4]) for words in alarms)
    assert first > ALARM_EVERY_S
    assert ALARM_EVERY_S - 1 <= second - first <= ALARM_EVERY_S + 1
    assert len(setup.gaps) == len(setup.spares) == 1
    setup.spares[0].clocks[BOOK].hear(setup.now)
    setup.run(1.0, TICKER, TRADES, BOOK)
    assert setup.remedies.silent == {}


def test_topics_that_are_moved_together_share_a_socket() -> None:
    """However many there are, it is one more connection."""
    setup = Setup()
    setup.run(6.0, TRADES)
    setup.run(NEXT_STEP_S, TRADES)
    assert [sorted(s.topics) for s in setup.spares] == [[BOOK, TICKER]]


def test_a_market_that_rests_is_left_alone() -> None:
    """The ticker goes on, nothing is traded: no remedy, no row, for as long as a minute."""
    setup = Setup()
    before, began = len(setup.frames(setup.line)), setup.now
    setup.run(50.0, TICKER)
    assert setup.frames(setup.line)[before:] == []
    assert setup.gaps == []
    assert setup.remedies.doubtful == set()
    while not asked(setup.frames(setup.line)[before:], "subscribe", BOOK):
        assert setup.now < began + 70.0
        setup.run(CHECK_EVERY_S, TICKER)
    assert setup.remedies.doubtful == {BOOK}  # perhaps it is not traded any more
    setup.line.clocks[BOOK].hear(setup.now)  # its snapshot
    setup.run(20.0, TICKER)
    assert asked(setup.frames(setup.line)[before:], "subscribe", BOOK) == 1
    assert setup.gaps == []
    assert setup.remedies.silent == {}


def test_a_tape_on_which_nobody_trades_is_asked_for_less_and_less_often() -> None:
    """A night without a trade: no row, and above all no socket of its own that nothing would come on."""
    setup = Setup()
    before = len(setup.frames(setup.line))
    setup.run(3_600.0, TICKER, BOOK, KLINE)
    assert (setup.spares, setup.gaps) == ([], [])
    assert 1 < asked(setup.frames(setup.line)[before:], "subscribe", TRADES) < 10
    assert setup.remedies.silent == {}


def test_a_suspected_topic_is_dead_as_soon_as_its_market_moves() -> None:
    """That it was asked for again already earns it no delay."""
    setup = Setup()
    setup.run(306.0, TICKER, BOOK, KLINE)
    assert setup.remedies.silent == {}
    trades = setup.line.clocks[TRADES]
    setup.remedies._sisters["BTCUSDT"]._missed_trade_at = setup.now
    setup.run(8.0, TICKER, BOOK, KLINE)
    assert trades.is_silent
    setup.remedies._sisters["BTCUSDT"]._missed_trade_at = setup.now
    setup.run(13.0, TICKER, BOOK, KLINE)
    assert list(setup.remedies.silent) == [TRADES]


def test_a_book_without_its_snapshot_is_asked_for_again() -> None:
    """Changes of nothing known are of no use, however many come."""
    setup = Setup()
    before = len(setup.frames(setup.line))
    setup.line.clocks[BOOK].ask(setup.now)
    for _ in range(25):
        setup.line.clocks[BOOK].hear(setup.now, is_good=False)
        setup.run(0.2, TICKER, TRADES)
    assert asked(setup.frames(setup.line)[before:], "subscribe", BOOK) == 1
    assert list(setup.remedies.silent) == [BOOK]
    setup.line.clocks[BOOK].hear(setup.now)
    setup.run(1.0, TICKER, TRADES, BOOK)
    assert setup.remedies.silent == {}


def test_a_book_that_speaks_again_on_its_own_socket_is_asked_for_its_state() -> None:
    """It was moved while it was mute, and so was the snapshot that it began with there."""
    setup = Setup()
    setup.run(6.0 + NEXT_STEP_S, TICKER, TRADES)
    spare = setup.spares[0]
    assert asked(setup.frames(spare), "subscribe", BOOK) == 1
    spare.clocks[BOOK].ask(setup.now)
    for _ in range(30):
        spare.clocks[BOOK].hear(setup.now, is_good=False)
        setup.run(0.2, TICKER, TRADES)
    assert asked(setup.frames(spare), "subscribe", BOOK) > 1


def test_a_line_that_is_silent_as_a_whole_is_not_the_topics_business() -> None:
    """The socket is replaced, which asks for everything again."""
    setup = Setup()
    before = len(setup.frames(setup.line))
    setup.run(ALARM_EVERY_S)
    assert setup.frames(setup.line)[before:] == []
    assert setup.gaps == []


def known(setup: Setup) -> None:
    """So long that it is known how often everything speaks, and what was before is forgotten."""
    setup.run(2 * LEARN_S + 1.0, BOOK, TICKER, TRADES, KLINE)


def renewed(setup: Setup, line: Line, names: Sequence[str]) -> None:
    """As `Line.renew`, by the setup's own time."""
    Line.renew(line, names)
    for name in names:
        line.clocks[name].ask(setup.now)


def test_streams_that_rest_together_are_asked_for_a_greeting_and_nothing_is_claimed() -> None:
    """A liquid market that is halted for half a minute, while another goes on on the same socket."""
    setup = Setup()
    known(setup)
    before = len(setup.frames(setup.line))
    for _ in range(150):
        setup.line.clock.hear(setup.now)  # the other
        setup.run(0.2)
        for name in (BOOK, TICKER):
            if setup.line.clocks[name].is_silent:
                setup.line.clocks[name].hear(setup.now)
    frames = setup.frames(setup.line)[before:]
    assert [asked(frames, "subscribe", name) for name in (BOOK, TICKER, TRADES)] == [1, 1, 0]
    assert setup.gaps == []
    assert setup.remedies.silent == {}


def test_streams_that_are_dead_together_do_not_greet() -> None:
    """Then what cannot greet is dead too."""
    setup = Setup()
    known(setup)
    for _ in range(70):
        setup.line.clock.hear(setup.now)  # another instrument goes on
        setup.run(0.2)
    assert {gap.channel for gap in setup.gaps} == {"book", "ticker", "trade"}
    assert {gap.started_at for gap in setup.gaps} == {1_000}


def test_a_book_alone_on_its_socket_is_dead_when_its_market_moves_on_another() -> None:
    """The socket says too little to have a habit; the tape says enough."""
    setup = Setup()
    spare = setup.open_spare("linear", [setup.line.topics[BOOK]], setup.line.drop([BOOK]))
    spare.clocks[BOOK].hear(setup.now)
    spare.clock.hear(setup.now)
    setup.run(6.0, TICKER, TRADES)
    assert list(setup.remedies.silent) == [BOOK]
    assert [(gap.channel, gap.cause) for gap in setup.gaps] == [("book", "silent")]

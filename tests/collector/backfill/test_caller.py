"""The threads that do the jobs, against a scripted venue."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from collector.backfill import Budget, RestClient, RestUnavailable
from collector.backfill.caller import BUSY_S, Caller
from collector.backfill.jobs import GAP, HISTORY, SNAPSHOT, Job
from collector.venues import Request, RestError, venue_for
from tests.collector.backfill.server import Said, Server

WAIT_S = 10.0
BUSY = Said(429, b"", (("Retry-After", "0.05"),))


class Bench:
    """A caller with what came of its jobs."""

    def __init__(self, server: Server, client: RestClient) -> None:
        self.server = server
        self.screen: set[str] = set()
        self.full = threading.Event()
        self.said: list[str] = []
        self.came: list[str] = []
        self.caller = Caller(
            client,
            "binance",
            Budget(client.rest.LIMITS),
            screen=lambda: self.screen,
            record=lambda _venue, _event, detail: self.said.append(detail),
            is_full=self.full.is_set,
            first_pause_s=0.01,
        )

    def ask(
        self, symbol: str, urgency: int = HISTORY, on_body: Callable[[bytes], None] | None = None
    ) -> None:
        """A job that asks for /<symbol>."""
        self.caller.submit(
            Job(
                (symbol, urgency),
                symbol,
                urgency,
                lambda: Request(f"/{symbol}", {}, 1),
                on_body or (lambda _body: self.came.append(symbol)),
                lambda: self.came.append(f"no {symbol}"),
            )
        )

    def until(self, count: int) -> list[str]:
        """What came, once there is so much of it."""
        deadline = time.monotonic() + WAIT_S
        while len(self.came) < count:
            assert time.monotonic() < deadline, f"waited for {count}: {self.came}"
            time.sleep(0.005)
        return self.came

    @property
    def asked(self) -> list[str]:
        """The symbols that the venue was asked for."""
        return [path.strip("/") for path in self.server.asked]


@pytest.fixture
def bench(server: Server, client: RestClient) -> Iterator[Bench]:
    found = Bench(server, client)
    yield found
    found.caller.stop()
    found.caller.join(time.monotonic() + WAIT_S)


def test_jobs_are_done_by_urgency_with_the_screen_before_gaps(bench: Bench) -> None:
    """And counted by weight."""
    bench.screen = {"D"}
    for symbol, urgency in (("A", HISTORY), ("B", GAP), ("D", HISTORY)):
        bench.ask(symbol, urgency)
    bench.caller.start()
    assert sorted(bench.until(3)) == ["A", "B", "D"]
    assert set(bench.asked[:2]) == {"B", "D"}  # the two threads share them
    assert bench.caller.weight == 3
    assert bench.caller.waiting == 0


def test_the_past_waits_while_what_came_waits_to_be_stored(bench: Bench) -> None:
    """Gaps, books and symbols on screen do not."""
    bench.full.set()
    bench.screen = {"D"}
    for symbol, urgency in (("A", HISTORY), ("B", GAP), ("C", SNAPSHOT), ("D", HISTORY)):
        bench.ask(symbol, urgency)
    bench.caller.start()
    assert sorted(bench.until(3)) == ["B", "C", "D"]
    time.sleep(3 * BUSY_S)
    assert "A" not in bench.asked
    bench.full.clear()
    assert bench.until(4)[-1] == "A"


@pytest.mark.parametrize("busy", [BUSY, Said(200, b"", ()), Said(502, b"<html>", ())])
def test_what_is_put_off_is_kept_and_done_in_order(bench: Bench, busy: Said) -> None:
    """A pause of the venue costs no job, not even a snapshot."""
    answers = iter([busy])
    bench.server.answer = lambda _path, _query: next(answers, Said())
    for symbol in "ABC":
        bench.ask(symbol, GAP)
    bench.caller.start()
    assert sorted(bench.until(3)) == ["A", "B", "C"]
    assert len(bench.asked) == 4
    if busy is BUSY:
        assert bench.came == ["A", "B", "C"]
        assert bench.said == ["status 429, too many requests"]
    assert bench.caller.trouble == ""


def test_snapshots_wait_out_a_ban_too(bench: Bench) -> None:
    """Nobody is told that there is none."""
    bench.server.answer = lambda _path, _query: BUSY if len(bench.asked) == 1 else Said()
    bench.ask("A", SNAPSHOT)
    bench.caller.start()
    assert bench.until(1) == ["A"]
    assert bench.asked == ["A", "A"]


def test_one_bad_question_holds_up_no_other(bench: Bench) -> None:
    """It waits longer and longer, the others go on."""
    bench.server.answer = lambda path, _query: Said(500) if path == "/BAD" else Said()
    bench.ask("BAD", GAP)
    bench.caller.start()
    for symbol in "ABCDEFGH":
        bench.ask(symbol)
    assert sorted(bench.until(8)) == list("ABCDEFGH")
    assert bench.asked.count("BAD") < 8


def test_a_bad_question_that_was_alone_lets_others_go_first(bench: Bench) -> None:
    """However often it failed before they came, and however urgent it is."""
    bench.server.answer = lambda path, _query: Said(500) if path == "/BAD" else Said()
    bench.ask("BAD", SNAPSHOT)
    bench.caller.start()
    while bench.asked.count("BAD") < 4:
        time.sleep(0.005)
    tries = bench.asked.count("BAD")
    for symbol in "ABCD":
        bench.ask(symbol)
    assert bench.until(4) == ["A", "B", "C", "D"]
    assert bench.asked.count("BAD") <= tries + 4


def test_an_answer_that_does_not_come_holds_up_no_book(bench: Bench) -> None:
    """A second thread is there for what cannot wait."""
    go_on = threading.Event()

    def answer(path: str, _query: dict[str, str]) -> Said:
        if path == "/SLOW":
            go_on.wait(WAIT_S)
        return Said()

    bench.server.answer = answer
    bench.ask("SLOW")
    bench.ask("LATER")
    bench.caller.start()
    bench.ask("BOOK", SNAPSHOT)
    assert bench.until(1) == ["BOOK"]
    go_on.set()
    assert bench.until(3) == ["BOOK", "SLOW", "LATER"]


def test_what_the_venue_refuses_is_never_asked_again(bench: Bench) -> None:
    """Nor what cannot be read, nor what fails here; the one who asked is told."""

    def unreadable(_body: bytes) -> None:
        raise RestError("expected something else")

    def broken(_body: bytes) -> None:
        raise KeyError("a mistake of ours")

    refusal = Said(400, b'{"code":-1121,"msg":"Invalid symbol."}')
    bench.server.answer = lambda path, _query: refusal if path == "/NOPE" else Said()
    bench.caller.start()
    bench.ask("NOPE")
    bench.ask("ODD", on_body=unreadable)
    bench.ask("OURS", on_body=broken)
    bench.ask("GOOD")
    assert bench.until(4) == ["no NOPE", "no ODD", "no OURS", "GOOD"]
    assert bench.asked == ["NOPE", "ODD", "OURS", "GOOD"]


def test_jobs_that_are_not_needed_any_more_ask_for_nothing(bench: Bench) -> None:
    """By their own word, or because their symbol is not followed."""
    bench.caller.submit(Job("x", "X", GAP, lambda: None, lambda _body: None, lambda: None))
    bench.ask("GONE")
    bench.ask("A")
    bench.caller.forget(["GONE"])
    bench.caller.start()
    assert bench.until(2) == ["no GONE", "A"]
    assert bench.asked == ["A"]


def test_fetch_waits_for_the_answer_and_never_for_a_ban(bench: Bench) -> None:
    """While the venue wants to be left alone it is not asked."""
    bench.server.say(200, b'{"a":1}')
    assert bench.caller.fetch(Request("/A", {}, 1)) == b'{"a":1}'
    bench.server.say(451, b"")
    for _ in range(2):
        with pytest.raises(RestUnavailable, match="status 451"):
            bench.caller.fetch(Request("/B", {}, 1))
    assert bench.asked == ["A", "B"]
    assert bench.said == ["status 451, this region is blocked for legal reasons"]
    assert bench.caller.trouble == bench.said[0]


def test_fetch_does_not_wait_long_for_the_budget(server: Server) -> None:
    """It says so instead."""
    client = RestClient(server.url, venue_for("bybit").rest)
    limits = client.rest.LIMITS._replace(burst=1, per_s=0.01)
    caller = Caller(client, "bybit", Budget(limits), screen=frozenset, record=lambda *_: None)
    server.say(200, b'{"retCode":0,"result":{},"time":1}')
    caller.fetch(Request("/A", {}, 1))
    with pytest.raises(RestUnavailable, match="budget is spent"):
        caller.fetch(Request("/A", {}, 1))
    assert len(server.asked) == 1


def test_a_venue_that_is_gone_and_back_gets_every_job(client: RestClient) -> None:
    """However long nobody listens there."""
    server = Server()
    bench = Bench(server, RestClient(server.url, client.rest))
    answers = [Said(503)] * 4
    server.answer = lambda _path, _query: answers.pop() if answers else Said()
    bench.caller.start()
    for symbol in "AB":
        bench.ask(symbol, SNAPSHOT)
    with server.running():
        assert sorted(bench.until(2)) == ["A", "B"]
        bench.caller.stop()
        bench.caller.join(time.monotonic() + WAIT_S)

"""Faults for which everything is started anew: of a start, of addresses, of rotation, of the network."""

import math
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from bench.drill.case import NOTICE_S, Case, Opened, Outcome, Solo, Target
from bench.drill.cases import ALL_BOOKS
from bench.drill.checks import closed_candles_are_right, wait_for_the_turn
from bench.drill.exchange import now_ms
from bench.drill.flow import play
from bench.drill.launch import FOLLOWED, VENUES
from bench.drill.proxy import Mute, Proxy, listening
from bench.drill.rig import Rig
from bench.drill.watch import Instrument

Open = Callable[..., Opened]
STARTED_WITHIN_S = 20.0
_BYBIT = "/v5/public/linear"


def _bad_topics(open_rig: Open) -> Outcome:
    """A topic of one symbol is refused, and with it every request that names it."""
    outcome = Outcome()
    bad = "XRPUSDT"
    others = [it for it in FOLLOWED if it.symbol != bad]
    with open_rig() as rig:
        rig.exchange.inject({"kind": "reject", "topics": "orderbook.50.XRPUSDT,xrpusdt@bookTicker"})
        with rig.collector():
            began = time.monotonic()
            is_live = rig.until(
                lambda: all(rig.watch.books.get(it) == "live" for it in others), STARTED_WITHIN_S
            )
            outcome.live_s = math.inf if is_live is None else time.monotonic() - began
            if is_live is None:
                outcome.problems.append(f"the other books are not live within {STARTED_WITHIN_S:.0f} s")
            _watch_a_while(rig, outcome, others, 3.0)
            said = [
                s for s in rig.watch.signs if s.kind in ("event", "feed") and bad.lower() in s.text.lower()
            ]
            if not said:
                outcome.problems.append(f"nothing says that {bad} is refused")
            outcome.sign = said[0].text if said else ""
    return outcome


def _watch_a_while(rig: Rig, outcome: Outcome, instruments: list[Instrument], seconds: float) -> None:
    """Compare the ticks of a time in which nothing more may go wrong."""
    first_ms = now_ms()
    rig.pause(seconds)
    outcome.rows = outcome.rows.plus(rig.ticks(instruments, first_ms, now_ms()))
    if outcome.rows.missing or outcome.rows.twice:
        outcome.problems.append(f"{outcome.rows.missing} rows missing: {outcome.rows.example}")


def _states(
    open_rig: Open, faults: list[dict[str, object]], urls: Callable[[Rig], dict[str, str]],
    expected: dict[str, tuple[str, str]], within_s: float,
) -> Outcome:  # fmt: skip
    """Start with faults and addresses; each venue's feed must say the state and the words expected of it."""
    outcome = Outcome(noticed_s=0.0)
    with open_rig() as rig:
        for fault in faults:
            rig.exchange.inject(fault)
        began = time.monotonic()
        with rig.collector(**urls(rig)):
            for venue, (state, words) in expected.items():

                def says(venue: str = venue, state: str = state, words: str = words) -> bool:
                    found, reason = rig.watch.feeds.get(venue, ("", ""))
                    return found == state and words in reason

                took = rig.until(says, within_s)
                outcome.noticed_s = math.inf if took is None else time.monotonic() - began
                outcome.ledger = "–"
                if took is None:
                    outcome.problems.append(
                        f"{venue} says {rig.watch.feeds.get(venue)}, expected {state}, {words!r}"
                    )
            well = [it for it in FOLLOWED if it.venue not in expected]
            if well:
                rig.until(lambda: all(rig.watch.books.get(it) == "live" for it in well), STARTED_WITHIN_S)
                _watch_a_while(rig, outcome, well, 3.0)
                outcome.others = "disturbed" if outcome.rows.missing else "undisturbed"
    return outcome


def _blocked(status: int, venue: str) -> Callable[[Open], Outcome]:
    words = f"status {status}" + (", Location https://blocked.example/" if status == 302 else "")
    fault = {"kind": "handshake", "venue": venue, "status": status, "location": "https://blocked.example/"}
    return lambda open_rig: _states(open_rig, [fault], lambda _rig: {}, {venue: ("blocked", words)}, 10.0)


def _dead_names(open_rig: Open) -> Outcome:
    """One venue's name cannot be resolved."""
    urls = {"BYBIT_WS_URL": f"ws://venue.invalid:9{_BYBIT}"}
    return _states(open_rig, [], lambda _rig: urls, {"bybit": ("down", "cannot be resolved")}, 15.0)


def _stalled_tls(open_rig: Open) -> Outcome:
    """TCP is taken, TLS is never answered."""
    with listening(Mute()) as port:
        urls = {"BINANCE_WS_URL": f"wss://127.0.0.1:{port}"}
        return _states(open_rig, [], lambda _rig: urls, {"binance": ("down", "no answer within")}, 20.0)


def _own_certificate(open_rig: Open) -> Outcome:
    """A certificate that nobody vouches for is never taken."""
    openssl = which("openssl")
    if openssl is None:
        return Outcome(skipped="no openssl on PATH to make a certificate")
    with TemporaryDirectory() as directory:
        key, certificate = Path(directory, "key.pem"), Path(directory, "certificate.pem")
        subprocess.run(
            [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-subj", "/CN=127.0.0.1", "-days", "2", "-keyout", str(key), "-out", str(certificate)],
            check=True, capture_output=True,
        )  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        with listening(Mute(), context) as port:
            urls = {"BYBIT_WS_URL": f"wss://127.0.0.1:{port}{_BYBIT}"}
            return _states(open_rig, [], lambda _rig: urls, {"bybit": ("down", "TLS failed")}, 15.0)


def _through_a_proxy(
    open_rig: Open, case: Callable[[Proxy], Case], set_up: Callable[[Proxy], None]
) -> Outcome:
    with open_rig() as rig:
        proxy = Proxy(rig.exchange.port)
        with listening(proxy) as port:
            set_up(proxy)
            urls = {
                "BYBIT_WS_URL": f"ws://127.0.0.1:{port}{_BYBIT}",
                "BINANCE_WS_URL": f"ws://127.0.0.1:{port}",
            }
            with rig.collector(**urls):
                return play(rig, case(proxy))


def _delay(open_rig: Open) -> Outcome:
    """Half a second of delay and some jitter: seen in the lag, and nothing else."""

    def begin(proxy: Proxy) -> None:
        proxy.delay_s, proxy.jitter_s = 0.5, 0.2

    def end(proxy: Proxy) -> None:
        proxy.delay_s, proxy.jitter_s = 0.0, 0.0

    def lag_is_told(rig: Rig) -> str:
        lags = {venue: str(rig.hot.hget(f"feed:{venue}", "lag_p99_ms") or 0) for venue in VENUES}
        short = [f"{venue} says {lag}" for venue, lag in lags.items() if int(lag) < 450]
        return f"the lag is not told: {', '.join(short)}" if short else ""

    return _through_a_proxy(
        open_rig,
        lambda proxy: Case(
            "N3", "", [], ALL_BOOKS, budget_s=None, lasts_s=10.0, disturbs="all",
            act=lambda _rig: begin(proxy), undo=lambda _rig: end(proxy), check=lag_is_told,
        ),
        lambda _proxy: None,
    )  # fmt: skip


def _idle_cut(open_rig: Open) -> Outcome:
    """A middlebox cuts who says nothing for 30 s; our pings are more frequent."""

    def set_up(proxy: Proxy) -> None:
        proxy.cut_idle_s = 30.0

    return _through_a_proxy(
        open_rig,
        lambda proxy: Case(
            "N8", "", [], ALL_BOOKS, budget_s=None, lasts_s=36.0, disturbs="all",
            check=lambda _rig: f"{proxy.cuts} connections were cut as idle" if proxy.cuts else "",
        ),
        set_up,
    )  # fmt: skip


def rotation(
    open_rig: Open, *arguments: str, seconds: float = 40.0, rotate_s: float = 12.0, rate: float = 0.0
) -> Outcome:
    """Sockets are replaced before the venue cuts them: nothing is lost, nothing twice, nothing noticed.

    `rate`: messages/s that must have come on average, at least.
    """
    with open_rig(*arguments) as rig, rig.collector(ROTATE_HOURS=str(rotate_s / 3600)):
        number = rig.exchange.inject({"kind": "max_age", "age": 2 * rotate_s})

        def judge(rig: Rig) -> str:
            cut = rig.exchange.fault(number)["withheld"]
            rotated = [s for s in rig.watch.signs if s.kind == "event" and s.text.startswith("rotated")]
            if cut:
                return f"the venue cut sockets before they were replaced: {cut}"
            expected = 3 * (seconds / rotate_s - 1)
            return "" if len(rotated) >= expected else f"{len(rotated)} rotations, expected {expected:.0f}"

        case = Case("E13", "", [], _tops(), budget_s=None, lasts_s=seconds, disturbs="all", check=judge)
        rig.until(rig.is_calm, STARTED_WITHIN_S)
        before, began = rig.messages(), time.monotonic()
        outcome = play(rig, case)
        came = (rig.messages() - before) / (time.monotonic() - began)
        outcome.others = f"{came:,.0f} msg/s"
        if came < rate:
            outcome.problems.append(f"only {came:,.0f} messages/s came, wanted {rate:,.0f}")
        return outcome


def _tops() -> list[Target]:
    return [Target(venue, symbol, "top" if venue == "binance" else "book") for venue, symbol in FOLLOWED]


def _alone(case: Case) -> Solo:
    """A case with a collector of its own."""

    def played(open_rig: Open) -> Outcome:
        with open_rig() as rig, rig.collector():
            return play(rig, case)

    return Solo(case.number, case.title, played)


SOLOS: tuple[Solo, ...] = (
    _alone(Case(
        "E2", "candles die (both)",
        [{"kind": "mute", "topics": "kline.1.BTCUSDT,btcusdt@kline_1m", "until": "resubscribe"}],
        [Target("bybit", "BTCUSDT", "kline"), Target("binance", "BTCUSDT", "kline")],
        budget_s=NOTICE_S["kline"], causes=frozenset({"silent"}),
    )),
    _alone(Case(
        "E17", "a close 8 s late, one that never comes; E18: and is corrected",
        [{"kind": "late_close", "symbols": "ETHUSDT", "delay": 8.0},
         {"kind": "late_close", "symbols": "XRPUSDT"}],
        [Target("bybit", "XRPUSDT", "book"), Target("binance", "XRPUSDT", "top")], budget_s=None,
        lasts_s=25.0, act=wait_for_the_turn, starts=lambda _rig, _numbers: time.monotonic(),
        may_say=frozenset({"silent"}), check=closed_candles_are_right,
    )),
    Solo("E4", "one bad topic rejects its whole request", _bad_topics),
    Solo("E13", "the venue cuts at 24 s, we rotate at 12 s", rotation),
    Solo("E23", "a blocked region: 302 to another site", _blocked(302, "binance")),
    Solo("E23", "a blocked region: 403 with HTML", _blocked(403, "bybit")),
    Solo("E23", "a blocked region: 451", _blocked(451, "binance")),
    Solo("N3", "500 ms of delay with jitter", _delay),
    Solo("N4", "the venue's name cannot be resolved", _dead_names),
    Solo("N5", "TLS is never answered", _stalled_tls),
    Solo("N5", "the certificate is nobody's", _own_certificate),
    Solo("N8", "idle connections are cut after 30 s", _idle_cut),
)  # fmt: skip

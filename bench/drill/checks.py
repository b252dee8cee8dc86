"""What some faults of the drill do beyond commanding the exchange, and what is looked at after them."""

import signal
import time
from collections.abc import Sequence
from typing import Any

from bench.drill.case import Outcome
from bench.drill.exchange import now_ms
from bench.drill.launch import FOLLOWED, VENUES
from bench.drill.rig import Rig
from bench.drill.watch import Instrument, Sign

DELISTED_WITHIN_S = 120.0
"""Lists are looked at once a minute at most, and one alone is not believed."""


def when_crossed(rig: Rig, numbers: Sequence[int]) -> float:
    """Wait until every book is crossed for whom deletions are withheld."""
    if rig.until(lambda: all(rig.exchange.fault(n)["notes"] for n in numbers), 30.0) is None:
        raise RuntimeError("no book was crossed within 30 s: the market does not move")
    return time.monotonic()


def requests_after_refusal(rig: Rig) -> str:
    """No request in the seconds that Retry-After asked for, but for those that were on their way."""
    asked = [it for it in rig.exchange.counts()["newest_requests"] if it[1] == "/fapi/v1/depth"]
    refused = [at for at, _, status in asked if status == 429]
    early = [at for at, _, _ in asked if refused and refused[0] + 500 < at < refused[0] + 4_500]
    return f"{len(early)} requests within Retry-After" if early else ""


def ticker_is_whole(rig: Rig) -> str:
    """Every field of Bybit's ticker is there."""
    fields: Any = rig.hot.hgetall("ticker:bybit:BTCUSDT")
    empty = sorted(name for name, value in fields.items() if value == "")
    return f"empty fields of the ticker: {', '.join(empty)}" if empty or not fields else ""


def trades_are_single(rig: Rig) -> str:
    """No trade is twice among the newest."""
    for venue in VENUES:
        entries: Any = rig.hot.xrevrange(f"trades:{venue}:BTCUSDT")
        ids = [fields["trade_id"] for _, fields in entries]
        if len(ids) != len(set(ids)):
            return f"{len(ids) - len(set(ids))} trades are twice in trades:{venue}:BTCUSDT"
    return ""


def pause_collector(rig: Rig) -> None:
    """Let the collector read nothing for ten seconds."""
    if rig.process is None:
        raise RuntimeError("no collector runs")
    rig.process.send_signal(signal.SIGSTOP)
    rig.pause(10.0)
    rig.process.send_signal(signal.SIGCONT)


def connects_are_few(rig: Rig) -> str:
    """Fewer connects than the venues allow: 500 in five minutes."""
    since = now_ms() - 40_000
    connects = [at for at, _ in rig.exchange.counts()["newest_connects"] if at >= since]
    return f"{len(connects)} connects in 40 s, allowed are 66" if len(connects) > 66 else ""


def wait_for_the_turn(rig: Rig) -> None:
    """Wait for the next minute, and let the exchange correct the candle that has closed."""
    rig.pause(60.0 - time.time() % 60.0 + 1.0)
    rig.exchange.inject({"kind": "revise", "symbol": "XRPUSDT"})


def closed_candles_are_right(rig: Rig) -> str:
    """The candle of the last minute is stored and equal, though its close was late, withheld or corrected."""
    open_time = (now_ms() // 60_000 - 1) * 60_000
    instruments = [Instrument(v, s) for v in VENUES for s in ("XRPUSDT", "ETHUSDT", "BTCUSDT")]
    rows = rig.klines(instruments, open_time, open_time)
    revisions = {v: str(rig.hot.hget(f"feed:{v}", "revisions") or 0) for v in VENUES}
    if rows.missing:
        return f"{rows.missing} of {rows.expected} candles are missing or wrong: {rows.example}"
    return "" if all(int(it) for it in revisions.values()) else f"revisions are not counted: {revisions}"


def delisting(rig: Rig) -> Outcome:
    """One instrument is delisted: when two lists lack it, it is no trouble any more; no other was touched."""
    outcome = Outcome(others="undisturbed")
    gone = "XRPUSDT"
    others = [it for it in FOLLOWED if it.symbol != gone]
    rig.until(rig.is_calm, 30.0)
    first_ms, began = now_ms(), time.monotonic()
    rig.exchange.inject({"kind": "delist", "symbol": gone})

    def is_meant(sign: Sign) -> bool:
        return gone.lower() in f"{sign.symbol} {sign.text}".lower() and sign.text != "live"

    rig.until(lambda: rig.watch.first(began, is_meant) is not None, 15.0)
    sign = rig.watch.first(began, is_meant)
    outcome.noticed_s = float("inf") if sign is None else sign.at - began

    def is_settled() -> bool:
        is_gone = not any(rig.hot.exists(f"book:{venue}:{gone}") for venue in VENUES)
        return is_gone and all(state == "live" for state, _ in rig.watch.feeds.values())

    took = rig.until(is_settled, DELISTED_WITHIN_S)
    outcome.live_s = float("inf") if took is None else time.monotonic() - began - outcome.noticed_s
    if took is None:
        outcome.problems.append(f"its keys are still there, or the feeds complain: {rig.watch.feeds}")
    outcome.rows = rig.ticks(others, first_ms, now_ms())
    if outcome.rows.missing or outcome.rows.twice:
        outcome.others = "disturbed"
        outcome.problems.append(f"others disturbed: {outcome.rows.example or outcome.rows.missing}")
    return outcome

"""Which instruments of a venue are followed: chosen at the start, looked after once an hour.

New, renamed and delisted ones, changed tick sizes: each is a change of that instrument alone, and recorded. A
list that suddenly lacks much is not believed at once, and a symbol goes only when two lists lack it.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec
import structlog

from collector.backfill import TIMEOUT_S, RestUnavailable
from collector.venues import RestError
from market.instruments import (
    Chosen,
    Instrument,
    choose,
    most_traded,
    named,
    symbols_for,
    unknown_instrument,
)
from market.unlisted import Unlisted

log = structlog.get_logger()

FIRST_TIMEOUT_S = (2.0, 2.0)
"""The sockets wait for the first answer of REST, so it does not get much time."""
RETRY_S = 30.0
RETRY_MOST_S = 600.0
REFRESH_S = 3_600.0
CLOCK_S = 600.0
DOUBT_S = 60.0
ERASE_S = 1.0
DOUBTS = 3
"""Lists in a row that lack more than half of the last one, before they are believed."""


class Rest(Protocol):
    """The venue's own word. Every method raises RestUnavailable or RestError."""

    def ask_clock(self, *, timeout_s: tuple[float, float] = TIMEOUT_S) -> None:
        """Compare clocks."""

    def instruments(self, *, timeout_s: tuple[float, float] = TIMEOUT_S) -> list[Instrument]:
        """Every crypto USDT perpetual; of Bybit those that trade."""

    def turnover(self) -> dict[str, float]:
        """Turnover of 24 h by symbol."""


class Feed(Protocol):
    """Who follows instruments while it runs."""

    def follow(self, instruments: Iterable[Instrument]) -> None:
        """Follow new instruments, and know what changed of others."""

    def unfollow(self, symbols: Iterable[str]) -> None:
        """Let instruments go."""


class Outlets(NamedTuple):
    """Who hears of changes. `record(venue, event, detail)` as in Feed."""

    record: Callable[[str, str, str], None]
    save: Callable[[Sequence[Instrument]], None]
    """Keeps what the venue says of instruments."""
    on_new: Callable[[list[str]], None]
    """Instruments are followed that were not before."""
    on_gone: Callable[[list[str]], None]
    """Instruments are followed no longer."""
    erase: Callable[[list[str]], None]
    """Deletes what Redis holds of them, a moment later: what was on its way is written by then."""


class Universe:
    """The instruments of one venue. `keep` is for one thread; `set_apart` for any."""

    def __init__(
        self, venue: str, wanted: Sequence[str], rest: Rest | None, feed: Feed, outlets: Outlets
    ) -> None:
        """`wanted`: SYMBOLS. `rest` None: no REST call is allowed, so symbols are taken at their word."""
        self.followed: dict[str, Instrument] = {}
        self._venue = venue
        self._wanted = wanted
        self._rest = rest
        self._feed = feed
        self._outlets = outlets
        self._lock = threading.Lock()
        self._apart: set[str] = set()
        self._missed: Counter[str] = Counter()
        self._doubted: set[str] = set()
        self._listed = self._doubts = self._failures = 0
        self._said: dict[str, str] = {}
        self._missing: Unlisted = {}
        self._is_known = self._knows_clock = False
        self._refresh_at: float | None = None
        self._looked_at = float("-inf")
        self._clock_at = 0.0
        self._leaving: list[tuple[float, list[str]]] = []

    def first(self, stopping: threading.Event) -> list[Instrument]:
        """What to follow at the start; without the venue's word, what the symbols alone say."""
        if self._rest is not None:
            while not self._ask_first(self._rest) and self._count and not stopping.wait(RETRY_S / 10):
                pass
        if not self._is_known and not self._count:
            symbols = symbols_for(self._venue, self._wanted)
            self.followed = {symbol: unknown_instrument(self._venue, symbol) for symbol in symbols}
        return list(self.followed.values())

    def keep(self, now: float) -> None:
        """Do what has become due. `now`: monotonic seconds."""
        if self._rest is not None:
            self._look(self._rest, now)
        for due, symbols in list(self._leaving):
            if now >= due:
                self._leaving.remove((due, symbols))
                self._outlets.erase([symbol for symbol in symbols if symbol not in self.followed])

    def doubt(self, symbols: Iterable[str], now: float) -> None:
        """These fell silent: look soon whether they are still traded, but once a minute at most."""
        self._doubted = {symbol for symbol in symbols if symbol in self.followed}
        if self._refresh_at is not None and self._doubted:
            self._refresh_at = min(self._refresh_at, max(now, self._looked_at + DOUBT_S))

    def set_apart(self, symbol: str, *, is_apart: bool) -> None:
        """Whether a symbol is another coin than its name says on other venues."""
        with self._lock:
            instrument = self.followed.get(symbol)
            if instrument is None:
                return
            (self._apart.add if is_apart else self._apart.discard)(symbol)
            changed = self.followed[symbol] = self._named(instrument)
        self._feed.follow([changed])
        self._outlets.save([changed])

    @property
    def unlisted(self) -> Unlisted:
        """What SYMBOLS asks for and the venue does not list by that name, as far as it is known."""
        return {asked: found for asked, found in self._missing.items() if asked not in self.followed}

    @property
    def _count(self) -> int:
        """N of auto:N, else 0."""
        is_auto = bool(self._wanted) and self._wanted[0].startswith("auto:")
        return int(self._wanted[0].partition(":")[2]) if is_auto else 0

    def _ask_first(self, rest: Rest) -> bool:
        try:
            rest.ask_clock(timeout_s=FIRST_TIMEOUT_S)
            self._knows_clock = True
        except (RestUnavailable, RestError) as error:
            self._on_error(error)
        try:
            listed = self._list(rest, FIRST_TIMEOUT_S)
            chosen = self._choose(rest, listed)
        except (RestUnavailable, RestError) as error:
            self._on_error(error)
            return False
        self.followed = {symbol: listed[symbol] for symbol in chosen.symbols}
        self._report(chosen)
        self._outlets.save(list(self.followed.values()))
        self._is_known = True
        return True

    def _look(self, rest: Rest, now: float) -> None:
        """Ask for the clock and the list when it is time, and less and less often where no answer comes."""
        if self._refresh_at is None:  # the start has asked already
            self._refresh_at = now + (self._next_refresh_s() if self._is_known else RETRY_S)
            self._clock_at = now + (CLOCK_S if self._knows_clock else RETRY_S)
        try:
            if now >= self._clock_at:
                self._clock_at = now + RETRY_S
                rest.ask_clock()
                self._clock_at = now + CLOCK_S
            if now >= self._refresh_at:
                self._failures += 1  # until there is an answer
                self._refresh_at = now + min(RETRY_MOST_S, RETRY_S * 2 ** min(self._failures - 1, 10))
                self._refresh(rest, now)
        except (RestUnavailable, RestError) as error:
            self._on_error(error)

    def _on_error(self, error: Exception) -> None:
        """What cannot be read is told to people; that the venue gives no answer is, where it is asked."""
        log.warning("universe.unknown", venue=self._venue, reason=str(error)[:300])
        if isinstance(error, RestError) and self._said.get("rest") != str(error):
            self._said["rest"] = str(error)
            self._say("rest", str(error))

    def _refresh(self, rest: Rest, now: float) -> None:
        """Compare with the venue's list. Raises RestUnavailable or RestError."""
        self._looked_at = now
        listed = self._list(rest, TIMEOUT_S)
        chosen = self._choose(rest, listed)
        self._failures = 0
        self._said.pop("rest", None)
        self._report(chosen)
        self._apply(chosen, listed, now)
        is_waiting = any(symbol not in chosen.symbols for symbol in self.followed)
        self._refresh_at = now + (RETRY_S if is_waiting else self._next_refresh_s())

    @staticmethod
    def _next_refresh_s() -> float:
        return REFRESH_S * random.uniform(0.9, 1.1)

    def _list(self, rest: Rest, timeout_s: tuple[float, float]) -> dict[str, Instrument]:
        """The venue's list, if it can be believed."""
        listed = {i.symbol: i for i in rest.instruments(timeout_s=timeout_s)}
        trading = sum(i.is_trading for i in listed.values())
        if not trading:
            raise RestError("the instrument list is empty")
        if trading * 2 < self._listed and self._doubts < DOUBTS:
            self._doubts += 1
            raise RestError(f"the instrument list shrank from {self._listed} to {trading}: not believed yet")
        self._listed, self._doubts = trading, 0
        return listed

    def _choose(self, rest: Rest, listed: Mapping[str, Instrument]) -> Chosen:
        trading = {symbol: i for symbol, i in listed.items() if i.is_trading}
        if not self._count:
            return choose(self._venue, self._wanted, trading)
        turnover = rest.turnover()
        ranked = sorted(trading, key=lambda symbol: (-turnover.get(symbol, 0.0), symbol))
        return Chosen(most_traded(ranked, self._count, self.followed), [], {})

    def _apply(self, chosen: Chosen, listed: Mapping[str, Instrument], now: float) -> None:
        with self._lock:
            fresh = {symbol: self._named(listed[symbol]) for symbol in chosen.symbols}
            gone = {s: i for s, i in self.followed.items() if s not in fresh and self._is_gone(s, listed)}
            new = [i for symbol, i in fresh.items() if symbol not in self.followed]
            changed = [i for symbol, i in fresh.items() if self.followed.get(symbol, i) != i]
            before = dict(self.followed)
            self.followed = {s: i for s, i in (self.followed | fresh).items() if s not in gone}
            self._missed = Counter(
                {s: n for s, n in self._missed.items() if s in self.followed and s not in fresh}
            )
        if new or changed:
            self._feed.follow([*new, *changed])
        for instrument in changed:
            self._say_changed(before[instrument.symbol], instrument)
        if gone:
            self._let_go(gone, listed, now)
        if new:
            self._say("following", ", ".join(i.symbol for i in new))
            self._outlets.on_new([i.symbol for i in new])
        left = [self._as_left(i, listed) for i in gone.values()]
        if new or changed or left:
            self._outlets.save([*new, *changed, *left])

    def _is_gone(self, symbol: str, listed: Mapping[str, Instrument]) -> bool:
        """Whether it is to go now: the list says so, or lacks a silent one, or a second list lacks it."""
        self._missed[symbol] += 1
        return symbol in listed or symbol in self._doubted or self._missed[symbol] > 1

    def _let_go(self, gone: Mapping[str, Instrument], listed: Mapping[str, Instrument], now: float) -> None:
        self._feed.unfollow(gone)
        self._outlets.on_gone(list(gone))
        self._leaving.append((now + ERASE_S, list(gone)))
        for symbol in gone:
            found = listed.get(symbol)
            if found is None:
                self._say("delisted", f"{symbol} is not listed any more")
            elif not found.is_trading:
                self._say("delisted", f"{symbol} has the status {found.status}")
            else:
                self._say("left", f"{symbol} is no longer among those to follow")

    def _as_left(self, instrument: Instrument, listed: Mapping[str, Instrument]) -> Instrument:
        found = listed.get(instrument.symbol)
        return self._named(found) if found else msgspec.structs.replace(instrument, status="delisted")

    def _named(self, instrument: Instrument) -> Instrument:
        return named(instrument, is_apart=instrument.symbol in self._apart)

    def _report(self, chosen: Chosen) -> None:
        """What was asked for under other names or in vain, when that changes."""
        self._missing = dict.fromkeys(chosen.unlisted, "") | chosen.renamed
        renamed = ", ".join(f"{asked} is listed as {found}" for asked, found in chosen.renamed.items())
        unlisted = ", ".join(chosen.unlisted)
        for event, detail in (
            ("renamed", renamed),
            ("unknown", f"not listed, left out: {unlisted}" if unlisted else ""),
        ):
            if detail and self._said.get(event) != detail:
                self._say(event, detail)
            self._said[event] = detail

    def _say_changed(self, old: Instrument, new: Instrument) -> None:
        for name in ("tick_size", "lot_size", "status"):
            was, now = getattr(old, name), getattr(new, name)
            if was != now and was not in (None, "unknown"):
                self._say("instrument", f"{new.symbol}: {name} {was} → {now}")

    def _say(self, event: str, detail: str) -> None:
        self._outlets.record(self._venue, event, detail)

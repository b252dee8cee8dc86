"""The rounds in which this worker says that it lives, and learns which instruments are its own.

While Postgres does not answer nothing changes hands: the owners go on, and a worker that starts has all.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

import structlog

from collector.leases.machine import is_running
from collector.leases.plan import View, alive, decide, free_names
from collector.leases.share import Share
from db.errors import StoreUnavailable
from db.history.leases import Decide, Decision, Lease, Name, Peer, Sign

log = structlog.get_logger()

ROUND_EVERY_S = 0.5
LEAVING_ROUND_S = 0.25
FIRST_WITHIN_S = 2.0
"""A venue starts after so long, whatever the database says or does not."""
DOUBT_ROUND_S = 0.2
"""How long to the next round while it is not known whether an owner goes on."""
SIGNS_APART_S = 0.15
"""Signs are seen through two clocks and a network: what seems closer together is one."""
FRESH_S = 6.0
"""What the last round said holds for so long: an owner is not taken for gone sooner."""
HAND_OVER_S = 3.0
"""Others get so long to take what a worker that stops has, and as long again to have data of it."""


class Table(Protocol):
    """The leases, all of which raise StoreUnavailable."""

    def round(self, me: Sign, decide: Decide, *, is_leaving: bool = False) -> list[Lease]:
        """See LeaseTable."""

    def leave(self, me: Sign) -> None:
        """See LeaseTable."""


class Leases:
    """Which instruments this worker has, of the venues that `add` names."""

    def __init__(self, table: Table, me: Sign) -> None:
        self.others: list[str] = []
        """Ids of the other workers that run,"""
        self._heirs: list[str] = []
        """and of those that are not about to stop."""
        self.on_round: list[Callable[[], None]] = []
        """Called after each round, whether it succeeded or not."""
        self._table = table
        self._me = me
        self._lock = threading.Lock()
        self._shares: dict[str, Share] = {}
        self._free_for: Counter[Name] = Counter()
        self._held: dict[Name, Lease] = {}
        """The leases after the last round."""
        self._taken_from: dict[Name, tuple[str, float]] = {}
        """Who had what this worker took while that one seemed to live, and its last sign before that."""
        self._signs: dict[str, float] = {}
        """When each other worker that lives gave its last sign, monotonic."""
        self._is_known = self._is_in_doubt = False
        self._is_leaving = False
        self._begun = self._ended = 0
        self._ended_at = float("-inf")
        self._round_over = threading.Condition()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def add(self, share: Share) -> None:
        """Take part in sharing a venue, and wait for the first round that knows of it; not for long."""
        with self._lock:
            self._shares[share.venue] = share
        self.confirm(FIRST_WITHIN_S)

    def remove(self, venue: str) -> None:
        """The venue is gone: its instruments are given back in the next round."""
        with self._lock:
            self._shares.pop(venue, None)

    @property
    def is_fresh(self) -> bool:
        """Whether it is sure what this worker has; not after a pause of the process, until the next round."""
        return time.monotonic() - self._ended_at < FRESH_S

    def hasten(self) -> None:
        """Something new is wanted: have a round soon."""
        self._wake.set()

    def confirm(self, timeout_s: float) -> None:
        """Wait until a round that begins from now on is over, or `timeout_s`."""
        with self._round_over:
            next_one = self._begun + 1
            self._wake.set()
            self._round_over.wait_for(lambda: self._ended >= next_one, timeout_s)

    def hand_over(self) -> None:
        """Have other workers take everything, if there are any, and wait until they have data."""
        self._is_leaving = True
        deadline = time.monotonic() + HAND_OVER_S
        while self._is_known and self._heirs and self._mine() and time.monotonic() < deadline:
            self._wake.set()
            self._stopping.wait(LEAVING_ROUND_S)
        if self._held and self._heirs and not self._mine():
            self._stopping.wait(HAND_OVER_S - LEAVING_ROUND_S)

    def stop(self) -> None:
        """End, and leave nothing behind."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)
        if self._is_known and not self._thread.is_alive():
            try:
                self._table.leave(self._me)
            except StoreUnavailable as error:
                log.warning("leases.left", reason=str(error))

    def _mine(self) -> list[Lease]:
        return [lease for lease in list(self._held.values()) if lease.owner == self._me.id]

    def _run(self) -> None:
        is_known = True
        while not self._stopping.is_set():
            self._wake.clear()
            self._begun += 1
            try:
                self._round(time.monotonic())
                is_known = True
            except StoreUnavailable as error:
                if is_known:
                    log.warning("leases.unknown", reason=str(error))
                is_known = False
            except Exception:
                log.exception("leases.failed")
            with self._round_over:
                self._ended += 1
                self._ended_at = time.monotonic()
                self._round_over.notify_all()
            for hear in list(self.on_round):
                hear()
            self._wake.wait(DOUBT_ROUND_S if self._is_in_doubt else ROUND_EVERY_S)

    def _round(self, now: float) -> None:
        with self._lock:
            shares = dict(self._shares)
        wanted = [(venue, symbol) for venue, share in shares.items() for symbol in sorted(share.wanted)]
        leases = self._table.round(self._me, partial(self._decide, wanted), is_leaving=self._is_leaving)
        mine = [lease for lease in leases if lease.owner == self._me.id]
        going_on = {lease.name: self._goes_on(lease.name) for lease in mine}
        if not self._is_known or len(mine) != len(self._mine()):
            log.info("leases.known", mine=len(mine), all=len(leases), workers=1 + len(self.others))
        self._is_known = True
        self._held = {lease.name: lease for lease in leases}
        self._is_in_doubt = None in going_on.values()
        for venue, share in shares.items():
            epochs = {lease.symbol: lease.epoch for lease in mine if lease.venue == venue}
            others = {symbol: it for (of, symbol), it in going_on.items() if of == venue}
            share.apply(epochs, others, now)

    def _decide(self, wanted: Sequence[Name], peers: Sequence[Peer], leases: Sequence[Lease]) -> Decision:
        view = View(self._me, wanted, self._free_for, self._is_leaving, is_running)
        now = time.monotonic()
        others = [peer for id_, peer in alive(view, peers).items() if id_ != self._me.id]
        self.others = [peer.id for peer in others]
        self._heirs = [peer.id for peer in others if not peer.is_leaving]
        self._signs = {peer.id: now - peer.age_s for peer in others}
        self._free_for = _counted(self._free_for, free_names(view, peers, leases))
        decision = decide(view, peers, leases)
        owners = {lease.name: lease.owner for lease in leases}
        for name in decision.take:
            self._taken_from.pop(name, None)
            if owners.get(name) in self._signs:
                self._taken_from[name] = (owners[name], self._signs[owners[name]])
        return decision

    def _goes_on(self, name: Name) -> bool | None:
        """Whether who had an instrument goes on for a while; None until it has given a sign or is gone."""
        if name not in self._taken_from:
            return False
        owner, signed_at = self._taken_from[name]
        if owner not in self._signs:
            return False
        return True if self._signs[owner] > signed_at + SIGNS_APART_S else None


def _counted(before: Counter[Name], free: Iterable[Name]) -> Counter[Name]:
    return Counter({name: before[name] + 1 for name in free})

"""Which instruments a worker takes: its fair share of what nobody has, and what others have too much of.

A worker has gone when it gave no sign for some seconds; or sooner, when that is known: it ran on this machine
and does so no longer, or a newer one has taken its place.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import NamedTuple

from collector.leases.machine import is_sure
from db.history.leases import Decision, Lease, Name, Peer, Sign

TTL_S = 7.0
"""After so long without a sign a worker counts as gone, by the database's clock."""
SURE_S = 1.5
"""And after so long where its process is seen to be gone; at once where no other can be meant."""
ORPHANED_ROUNDS = 6
"""An instrument that nobody took for so many rounds is taken by whoever sees it, fair share or not."""


class View(NamedTuple):
    """What one worker knows in a round. `free_for`: rounds since which an instrument is seen to be free."""

    me: Sign
    wanted: Sequence[Name]
    free_for: Mapping[Name, int]
    is_leaving: bool
    is_running: Callable[[int], bool]
    """Whether a process of this machine runs."""


def alive(view: View, peers: Sequence[Peer]) -> dict[str, Peer]:
    """The workers that run, by id; this one too."""
    mine = next((peer for peer in peers if peer.id == view.me.id), None)
    return {peer.id: peer for peer in peers if peer is mine or not _is_gone(peer, mine, view.is_running)}


def free_names(view: View, peers: Sequence[Peer], leases: Sequence[Lease]) -> list[Name]:
    """What this worker wants and nobody has who stays, always in the same order."""
    staying = {id_ for id_, peer in alive(view, peers).items() if not peer.is_leaving}
    had = {lease.name for lease in leases if lease.owner in staying}
    return sorted((name for name in view.wanted if name not in had), key=_place)


def decide(view: View, peers: Sequence[Peer], leases: Sequence[Lease]) -> Decision:
    """What to take and what to give back."""
    me, wanted = view.me.id, set(view.wanted)
    drop = [lease.name for lease in leases if lease.owner == me and lease.name not in wanted]
    if view.is_leaving:
        return Decision((), drop)
    staying = {id_ for id_, peer in alive(view, peers).items() if not peer.is_leaving} | {me}
    loads = Counter(dict.fromkeys(staying, 0))
    loads.update(lease.owner for lease in leases if lease.owner in staying and lease.name in wanted)
    fair = ceil(len(wanted) / len(staying))
    free = free_names(view, peers, leases)
    take = free[: max(0, fair - loads[me])]
    take += [name for name in free[len(take) :] if view.free_for.get(name, 0) >= ORPHANED_ROUNDS]
    if not free:
        take = _from_others(me, loads, [lease for lease in leases if lease.name in wanted])
    return Decision(take, drop)


def _from_others(me: str, loads: Counter[str], leases: Sequence[Lease]) -> list[Name]:
    """So many from the busiest that nobody has two more than this worker."""
    take: list[Name] = []
    by_owner: dict[str, list[Name]] = {}
    for lease in leases:
        by_owner.setdefault(lease.owner, []).append(lease.name)
    while True:
        busiest, load = max(loads.items(), key=lambda it: (it[1], it[0]))
        if load - loads[me] < 2:
            return take
        names = by_owner[busiest]
        names.sort(key=_place, reverse=True)
        take.append(names.pop())
        loads[busiest] -= 1
        loads[me] += 1


def _is_gone(peer: Peer, mine: Peer | None, is_running: Callable[[int], bool]) -> bool:
    if peer.age_s > TTL_S:
        return True
    if mine is None:
        return False
    if peer.place and peer.place == mine.place and peer.started_at < mine.started_at:
        return True
    is_seen = peer.host == mine.host and (peer.age_s > SURE_S or is_sure(peer.host))
    return is_seen and not is_running(peer.pid)


def _place(name: Name) -> int:
    """A place that has nothing to do with the alphabet: the shares of all workers are alike."""
    return zlib.crc32(":".join(name).encode())

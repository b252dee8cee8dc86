"""Who takes which instruments: fair, stable, and sure of who is gone."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from collector.leases.plan import ORPHANED_ROUNDS, TTL_S, View, alive, decide
from db.history.leases import Decision, Lease, Name, Peer, Sign

NAMES: list[Name] = [(venue, f"C{number}USDT") for venue in ("bybit", "binance") for number in range(10)]


def peer(name: str, **changes: object) -> Peer:
    """A worker of another machine that just gave a sign."""
    return Peer(name, f"host-{name}", 1, "", is_leaving=False, age_s=0.0, started_at=1)._replace(**changes)  # type: ignore[arg-type]


def view(me: str, *, is_leaving: bool = False, free_for: dict[Name, int] | None = None) -> View:
    """What `me` knows; no process of its machine runs."""
    return View(Sign(me, f"host-{me}", 1), NAMES, free_for or {}, is_leaving, lambda _pid: False)


def after(leases: list[Lease], me: str, decision: Decision) -> list[Lease]:
    """The leases once a decision was carried out."""
    held = {lease.name: lease for lease in leases if lease.name not in decision.drop}
    for name in decision.take:
        held[name] = Lease(*name, me, held[name].epoch + 1 if name in held else 1)
    return list(held.values())


def test_one_worker_takes_all() -> None:
    """There is nobody to leave anything to."""
    assert set(decide(view("a"), [peer("a")], []).take) == set(NAMES)


@given(st.lists(st.sampled_from("abcd"), min_size=24, max_size=60))
def test_whoever_comes_and_in_what_order_all_is_shared_alike(turns: list[str]) -> None:
    """After three turns of each nobody has two more than another, nothing is free, and nothing moves."""
    peers = [peer(name) for name in sorted(set(turns))]
    leases: list[Lease] = []
    for name in turns + sorted(set(turns)) * 3:
        leases = after(leases, name, decide(view(name), peers, leases))
    loads = Counter(lease.owner for lease in leases)
    assert len(leases) == len(NAMES)
    assert len(loads) == len(peers) and max(loads.values()) - min(loads.values()) <= 1
    assert all(decide(view(name), peers, leases) == Decision([], []) for name in sorted(set(turns)))


def test_what_a_dead_worker_had_is_shared_by_the_others() -> None:
    """Each takes its part, no two the same."""
    leases = [Lease(*name, "abc"[number % 3], 1) for number, name in enumerate(NAMES)]
    peers = [peer("a"), peer("b"), peer("c", age_s=TTL_S + 0.1)]
    first = decide(view("a"), peers, leases)
    leases = after(leases, "a", first)
    second = decide(view("b"), peers, leases)
    assert not set(first.take) & set(second.take)
    assert Counter(lease.owner for lease in after(leases, "b", second)) == {"a": 10, "b": 10}


def test_who_leaves_takes_nothing_and_loses_all() -> None:
    """Nothing has to be given back first: the others just take it."""
    leases = [Lease(*name, "a", 1) for name in NAMES]
    peers = [peer("a", is_leaving=True), peer("b")]
    assert decide(view("a", is_leaving=True), peers, leases).take == ()
    assert set(decide(view("b"), peers, leases).take) == set(NAMES)


def test_what_is_not_wanted_any_more_is_given_back() -> None:
    """Only what is one's own."""
    leases = [Lease("bybit", "OLDUSDT", "a", 1), Lease("bybit", "GONEUSDT", "b", 1)]
    assert decide(view("a"), [peer("a"), peer("b")], leases).drop == [("bybit", "OLDUSDT")]


def test_what_nobody_takes_is_taken_by_whoever_sees_it() -> None:
    """A worker of other settings counts in the shares and yet leaves its part lying."""
    peers = [peer("a"), peer("b")]
    leases = after([], "a", decide(view("a"), peers, []))
    assert len(leases) == len(NAMES) / 2
    left = {name: ORPHANED_ROUNDS for name in NAMES if name not in {lease.name for lease in leases}}
    assert set(decide(view("a", free_for=left), peers, leases).take) == set(left)


def test_a_worker_is_gone_when_it_is_silent_or_known_to_be() -> None:
    """Another machine's after a while; this one's when its process ended; a dyno's when there is a newer."""
    mine = peer("a", place="worker.1", started_at=5)
    others = [
        peer("silent", age_s=TTL_S + 0.1),
        peer("slow", age_s=TTL_S - 0.1),
        peer("ended", host="host-a", age_s=2.0),
        peer("busy", host="host-a", age_s=1.0),
        peer("older", place="worker.1", started_at=4),
        peer("newer", place="worker.1", started_at=6),
    ]
    assert set(alive(view("a"), [mine, *others])) == {"a", "slow", "busy", "newer"}


def test_where_only_one_process_can_be_meant_it_is_gone_at_once() -> None:
    """A start right after a crash waits for nothing; one that runs is not taken for gone."""
    me = Sign("a", "host/boot-1", 1)
    mine = peer("a", host=me.host)
    others = [peer("ended", host=me.host, pid=2), peer("runs", host=me.host, pid=3), peer("else", pid=2)]
    seen = View(me, NAMES, {}, is_leaving=False, is_running=lambda pid: pid == 3)
    assert set(alive(seen, [mine, *others])) == {"a", "runs", "else"}

"""One feed made of what several workers say."""

from collector.merging import IDLE, merged

GOOD: dict[str, str | int] = {
    "state": "live", "reason": "", "messages": 10, "message_rate": "1.5", "lag_p99_ms": 20, "open_gaps": 0,
    "connected_at": 5, "clock_skew_ms": -3,
}  # fmt: skip


def test_alone_a_worker_is_the_feed() -> None:
    """As it is."""
    assert merged([GOOD]) == GOOD


def test_counts_add_up_and_the_slowest_is_told() -> None:
    """Values of others come from Redis as text; what is missing counts as nothing."""
    other = {"state": "live", "reason": "", "messages": "5", "message_rate": "2.0", "lag_p99_ms": "40"}
    both = merged([GOOD, other])
    assert (both["messages"], both["message_rate"], both["lag_p99_ms"]) == (15, "3.5", 40)
    assert (both["connected_at"], both["clock_skew_ms"], both["state"]) == (5, -3, "live")


def test_a_part_that_is_down_makes_the_whole_degraded() -> None:
    """With its reason; down is only what is down everywhere."""
    broken = {**GOOD, "state": "down", "reason": "the name cannot be resolved"}
    assert (merged([GOOD, broken])["state"], merged([GOOD, broken])["reason"]) == (
        "degraded", "the name cannot be resolved",
    )  # fmt: skip
    assert merged([broken, broken])["state"] == "down"
    assert merged([broken, broken])["reason"] == "the name cannot be resolved"


def test_who_has_nothing_to_do_says_nothing_of_the_feed() -> None:
    """Unless nobody has."""
    idle = {**GOOD, "state": IDLE, "reason": "other workers have every instrument", "messages": 3}
    assert merged([idle, GOOD]) == merged([GOOD, idle])
    assert merged([idle, GOOD])["messages"] == 10
    assert merged([idle, idle])["state"] == IDLE


def test_what_is_not_listed_is_kept_whoever_says_it() -> None:
    """Also an idle part, or one of two; who could not get the list says none. A name is more than none."""
    one, other = GOOD | {"unlisted": "FOOUSDT, SHIBUSDT"}, GOOD | {"unlisted": "SHIBUSDT as SHIB1000USDT"}
    idle = other | {"state": IDLE}
    for parts in ([one, other], [other, one], [one, idle, GOOD]):
        assert merged(parts)["unlisted"] == "FOOUSDT, SHIBUSDT as SHIB1000USDT"
    assert merged([GOOD, GOOD])["unlisted"] == ""

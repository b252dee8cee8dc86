"""How one venue is doing over all workers: one hash made of what each says of its own part. Pure."""

from collections.abc import Mapping, Sequence

from market.unlisted import Unlisted, read_unlisted, unlisted_text

Fields = Mapping[str, str | int]

IDLE = "idle"
"""State of a worker's part where others have every instrument; no feed as a whole is so."""
_WORST_FIRST = ("blocked", "down", "reconnecting", "degraded", "live", IDLE)
_SUMS = (
    "messages", "message_rate", "reconnects", "gaps", "resyncs", "open_gaps", "silent_topics", "revisions",
    "audits", "audit_mismatches",
)  # fmt: skip
_GREATEST = (
    "connected_at", "last_message_time", "lag_p50_ms", "lag_p99_ms", "lag_redis_p50_ms", "lag_redis_p99_ms",
    "lag_postgres_p50_ms", "lag_postgres_p99_ms", "clock_skew_ms",
)  # fmt: skip


def merged(parts: Sequence[Fields]) -> dict[str, str | int]:
    """The fields of `feed:<venue>` from those of each worker, this one's first.

    A feed of which some parts are well is `degraded` at worst; delays are those of the slowest part.
    """
    if len(parts) == 1:
        return dict(parts[0])
    busy = [part for part in parts if part.get("state") != IDLE] or parts[:1]
    fields: dict[str, str | int] = dict(busy[0])
    words = [str(part.get("state", "")) for part in busy]
    worst = min(words, key=_rank)
    fields["state"] = "degraded" if worst != "live" and "live" in words else worst
    fields["reason"] = "; ".join(dict.fromkeys(str(r) for part in busy if (r := part.get("reason"))))
    for name in _SUMS:
        fields[name] = _plain(sum(_numbers(busy, name)), name)
    for name in _GREATEST:
        fields[name] = _plain(max(_numbers(busy, name), key=abs, default=None), name)
    fields["unlisted"] = _unlisted(parts)
    return fields


def _unlisted(parts: Sequence[Fields]) -> str:
    """What any part has found, also an idle one: each has the venue's list, or could not get it."""
    found: Unlisted = {}
    for part in parts:
        for asked, listed in read_unlisted(str(part.get("unlisted", ""))).items():
            found[asked] = max(listed, found.get(asked, ""))
    return unlisted_text(found)


def _rank(word: str) -> int:
    return _WORST_FIRST.index(word) if word in _WORST_FIRST else 0


def _numbers(parts: Sequence[Fields], name: str) -> list[float]:
    return [float(value) for part in parts if (value := part.get(name, "")) != ""]


def _plain(value: float | None, name: str) -> str | int:
    if value is None:
        return ""
    return f"{value:.1f}" if name == "message_rate" else int(value)

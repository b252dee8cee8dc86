"""The lists of newest trades in Redis, before a fault and after it."""

from collections.abc import Mapping, Sequence

from db.hot.keys import TRADES_LENGTH

Tapes = Mapping[str, Sequence[str]]
"""Trade ids by key, oldest first."""


def compare_tapes(before: Tapes, after: Tapes) -> str:
    """What is wrong with the lists after a fault, or "".

    What was there is there, in its order and before what came since, as far as a list goes; nothing is twice.
    """
    for key, held in before.items():
        now = list(after.get(key, ()))
        if twice := len(now) - len(set(now)):
            return f"{key}: {twice} trades are twice"
        newer = now[now.index(held[-1]) + 1 :] if held and held[-1] in now else now
        wanted = list(held[-(TRADES_LENGTH - len(newer)) :]) if len(newer) < TRADES_LENGTH else []
        kept = now[: len(now) - len(newer)][-len(wanted) :] if wanted else []
        if kept != wanted:
            return f"{key}: {len(set(wanted) - set(now))} of {len(wanted)} trades are gone, or out of order"
    return ""

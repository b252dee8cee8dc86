"""How much a test tries. The whole suite tries all of it; `./dev check` sets `HYPOTHESIS_PROFILE=quick`."""

import os

PROFILE = os.environ.get("HYPOTHESIS_PROFILE") or "whole"


def sized(whole: int, quick: int | None = None) -> int:
    """`whole`; in the quick profile `quick`, or else a quarter of it, but five at least."""
    if PROFILE != "quick":
        return whole
    return min(whole, max(5, whole // 4)) if quick is None else quick

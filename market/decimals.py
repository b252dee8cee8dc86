"""Numbers as plain decimal text: the shortest digits that read back as the same float, never an exponent."""

import re
from decimal import Decimal
from functools import lru_cache

_EXPONENT = re.compile(r'"(?:\\.|[^"\\])*"|-?\d+(?:\.\d+)?[eE][-+]?\d+')
"""A text, which is left as it is, or a number that has an exponent."""
_SIGNS = ("e-", "e+", *(f"{digit}e" for digit in range(10)))


def plain(value: float | int | None) -> str:
    """`value` as plain decimal text; "" for None. 65114.0 is "65114", 1e-07 is "0.0000001"."""
    if value is None:
        return ""
    text = repr(value)
    if "e" in text:
        text = format(Decimal(text), "f")
    return text[:-2] if text.endswith(".0") else text


def plain_json(text: str) -> str:
    """JSON with every number that has an exponent written out."""
    return _EXPONENT.sub(_written_out, text) if any(sign in text for sign in _SIGNS) else text


def _written_out(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else plain(float(found[0]))


def clean(value: float) -> float:
    """Without the noise of float arithmetic: 14 digits hold the mid of any two prices."""
    return float(f"{value:.14g}")


@lru_cache(1024)  # there are few steps, and every row of every view asks
def places_of(step: float) -> int:
    """Decimal places of a tick or lot size: 0.0001 has 4, 0.5 has 1, 1 and 10 have 0."""
    exponent = Decimal(repr(step)).normalize().as_tuple().exponent
    return max(0, -int(exponent))

"""What SYMBOLS asks for and a venue does not list by that name, in a line that people read too. Pure."""

from collections.abc import Mapping

Unlisted = dict[str, str]
"""Symbol asked for -> the one under which it is listed and collected; "" where there is none."""


def unlisted_text(unlisted: Mapping[str, str]) -> str:
    """Like `FOOUSDT, SHIBUSDT as SHIB1000USDT`, in the order of the alphabet; empty where there is none."""
    return ", ".join(f"{asked} as {found}" if found else asked for asked, found in sorted(unlisted.items()))


def read_unlisted(text: str) -> Unlisted:
    """The same, read; an empty text says of none."""
    parts = (each.partition(" as ") for each in text.split(", ") if each)
    return {asked: found for asked, _, found in parts}

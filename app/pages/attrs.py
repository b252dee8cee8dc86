"""Attributes of components that are no Python names."""

from typing import Any


def attrs(**named: str) -> dict[str, Any]:
    """`data-*` and `aria-*` attributes: `data_kind="x"` is `data-kind`."""
    return {name.replace("_", "-"): value for name, value in named.items()}

"""Server-Sent Events, read back."""

import json
from typing import Any, NamedTuple


class Told(NamedTuple):
    """One event: its name, its data, its id if it has one."""

    event: str
    data: Any
    id: str | None


def parse(text: str) -> tuple[list[Told], list[str]]:
    """The events and the comments of a whole stream, or of a beginning that ends between two events."""
    told, comments = [], []
    for block in text.split("\n\n"):
        fields: dict[str, str] = {}
        for line in block.splitlines():
            name, _, value = line.partition(": ")
            if name == "":
                comments.append(value)
            else:
                assert name not in fields, block
                fields[name] = value
        if "event" in fields:
            told.append(Told(fields["event"], json.loads(fields["data"]), fields.get("id")))
    return told, comments

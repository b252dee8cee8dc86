"""Faults of content: messages that cannot be read, that look different, or whose times cannot be true."""

import re
from typing import Any, Literal

from collector.simulator.faults.fault import (
    Count,
    FaultRefused,
    Message,
    TopicFault,
    event_of,
    frame_of,
    message_of,
)
from collector.simulator.wire import Client, binary_frame, payload_of, text_frame

_TIMES = re.compile(rb'("(?:ts|cts|T|E|timestamp)":\s*"?)(\d{13})(?=\D)')
_HUGE = 10 * 2**20


class Garbage(TopicFault):
    """Before a message comes a frame that is none: cut off, binary, 10 MB long, or text that is no JSON."""

    form: Literal["truncated", "binary", "huge", "text"] = "truncated"
    count: Count | None = 1

    def change(self, client: Client, topic: str, frame: bytes) -> list[bytes] | None:
        payload = payload_of(frame)
        noise = {
            "truncated": lambda: text_frame(payload[: len(payload) // 2]),
            "binary": lambda: binary_frame(bytes(range(256)) * 4),
            "huge": lambda: text_frame(payload[:-1] + b" " * _HUGE),
            "text": lambda: text_frame(b"<html><body>Service Unavailable</body></html>"),
        }
        return [noise[self.form](), frame]


class Drift(TopicFault):
    """Messages look different from what was agreed.

    ``new_fields``: more of them. ``texts``: whole numbers come as text. ``null``, ``nan``: the first price is
    no number. ``empty``: lists and objects of values are empty.
    """

    form: Literal["new_fields", "texts", "null", "nan", "empty"] = "new_fields"

    def change(self, client: Client, topic: str, frame: bytes) -> list[bytes] | None:
        message = message_of(frame)
        event = event_of(message)
        if self.form == "new_fields":
            for part in (message, event):
                part["newField"] = {"since": 2027, "values": [1, "2", None]}
        elif self.form == "texts":
            _write_as_text(message)
        elif self.form == "empty":
            _make_empty(message)
        elif not _spoil(event, None if self.form == "null" else "NaN"):
            return None
        return [frame_of(message)]


class ShiftTimes(TopicFault):
    """Event times cannot be true: times `factor`, then plus `milliseconds`."""

    factor: int = 1
    milliseconds: int = 0

    async def begin(self) -> None:
        if (self.factor, self.milliseconds) == (1, 0):
            raise FaultRefused("expected a factor or milliseconds that change a time")

    def change(self, client: Client, topic: str, frame: bytes) -> list[bytes] | None:
        def shifted(match: re.Match[bytes]) -> bytes:
            return match[1] + str(int(match[2]) * self.factor + self.milliseconds).encode()

        return [text_frame(_TIMES.sub(shifted, payload_of(frame)))]


def _write_as_text(value: Any) -> None:
    """Turn every whole number inside into text."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        if isinstance(inner, int) and not isinstance(inner, bool):
            value[key] = str(inner)
        else:
            _write_as_text(inner)


def _make_empty(message: Message) -> None:
    """Take out the levels of a book, the rows of a list, the values of an object."""
    data = message.get("data")
    if isinstance(data, list):
        message["data"] = []
    else:
        for name, value in event_of(message).items() if "stream" in message else (data or {}).items():
            if isinstance(value, list) or (name == "k" and isinstance(value, dict)):
                value.clear()


def _spoil(event: Message, value: str | None) -> bool:
    """Put `value` where the first price is; False if there is none."""
    data = event.get("data", event)
    for part in (data[0] if isinstance(data, list) and data else data, event.get("k")):
        if not isinstance(part, dict):
            continue
        for side in ("b", "a"):
            if isinstance(part.get(side), list) and part[side]:
                part[side][0][0] = value
                return True
        for name in ("b", "p", "lastPrice", "markPrice", "close", "c"):
            if isinstance(part.get(name), str):
                part[name] = value
                return True
    return False

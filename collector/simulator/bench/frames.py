"""Frames encoded once and sent many times: whole wire bytes, in which times and ids are overwritten in place.

Every time and every id is 13 digits wide, so the length of a frame never changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from collector.simulator.wire import text_frame
from market.intervals import MINUTE_MS

WIDTH = 13
_POWERS = 10 ** np.arange(WIDTH - 1, -1, -1, dtype=np.int64)

IntArray = npt.NDArray[np.int64]


class Kind(IntEnum):
    """What a field is filled with."""

    NOW = 0
    MINUTE = 1
    MINUTE_END = 2
    COUNTER = 3


@dataclass(frozen=True, slots=True)
class Field:
    """A number of 13 digits inside a frame: a time, or an id that rises with every pass of the loop."""

    kind: Kind
    value: int = 0
    stride: int = 0


NOW = Field(Kind.NOW)
MINUTE = Field(Kind.MINUTE)
MINUTE_END = Field(Kind.MINUTE_END)

Parts = Sequence[str | Field]
"""One message: text and fields in turn."""


class Loop:
    """Frames that are sent again and again, in order."""

    def __init__(self, messages: Sequence[Parts]) -> None:
        frames: list[bytes] = []
        fields: list[Field] = []
        positions: list[int] = []
        first_fields = [0]
        ends = [0]
        for parts in messages:
            body = "".join(part if isinstance(part, str) else "0" * WIDTH for part in parts).encode()
            frame = text_frame(body)
            position = ends[-1] + len(frame) - len(body)
            for part in parts:
                if isinstance(part, Field):
                    fields.append(part)
                    positions.append(position)
                    position += WIDTH
                else:
                    position += len(part.encode())
            frames.append(frame)
            ends.append(ends[-1] + len(frame))
            first_fields.append(len(fields))
        self.count = len(frames)
        self._bytes = np.frombuffer(bytearray(b"".join(frames)), dtype=np.uint8)
        self._ends = ends
        self._first_fields = first_fields
        self._kinds = np.array([field.kind for field in fields], dtype=np.int64)
        self._values = np.array([field.value for field in fields], dtype=np.int64)
        self._strides = np.array([field.stride for field in fields], dtype=np.int64)
        self._places = np.array(positions, dtype=np.int64)[:, None] + np.arange(WIDTH)

    def chunk(self, first: int, last: int, passes: int, now_ms: int) -> bytes:
        """The frames [first, last) with current times, and ids as of pass number `passes`."""
        some = slice(self._first_fields[first], self._first_fields[last])
        minute = now_ms // MINUTE_MS * MINUTE_MS
        times = np.array([now_ms, minute, minute + MINUTE_MS - 1, 0], dtype=np.int64)
        values = times[self._kinds[some]] + self._values[some] + self._strides[some] * passes
        self._bytes[self._places[some]] = values[:, None] // _POWERS % 10 + ord("0")
        return self._bytes[self._ends[first] : self._ends[last]].tobytes()

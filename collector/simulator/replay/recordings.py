"""Recordings as files: raw frames with the time they were received, in the formats that recorders write.

Three formats, told apart by their first line: Bybit as JSON lines (`t`, `ts`, `data`); Binance with receive
times in nanoseconds and REST book snapshots between the frames; Binance as `seconds: frame`, whose REST
snapshots are in a second file (`NAME.http.txt.gz` beside `NAME.ws.txt.gz`) as `url -> seconds: body`.
"""

import gzip
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

from collector.simulator.wire import symbol_of

REST_BOOK = "rest"
"""Topic of the frames that are REST book snapshots: `rest.BTCUSDT`."""
_WRAPPER = re.compile(rb'\{"stream":\s*"([^"]+)",\s*"data":\s*')
_BYBIT_TOPIC = re.compile(rb'"topic":\s*"([^"]+)"')
_EVENT_TIME = re.compile(rb'"(?:E|ts)":\s*"?(\d{13})')
_HTTP_LINE = re.compile(rb"\S*[?&]symbol=(\w+)\S* -> ([\d.]+): ")


class RecordingError(ValueError):
    """A file that is no recording."""


class Frame(NamedTuple):
    """One recorded message, verbatim; the wrapper of a combined stream ends at `data_start` (0: none)."""

    at_ms: float
    topic: str
    payload: bytes
    data_start: int = 0


@dataclass(slots=True)
class Recording:
    """One connection, or what belongs to it: frames by receive time, in ms since the first of them."""

    venue: str
    frames: list[Frame]
    clock_ms: float
    """The venue's clock at the first frame, such that no event comes before its time."""

    @property
    def topics(self) -> dict[str, None]:
        """The recorded topics, in order of appearance."""
        names = dict.fromkeys(frame.topic for frame in self.frames)
        return {name: None for name in names if not name.startswith(REST_BOOK + ".")}


class _Line(msgspec.Struct):
    t: str
    ts: float
    data: str = ""


_line_decoder = msgspec.json.Decoder(_Line)


def load(paths: Sequence[Path]) -> list[Recording]:
    """Read recordings; files that belong together become one. Raises RecordingError, OSError."""
    groups: dict[Path, set[Path]] = {}
    for path in paths:
        name = path.name
        whole = path.with_name(name.replace(".ws.", ".").replace(".http.", "."))
        groups.setdefault(whole, set()).add(path)
        partner = path.with_name(name.replace(".ws.", ".http."))
        if partner.exists():
            groups[whole].add(partner)
    return [_read(sorted(group)) for group in groups.values()]


def _read(paths: Sequence[Path]) -> Recording:
    frames: list[Frame] = []
    for path in paths:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            frames.extend(_parse(file.read().splitlines(), path))
    if not frames:
        raise RecordingError(f"{paths[0]}: expected recorded frames, found none")
    frames.sort(key=lambda frame: frame.at_ms)
    start = frames[0].at_ms
    ahead = max(_clock_lead(frames))
    return Recording(
        venue="binance" if any(frame.data_start for frame in frames) else "bybit",
        frames=[frame._replace(at_ms=frame.at_ms - start) for frame in frames],
        clock_ms=start + ahead,
    )


def _clock_lead(frames: Iterable[Frame]) -> Iterator[float]:
    """How far the venue's clock was ahead of the recorder's at each frame, ms."""
    for frame in frames:
        if found := _EVENT_TIME.search(frame.payload):
            yield int(found[1]) - frame.at_ms


def _parse(lines: list[bytes], path: Path) -> list[Frame]:
    first = lines[0] if lines else b""
    if first.startswith(b'{"t":'):
        return list(_bybit_lines(lines))
    if re.match(rb"\d{19} ", first):
        return list(_nanosecond_lines(lines))
    if first.startswith(b"wss://"):
        return list(_second_lines(lines[1:]))
    if _HTTP_LINE.match(first):
        return list(_http_lines(lines))
    raise RecordingError(f"{path}: expected a recording, found {first[:80]!r}")


def _bybit_lines(lines: Iterable[bytes]) -> Iterator[Frame]:
    for line in lines:
        record = _line_decoder.decode(line)
        payload = record.data.encode()
        if record.t == "recv" and (topic := _BYBIT_TOPIC.search(payload)):
            yield Frame(record.ts * 1000.0, topic[1].decode(), payload)


def _nanosecond_lines(lines: Sequence[bytes]) -> Iterator[Frame]:
    symbol = ""
    for line in lines:
        at_ms, payload = int(line[:19]) / 1e6, line[20:]
        if wrapper := _WRAPPER.match(payload):
            topic = wrapper[1].decode()
            symbol = symbol_of(topic)
            yield Frame(at_ms, topic, payload, wrapper.end())
        else:
            yield Frame(at_ms, f"{REST_BOOK}.{symbol}", payload)


def _second_lines(lines: Iterable[bytes]) -> Iterator[Frame]:
    for line in lines:
        seconds, _, payload = line.partition(b": ")
        if wrapper := _WRAPPER.match(payload):
            yield Frame(float(seconds) * 1000.0, wrapper[1].decode(), payload, wrapper.end())


def _http_lines(lines: Iterable[bytes]) -> Iterator[Frame]:
    for line in lines:
        if head := _HTTP_LINE.match(line):
            yield Frame(float(head[2]) * 1000.0, f"{REST_BOOK}.{head[1].decode()}", line[head.end() :])

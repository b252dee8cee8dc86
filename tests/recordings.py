"""Reads the recorded market data that lies beside the checkout, in ../shared/data.

The files are other projects' (their README names origin and licence of each), so they are not copied here;
where they are absent the tests that need them are skipped, loudly.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

needs_recordings = pytest.mark.skipif(not DATA.is_dir(), reason=f"no recorded market data in {DATA}")


def bybit_frames(name: str) -> Iterator[tuple[int, bytes]]:
    """(receive time in ms, frame) of every frame received."""
    with gzip.open(DATA / "bybit" / name, "rt") as lines:
        for line in lines:
            entry = json.loads(line)
            if entry["t"] == "recv":
                yield int(entry["ts"] * 1000), entry["data"].encode()


def binance_frames(name: str) -> Iterator[tuple[int, bytes]]:
    """(receive time in ms, frame or REST body) of a file with ns times."""
    with gzip.open(DATA / "binance" / name, "rb") as lines:
        for line in lines:
            when, _, frame = line.rstrip().partition(b" ")
            if frame:
                yield int(when) // 1_000_000, frame


def merged_frames(ws: str, http: str) -> Iterator[tuple[int, str, bytes]]:
    """(receive time in ms, symbol of a REST body or "", frame or body), by time."""
    entries: list[tuple[int, str, bytes]] = []
    with gzip.open(DATA / "binance" / ws, "rb") as lines:
        next(lines)
        for line in lines:
            when, _, frame = line.rstrip().partition(b": ")
            entries.append((int(float(when) * 1000), "", frame))
    with gzip.open(DATA / "binance" / http, "rb") as lines:
        for line in filter(bytes.strip, lines):
            url, _, rest = line.rstrip().partition(b" -> ")
            when, _, body = rest.partition(b": ")
            if b"/depth?" in url:
                symbol = url.partition(b"symbol=")[2].partition(b"&")[0].decode()
                entries.append((int(float(when) * 1000), symbol, body))
    return iter(sorted(entries, key=lambda e: e[0]))

"""SQLite's write-ahead log, read past what is damaged in it.

SQLite itself ends at the first frame that does not fit the sums, and says nothing: the batches behind it
would be gone without a word. Format: https://www.sqlite.org/fileformat2.html#walformat
"""

import struct
from itertools import chain

_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_PAGE = 4096
_STEP = _FRAME.size + _PAGE
_MAGIC = 0x377F0682
"""Sums are taken over little-endian words; one more: big-endian."""
_VERSION = 3_007_000
_MASK = 0xFFFF_FFFF
_Sums = tuple[int, int]


def mended(log: bytes) -> bytes:
    """The log up to its last whole transaction, with sums that fit what is there.

    Equal to the beginning of `log` if nothing in it is damaged; empty if no transaction is in it.
    """
    count = max(0, len(log) - _HEADER.size) // _STEP
    if not count:
        return b""
    magic, version, size, number, *salts, sum1, sum2 = _HEADER.unpack_from(log)
    words = "<" if magic == _MAGIC else ">"
    if _summed((0, 0), log[:24], words) != (sum1, sum2) or size != _PAGE or version != _VERSION:
        magic, words, salts = _MAGIC, "<", list(_FRAME.unpack_from(log, _HEADER.size)[2:4])
    last = _last_commit(log, count, salts)
    head = struct.pack(">6I", magic, _VERSION, _PAGE, number, *salts)
    sums = _summed((0, 0), head, words)
    parts = [head, struct.pack(">2I", *sums)]
    for index in range(last + 1):
        start = _HEADER.size + index * _STEP
        page, commit, *_ = _FRAME.unpack_from(log, start)
        content = log[start + _FRAME.size : start + _STEP]
        sums = _summed(_summed(sums, struct.pack(">2I", page, commit), words), content, words)
        parts += [_FRAME.pack(page, commit, *salts, *sums), content]
    return b"".join(parts) if last >= 0 else b""


def _last_commit(log: bytes, count: int, salts: list[int]) -> int:
    """Index of the last frame that ends a transaction; frames of other salts are left over from earlier."""
    last = -1
    for index in range(count):
        _, commit, *found = _FRAME.unpack_from(log, _HEADER.size + index * _STEP)
        if commit and found[:2] == salts:
            last = index
    return last


def _summed(sums: _Sums, content: bytes, words: str) -> _Sums:
    first, second = sums
    pairs = struct.iter_unpack(f"{words}2I", content)
    numbers = chain.from_iterable(pairs)
    for one, two in zip(numbers, numbers, strict=True):
        first = (first + one + second) & _MASK
        second = (second + two + first) & _MASK
    return first, second

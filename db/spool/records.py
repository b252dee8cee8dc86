"""What the spool keeps of a batch: one record for each kind of row, which tells by itself what it is.

A record's body is zlib over msgpack of [version, batch_id, kind, rows]: a message that a broker could carry
as well. Whether it is whole shows when it is read.
"""

import zlib
from collections.abc import Callable
from typing import Any, NamedTuple, get_type_hints

import msgspec

from db.rows import KINDS, Batch

VERSION = 1
"""Of the body. A row type that gets a field with a default, or a new kind, needs no other; what an old
program would read wrong does.
"""
_LEVEL = 1
"""Of zlib: ticks shrink to a third, and better levels cost more than the disk they save."""


class Record(NamedTuple):
    """One kind of row of one batch. `first_ts` and `last_ts`: of its ticks, epoch ms; 0 for other kinds."""

    batch_id: str
    kind: str
    version: int
    rows: int
    first_ts: int
    last_ts: int
    body: bytes


class DamagedRecord(ValueError):
    """A record that is not what was written. Says what is wrong with it."""


class _Message(msgspec.Struct, array_like=True):
    version: int
    batch_id: str
    kind: str
    rows: msgspec.Raw


_encoder = msgspec.msgpack.Encoder()
_message_decoder = msgspec.msgpack.Decoder(_Message)
_decoders: dict[str, Callable[[msgspec.Raw], Any]] = {
    kind: msgspec.msgpack.Decoder(hint).decode
    for kind, hint in get_type_hints(Batch).items()
    if kind in KINDS
}


def encoded(batch: Batch) -> list[Record]:
    """The records of a batch. Raises ValueError or OverflowError for rows that no table would take."""
    found = []
    for kind in KINDS:
        rows = getattr(batch, kind)
        if not rows:
            continue
        times = [row.ts for row in rows] if kind == "ticks" else [0]
        message = _Message(VERSION, batch.batch_id, kind, msgspec.Raw(_encoder.encode(rows)))
        body = zlib.compress(_encoder.encode(message), _LEVEL)
        found.append(Record(batch.batch_id, kind, VERSION, len(rows), min(times), max(times), body))
    return found


def decoded(record: Record) -> Batch:
    """The batch of one record: the rows of its kind. Raises DamagedRecord."""
    try:
        message = _message_decoder.decode(zlib.decompress(record.body))
        if message.version != VERSION or message.kind not in _decoders:
            raise DamagedRecord(f"version {message.version} of {message.kind!r} is not known here")
        rows = _decoders[message.kind](message.rows)
    except (zlib.error, msgspec.DecodeError) as error:
        raise DamagedRecord(str(error)) from error
    if (message.batch_id, message.kind, len(rows)) != (record.batch_id, record.kind, record.rows):
        raise DamagedRecord("the record and its body tell of different rows")
    return Batch(message.batch_id, **{message.kind: rows})

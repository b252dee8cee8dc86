"""A part of a page: JSON made once for all who have not got it, known by the version of its content."""

import hashlib
from typing import NamedTuple

import msgspec

_encode = msgspec.json.Encoder().encode


class Part(NamedTuple):
    """The same content has the same version, in every process."""

    version: str
    content: msgspec.Raw


def part_of(content: object) -> Part:
    """The part with this content."""
    text = _encode(content)
    return Part(hashlib.blake2b(text, digest_size=6).hexdigest(), msgspec.Raw(text))

"""Frames and outboxes, without a network."""

import asyncio
from typing import Any, cast

import pytest
from websockets.protocol import State

from collector.simulator.wire import MAX_BACKLOG, Client, text_frame


class FakeTransport:
    """Remembers what was written, and never gets rid of it."""

    def __init__(self, waiting: int = 0) -> None:
        self.written: list[bytes] = []
        self.waiting = waiting
        self.is_aborted = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def get_write_buffer_size(self) -> int:
        return self.waiting + sum(map(len, self.written))

    def abort(self) -> None:
        self.is_aborted = True


class FakeConnection:
    def __init__(self, transport: FakeTransport, state: State = State.OPEN) -> None:
        self.transport = transport
        self.state = state


async def sent(connection: FakeConnection, payloads: list[bytes]) -> Client:
    client = Client(cast(Any, connection))
    for payload in payloads:
        client.send(payload)
    await asyncio.sleep(0)
    return client


@pytest.mark.parametrize(("size", "head"), [(125, 2), (126, 4), (65_535, 4), (65_536, 10)])
def test_a_frame_has_the_header_of_its_length(size: int, head: int) -> None:
    """Final text frame, unmasked, with the shortest length field that fits."""
    frame = text_frame(b"x" * size)
    length = frame[1] if head == 2 else int.from_bytes(frame[2:head], "big")
    assert frame[0] == 0x81 and len(frame) == head + size and length == size


def test_messages_of_one_turn_go_out_in_one_write() -> None:
    """In the order they were sent."""
    transport = FakeTransport()
    asyncio.run(sent(FakeConnection(transport), [b"{1}", b"{2}"]))
    assert transport.written == [text_frame(b"{1}") + text_frame(b"{2}")]


def test_a_client_that_does_not_read_is_dropped() -> None:
    """As soon as more waits than may."""
    patient, full = FakeTransport(MAX_BACKLOG - 100), FakeTransport(MAX_BACKLOG)
    for transport in (patient, full):
        asyncio.run(sent(FakeConnection(transport), [b"{}"]))
    assert (patient.is_aborted, full.is_aborted) == (False, True)


def test_nothing_is_written_to_a_closed_client() -> None:
    """What was queued is forgotten."""
    transport = FakeTransport()
    client = asyncio.run(sent(FakeConnection(transport, State.CLOSING), [b"{}"]))
    assert not transport.written and client.backlog == 0

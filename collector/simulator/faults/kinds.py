"""Every kind of fault there is, and how one is read from a command. Loaded only where commands are taken."""

from typing import Union

import msgspec

from collector.simulator.faults.answers import Handshake, Rest
from collector.simulator.faults.books import Cross, DropDelete, OldBook
from collector.simulator.faults.candles import LateClose, Revise
from collector.simulator.faults.content import Drift, Garbage, ShiftTimes
from collector.simulator.faults.fault import Fault, FaultRefused, kind_of
from collector.simulator.faults.listings import Delist, Enlist, FinerTick, Reject
from collector.simulator.faults.market import Burst, Skew, Trades
from collector.simulator.faults.sequence import DeltaFirst, Drop, Duplicate, Reorder, Snapshot
from collector.simulator.faults.silence import AckAndSilence, Freeze, Impatient, Mute
from collector.simulator.faults.sockets import Cut, EnforcePings, Flap, MaxAge, Refuse

KINDS: tuple[type[Fault], ...] = (
    Mute, AckAndSilence, Freeze, Impatient,
    Drop, Duplicate, Reorder, DeltaFirst, Snapshot,
    DropDelete, Cross, OldBook,
    Garbage, Drift, ShiftTimes,
    LateClose, Revise,
    Cut, MaxAge, EnforcePings, Flap, Refuse,
    Handshake, Rest,
    Reject, Delist, Enlist, FinerTick,
    Burst, Trades, Skew,
)  # fmt: skip
VENUES = ("bybit", "binance")
_decoder: msgspec.json.Decoder[Fault] = msgspec.json.Decoder(Union[KINDS])  # noqa: UP007  of a tuple


def fault_of(body: bytes) -> Fault:
    """The fault that a JSON object describes. Raises FaultRefused."""
    try:
        fault = _decoder.decode(body)
    except msgspec.DecodeError as error:
        raise FaultRefused(str(error)) from None
    if not any(map(fault.is_of_venue, VENUES)):
        raise FaultRefused(f"venue: expected bybit, binance or a pattern of them, found {fault.venue!r}")
    return fault


def help_text() -> str:
    """Every kind with its fields, for people."""
    lines = []
    for kind in KINDS:
        fields = ", ".join(f"{f.name}={f.default!r}" if f.default is not msgspec.NODEFAULT else f.name
                           for f in msgspec.structs.fields(kind))  # fmt: skip
        summary = (kind.__doc__ or "").partition("\n")[0]
        lines.append(f"{kind_of(kind.__name__)}\n    {summary}\n    {fields}\n")
    return "\n".join(lines)

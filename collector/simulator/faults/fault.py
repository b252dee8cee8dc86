"""What every fault has in common: whom it meets, how long it lasts, and what it kept from the clients."""

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from collector.simulator.rest import Reply
from collector.simulator.wire import Client, payload_of, symbol_of, text_frame

if TYPE_CHECKING:
    from collector.simulator.economy.instrument import Instrument
    from collector.simulator.economy.venues import VenueMarket
    from collector.simulator.exchange import Exchange

Message = dict[str, Any]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Factor = Annotated[float, msgspec.Meta(gt=0, le=1e6)]
Step = Annotated[str, msgspec.Meta(pattern=r"^(?=.*[1-9])\d{1,12}(\.\d{1,12})?$")]
"""A tick or a lot as text."""
Name = Annotated[str, msgspec.Meta(pattern="^[0-9A-Z]{3,40}$")]


class FaultRefused(ValueError):
    """A fault that this exchange cannot have: the message says why."""


class Withheld(msgspec.Struct):
    """What a fault did to one topic: messages met, and the exchange's time at the first and the last, ms."""

    messages: int
    first_ms: int
    last_ms: int


def kind_of(name: str) -> str:
    """DropDelete -> drop_delete."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


class Fault(
    msgspec.Struct,
    kw_only=True,
    forbid_unknown_fields=True,
    dict=True,
    eq=False,
    tag_field="kind",
    tag=kind_of,
):
    """`venue` is a glob of ``bybit`` and ``binance``; without `seconds` it lasts until it is healed."""

    venue: str = "*"
    seconds: Seconds | None = None

    def __post_init__(self) -> None:
        self.exchange: Exchange
        """Set before `begin`."""
        self.withheld: dict[str, Withheld] = {}
        self.notes: dict[str, int | str] = {}
        """What happened, for the one who commanded it."""

    async def begin(self) -> None:
        """It begins. Raises FaultRefused."""

    def end(self) -> None:
        """It is over."""

    @property
    def lingers(self) -> bool:
        """Whether there is something left to put right after its end."""
        return False

    def on_frame(self, client: Client, topic: str, frame: bytes) -> list[bytes]:
        """The frames that are sent in place of `frame`. `topic` is "" for an answer."""
        return [frame]

    def on_subscribe(self, client: Client, topic: str) -> bool:
        """Whether the client may have the topic."""
        return True

    async def on_handshake(self, venue: str, path: str) -> Reply | None:
        """What a client that wants a socket is answered instead; None: let it in."""
        return None

    async def on_request(self, venue: str, path: str, query: dict[str, str]) -> Reply | None:
        """What an HTTP request is answered instead; None: the answer is right."""
        return None

    def on_reply(self, venue: str, path: str, query: dict[str, str], reply: Reply) -> Reply:
        """What becomes of an answer."""
        return reply

    def markets(self) -> "list[VenueMarket]":
        """The simulated markets of the venues it meets. Raises FaultRefused while a recording is played."""
        market = self.exchange.market()
        return [side for side in (market.bybit, market.binance) if self.is_of_venue(side.venue)]

    def listed(self, feed: "VenueMarket", symbol: str) -> "Instrument":
        """The instrument of that name. Raises FaultRefused if the venue lists none."""
        if symbol not in feed.listings:
            raise FaultRefused(f"expected a symbol that {feed.venue} lists, found {symbol!r}")
        return feed.instrument(symbol)

    def is_of_venue(self, venue: str) -> bool:
        """Whether it meets this venue."""
        return fnmatchcase(venue, self.venue)

    def note(self, topic: str, venue: str) -> None:
        """Count a message that a client does not get as it was."""
        now = int(self.exchange.now(venue))
        if (entry := self.withheld.get(topic)) is None:
            self.withheld[topic] = Withheld(1, now, now)
        else:
            entry.messages, entry.last_ms = entry.messages + 1, now


class TopicFault(Fault):
    """A fault of topics: globs (several with commas) of topic and symbol, of the socket's path and its host.

    With `after` it lets so many messages of each topic pass first, with `count` it meets only so many.
    """

    topics: str = "*"
    symbols: str = "*"
    route: str = "*"
    host: str = "*"
    after: Count = 0
    count: Count | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._met: dict[tuple[str, str, str, str], bool] = {}
        self._left: dict[str, int] = {}
        self._passed: dict[str, int] = {}

    def meets(self, client: Client, topic: str) -> bool:
        """Whether this is one of the topics meant."""
        key = (client.venue, client.route, client.host, topic)
        found = self._met.get(key)
        if found is None:
            found = self._met[key] = bool(topic) and (
                self.is_of_venue(client.venue)
                and is_one_of(topic, self.topics)
                and is_one_of(symbol_of(topic), self.symbols)
                and is_one_of(client.route, self.route)
                and is_one_of(client.host, self.host)
            )
        return found

    def on_frame(self, client: Client, topic: str, frame: bytes) -> list[bytes]:
        if not self.meets(client, topic):
            return [frame]
        if (passed := self._passed.get(topic, 0)) < self.after:
            self._passed[topic] = passed + 1
            return [frame]
        left = self._left.get(topic, self.count)
        if left is not None and left <= 0:
            return [frame]
        changed = self.change(client, topic, frame)
        if changed is None:
            return [frame]
        self.note(topic, client.venue)
        if left is not None:
            self._left[topic] = left - 1
        return changed

    def change(self, client: Client, topic: str, frame: bytes) -> list[bytes] | None:
        """The frames that are sent instead; None: this message is none of those meant, and not counted."""
        return None


def is_one_of(text: str, globs: str) -> bool:
    return any(fnmatchcase(text, glob.strip()) for glob in globs.split(","))


def event_of(message: Message) -> Message:
    """The event inside the wrapper of a combined stream, or the message itself."""
    data = message["data"] if "stream" in message else message
    return data if isinstance(data, dict) else {}


def book_of(message: Message) -> Message:
    """What holds the levels `b` and `a` of a book message of either venue; {} in any other message."""
    data = message.get("data")
    found = data if isinstance(data, dict) else event_of(message)
    return found if isinstance(found.get("b"), list) and isinstance(found.get("a"), list) else {}


def message_of(frame: bytes) -> Message:
    """A frame as data."""
    found: Message = msgspec.json.decode(payload_of(frame), type=dict[str, Any])
    return found


def frame_of(message: Message) -> bytes:
    """Data as a frame."""
    return text_frame(msgspec.json.encode(message))


def rewritten(frame: bytes, change: Callable[[Message], None]) -> bytes:
    """A frame after `change` has had its message."""
    message = message_of(frame)
    change(message)
    return frame_of(message)

"""Faults of order: messages that are missing, come twice, too early or too late."""

from collector.simulator.faults.fault import Count, FaultRefused, TopicFault, message_of
from collector.simulator.wire import Client


class Drop(TopicFault):
    """Messages are lost: with `count` 1, one step of a sequence."""

    count: Count | None = 1

    def change(self, client: Client, topic: str, frame: bytes) -> list[bytes] | None:
        return []


class Duplicate(TopicFault):
    """Messages come twice."""

    def change(self, client: Client, topic: str, frame: bytes) -> list[bytes] | None:
        return [frame, frame]


class Reorder(TopicFault):
    """Two neighbouring messages change places; with `count` 1, once."""

    count: Count | None = 1

    async def begin(self) -> None:
        self._waiting: dict[tuple[Client, str], bytes] = {}

    def end(self) -> None:
        for (client, _), frame in self._waiting.items():
            client.queue(frame)

    def on_frame(self, client: Client, topic: str, frame: bytes) -> list[bytes]:
        if (earlier := self._waiting.pop((client, topic), None)) is not None:
            return [frame, earlier]
        return super().on_frame(client, topic, frame)

    def change(self, client: Client, topic: str, frame: bytes) -> list[bytes] | None:
        self._waiting[client, topic] = frame
        return []


class DeltaFirst(TopicFault):
    """Bybit: after a subscription the first message is a delta; the snapshot follows it."""

    venue: str = "bybit"
    topics: str = "orderbook.*"

    async def begin(self) -> None:
        self._early: set[tuple[Client, str]] = set()

    def change(self, client: Client, topic: str, frame: bytes) -> list[bytes] | None:
        key = (client, topic)
        if message_of(frame).get("type") == "snapshot":
            if key in self._early:
                self._early.discard(key)  # the one that was asked for here
                return None
            self._early.add(key)
            return []
        if key not in self._early:
            return None
        client.queue(frame)
        self.exchange.feed_of(client.venue).welcome(client, topic)
        return []


class Snapshot(TopicFault):
    """Bybit: everybody gets an unasked snapshot; with `restart` one whose `u` is 1, to count on from."""

    venue: str = "bybit"
    topics: str = "orderbook.*"
    restart: bool = False

    async def begin(self) -> None:
        clients = self.exchange.clients
        topics = {topic: client for client in clients for topic in client.topics if self.meets(client, topic)}
        if not topics:
            raise FaultRefused("expected a topic that somebody is subscribed to")
        if self.restart:
            market = self.exchange.market()
            for topic in topics:
                market.bybit.restart_book(topic)
            return
        for client in clients:
            for topic in client.topics:
                if self.meets(client, topic):
                    self.exchange.feed_of(client.venue).welcome(client, topic)

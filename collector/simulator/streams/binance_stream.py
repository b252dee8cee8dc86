"""What all of Binance's streams share: the wrapper of combined sockets, and the shape of depth events."""

from collections.abc import Iterable

from collector.simulator.economy.coins import Listing
from collector.simulator.economy.instrument import Instrument
from collector.simulator.wire import Subscriber, text_frame


class BinanceStream:
    """One stream and its clients; each of them gets events wrapped or bare, as its path says."""

    def __init__(self, name: str, instrument: Instrument) -> None:
        self.clients: dict[Subscriber, None] = {}
        self.name = name
        self.instrument = instrument
        self.listing: Listing = instrument.listing
        self.symbol = instrument.listing.symbol

    def close(self) -> None:
        """Nothing to give back."""

    def welcome(self, client: Subscriber, now: float) -> None:
        """Binance sends a newcomer nothing before the next event."""

    def send_all(self, event: str) -> None:
        """One event to every client."""
        frames: dict[bool, bytes] = {}
        for client in self.clients:
            wrapped = client.wrapped
            if wrapped not in frames:
                text = f'{{"stream":"{self.name}","data":{event}}}' if wrapped else event
                frames[wrapped] = text_frame(text.encode())
            client.send_frame(frames[wrapped], self.name)

    def depth_event(
        self, ids: str, bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]], now: float
    ) -> str:
        """A depthUpdate; diffs and whole tops look alike."""
        none = self.listing.size(0)
        return (
            f'{{"e":"depthUpdate","E":{int(now)},"T":{self.instrument.time},"s":"{self.symbol}",'
            f'"ps":"{self.symbol}",{ids},"b":[{self.listing.levels(bids, none)}],'
            f'"a":[{self.listing.levels(asks, none)}],"st":1}}'
        )

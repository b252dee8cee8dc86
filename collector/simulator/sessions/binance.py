"""What Binance understands on a market data socket, and the silence it answers mistakes with.

Source: Binance developer documentation, Live Subscribing/Unsubscribing to streams, and the base URL split of
2026: a stream flows on its own route only, and is acknowledged without data on the other one.
"""

import re
from typing import Any

import msgspec

from collector.simulator.wire import Client, Feed

MAX_FRAME = 4096
"""A longer request is ignored without a word."""
MAX_STREAMS = 1024
_PUBLIC = re.compile(r"^[^@]*@(bookTicker|depth|trade|rpiDepth)")


class _Request(msgspec.Struct):
    method: str
    id: int | None = None
    params: list[Any] = []


_decoder = msgspec.json.Decoder(_Request)


def route_of(stream: str) -> str:
    """The route a stream flows on: books and best quotes on `public`, everything else on `market`."""
    return "public" if _PUBLIC.match(stream) else "market"


class BinanceSession:
    """One socket on one route."""

    def __init__(self, client: Client, feed: Feed, route: str) -> None:
        self._client = client
        self._feed = feed
        self._route = route

    def receive(self, message: str | bytes) -> None:
        """Act on one text frame and answer it."""
        if len(message) > MAX_FRAME:
            return
        try:
            request = _decoder.decode(message)
        except msgspec.ValidationError as error:
            self._refuse(2, f"Invalid request: {error}", None)
            return
        except msgspec.DecodeError as error:
            self._refuse(3, f"Invalid JSON: {error}", None)
            return
        if request.id is None or request.id < 0:
            self._refuse(2, "Invalid request: request ID must be an unsigned integer", None)
            return
        self._perform(request, request.id)

    def close(self) -> None:
        """The socket is gone."""
        self._drop(list(self._client.topics))

    def subscribe(self, streams: list[str]) -> None:
        """Follow streams, also those named in the URL. What does not exist here stays silent."""
        for stream in streams:
            if stream not in self._client.topics:
                self._client.topics[stream] = None
                if self._flows(stream):
                    self._feed.subscribe(self._client, stream)

    def _perform(self, request: _Request, number: int) -> None:
        streams = [stream for stream in request.params if isinstance(stream, str)]
        match request.method:
            case "SUBSCRIBE":
                if len(self._client.topics) + len(streams) > MAX_STREAMS:
                    self._refuse(4, "Too many subscriptions", number)
                    return
                if not all(self._client.may_have(stream) for stream in streams):
                    self._refuse(2, "Invalid request: unknown stream", number)
                    return
                self.subscribe(streams)
                self._answer(None, number)
            case "UNSUBSCRIBE":
                self._drop(streams)
                self._answer(None, number)
            case "LIST_SUBSCRIPTIONS":
                self._answer(list(self._client.topics), number)
            case "SET_PROPERTY":
                self._set_property(request.params, number)
            case _:
                self._refuse(2, f"Invalid request: unknown variant `{request.method}`", number)

    def _set_property(self, params: list[Any], number: int) -> None:
        match params:
            case ["combined", bool(wrapped)]:
                self._client.wrapped = wrapped
                self._answer(None, number)
            case ["combined", _]:
                self._refuse(1, "Invalid value type: expected Boolean", number)
            case _:
                self._refuse(0, "Unknown property", number)

    def _drop(self, streams: list[str]) -> None:
        for stream in streams:
            if stream in self._client.topics:
                del self._client.topics[stream]
                if self._flows(stream):
                    self._feed.unsubscribe(self._client, stream)

    def _flows(self, stream: str) -> bool:
        return route_of(stream) == self._route and self._feed.serves(stream)

    def _answer(self, result: list[str] | None, number: int) -> None:
        self._client.send(msgspec.json.encode({"result": result, "id": number}))

    def _refuse(self, code: int, message: str, number: int | None) -> None:
        error = {"error": {"code": code, "msg": message}, "id": number}
        self._client.send(msgspec.json.encode(error))

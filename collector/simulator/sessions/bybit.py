"""What Bybit understands on a public socket: ping, subscribe, unsubscribe.

Source: Bybit v5 API documentation, WebSocket Connect; error texts as reported in pybit issue 333 and ccxt
issue 30284.
"""

import msgspec

from collector.simulator.wire import Client, Feed

_ids = iter(range(1, 10**9))


class _Request(msgspec.Struct):
    op: str
    args: list[str] = []
    req_id: str = ""


_decoder = msgspec.json.Decoder(_Request)


class BybitSession:
    """One socket. One bad topic rejects its whole request; data may come before the ack."""

    def __init__(self, client: Client, feed: Feed) -> None:
        self._client = client
        self._feed = feed
        self._conn_id = f"sim-{next(_ids)}"

    def receive(self, message: str | bytes) -> None:
        """Act on one text frame and answer it."""
        try:
            request = _decoder.decode(message)
        except msgspec.DecodeError:
            self._answer(_Request(""), "error:invalid json", success=False)
            return
        match request.op:
            case "ping":
                self._client.note_ping()
                self._answer(request, "pong")
            case "subscribe":
                self._subscribe(request)
            case "unsubscribe":
                self._unsubscribe(request)
            case _:
                self._answer(request, "error:request op not found", success=False)

    def close(self) -> None:
        """The socket is gone."""
        for topic in self._client.topics:
            self._feed.unsubscribe(self._client, topic)

    def _subscribe(self, request: _Request) -> None:
        topics = self._client.topics
        for topic in request.args:
            if not self._feed.serves(topic) or not self._client.may_have(topic):
                self._answer(request, f"error:handler not found,topic:{topic}", success=False)
                return
            if topic in topics or request.args.count(topic) > 1:
                self._answer(request, f"error:already subscribed,topic:{topic}", success=False)
                return
        for topic in request.args:
            topics[topic] = None
            self._feed.subscribe(self._client, topic)
        self._answer(request, "")

    def _unsubscribe(self, request: _Request) -> None:
        for topic in request.args:
            if topic in self._client.topics:
                del self._client.topics[topic]
                self._feed.unsubscribe(self._client, topic)
        self._answer(request, "")

    def _answer(self, request: _Request, message: str, success: bool = True) -> None:
        answer = {
            "success": success,
            "ret_msg": message,
            "conn_id": self._conn_id,
            "req_id": request.req_id,
            "op": request.op,
        }
        self._client.send(msgspec.json.encode(answer))

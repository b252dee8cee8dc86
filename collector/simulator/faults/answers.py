"""Faults of HTTP: handshakes and REST requests that are answered wrongly, late, or not at all."""

import asyncio
from typing import Literal

from collector.simulator.faults.fault import Count, Fault, FaultRefused, is_one_of
from collector.simulator.rest import Reply

_HTML = (
    b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>The request could not be satisfied</h1>"
    b"<p>Request blocked.</p></body></html>"
)
Status = Literal[200, 301, 302, 307, 308, 400, 403, 404, 418, 429, 451, 500, 502, 503, 504]


def _page(status: int, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, _HTML % status, {"Content-Type": "text/html"} | (headers or {}))


class _Stalling(Fault):
    """A fault that may keep somebody waiting until it is over."""

    async def begin(self) -> None:
        self._over = asyncio.Event()

    def end(self) -> None:
        self._over.set()


class Handshake(_Stalling):
    """Sockets are not let in: `status` with an HTML page, 302 with a `location`; 0: no answer as yet."""

    route: str = "*"
    status: Literal[0, 302, 307, 403, 429, 451, 500, 502, 503] = 403
    location: str = "https://www.example.com/restricted"

    async def on_handshake(self, venue: str, path: str) -> Reply | None:
        if not self.is_of_venue(venue) or not is_one_of(path, self.route):
            return None
        self.note(path, venue)
        if not self.status:
            await self._over.wait()  # from then on things are as they should be
            return None
        return _page(self.status, {"Location": self.location} if 300 <= self.status < 400 else None)


class Rest(_Stalling):
    """REST answers `status` with an HTML page, after the first `after` requests.

    429 and 418 have Retry-After (`retry_after`, seconds) and, as Binance's, a JSON body; 418 names the end of
    the ban. 302 has a `location`; 0: no answer while the fault lasts.
    """

    path: str = "*"
    status: Status | Literal[0] = 429
    after: Count = 0
    retry_after: Count | None = None
    location: str = "https://www.example.com/restricted"

    async def begin(self) -> None:
        if self.after < 0:
            raise FaultRefused(f"after: expected 0 or more, found {self.after}")
        await super().begin()
        self._left = self.after

    async def on_request(self, venue: str, path: str, query: dict[str, str]) -> Reply | None:
        if not self.is_of_venue(venue) or not is_one_of(path, self.path):
            return None
        if self._left > 0:
            self._left -= 1
            return None
        self.note(path, venue)
        if not self.status:
            await self._over.wait()  # from then on things are as they should be
            return None
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        if 300 <= self.status < 400:
            headers["Location"] = self.location
        if self.status in (418, 429) and venue == "binance":
            until = int(self.exchange.now(venue)) + 1000 * (self.retry_after or 120)
            banned = f" banned until {until}" if self.status == 418 else ""
            message = (
                f"Way too many requests; IP(127.0.0.1){banned}. Please use the websocket for live updates."
            )
            return Reply(self.status, b'{"code":-1003,"msg":"%b"}' % message.encode(), headers)
        return _page(self.status, headers)

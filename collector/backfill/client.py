"""One venue's REST over HTTP. The only place that knows the HTTP client library.

How often to ask is the business of `collector.backfill.backfill`.
"""

import re
import threading
import time
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy

import requests
import urllib3.exceptions

from collector.backfill.answers import Answer, RestUnavailable, read
from collector.clock import CLOCK
from collector.proxy import proxy_name, refused_words, unreached_words, unresolved_words
from collector.venues import Request, RestAdapter

TIMEOUT_S = (5.0, 10.0)
"""To connect, and between two pieces of a reply."""
WHOLE_S = 30.0
"""For a whole reply, however steadily it trickles."""
MOST_BYTES = 64 * 1024 * 1024
_PIECE = 256 * 1024
FAILED_S = 1.0
_STATUS = re.compile(r"Tunnel connection failed: (\d{3})")
_CAUSE = re.compile(r"\[Errno -?\d+\] ([\w ]+)")


class RestClient:
    """GETs of one venue. Thread-safe."""

    def __init__(
        self, base_url: str, rest: RestAdapter, *, proxy: str = "", whole_s: float = WHOLE_S
    ) -> None:
        """`proxy`: URL of an HTTP proxy, or "" for none; `whole_s`: the most that a reply may take."""
        self.rest = rest
        self.on_used: Callable[[int], None] = lambda _used: None
        """Called with the weight that the venue says this address has used of its window."""
        self.calls = 0
        """Requests that were sent, answered or not."""
        self._base_url = base_url
        self._proxy = proxy
        self._whole_s = whole_s
        self._lock = threading.Lock()
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "tickdeck"
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.trust_env = False  # the proxy was chosen already
        self._session.proxies = {"https": proxy} if proxy else {}

    def get(self, request: Request, *, timeout_s: tuple[float, float] = TIMEOUT_S) -> bytes:
        """The body of the venue's answer, which is JSON and no refusal. Redirects are not followed.

        Raises RestUnavailable where another try may help, RestError where it will not.
        """
        with self._lock:
            self.calls += 1
        try:
            answer = self._answer(request, timeout_s)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise RestUnavailable(_words(error, self._proxy), FAILED_S) from None
        self._note(answer)
        return read(answer, request.path, self.rest, CLOCK.now_ms() / 1000)

    def close(self) -> None:
        """Let the sockets go."""
        self._session.close()

    def _answer(self, request: Request, timeout_s: tuple[float, float]) -> Answer:
        deadline = time.monotonic() + self._whole_s
        with self._session.get(
            self._base_url + request.path,
            params=request.params,
            timeout=timeout_s,
            allow_redirects=False,
            stream=True,
        ) as reply:
            body = bytearray()
            while piece := reply.raw.read1(_PIECE, decode_content=True):
                body += piece
                if len(body) > MOST_BYTES or time.monotonic() > deadline:
                    raise RestUnavailable("the reply does not end", FAILED_S)
            return Answer(reply.status_code, reply.headers, bytes(body))

    def _note(self, answer: Answer) -> None:
        name = self.rest.USED_WEIGHT_HEADER
        told = answer.headers.get(name, "") if name else ""
        if told.isascii() and told.isdecimal():
            self.on_used(int(told))


def _words(error: Exception, proxy: str) -> str:
    """What a person can act on."""
    text = str(error)
    if isinstance(error, requests.exceptions.ProxyError):
        return _of_proxy(text, proxy)
    if "NameResolutionError" in text:
        return "the venue's name cannot be resolved"
    if "refused" in text:
        return "nothing listens at the venue's address (connection refused)"
    if isinstance(error, requests.exceptions.SSLError):
        return f"TLS failed: {text[-160:]}"
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return "timed out"
    return f"{type(error).__name__}: {text[:160]}"


def _of_proxy(text: str, proxy: str) -> str:
    if "NameResolutionError" in text:
        return unresolved_words(proxy)
    if (status := _STATUS.search(text)) is not None:
        return refused_words(proxy, status[1])
    if "SSLError" in text:
        return f"TLS failed with the proxy {proxy_name(proxy)}: should its URL begin with http://?"
    cause = _CAUSE.search(text)
    return unreached_words(proxy, cause[1] if cause else "")

"""What a venue's answer to a GET means: a body to read, a refusal, or a reason to leave it alone for a while.

Bodies of errors may be HTML, empty or cut off; nothing here trusts them. Reasons are words for people.
"""

import math
import random
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import msgspec

from collector.venues import Refusal, RestAdapter, RestError
from collector.venues.adapter import UNREADABLE

REST_S = 600.0
"""How long to leave a venue alone that says that this address or place is not welcome."""
MINUTE_S = 60.0
BUSY_S = 5.0
MOST_S = 3 * 86_400.0
"""The longest ban that the venues know."""
_BANNED_UNTIL = re.compile(rb"banned until (\d{12,14})")
_TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)


class RestUnavailable(Exception):
    """The venue did not give a usable answer; another try after `retry_s` may.

    ``is_for_all``: it wants to be left alone by everybody behind this address.
    """

    def __init__(self, reason: str, retry_s: float, *, is_for_all: bool = False) -> None:
        super().__init__(reason)
        self.retry_s = retry_s
        self.is_for_all = is_for_all


class Answer(NamedTuple):
    """What came back; header names are compared without case by the mapping."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def read(answer: Answer, path: str, rest: RestAdapter, now: float) -> bytes:
    """The body of an answer that can be read. `now`: epoch seconds.

    Raises RestUnavailable where another try may help, RestError where it will not.
    """
    status = answer.status
    if status in (404, 405, 410):
        raise RestError(f"status {status} for {path}", status)
    if status not in (200, 202, 400):
        raise _unwelcome(answer, rest, now) or _failed(answer, now)
    if not _is_json(answer.body):
        raise _unreadable(answer)
    refused = rest.refusal(answer.body)
    if refused is not None and refused.kind != "final":
        raise _refused(refused, answer, now)
    if refused is not None or status == 400:
        words = refused.words if refused else f"status 400 for {path}: {_excerpt(answer.body)}"
        raise RestError(words, refused.code if refused else status)
    return answer.body


def _unwelcome(answer: Answer, rest: RestAdapter, now: float) -> RestUnavailable | None:
    """Statuses by which a venue turns an address or a place away."""
    status, asked = answer.status, _retry_after(answer.headers, now)
    said = _words(answer, rest)
    if status == 429:
        seconds, meaning = max(asked, _ban(answer.body, now)) or MINUTE_S, "too many requests"
    elif status == 418:
        seconds, meaning = max(asked, _ban(answer.body, now)) or REST_S, "this address is banned for a while"
    elif status == 403:
        seconds, meaning = max(asked, REST_S), _forbidden(answer)
    elif status == 451:
        seconds, meaning = max(asked, REST_S), "this region is blocked for legal reasons"
    elif 300 <= status < 400:
        to = _header(answer.headers, "Location") or "nowhere"
        seconds, said = max(asked, REST_S), ""
        meaning = f"redirected to {to[:200]}, which is not followed: a captive portal or a blocked region"
    else:
        return None
    reason = f"status {status}, {meaning}{f': {said}' if said else ''}"
    return RestUnavailable(reason, min(seconds, MOST_S), is_for_all=True)


def _forbidden(answer: Answer) -> str:
    text = answer.body[:20_000].lower()
    if b"too frequent" in text:
        return "too many requests from this address"
    if _is_html(answer):
        return "an HTML page instead of data: a blocked region, or a firewall that does not like this address"
    return "forbidden: a blocked region, or a request that the venue does not like"


def _failed(answer: Answer, now: float) -> RestUnavailable:
    """Any other status: somebody's server, or a proxy on the way."""
    if answer.status == 407:
        return RestUnavailable("status 407, the proxy wants a password", MINUTE_S)
    reason = f"status {answer.status}{', an HTML page' if _is_html(answer) else ''}"
    if asked := _retry_after(answer.headers, now):
        return RestUnavailable(reason, min(asked, MOST_S), is_for_all=True)
    return RestUnavailable(reason, random.uniform(1, 5))


def _unreadable(answer: Answer) -> Exception:
    """A body that is no JSON, with a status that promised one."""
    if answer.status == 400:
        return RestError(f"status 400: {_excerpt(answer.body)}", 400)
    if not answer.body.strip():
        return RestUnavailable(f"status {answer.status} with an empty body", random.uniform(1, 5))
    if _is_html(answer):
        words = f"status {answer.status} with an HTML page instead of data, a firewall or a captive portal"
        return RestUnavailable(f"{words}: {_excerpt(answer.body)}", MINUTE_S, is_for_all=True)
    return RestUnavailable(
        f"status {answer.status} with a body that is no JSON: {_excerpt(answer.body)}", random.uniform(1, 5)
    )


def _refused(refused: Refusal, answer: Answer, now: float) -> RestUnavailable:
    """A readable refusal that another try, sooner or later, may change."""
    if refused.kind == "blocked":
        return RestUnavailable(f"{refused.words} (this region is blocked)", REST_S, is_for_all=True)
    reset = _number(_header(answer.headers, "X-Bapi-Limit-Reset-Timestamp")) / 1000 - now
    return RestUnavailable(refused.words, min(max(reset, BUSY_S), MINUTE_S), is_for_all=True)


def _words(answer: Answer, rest: RestAdapter) -> str:
    """What the body says, if it says anything."""
    refused = rest.refusal(answer.body)
    return refused.words if refused else _excerpt(answer.body)


def _excerpt(body: bytes) -> str:
    """The beginning of a body as text on one line; of a page only what one would read."""
    text = body[:20_000].decode(errors="replace")
    return " ".join(_TAGS.sub(" ", text).split())[:160]


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except UNREADABLE:
        return False
    return True


def _is_html(answer: Answer) -> bool:
    kind = _header(answer.headers, "Content-Type").lower()
    return answer.body.lstrip()[:1] == b"<" or ("html" in kind and not _is_json(answer.body))


def _ban(body: bytes, now: float) -> float:
    """Seconds of a ban that Binance's words name by its end, else 0."""
    found = _BANNED_UNTIL.search(body[:20_000])
    return max(0.0, int(found[1]) / 1000 - now) if found else 0.0


def _retry_after(headers: Mapping[str, str], now: float) -> float:
    """Seconds asked for, as a number or a date; 0 if not at all."""
    text = _header(headers, "Retry-After")
    if seconds := _number(text):
        return seconds
    try:
        until = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return 0.0
    return max(0.0, until - now)


def _header(headers: Mapping[str, str], name: str) -> str:
    return headers.get(name, "")


def _number(text: str) -> float:
    """A positive finite number, else 0."""
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if math.isfinite(found) and found > 0 else 0.0

"""What a setting may be: how its text is read, and what is wrong where it cannot be.

Validators raise ValueError with what was expected; which variable it was, `db.settings` adds.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo
from pydantic_settings import NoDecode

from db.redis_url import check_redis_url
from market.intervals import INTERVAL_MS
from market.signal_settings import SignalSettings

VENUE_NAMES = ("bybit", "binance")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
TAKER_FEE_BPS = {"bybit": 5.5, "binance": 5.0}
_SYMBOL = re.compile(r"^(?:(bybit|binance):)?[0-9A-Z一-鿿]{3,40}(?:-[0-9A-Z]{3,8})?$")
_AUTO = re.compile(r"^auto:[1-9]\d{0,3}$", re.IGNORECASE)
_USER = re.compile(r"([^\s:]+):(scrypt:(\d{4,7}):\d{1,2}:\d{1,2}\$[^\s$]+\$[0-9a-f]{64,})")
_BLANK = re.compile(r"[\s\x00-\x1f]")
_RATE = re.compile(r"^[1-9]\d*/(second|minute|hour|day)$")


def _words(value: Any) -> Any:
    """Split a comma list; anything else passes unchanged."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _url(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        value = value.strip()
        if value and not value.lower().startswith(tuple(s + "://" for s in schemes)):
            raise ValueError(f"expected a URL that begins with {' or '.join(s + '://' for s in schemes)}")
        if value and not _leads_somewhere(value):
            raise ValueError("expected a URL with a host, and a port from 1 to 65535 if any")
        return value.rstrip("/") if "postgres" not in schemes else value

    return AfterValidator(check)


def _leads_somewhere(url: str) -> bool:
    """Whether host and port can be read. A socket's path, or libpq's own parameters, name no host there."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.scheme == "unix":
        return bool(parts.path.strip("/"))
    if parts.scheme.startswith("postgres"):
        return port != 0
    return bool(host) and port != 0 and not _BLANK.search(url)


def _with_redis_options(url: str) -> str:
    """An empty one is missing, which is said elsewhere."""
    return check_redis_url(url) if url else url


def _urls(*schemes: str) -> AfterValidator:
    one = _url(*schemes).func

    def check(values: list[str]) -> list[str]:
        if not values:
            raise ValueError("expected a URL, or several with commas between")
        return [one(value) for value in values]  # type: ignore[call-arg]  # it takes the value alone

    return AfterValidator(check)


def _roots(values: list[str]) -> list[str]:
    """Paths are appended to these, so that one of a stream is a mistake, and nothing would come."""
    for parts in map(urlsplit, values):
        if parts.query or re.search(r"/(public|market|private|ws|stream)$", parts.path):
            raise ValueError("expected the root, to which /public/stream and /market/stream are appended")
    return values


def _each(allowed: Mapping[str, object] | tuple[str, ...]) -> AfterValidator:
    def check(values: list[str]) -> list[str]:
        wrong = [v for v in values if v not in allowed]
        if wrong or not values:
            raise ValueError(f"expected a comma list of {', '.join(allowed)}")
        return list(dict.fromkeys(values))

    return AfterValidator(check)


def _symbols(values: list[str]) -> list[str]:
    if len(values) == 1 and _AUTO.match(values[0]):
        return [values[0].lower()]
    parts = [value.rpartition(":") for value in values]
    found = [f"{venue.lower()}{colon}{name.upper()}" for venue, colon, name in parts]
    if not all(_SYMBOL.match(value) for value in found):
        raise ValueError(
            "expected symbols like BTCUSDT or bybit:BTCUSDT, or auto:50 (at most auto:9999) alone"
        )
    return found


def _fees(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    pairs = [word.partition(":") for word in _words(value)]
    if any(not name or not fee for name, _, fee in pairs):
        raise ValueError("expected venue:bps pairs like bybit:5.5,binance:5.0")
    if len({name for name, _, _ in pairs}) < len(pairs):
        raise ValueError("expected each venue once")
    return {name: fee for name, _, fee in pairs}


def _add_fees(values: dict[str, float]) -> dict[str, float]:
    wrong = [name for name, fee in values.items() if name not in VENUE_NAMES or not 0 <= fee < 1000]
    if wrong:
        raise ValueError(f"expected from 0 to 1000 bps for {' and '.join(VENUE_NAMES)}")
    return TAKER_FEE_BPS | values


def _signal_terms(value: float, info: ValidationInfo) -> float:
    """Check all terms of the signals together, at the last of them: each has bounds that others set."""
    known = {name.removeprefix("signal_"): v for name, v in info.data.items() if name.startswith("signal_")}
    try:
        SignalSettings(**known, entry_within_s=value)
    except ValueError as error:
        named = [f"SIGNAL_{name.upper()}:{rest}" for name, _, rest in _parted(str(error))]
        raise ValueError("; ".join(named)) from None
    return value


def _parted(words: str) -> list[tuple[str, str, str]]:
    return [each.partition(":") for each in words.split("; ")]


def _rate(value: str) -> str:
    if value != "off" and not _RATE.match(value):
        raise ValueError("expected a rate like 120/minute, or off")
    return value


def _users(value: str) -> str:
    found = [_USER.fullmatch(word) for word in value.split()]
    names = {match[1] for match in found if match and int(match[3]).bit_count() == 1}
    if len(names) < len(found):
        raise ValueError("expected name:hash words, as `python -m app.security hash NAME` prints them")
    return value


def _auto_symbols_need_rest(value: str, info: ValidationInfo) -> str:
    if value == "off" and str(info.data.get("symbols", "")).startswith("['auto:"):
        raise ValueError("SYMBOLS=auto:N asks the venue for its turnover by REST, which this forbids")
    return value


def _with_scheme(value: Any) -> Any:
    """A proxy is often named by host and port alone."""
    return f"http://{value}" if isinstance(value, str) and value.strip() and "://" not in value else value


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _level(value: Any) -> Any:
    """In any case of letters; what is no level stays as it was written."""
    return value.upper() if isinstance(value, str) and value.upper() in LOG_LEVELS else value


Words = Annotated[list[str], NoDecode, BeforeValidator(_words)]
Venues = Annotated[Words, _each(VENUE_NAMES)]
Symbols = Annotated[Words, AfterValidator(_symbols)]
Intervals = Annotated[Words, _each(INTERVAL_MS)]
Depth = Annotated[Literal[1, 50, 200, 1000], BeforeValidator(_number)]
Backfill = Annotated[Literal["auto", "off"], AfterValidator(_auto_symbols_need_rest)]
Fees = Annotated[dict[str, float], NoDecode, BeforeValidator(_fees), AfterValidator(_add_fees)]
LastTerm = Annotated[float, Field(validate_default=True), AfterValidator(_signal_terms)]
"""The last of the signals' terms."""
Days = Annotated[float, Field(ge=0, le=36_500)]
Megabytes = Annotated[int, Field(ge=0, le=1_000_000_000)]
Milliseconds = Annotated[int, Field(ge=0, le=3_600_000)]
Rate = Annotated[str, AfterValidator(_rate)]
Users = Annotated[str, Field(repr=False), AfterValidator(_users)]
LogFormat = Literal["console", "json"]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_level)]
SocketUrls = Annotated[Words, _urls("ws", "wss")]
SocketRoots = Annotated[SocketUrls, AfterValidator(_roots)]
RestUrl = Annotated[str, _url("http", "https")]
ProxyUrl = Annotated[str, Field(repr=False), BeforeValidator(_with_scheme), _url("http", "https")]
SqlUrl = Annotated[str, Field(repr=False), _url("postgres", "postgresql", "postgresql+psycopg2")]
RedisUrl = Annotated[
    str, Field(repr=False), _url("redis", "rediss", "unix"), AfterValidator(_with_redis_options)
]

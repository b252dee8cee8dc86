"""Every setting of both processes, read from the environment or `.env`, checked before anything opens.

This is the only module that reads the environment.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, ValidationInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from market.intervals import INTERVAL_MS
from market.signal_settings import MOST, SignalSettings

VENUE_NAMES = ("bybit", "binance")
TESTNET_HOSTS = {
    "stream-testnet.bybit.com",
    "stream-demo.bybit.com",
    "demo-fstream.binance.com",
    "fstream.binancefuture.com",
    "stream.binancefuture.com",
}
TAKER_FEE_BPS = {"bybit": 5.5, "binance": 5.0}
_SYMBOL = re.compile(r"^(?:(bybit|binance):)?[0-9A-Z一-鿿]{3,40}(?:-[0-9A-Z]{3,8})?$")
_AUTO = re.compile(r"^auto:[1-9]\d{0,3}$", re.IGNORECASE)
_USER = re.compile(r"([^\s:]+):(scrypt:(\d{4,7}):\d{1,2}:\d{1,2}\$[^\s$]+\$[0-9a-f]{64,})")
_BLANK = re.compile(r"[\s\x00-\x1f]")
_MOST_SHOWN = 60
_MOST_MB = 1_000_000_000
_RATE = re.compile(r"^[1-9]\d*/(second|minute|hour|day)$")


class SettingsError(SystemExit):
    """The settings cannot be used. The message names every bad variable; as an exit it needs no traceback."""


def _words(value: Any) -> Any:
    """Split a comma list; anything else passes unchanged."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _url(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        value = value.strip()
        if value and urlsplit(value).scheme not in schemes:
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


def _urls(*schemes: str) -> AfterValidator:
    one = _url(*schemes).func

    def check(values: list[str]) -> list[str]:
        if not values:
            raise ValueError("expected a URL, or several with commas between")
        return [one(value) for value in values]  # type: ignore[call-arg]  # it takes the value alone

    return AfterValidator(check)


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
        raise ValueError("expected symbols like BTCUSDT or bybit:BTCUSDT, or auto:50 alone")
    return found


def _fees(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    pairs = [word.partition(":") for word in _words(value)]
    if any(not name or not fee for name, _, fee in pairs):
        raise ValueError("expected venue:bps pairs like bybit:5.5,binance:5.0")
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


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


Words = Annotated[list[str], NoDecode, BeforeValidator(_words)]
Fees = Annotated[dict[str, float], NoDecode, BeforeValidator(_fees), AfterValidator(_add_fees)]
Days = Annotated[float, Field(ge=0, le=36_500)]
Milliseconds = Annotated[int, Field(ge=0, le=3_600_000)]
WsUrls = Annotated[Words, _urls("ws", "wss")]
RestUrl = Annotated[str, _url("http", "https")]
SqlUrl = Annotated[str, Field(repr=False), _url("postgres", "postgresql", "postgresql+psycopg2")]


class Settings(BaseSettings):
    """All settings; names are the environment variables in lower case. See `.env.example`."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    # stores
    database_url: SqlUrl
    redis_url: Annotated[str, Field(repr=False), _url("redis", "rediss", "unix")]
    database_read_url: SqlUrl = ""
    tick_retention_days: Days = 7
    history_max_mb: Annotated[int, Field(ge=0, le=_MOST_MB)] = 0
    spool_dir: Path = Path(".spool")
    spool_max_mb: Annotated[int, Field(ge=1, le=_MOST_MB)] = 512
    # feeds
    venues: Annotated[Words, _each(VENUE_NAMES)] = list(VENUE_NAMES)
    symbols: Annotated[Words, AfterValidator(_symbols)] = []
    feeds: Literal["live", "sim", "auto"] = "live"
    intervals: Annotated[Words, _each(INTERVAL_MS)] = list(INTERVAL_MS)
    bybit_depth: Annotated[Literal[1, 50, 200, 1000], BeforeValidator(_number)] = 50
    bybit_ws_url: WsUrls = ["wss://stream.bybit.com/v5/public/linear"]
    """The first URL, and those that are tried where it gives no data."""
    bybit_rest_url: RestUrl = "https://api.bybit.com"
    binance_ws_url: WsUrls = ["wss://fstream.binance.com"]
    binance_rest_url: RestUrl = "https://fapi.binance.com"
    backfill: Annotated[Literal["auto", "off"], AfterValidator(_auto_symbols_need_rest)] = "auto"
    rotate_hours: Annotated[float, Field(gt=0, le=24)] = 23
    tick_interval_ms: Milliseconds = 1000
    publish_interval_ms: Annotated[int, Field(ge=1, le=10_000)] = 50
    flush_interval_ms: Annotated[int, Field(ge=1, le=60_000)] = 250
    max_event_age_days: Days = 7
    collector_processes: Annotated[int, Field(ge=1, le=64)] = 1
    https_proxy: Annotated[str, Field(repr=False), BeforeValidator(_with_scheme), _url("http", "https")] = ""
    no_proxy: str = ""
    # signals
    taker_fee_bps: Fees = TAKER_FEE_BPS
    signal_rsi_oversold: float = 30.0
    signal_rsi_overbought: float = 70.0
    signal_stoch_oversold: float = 20.0
    signal_stoch_overbought: float = 80.0
    signal_volume_factor: float = 3.0
    signal_volume_body_atr: float = 0.5
    signal_book_enter: float = 0.6
    signal_book_leave: float = 0.3
    signal_book_sustain_s: float = 5.0
    signal_book_cooldown_s: float = 60.0
    signal_book_silence_s: float = 5.0
    signal_late_s: float = 60.0
    signal_stop_atr: float = 2.0
    signal_hold_bars: Annotated[int, Field(ge=1, le=int(MOST))] = 24
    signal_book_hold_s: float = 900.0
    signal_entry_within_s: Annotated[float, Field(validate_default=True), AfterValidator(_signal_terms)] = (
        30.0
    )
    # web
    port: Annotated[int, Field(ge=0, le=65_535)] = 8050
    web_concurrency: Annotated[int, Field(ge=1, le=64)] = 2
    refresh_ms: Annotated[int, Field(ge=100, le=60_000)] = 1000
    api_rate_limit: Annotated[str, AfterValidator(_rate)] = "120/minute"
    streams_per_address: Annotated[int, Field(ge=0, le=1_000_000)] = 20
    trusted_proxy_hops: Annotated[int, Field(ge=0, le=10)] = 0
    login_users: Annotated[str, Field(repr=False), AfterValidator(_users)] = ""
    metrics_token: Annotated[str, Field(repr=False)] = ""
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = "INFO"
    log_format: Literal["console", "json"] = "console"
    dyno: str = ""

    @property
    def venue_names(self) -> dict[str, str]:
        """Adapter -> the name its live venue goes by: a testnet or demo host is a venue of its own."""
        urls = {"bybit": self.bybit_ws_url[0], "binance": self.binance_ws_url[0]}
        return {v: f"{v}-testnet" if urlsplit(urls[v]).hostname in TESTNET_HOSTS else v for v in self.venues}

    @property
    def signal_settings(self) -> SignalSettings:
        """The terms of rules and paper trades."""
        names = SignalSettings.__dataclass_fields__
        return SignalSettings(**{name: getattr(self, f"signal_{name}") for name in names})

    def taker_bps(self, venue: str) -> float:
        """The taker fee of a venue by its name; a simulated or test venue has that of the real one."""
        return next((fee for name, fee in self.taker_fee_bps.items() if name in venue.split("-")), 0.0)

    @property
    def proxy_hops(self) -> int:
        """Proxies in front of the web whose address headers are trusted; unless set, one on Heroku."""
        is_set = "trusted_proxy_hops" in self.model_fields_set
        return self.trusted_proxy_hops if is_set else int(bool(self.dyno))

    @property
    def users(self) -> dict[str, str]:
        """Who may look: name -> scrypt hash. Empty: everybody."""
        pairs = (word.partition(":") for word in self.login_users.split())
        return {name: stored for name, _, stored in pairs}


def _sentence(error: Any) -> str:
    """One line for one bad variable; the found value is shown unless the variable may hold a secret."""
    name = str(error["loc"][0]).upper() if error["loc"] else ""
    if error["type"] == "missing":
        return f"{name} is not set"
    message = error["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    field = Settings.model_fields.get(name.lower())
    shown = "" if not name or field is None or not field.repr else f", found {_shown(error['input'])}"
    return f"{name}: {message}{shown}" if name and not message.startswith("SIGNAL_") else message


def _shown(value: Any) -> str:
    """What was found, short; a URL that went to the wrong name keeps its password."""
    text = str(value)
    before, slashes, rest = text.partition("//")
    if "@" in rest:
        text = f"{before}{slashes}…@{rest.rpartition('@')[2]}"
    return repr(text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…")


def load_settings(env_file: str | None = ".env") -> Settings:
    """The settings of this process. Raises SettingsError naming every bad variable at once."""
    try:
        return Settings(_env_file=env_file, _env_file_encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise SettingsError(f"settings refused:\n  {env_file} is not UTF-8 text") from None
    except OSError as error:
        raise SettingsError(f"settings refused:\n  {env_file} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        lines = [_sentence(e) for e in error.errors()]
        raise SettingsError("settings refused:\n" + "\n".join(f"  {line}" for line in lines)) from None

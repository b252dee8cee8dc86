"""Every setting of both processes, read from the environment or `.env`, checked before anything opens.

This is the only module that reads the environment; what a setting may be is in `db.setting_types`.
"""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from db.setting_types import (
    TAKER_FEE_BPS,
    VENUE_NAMES,
    Backfill,
    Days,
    Depth,
    Fees,
    Intervals,
    LastTerm,
    LogFormat,
    LogLevel,
    Megabytes,
    Milliseconds,
    ProxyUrl,
    Rate,
    RedisUrl,
    RestUrl,
    SocketRoots,
    SocketUrls,
    SqlUrl,
    Symbols,
    Users,
    Venues,
)  # fmt: skip
from market.intervals import INTERVAL_MS
from market.signal_settings import MOST, SignalSettings

TESTNET_HOSTS = {
    "stream-testnet.bybit.com",
    "stream-demo.bybit.com",
    "demo-fstream.binance.com",
    "fstream.binancefuture.com",
    "stream.binancefuture.com",
}
_MOST_SHOWN = 60
_SCHEME = re.compile(r"[a-z][\w+.-]*:?//", re.IGNORECASE)
_QUERY = re.compile(r"([?#=]).+", re.DOTALL)


class SettingsError(SystemExit):
    """The settings cannot be used. The message names every bad variable; as an exit it needs no traceback.

    `problems`: a line each.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = problems
        super().__init__("\n  ".join(["settings refused:", *problems]))


class StoreSettings(BaseSettings):
    """Where the stores are, which can be said whatever is wrong with the rest."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    database_url: SqlUrl
    redis_url: RedisUrl


class Settings(StoreSettings):
    """All settings; names are the environment variables in lower case. See `.env.example`."""

    database_read_url: SqlUrl = ""
    tick_retention_days: Days = 7
    history_max_mb: Megabytes = 0
    spool_dir: Path = Path(".spool")
    spool_max_mb: Annotated[Megabytes, Field(ge=1)] = 512
    # feeds
    venues: Venues = list(VENUE_NAMES)
    symbols: Symbols = []
    feeds: Literal["live", "sim", "auto"] = "live"
    intervals: Intervals = list(INTERVAL_MS)
    bybit_depth: Depth = 50
    bybit_ws_url: SocketUrls = ["wss://stream.bybit.com/v5/public/linear"]
    """The first URL, and those that are tried where it gives no data."""
    bybit_rest_url: RestUrl = "https://api.bybit.com"
    binance_ws_url: SocketRoots = ["wss://fstream.binance.com"]
    binance_rest_url: RestUrl = "https://fapi.binance.com"
    backfill: Backfill = "auto"
    rotate_hours: Annotated[float, Field(gt=0, le=24)] = 23
    tick_interval_ms: Milliseconds = 1000
    publish_interval_ms: Annotated[int, Field(ge=1, le=10_000)] = 50
    flush_interval_ms: Annotated[int, Field(ge=1, le=60_000)] = 250
    max_event_age_days: Days = 7
    collector_processes: Annotated[int, Field(ge=1, le=64)] = 1
    https_proxy: ProxyUrl = ""
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
    signal_entry_within_s: LastTerm = 30.0
    # web
    port: Annotated[int, Field(ge=0, le=65_535)] = 8050
    web_concurrency: Annotated[int, Field(ge=1, le=64)] = 2
    refresh_ms: Annotated[int, Field(ge=100, le=60_000)] = 1000
    api_rate_limit: Rate = "120/minute"
    streams_per_address: Annotated[int, Field(ge=0, le=1_000_000)] = 20
    trusted_proxy_hops: Annotated[int, Field(ge=0, le=10)] = 0
    login_users: Users = ""
    metrics_token: Annotated[str, Field(repr=False)] = ""
    log_level: LogLevel = "INFO"
    log_format: LogFormat = "console"
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
    """What was found, short; a URL that went to the wrong name keeps its password and what its query says.

    So do the words of libpq, and what is written with letters of another width.
    """
    found = unicodedata.normalize("NFKC", str(value))
    scheme = _SCHEME.match(found)
    before = scheme[0] if scheme else ""
    rest = found.removeprefix(before)
    secret, at, host = rest.rpartition("@")
    if at:
        rest = "…@…" if _QUERY.search(secret) else f"…@{host}"  # else the query itself may have this @
    text = before + _QUERY.sub(r"\1…", rest)
    return repr(text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…")


Read = TypeVar("Read", bound=StoreSettings)


def load_settings(env_file: str | None = ".env") -> Settings:
    """The settings of this process. Raises SettingsError naming every bad variable at once."""
    return _load(Settings, env_file)


def load_store_settings(env_file: str | None = ".env") -> StoreSettings:
    """The two of them that lead to the stores. Raises SettingsError."""
    return _load(StoreSettings, env_file)


def _load(kind: type[Read], env_file: str | None) -> Read:
    try:
        return kind(_env_file=env_file, _env_file_encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise SettingsError([f"{env_file} is not UTF-8 text"]) from None
    except OSError as error:
        raise SettingsError([f"{env_file} cannot be read: {error.strerror}"]) from None
    except ValidationError as error:
        raise SettingsError([_sentence(e) for e in error.errors()]) from None

"""Settings: everything checked at start, everything wrong reported at once."""

from pathlib import Path

import pytest

from db.settings import SettingsError, load_settings
from market.signal_settings import SignalSettings

STORES = {"DATABASE_URL": "postgres://u:secret@h/d", "REDIS_URL": "rediss://:secret@h:6379"}


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment with the stores and nothing else of ours."""
    for name in ("SYMBOLS", "FEEDS", "PORT", "VENUES", "DYNO", "BACKFILL", "LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in STORES.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


NONSENSE = {
    "DATABASE_URL": "mysql://u:secret@h/d",
    "REDIS_URL": "http://secret",
    "DATABASE_READ_URL": "secret",
    "TICK_RETENTION_DAYS": "-1",
    "HISTORY_MAX_MB": "lots",
    "SPOOL_MAX_MB": "0",
    "VENUES": "kraken",
    "SYMBOLS": "BTC/USDT",
    "FEEDS": "fake",
    "INTERVALS": "2m",
    "BYBIT_DEPTH": "500",
    "BYBIT_WS_URL": "https://x",
    "BYBIT_REST_URL": "wss://x",
    "BINANCE_WS_URL": "x",
    "BINANCE_REST_URL": "x",
    "BACKFILL": "maybe",
    "ROTATE_HOURS": "25",
    "TICK_INTERVAL_MS": "-5",
    "PUBLISH_INTERVAL_MS": "0",
    "FLUSH_INTERVAL_MS": "x",
    "MAX_EVENT_AGE_DAYS": "-1",
    "COLLECTOR_PROCESSES": "0",
    "TAKER_FEE_BPS": "bybit=5",
    "SIGNAL_HOLD_BARS": "two",
    "SIGNAL_STOP_ATR": "0",
    "SIGNAL_RSI_OVERSOLD": "80",
    "SIGNAL_ENTRY_WITHIN_S": "-1",
    "PORT": "70000",
    "WEB_CONCURRENCY": "none",
    "REFRESH_MS": "1",
    "API_RATE_LIMIT": "fast",
    "STREAMS_PER_ADDRESS": "-1",
    "TRUSTED_PROXY_HOPS": "x",
    "LOG_LEVEL": "loud",
    "LOG_FORMAT": "xml",
}


# URLs that lead nowhere, numbers without an end, and what was meant for another name.
HOPELESS = (
    ("DATABASE_URL", "postgres://u:secret@h:abc/d"),
    ("DATABASE_READ_URL", "postgres://u:secret@h:0/d"),
    ("REDIS_URL", "redis://"),
    ("REDIS_URL", "redis://:secret@h:99999999/0"),
    ("REDIS_URL", "unix://"),
    ("BYBIT_WS_URL", "wss://"),
    ("BINANCE_WS_URL", "ws://127.0.0.1:99999999"),
    ("BYBIT_REST_URL", "https://u:secret@a b/"),
    ("BYBIT_REST_URL", "https//u:secret@h/"),
    ("BYBIT_REST_URL", "u:secret@h"),
    ("BINANCE_WS_URL", "u:secret@h"),
    ("SYMBOLS", "redis:secret@h"),
    ("SYMBOLS", "redis:secret@h//0"),
    ("VENUES", "postgresql:/u:secret@h/d?o=http://x"),
    ("BINANCE_REST_URL", "http://:8080"),
    ("DATABASE_URL", "postgres://u:secret\uff20h/d"),
    ("REDIS_URL", "redis://u:secret\uff20h/0"),
    ("SYMBOLS", "redis://u:secret\uff20h/0"),
    ("SYMBOLS", "host=h password=secret dbname=d"),
    ("TICK_RETENTION_DAYS", "host=h password=secret dbname=d"),
    ("BYBIT_REST_URL", "ftp://h/p;password=secret"),
    ("SYMBOLS", "postgres://u:secret@h/d"),
    ("LOG_FORMAT", "redis://:secret/word@h/d"),
    ("BYBIT_REST_URL", "ftp://h?token=secret"),
    ("BYBIT_REST_URL", "ftp://h/#secret"),
    ("BYBIT_REST_URL", "ftp://u:secret?x@h"),
    ("BYBIT_REST_URL", "ftp://h?mail=a@b&token=secret"),
    ("BINANCE_WS_URL", "wss://h?token=secret,wss://i?token=secret"),
    ("SYMBOLS", "h?token=secret"),
    ("HTTPS_PROXY", "http://u:secret@[::1"),
    ("HTTPS_PROXY", "http://u:secret@h:port"),
    ("HTTPS_PROXY", "socks5://u:secret@h:1080"),
    ("TICK_RETENTION_DAYS", "inf"),
    ("MAX_EVENT_AGE_DAYS", "1e300"),
    ("HISTORY_MAX_MB", "9" * 400),
    ("SPOOL_MAX_MB", "9" * 25),
    ("STREAMS_PER_ADDRESS", "9" * 25),
    ("SIGNAL_HOLD_BARS", "9" * 400),
    ("SIGNAL_BOOK_HOLD_S", "1e26"),
)


@pytest.mark.parametrize(("name", "value"), [*NONSENSE.items(), *HOPELESS])
def test_what_cannot_work_is_named(env: pytest.MonkeyPatch, name: str, value: str) -> None:
    """By the variable's name, without a traceback and without a secret."""
    env.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load_settings(None)
    message = str(refused.value)
    assert name in message
    assert "secret" not in message


def test_a_refused_url_shows_where_it_leads(env: pytest.MonkeyPatch) -> None:
    """And nothing that may be secret."""
    env.setenv("BYBIT_REST_URL", "ftp://h/path?token=hunter2&b=1")
    with pytest.raises(SettingsError, match=r"found 'ftp://h/path\?…'"):
        load_settings(None)


def test_a_level_is_shown_as_it_was_written(env: pytest.MonkeyPatch) -> None:
    """Though its letters may be of any case."""
    env.setenv("LOG_LEVEL", "loud")
    with pytest.raises(SettingsError, match="found 'loud'"):
        load_settings(None)
    env.setenv("LOG_LEVEL", "warning")
    assert load_settings(None).log_level == "WARNING"


@pytest.mark.parametrize("name", ["SYMBOLS", "PORT", "FEEDS", "BYBIT_REST_URL", "LOG_LEVEL"])
def test_a_huge_value_does_not_bury_the_message(env: pytest.MonkeyPatch, name: str) -> None:
    """Only its beginning is shown."""
    env.setenv(name, "/" * 100_000)
    with pytest.raises(SettingsError, match="/…") as refused:
        load_settings(None)
    assert len(str(refused.value)) < 300


def test_a_proxy_may_be_named_without_a_scheme(env: pytest.MonkeyPatch) -> None:
    """Else it would be passed by without a word."""
    env.setenv("HTTPS_PROXY", "proxy.example:3128")
    assert load_settings(None).https_proxy == "http://proxy.example:3128"


@pytest.mark.parametrize(
    "url",
    ["postgres:///app", "postgresql+psycopg2://app@/app?host=/run/pg", "postgres://u:secret@a,b:5433/d"],
)
def test_a_database_is_named_as_libpq_names_it(env: pytest.MonkeyPatch, url: str) -> None:
    """Without a host, by a socket's directory, and by several hosts."""
    env.setenv("DATABASE_URL", f" {url} ")
    assert load_settings(None).database_url == url


def test_every_problem_is_reported_at_once(env: pytest.MonkeyPatch) -> None:
    """One start is enough to learn all of them."""
    for name, value in NONSENSE.items():
        env.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load_settings(None)
    assert [name for name in NONSENSE if name not in str(refused.value)] == []


def test_missing_stores_are_named(env: pytest.MonkeyPatch) -> None:
    """Both of them."""
    for name in STORES:
        env.delenv(name)
    with pytest.raises(SettingsError, match=r"(?s)DATABASE_URL is not set.*REDIS_URL is not set"):
        load_settings(None)


def test_good_values_are_read(env: pytest.MonkeyPatch) -> None:
    """In the spellings that people use."""
    env.setenv("SYMBOLS", "btcusdt, bybit:mntusdt")
    env.setenv("BYBIT_DEPTH", "200")
    env.setenv("log_level", "debug")
    env.setenv("TAKER_FEE_BPS", "bybit:5.5,binance:4")
    env.setenv("BINANCE_WS_URL", "wss://demo-fstream.binance.com/")
    env.setenv("DYNO", "web.1")
    env.setenv("INTERVALS", "")
    settings = load_settings(None)
    assert settings.symbols == ["BTCUSDT", "bybit:MNTUSDT"]
    assert (settings.bybit_depth, settings.log_level) == (200, "DEBUG")
    assert settings.taker_fee_bps == {"bybit": 5.5, "binance": 4.0}
    assert settings.venue_names == {"bybit": "bybit", "binance": "binance-testnet"}
    assert settings.proxy_hops == 1
    assert settings.intervals == ["1m", "5m", "15m", "1h", "4h", "1d"]


def test_proxies_are_trusted_as_they_are_set(env: pytest.MonkeyPatch) -> None:
    """None by itself, one on Heroku, and none there where that is said."""
    assert load_settings(None).proxy_hops == 0
    env.setenv("DYNO", "web.1")
    assert load_settings(None).proxy_hops == 1
    env.setenv("TRUSTED_PROXY_HOPS", "0")
    assert load_settings(None).proxy_hops == 0


def test_users_are_names_with_hashes(env: pytest.MonkeyPatch) -> None:
    """As many as there are; one that is wrong or there twice is refused, and the hashes are not shown."""
    stored = "scrypt:32768:8:1$salt$" + "ab" * 64
    env.setenv("LOGIN_USERS", f"alice:{stored}  bob:{stored}")
    assert load_settings(None).users == {"alice": stored, "bob": stored}
    assert stored not in repr(load_settings(None))
    for wrong in ("alice", "alice:secret", f"alice:{stored} alice:{stored}", f"a:b:{stored}",
                  "alice:" + stored.replace("32768", "32767"), "alice:" + stored[:-70]):  # fmt: skip
        env.setenv("LOGIN_USERS", wrong)
        with pytest.raises(SettingsError, match="LOGIN_USERS: expected name:hash words") as refused:
            load_settings(None)
        assert "abab" not in str(refused.value)


def test_terms_of_signals_and_fees_are_read(env: pytest.MonkeyPatch) -> None:
    """A fee that is not named stays; simulated and test venues pay what the real one takes."""
    env.setenv("SIGNAL_RSI_OVERSOLD", "25")
    env.setenv("SIGNAL_HOLD_BARS", "12")
    env.setenv("TAKER_FEE_BPS", "binance:4")
    settings = load_settings(None)
    assert settings.signal_settings == SignalSettings(rsi_oversold=25, hold_bars=12)
    fees = [settings.taker_bps(v) for v in ("bybit", "sim-bybit", "binance", "binance-testnet")]
    assert fees == [5.5, 5.5, 4.0, 4.0]
    env.setenv("TAKER_FEE_BPS", "kraken:4")
    with pytest.raises(SettingsError, match=r"TAKER_FEE_BPS: .* bybit and binance"):
        load_settings(None)


def test_the_most_traded_cannot_be_asked_for_without_rest(env: pytest.MonkeyPatch) -> None:
    """SYMBOLS=auto:N is refused together with BACKFILL=off."""
    env.setenv("SYMBOLS", "auto:20")
    assert load_settings(None).symbols == ["auto:20"]
    env.setenv("BACKFILL", "off")
    with pytest.raises(SettingsError, match="auto:N"):
        load_settings(None)


@pytest.mark.usefixtures("env")
def test_the_env_file_is_text_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    """What cannot be read is named, without a traceback."""
    file = tmp_path / ".env"
    file.write_bytes(b"\xef\xbb\xbfPORT=9000\r\nFEEDS=sim\r\n")
    settings = load_settings(str(file))
    assert (settings.port, settings.feeds) == (9000, "sim")
    file.write_bytes(b"PORT=9000\n\xff\xfe")
    with pytest.raises(SettingsError, match=r"\.env is not UTF-8 text"):
        load_settings(str(file))


def test_secrets_are_not_shown(env: pytest.MonkeyPatch) -> None:
    """Neither in the settings' own text."""
    env.setenv("METRICS_TOKEN", "secret")
    env.setenv("LOGIN_USERS", "me:scrypt:32768:8:1$secret$" + "0" * 128)
    assert "secret" not in repr(load_settings(None))

"""What may follow the host in a Redis URL."""

import inspect
from types import NoneType, UnionType
from typing import Union, get_args, get_origin

import pytest
from redis.connection import URL_QUERY_ARGUMENT_PARSERS, AbstractConnection, SSLConnection

from db.hot.connect import live_client
from db.redis_url import check_redis_url
from db.settings import SettingsError, load_settings

pytestmark = pytest.mark.filterwarnings("ignore:Call to '__init__':DeprecationWarning")  # lib_name

NONSENSE = (
    ("redis://h/notadb", "number of a database"),
    ("redis://h/1/2", "number of a database"),
    ("redis://h/-1", "number of a database"),
    ("redis://h?socket_timeout=secret", "option socket_timeout cannot"),
    ("redis://h?socket_timeout=-1", "option socket_timeout cannot"),
    ("redis://h?socket_connect_timeout=nan", "option socket_connect_timeout cannot"),
    ("redis://h?timeout=inf", "option timeout cannot"),
    ("redis://h?db=secret", "option db cannot"),
    ("redis://h?db=-1", "option db cannot"),
    ("redis://h?protocol=9", "option protocol cannot"),
    ("redis://h?port=secret", "option port cannot"),
    ("redis://h?max_connections=0", "option max_connections cannot"),
    ("redis://h?encoding=secret", "option encoding cannot"),
    ("redis://h?encoding=hex", "option encoding cannot"),
    ("redis://h?encoding_errors=secret", "option encoding_errors cannot"),
    ("redis://h?foo=secret", "an option that the Redis client cannot take"),
    ("redis://h?secret=secret", "an option that the Redis client cannot take"),
    ("redis://h?retry_on_error=secret", "an option that the Redis client cannot take"),
    ("redis://h?retry=3", "an option that the Redis client cannot take"),
    ("redis://h?connection_class=secret", "not for redis://"),
    ("redis://h?path=/secret", "an option that the Redis client cannot take"),
    ("redis://h?ssl_cert_reqs=none", "not for redis://"),
    ("unix:///run/redis?port=7000", "not for unix://"),
    ("rediss://h?ssl_cert_reqs=secret", "option ssl_cert_reqs cannot"),
    ("rediss://h?ssl_min_version=3", "option ssl_min_version cannot"),
    ("rediss://h?ssl_include_verify_flags=secret", "option ssl_include_verify_flags cannot"),
)
SOUND = (
    "redis://h",
    "redis://:pw@h:6380/0/",
    "redis://h/15?db=3",
    "redis://h?db=3&socket_timeout=0.5&socket_connect_timeout=1&socket_read_size=65536&timeout=2",
    "redis://h?client_name=deck&protocol=3&health_check_interval=30&socket_keepalive=yes&max_connections=5",
    "redis://h?username=u&password=p&encoding=latin-1&encoding_errors=replace&port=7000",
    "redis://h?retry_on_timeout=true&legacy_responses=no&lib_name=deck&lib_version=1",
    "rediss://h?ssl_cert_reqs=none",
    "rediss://h?ssl_cert_reqs=required&ssl_ca_certs=/ca.pem&ssl_certfile=/c.pem&ssl_keyfile=/k.pem",
    "rediss://h?ssl_check_hostname=no&ssl_min_version=771&ssl_ciphers=ALL&ssl_password=p&ssl_ca_path=/ca",
    "rediss://h?ssl_include_verify_flags=VERIFY_X509_STRICT,VERIFY_X509_PARTIAL_CHAIN",
    "unix:///run/redis.sock?db=2&password=p",
    "unix://pw@/run/any/where.sock",
)


@pytest.mark.parametrize(("url", "words"), NONSENSE)
def test_nonsense_is_one_line_of_the_settings(url: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the variable's name, without a value."""
    monkeypatch.setenv("DATABASE_URL", "postgres://h/d")
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(SettingsError) as refused:
        load_settings(None)
    assert len(refused.value.problems) == 1
    assert refused.value.problems[0].startswith("REDIS_URL: ")
    assert words in refused.value.problems[0]
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", SOUND)
def test_what_the_client_takes_is_taken(url: str) -> None:
    """It makes a connection of it."""
    assert check_redis_url(url) == url
    live_client(url).connection_pool.make_connection()


def test_every_option_that_text_can_say_is_known() -> None:
    """Also one that a later client adds."""
    parameters = {
        name: parameter
        for kind in (AbstractConnection, SSLConnection)
        for name, parameter in inspect.signature(kind.__init__).parameters.items()
    }
    textual = {name for name, parameter in parameters.items() if str in _types(parameter.annotation)}
    missing = []
    for name in (textual | URL_QUERY_ARGUMENT_PARSERS.keys()) - {"retry_on_error"} - OF_TESTS_AND_TOOLS:
        try:
            check_redis_url(f"rediss://h?{name}=1")
        except ValueError as error:
            missing += [name] if "cannot take" in str(error) else []
    assert missing == []


OF_TESTS_AND_TOOLS = {"orig_host_address"}
"""What the client hands to itself."""


def _types(annotation: object) -> set[object]:
    inner = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return set(inner) - {NoneType}

"""What may follow the host in a Redis URL: the number of a database, and options of the client.

Unchecked, the client fails at its first connection, or takes another database without a word.
"""

import codecs
import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

_NUMBER = re.compile(r"/?[0-9]{0,9}/?")
_DAY_S = 86_400
_MOST_CONNECTIONS = 10_000
_TEXTS = frozenset(
    "username password host port client_name lib_name lib_version encoding encoding_errors ssl_keyfile"
    " ssl_certfile ssl_cert_reqs ssl_ca_certs ssl_ca_data ssl_ca_path ssl_password ssl_ciphers"
    " ssl_validate_ocsp ssl_validate_ocsp_stapled ssl_ocsp_expected_cert".split()
)
"""Options that the client takes as the text they are. No URL can say those that are objects."""
_UNFIT = frozenset({"retry_on_error"})
"""Read by the client as single letters, where it needs classes of errors."""
_OF_POOL = frozenset({"max_connections", "timeout"})


def check_redis_url(url: str) -> str:
    """The URL as it is. Raises ValueError with what is wrong, without a value: that may be a secret."""
    parts = urlsplit(url)
    if parts.scheme != "unix" and not _NUMBER.fullmatch(unquote(parts.path)):
        raise ValueError("expected only the number of a database after the host, like /0")
    if parts.query:
        _check_options(url, is_socket=parts.scheme == "unix")
    return url


def _check_options(url: str, *, is_socket: bool) -> None:
    from redis import RedisError  # few URLs have options, and the rest need no client so early
    from redis.connection import URL_QUERY_ARGUMENT_PARSERS, Connection, parse_url

    try:
        options = parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError as error:
        named = [name for name in URL_QUERY_ARGUMENT_PARSERS if f"'{name}'" in str(error)]
        raise ValueError(_unfit(*named)) from None
    kind = options.pop("connection_class", Connection)
    known = (_TEXTS | URL_QUERY_ARGUMENT_PARSERS.keys()) - _UNFIT
    if not options.keys() <= known | ({"path"} if is_socket else set()):
        raise ValueError("its query has an option that the Redis client cannot take from a URL")
    for name, is_good in _CAN_BE.items():
        if name in options and not is_good(options[name]):
            raise ValueError(_unfit(name))
    try:
        kind(**{name: value for name, value in options.items() if name not in _OF_POOL})
    except (TypeError, ValueError, RedisError):
        raise ValueError(f"its query has an option that is not for {urlsplit(url).scheme}://") from None


def _unfit(name: str = "in the query") -> str:
    return f"its option {name} cannot have that value"


def _within(least: float, most: float) -> Callable[[Any], bool]:
    return lambda value: least <= value <= most


def _is_port(text: str) -> bool:
    return str(text).isdecimal() and 0 < int(text) < 65_536


def _is_encoding(text: str) -> bool:
    with suppress(LookupError, ValueError):
        "".encode(text)
        return True
    return False


def _is_error_handler(text: str) -> bool:
    with suppress(LookupError, ValueError):
        codecs.lookup_error(text)
        return True
    return False


_seconds = _within(0, _DAY_S)
_CAN_BE: dict[str, Callable[[Any], bool]] = {
    "db": _within(0, 10**9),
    "port": _is_port,
    "protocol": _within(2, 3),
    "socket_timeout": _seconds,
    "socket_connect_timeout": _seconds,
    "timeout": _seconds,
    "health_check_interval": _seconds,
    "socket_read_size": _within(1, 2**30),
    "max_connections": _within(1, _MOST_CONNECTIONS),
    "ssl_min_version": lambda value: value in list(ssl.TLSVersion),
    "ssl_cert_reqs": lambda value: value in ("none", "optional", "required"),
    "encoding": _is_encoding,
    "encoding_errors": _is_error_handler,
}
"""What the client reads as a number or takes as text, and then cannot work with."""

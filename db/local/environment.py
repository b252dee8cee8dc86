"""What `dev` itself reads of the environment and `.env`; the processes have `db.settings`."""

import errno
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from db.local.errors import LocalError

_LINE = re.compile(
    r"""^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(?:'([^']*)'|"([^"]*)"|([^'"].*?)?)\s*(?:\s#.*)?$"""
)
_PORT = re.compile(r"[0-9]{1,5}")
_SCHEMES = {
    "DATABASE_URL": ("postgres", "postgresql", "postgresql+psycopg2"),
    "REDIS_URL": ("redis", "rediss", "unix"),
}
_PLATFORMS = ("DYNO", "RENDER")
DEFAULT_PORT = "8050"
STORE_NAMES = ("DATABASE_URL", "REDIS_URL")
NAMES = (*STORE_NAMES, "PORT", "FEEDS")


def read_settings(checkout: Path, env: Mapping[str, str]) -> dict[str, str]:
    """Those of NAMES that are set, in the environment or else in `.env`; empty counts as unset.

    Raises LocalError where `.env` is no text, OSError.
    """
    file = checkout / ".env"
    try:
        lines = file.read_text("utf-8-sig").splitlines() if file.is_file() else []
    except UnicodeDecodeError:
        raise LocalError(f"{file} is not UTF-8 text: save it as UTF-8, or remove it") from None
    found: dict[str, str] = {}
    for match in filter(None, map(_LINE.match, lines)):
        found[match[1].upper()] = next((text for text in match.groups()[1:] if text is not None), "").strip()
    return {name: value for name in NAMES if (value := env.get(name) or found.get(name))}


def refuse_on_platforms(env: Mapping[str, str]) -> None:
    """Raises LocalError where a platform provides the stores."""
    if name := next((name for name in _PLATFORMS if name in env), None):
        raise LocalError(
            f"local stores are for development and {name} says this is a platform:"
            " set DATABASE_URL and REDIS_URL to its services"
        )


def check_store_url(name: str, url: str, timeout_s: float = 5) -> None:
    """See that something listens where `name` (DATABASE_URL or REDIS_URL) leads.

    Raises LocalError in words, without the user or password.
    """
    schemes = _SCHEMES[name]
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:  # its message may quote the password
        raise LocalError(f"{name} is not a URL: its host or port cannot be read") from None
    if parts.scheme not in schemes:
        raise LocalError(f"{name}: expected a URL that begins with {', '.join(s + '://' for s in schemes)}")
    if parts.scheme == "unix":
        place, family, address = parts.path, socket.AF_UNIX, parts.path
    else:
        default = 5432 if name == "DATABASE_URL" else 6379
        wanted = host or parse_qs(parts.query).get("host", ["localhost"])[0]
        if wanted.startswith("/"):
            place = f"{wanted}/.s.PGSQL.{port or default}"
            family, address = socket.AF_UNIX, place
        else:
            _check_tcp(name, (wanted, port or default), timeout_s)
            return
    with socket.socket(family) as client:
        client.settimeout(timeout_s)
        try:
            client.connect(address)
        except OSError as error:
            raise LocalError(f"{name}: nothing answers at {place} ({_reason(error)})") from None


def _check_tcp(name: str, address: tuple[str, int], timeout_s: float) -> None:
    try:
        socket.create_connection(address, timeout_s).close()
    except UnicodeError:  # no name that DNS could hold
        raise LocalError(f"{name} is not a URL: its host cannot be a name") from None
    except OSError as error:
        raise LocalError(f"{name}: nothing answers at {address[0]}:{address[1]} ({_reason(error)})") from None


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or "timed out"


def choose_port(text: str) -> int:
    """The port to serve on, seen to be free; 0 is any. Raises LocalError."""
    text = text.strip()
    if not _PORT.fullmatch(text) or int(text) > 65_535:
        raise LocalError(f"PORT: expected a number from 0 to 65535, found {text[:60]!r}")
    wanted = int(text)
    with socket.socket() as probe:
        # A server that has just ended may be replaced; one that listens may not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            if wanted and _listens(wanted):
                raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise LocalError(
                    f"port {wanted} is taken by another program: choose another, like PORT={wanted + 1} ./dev"
                ) from None
            raise LocalError(
                f"port {wanted} cannot be used ({_reason(error)}): choose another, like PORT=8051 ./dev"
            ) from None
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    """A listener on all addresses does not show in a bind to one address on every system."""
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0

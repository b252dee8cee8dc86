"""Why a connection ended, as a state and in words that a person can act on."""

import re
import ssl
from typing import Any

import websocket

from collector.connection.opening import OPEN_WITHIN_S
from collector.proxy import proxy_name, refused_words, unreached_words, unresolved_words

BLOCKED_STATUS = {301, 302, 303, 307, 308, 403, 451}
_PROXY_STATUS = re.compile(r"via proxy status: (\d{3})")


def explain(error: Exception, response: Any, proxy: str = "") -> tuple[str, str]:
    """State and words for what ended a connection.

    `response`: what the handshake was answered with; `proxy`: the URL of the one on the way, "" for none.
    """
    status = getattr(error, "status_code", None) or getattr(response, "status", None)
    if isinstance(error, websocket.WebSocketTimeoutException | TimeoutError):
        return "down", f"no answer within {OPEN_WITHIN_S:.0f} s"
    if isinstance(error, websocket.WebSocketConnectionClosedException):
        return "reconnecting", str(error)
    if status in BLOCKED_STATUS:
        headers = getattr(error, "resp_headers", None) or getattr(response, "headers", None) or {}
        where = f", Location {headers['location']}" if "location" in headers else ""
        return "blocked", f"the handshake was answered with status {status}{where}"
    if status is not None and status != 101:
        return "down", f"the handshake was answered with status {status}"
    return "down", (proxy and _of_proxy(error, proxy)) or _words(error)


def _words(error: Exception) -> str:
    """What a person can act on."""
    if isinstance(error, websocket.WebSocketAddressException):
        cause = error.args[0] if error.args else None  # of getaddrinfo: its words without its number
        return f"the venue's name cannot be resolved ({getattr(cause, 'strerror', None) or error})"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens at the venue's address (connection refused)"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error}"
    return f"{type(error).__name__}: {error}"


def _of_proxy(error: Exception, proxy: str) -> str:
    """What is wrong with the proxy; "" where it is not that: it is spoken to first."""
    if isinstance(error, websocket.WebSocketAddressException):
        return unresolved_words(proxy)
    if isinstance(error, websocket.WebSocketProxyException):
        status = _PROXY_STATUS.search(str(error))
        return (
            refused_words(proxy, status[1]) if status else f"the proxy {proxy_name(proxy)} broke off: {error}"
        )
    if isinstance(error, OSError) and error.strerror and not isinstance(error, ssl.SSLError):
        return unreached_words(proxy, error.strerror)
    return ""

"""Why a connection ended, as a state and in words that a person can act on."""

import ssl
from typing import Any

import websocket

from collector.connection.opening import OPEN_WITHIN_S

BLOCKED_STATUS = {301, 302, 303, 307, 308, 403, 451}


def explain(error: Exception, response: Any) -> tuple[str, str]:
    """State and words for what ended a connection. `response`: what the handshake was answered with."""
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
    return "down", _words(error)


def _words(error: Exception) -> str:
    """What a person can act on."""
    if isinstance(error, websocket.WebSocketAddressException):
        cause = error.args[0] if error.args else None  # of getaddrinfo: its words without its number
        return f"the venue's name cannot be resolved ({getattr(cause, 'strerror', None) or error})"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens at the venue's address (connection refused)"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error}"
    if isinstance(error, websocket.WebSocketProxyException):
        return f"the proxy refused: {error}"
    return f"{type(error).__name__}: {error}"

"""What the web refuses and has browsers refuse: response headers, a guard on page callbacks."""

import base64
import hashlib
import sys
from collections.abc import Iterable

import msgspec
from dash import Dash
from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from app.errors import error
from app.login import hash_command

CALLBACK_PATH = "/_dash-update-component"
MAX_BODY_BYTES = 64 * 1024
_API = "/api/"
_OPEN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Retry-After, X-Gaps, X-Next-Cursor",
}
"""Any page may read the API, but without the reader's password: browsers send none along with `*`."""
_SUITES = "/_dash-component-suites/"

_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def script_hash(script: str) -> str:
    """The CSP source that allows one inline script."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def content_security_policy(hashes: Iterable[str]) -> str:
    """Our own origin only, no eval. Inline styles stay allowed: the grid and plotly write them."""
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' {' '.join(hashes)}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def add_headers(server: Flask, policy: str) -> None:
    """Send the headers of the security baseline with every reply."""

    @server.after_request
    def _headers(response: Response) -> Response:
        for name, value in _FIXED.items():
            response.headers.setdefault(name, value)
        if request.path.startswith(_API) and request.method in ("GET", "HEAD"):
            response.headers.extend(_OPEN)
        if response.mimetype == "text/html":
            response.headers.setdefault("Content-Security-Policy", policy)
        if request.is_secure:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        is_found = response.status_code in (200, 304)
        if is_found and request.path.startswith(_SUITES) and response.cache_control.max_age is None:
            # plotly.js and the grid's second file have no fingerprint in their address, so not for a year;
            # without this they are asked for at every visit.
            response.headers["Cache-Control"] = "public, max-age=86400, stale-while-revalidate=604800"
        return response


class _Part(msgspec.Struct, frozen=True):
    id: str
    property: str


class _Callback(msgspec.Struct, frozen=True, rename={"changed": "changedPropIds"}):
    """What a browser sends to have a callback run; values are for the callback to judge."""

    output: str
    outputs: _Part | list[_Part]
    inputs: list[_Part]
    state: list[_Part] = []
    changed: list[str] = []


_decode = msgspec.json.Decoder(_Callback).decode


def guard_callbacks(app: Dash) -> None:
    """Refuse large bodies anywhere, and callbacks that Dash would answer with a traceback.

    Those are unknown outputs and odd shapes.
    """
    server: Flask = app.server
    server.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES

    @server.before_request
    def _guard() -> Response | None:
        if (request.content_length or 0) > MAX_BODY_BYTES:  # Flask looks only where a body is read
            raise RequestEntityTooLarge
        if request.path != CALLBACK_PATH or request.method != "POST":
            return None
        try:
            sent = _decode(request.get_data())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            return error(400, "bad_callback", str(problem))
        known = app.callback_map.get(sent.output)
        is_ours = known is not None and "callback" in known  # the others run in the browser
        if known is None or not is_ours or _output_name(sent.outputs) != sent.output:
            return error(400, "bad_callback", "expected an output of this app", "output")
        for field, parts in (("inputs", sent.inputs), ("state", sent.state)):
            if [(part.id, part.property) for part in parts] != [
                (k["id"], k["property"]) for k in known[field]
            ]:
                return error(400, "bad_callback", f"expected the {field} of this callback", field)
        return None


def _output_name(outputs: _Part | list[_Part]) -> str:
    """The name under which Dash keeps a callback with these outputs."""
    if isinstance(outputs, _Part):
        return f"{outputs.id}.{outputs.property}"
    return f"..{'...'.join(f'{part.id}.{part.property}' for part in outputs)}.."


if __name__ == "__main__":
    sys.exit(hash_command(sys.argv[1:]))

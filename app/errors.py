"""Errors of `/api` and of page callbacks, always JSON: {"error": {"code", "message", "field"}}."""

import structlog
from dash.exceptions import DependencyException
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import ClientDisconnected, HTTPException

from db.errors import StoreUnavailable

RETRY_S = 2
"""Seconds after which whoever met a silent store may ask again."""

log = structlog.get_logger()


_SAID = 60
"""Characters of what the caller sent that an error repeats."""


class BadValue(ValueError):
    """A value the caller sent cannot be used. Names the field and what is allowed."""

    def __init__(self, field: str, expected: str, found: str) -> None:
        super().__init__(f"{field}: expected {expected}, found {_short(found)!r}")
        self.field = field


class UnknownName(LookupError):
    """The caller named something that there is not. Names the field."""

    def __init__(self, field: str, name: str) -> None:
        super().__init__(f"{field}: there is no {_short(name)}")
        self.field = field


def _short(said: str) -> str:
    return said if len(said) <= _SAID else said[:_SAID] + "…"


def error(status: int, code: str, message: str, field: str | None = None) -> Response:
    """The reply that says what is wrong; `field` names the bad parameter."""
    response = jsonify(error={"code": code, "message": message, "field": field})
    response.status_code = status
    return response


def _wants_json() -> bool:
    return request.path == "/api" or request.path.startswith(("/api/", "/_dash-update-component"))


def _is_odd_api() -> bool:
    path = request.path
    return path == "/api" or (path.startswith("/api/") and "//" in path)


def install(server: Flask) -> None:
    """Answer every error of `/api` and of page callbacks as JSON; pages keep Flask's own answers."""

    @server.before_request
    def _one_slash() -> Response | None:
        # Dash's catch-all would take such a path for a page, or Flask would redirect it.
        return error(404, "not_found", f"there is no {request.path}") if _is_odd_api() else None

    @server.errorhandler(DependencyException)
    def _no_such_file(_found: DependencyException) -> tuple[str, int]:
        return "Not found", 404

    @server.errorhandler(BadValue)
    def _bad_value(found: BadValue) -> Response:
        return error(400, "bad_value", str(found), found.field)

    @server.errorhandler(UnknownName)
    def _unknown_name(found: UnknownName) -> Response:
        return error(404, "not_found", str(found), found.field)

    @server.errorhandler(StoreUnavailable)
    def _unavailable(found: StoreUnavailable) -> Response:
        # What the driver said may name addresses: for the log, not for strangers.
        store = str(found).partition(":")[0]
        log.warning("api.unavailable", path=request.path, error=str(found))
        response = error(503, "store_unavailable", f"{store} does not answer; try again in a moment")
        response.headers["Retry-After"] = str(RETRY_S)
        return response

    @server.errorhandler(ClientDisconnected)
    def _cut_short(_found: ClientDisconnected) -> Response:
        return error(408, "request_timeout", "expected the whole body within seconds")

    @server.errorhandler(RecursionError)
    def _too_deep(_found: RecursionError) -> Response:
        # Only what was sent can be so deep. The guard's decoder and Dash's have limits of their own.
        return error(400, "bad_request", "expected less deeply nested values")

    @server.errorhandler(HTTPException)
    def _refused(found: HTTPException) -> Response | HTTPException:
        if not _wants_json():
            return found
        code = found.name.lower().replace(" ", "_")
        response = error(found.code or 500, code, found.description or found.name)
        response.headers.extend(h for h in found.get_headers() if h[0] in ("Allow", "Retry-After"))
        return response

    @server.errorhandler(500)
    def _failed(found: HTTPException) -> Response | HTTPException:
        # Flask has logged the traceback; nobody else is to read it.
        return error(500, "internal", "the server failed") if _wants_json() else found

    @server.route("/api/", defaults={"path": ""})
    @server.route("/api/<path:path>")
    def _unknown(**_path: str) -> Response:
        return error(404, "not_found", f"there is no {request.path}")

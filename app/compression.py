"""Compress once what many get: scripts for the life of the process, the live view per version."""

from dash.fingerprint import check_fingerprint
from flask import Flask, Request, Response, g, request

_SUITES = "/_dash-component-suites/"
_DOCS = "/api/docs/"
_KEPT_REPLIES = 16
ASSETS_ENDPOINT = "_dash_assets.static"

SETTINGS = {
    "COMPRESS_ALGORITHM": ["br", "gzip"],
    "COMPRESS_BR_LEVEL": 5,
    "COMPRESS_LEVEL": 6,
    "COMPRESS_STREAMS": False,
}


class CompressedOnce:
    """The cache that Flask-Compress asks. Keys end with ";" for what is not to be kept."""

    def __init__(self) -> None:
        self._scripts: dict[str, bytes] = {}
        self._replies: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        """The compressed body, if it is kept."""
        return self._scripts.get(key) or self._replies.get(key)

    def set(self, key: str, value: bytes) -> None:
        """Keep the body: a script for ever (there are a few dozen), the newest few of everything else."""
        if key.endswith(";"):
            return
        if _SUITES in key:
            self._scripts[key] = value
            return
        self._replies[key] = value
        while len(self._replies) > _KEPT_REPLIES:
            del self._replies[next(iter(self._replies))]


def keep_reply_as(name: str) -> None:
    """Say that every reply of this name is the same, byte for byte, whoever gets it."""
    g.compressed_as = name


def read_assets(server: Flask) -> None:
    """Send our small assets whole: streams are not compressed. To be called after Dash is made."""

    @server.after_request
    def _read(response: Response) -> Response:
        if request.endpoint == ASSETS_ENDPOINT:
            response.direct_passthrough = False
            response.make_sequence()
        return response


def _cache_key(asked: Request) -> str:
    if asked.path.startswith(_SUITES):
        # Whatever the fingerprint, it is the same file: nobody fills the memory with invented ones.
        path, _ = check_fingerprint(asked.path.removeprefix(_SUITES))  # type: ignore[no-untyped-call]  # Dash has no types here
        return f"{_SUITES}{path}"
    if asked.path.startswith(_DOCS):  # two files; what is not found is not compressed
        return f"{_SUITES}{asked.path}"
    name: str = g.get("compressed_as", "")
    return name


def configure(server: Flask) -> None:
    """Set Flask-Compress up; to be called before Dash installs it."""
    server.config.update(SETTINGS, COMPRESS_CACHE_BACKEND=CompressedOnce, COMPRESS_CACHE_KEY=_cache_key)

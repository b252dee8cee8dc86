"""What is compressed once, and that nobody can fill the memory with it."""

from flask import Flask
from flask_compress import Compress

from app import compression
from app.compression import CompressedOnce, keep_reply_as


def test_scripts_are_kept_and_replies_give_way() -> None:
    """The newest few replies stay; scripts always."""
    cache = CompressedOnce()
    cache.set("gzip;/_dash-component-suites/a.js", b"script")
    for i in range(20):
        cache.set(f"gzip;{i}", b"reply")
    assert cache.get("gzip;/_dash-component-suites/a.js") == b"script"
    assert cache.get("gzip;19") == b"reply"
    assert cache.get("gzip;0") is None


def test_a_reply_without_a_name_is_not_kept() -> None:
    """Different replies must never share one."""
    cache = CompressedOnce()
    cache.set("gzip;", b"reply")
    assert cache.get("gzip;") is None


def test_only_named_replies_are_shared() -> None:
    """The first body of a name is what everybody of that name gets; others are their own."""
    server = Flask("test")
    compression.configure(server)
    Compress(server)
    bodies = iter("abcd")

    @server.get("/shared")
    def _shared() -> str:
        keep_reply_as("one")
        return next(bodies) * 1000

    @server.get("/own")
    def _own() -> str:
        return next(bodies) * 1000

    client = server.test_client()
    sent = {"Accept-Encoding": "gzip"}
    assert client.get("/shared", headers=sent).data == client.get("/shared", headers=sent).data
    assert client.get("/own", headers=sent).data != client.get("/own", headers=sent).data


def test_an_invented_fingerprint_names_the_same_file() -> None:
    """Or a stranger could have the same script kept a million times: the first body serves them all."""
    server = Flask("test")
    compression.configure(server)
    Compress(server)
    bodies = iter("abc")

    @server.get("/_dash-component-suites/dash/<file>")
    def _script(file: str) -> str:
        return (next(bodies) + file[-3:]) * 1000

    client = server.test_client()
    replies = {
        client.get(f"/_dash-component-suites/dash/dcc.{f}.js", headers={"Accept-Encoding": "gzip"}).data
        for f in ("v1m1", "v2m2", "v3mabc")
    }
    assert len(replies) == 1

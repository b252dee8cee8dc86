"""Errors below `/api` are JSON, whatever went wrong."""

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import errors
from app.errors import BadValue, UnknownName


@pytest.fixture
def client() -> FlaskClient:
    server = Flask("test")
    server.config["PROPAGATE_EXCEPTIONS"] = False
    errors.install(server)

    @server.get("/api/broken")
    @server.get("/broken")
    def _broken() -> str:
        raise RuntimeError("secret detail")

    @server.get("/api/get-only")
    def _get_only() -> str:
        return "fine"

    return server.test_client()


@pytest.mark.parametrize("path", ["/api/unknown", "/api/", "/api/market/deeper", "/api", "/api//market"])
def test_an_unknown_path_is_a_json_404(client: FlaskClient, path: str) -> None:
    """Never a page."""
    response = client.get(path)
    assert response.status_code == 404
    assert response.get_json() == {
        "error": {"code": "not_found", "message": f"there is no {path}", "field": None}
    }


def test_a_wrong_method_is_a_json_405(client: FlaskClient) -> None:
    """It says which methods there are."""
    response = client.post("/api/get-only")
    assert response.status_code == 405
    assert response.get_json()["error"]["code"] == "method_not_allowed"
    assert "GET" in response.headers["Allow"]


def test_a_failure_is_a_json_500_without_its_cause(client: FlaskClient) -> None:
    """The traceback is for the log."""
    response = client.get("/api/broken")
    assert response.status_code == 500
    assert response.get_json()["error"]["code"] == "internal"
    assert b"secret" not in response.data


def test_what_is_too_deep_is_a_json_400() -> None:
    """JSON is read by recursion, so what is sent decides how deep that goes."""
    server = Flask("deep")
    errors.install(server)
    server.add_url_rule("/api/deep", view_func=lambda: json.dumps(json.loads(f"{'[' * 20_000}")))
    response = server.test_client().get("/api/deep")
    assert response.status_code == 400
    assert response.get_json()["error"]["code"] == "bad_request"


def test_pages_keep_their_own_errors(client: FlaskClient) -> None:
    """Outside `/api` errors stay what Flask makes of them."""
    assert client.get("/nowhere").mimetype == "text/html"
    assert client.get("/broken").mimetype == "text/html"


def test_what_the_caller_sent_is_repeated_in_part() -> None:
    """Enough to know it again, never all of a huge value."""
    assert str(BadValue("limit", "a number", "ten")) == "limit: expected a number, found 'ten'"
    assert len(str(BadValue("limit", "a number", "9" * 4_000))) < 120
    assert len(str(UnknownName("symbol", "X" * 4_000))) < 100

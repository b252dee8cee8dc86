"""The web as a whole: health, pages, callbacks, headers."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from app import ids
from app.factory import create_app
from tests.app.fake_history import FakeHistory
from tests.app.fakes import FakeReader, FakeTime, settings

CALLBACK = "/_dash-update-component"


@pytest.fixture
def reader() -> FakeReader:
    return FakeReader()


@pytest.fixture
def client(reader: FakeReader) -> FlaskClient:
    found: FlaskClient = create_app(settings(), reader, FakeHistory(), FakeTime().clock).server.test_client()
    return found


def tick(client: FlaskClient, version: str | None) -> Any:
    """Ask as a browser that has this version."""
    value = {"tick": 1, "version": version}
    reply = client.post(CALLBACK, json=request_of(value))
    assert reply.status_code == 200
    return reply.get_json()["response"][ids.LIVE]["data"]


def request_of(value: object) -> dict[str, Any]:
    return {
        "output": f"{ids.LIVE}.data",
        "outputs": {"id": ids.LIVE, "property": "data"},
        "inputs": [{"id": ids.TICK, "property": "data", "value": value}],
        "changedPropIds": [f"{ids.TICK}.data"],
    }


def test_health_asks_no_store(client: FlaskClient, reader: FakeReader) -> None:
    """Platforms restart what is not healthy; a store's trouble is no reason to."""
    reader.broken = True
    response = client.get("/healthz")
    assert (response.status_code, response.data) == (200, b"ok")
    assert reader.reads == 0


def test_nothing_is_read_when_the_app_is_made(reader: FakeReader) -> None:
    """A worker that is forked or started without stores comes up."""
    reader.broken = True
    create_app(settings(), reader, FakeHistory(), FakeTime().clock)
    assert reader.reads == 0


def test_the_market_page_is_served(client: FlaskClient) -> None:
    """`/` answers with the document that loads the app."""
    response = client.get("/")
    assert response.status_code == 200
    assert b"Tickdeck" in response.data
    assert b"plotly.min.js" not in response.data
    assert "rel=preload" in response.headers["Link"]
    assert "Link" not in client.get("/nothing").headers


@pytest.mark.parametrize("path", ["/nothing", "/s/bybit", "/favicon.ico"])
def test_an_unknown_page_is_a_404(client: FlaskClient, path: str) -> None:
    """The same document, which will say so, with the right status."""
    assert client.get(path).status_code == 404


def test_an_unknown_api_path_is_json(client: FlaskClient) -> None:
    """Dash's catch-all must not have it."""
    response = client.get("/api/nothing")
    assert response.status_code == 404
    assert response.get_json()["error"]["code"] == "not_found"


def test_a_tick_brings_the_view_and_the_next_one_nothing(client: FlaskClient) -> None:
    """Whoever has the newest version gets the time alone."""
    first = tick(client, None)
    assert first["payload"].startswith("{")
    second = tick(client, first["version"])
    assert second["payload"] is None
    assert (second["now"], second["version"]) == (first["now"], first["version"])


@pytest.mark.parametrize("value", [None, 7, "x", [], {"version": {}}, {"version": "older"}])
def test_any_tick_is_answered(client: FlaskClient, value: object) -> None:
    """What a browser sends is only compared; nonsense gets the newest view."""
    reply = client.post(CALLBACK, json=request_of(value))
    assert reply.status_code == 200


def test_the_reply_is_compressed_once_for_everybody(client: FlaskClient) -> None:
    """Two viewers of one version get the same bytes, both of them whole."""
    sent = {"Accept-Encoding": "gzip"}
    replies = [client.post(CALLBACK, json=request_of(None), headers=sent) for _ in range(2)]
    assert replies[0].headers["Content-Encoding"] == "gzip"
    assert replies[0].data == replies[1].data


def test_the_page_callback_shows_what_stands_at_the_address(client: FlaskClient) -> None:
    """The market at `/`; elsewhere a page that says there is none."""

    def page(path: object) -> str:
        body = {
            "output": f"{ids.PAGE}.children",
            "outputs": {"id": ids.PAGE, "property": "children"},
            "inputs": [{"id": ids.ADDRESS, "property": "pathname", "value": path}],
            "changedPropIds": [f"{ids.ADDRESS}.pathname"],
        }
        return client.post(CALLBACK, json=body).get_data(as_text=True)

    assert "market-grid" in page("/")
    assert "Nothing here" in page("/nothing")
    assert "Nothing here" in page(None)


def test_every_reply_has_the_headers_of_the_baseline(client: FlaskClient) -> None:
    """Also errors; the policy forbids eval and other origins, and stands on every document."""
    for path in ("/", "/nothing", "/api/market", "/api/nothing", "/healthz", "/_dash-layout"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "unsafe-eval" not in policy
    assert "frame-ancestors 'none'" in policy
    script = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "unsafe-inline" not in script


def test_pages_of_others_may_read_the_api_and_nothing_else(client: FlaskClient) -> None:
    """Without a password, and not callbacks: there is no header at all for those."""
    for path in ("/api/market", "/api/nothing", "/api/openapi.json"):
        headers = client.get(path, headers={"Origin": "https://elsewhere.example"}).headers
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert "X-Next-Cursor" in headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in headers
    closed = [client.get(path) for path in ("/", "/healthz", "/_dash-layout")]
    closed += [client.post(CALLBACK, json=request_of({"tick": 1})), client.post("/api/market")]
    closed.append(client.options(CALLBACK))
    assert not any(name.startswith("Access-Control") for reply in closed for name, _ in reply.headers)


def test_tools_of_developers_stay_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says: Dash reads these names."""
    for name in ("DASH_DEBUG", "DASH_UI", "DASH_HOT_RELOAD", "DASH_MCP_ENABLED", "DASH_PROPS_CHECK"):
        monkeypatch.setenv(name, "true")
    app = create_app(settings(), FakeReader(), FakeHistory(), FakeTime().clock)
    client = app.server.test_client()
    rules = [rule.rule for rule in app.server.url_map.iter_rules()]
    assert not [rule for rule in rules if "mcp" in rule]
    assert not app.server.debug
    config = client.get("/").get_data(as_text=True)
    assert '"hot_reload"' not in config
    assert '"ui":true' not in config


def test_https_is_remembered_only_where_it_was_used() -> None:
    """Behind a trusted proxy that speaks https, not on a laptop."""
    direct = create_app(settings(), FakeReader(), FakeHistory(), FakeTime().clock).server.test_client()
    proxied = create_app(
        settings(trusted_proxy_hops=1), FakeReader(), FakeHistory(), FakeTime().clock
    ).server.test_client()
    sent = {"X-Forwarded-Proto": "https"}
    assert "Strict-Transport-Security" not in direct.get("/healthz", headers=sent).headers
    assert "Strict-Transport-Security" in proxied.get("/healthz", headers=sent).headers


def test_files_without_a_fingerprint_are_kept_for_a_day(client: FlaskClient) -> None:
    """plotly.js above all, which is the largest and not on every page."""
    client.get("/")  # Dash learns its files here
    plotly = client.get("/_dash-component-suites/plotly/package_data/plotly.min.js")
    assert plotly.status_code == 200
    assert plotly.headers["Cache-Control"].startswith("public, max-age=86400")
    with client.get("/assets/market.js?m=1", headers={"Accept-Encoding": "gzip"}) as script:
        assert script.headers["Cache-Control"].endswith("max-age=31536000")
        assert script.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_large_body_is_refused_by_the_api(client: FlaskClient, method: str) -> None:
    """413 as JSON, though nothing there reads a body."""
    response = client.open("/api/market", method=method, data=b"x" * 70_000)
    assert response.status_code == 413
    assert set(response.get_json()["error"]) == {"code", "message", "field"}

"""The page, its files, and the description as they are served."""

import pytest
from flask.testing import FlaskClient

from app.factory import create_app
from tests.app.fake_history import FakeHistory
from tests.app.fakes import FakeReader, FakeTime, settings
from tests.app.test_login import QUICK, basic


@pytest.fixture
def client() -> FlaskClient:
    made = settings(venues=["binance"], symbols=["binance:ETHUSDT"])
    found: FlaskClient = create_app(made, FakeReader(), FakeHistory(), FakeTime().clock).server.test_client()
    return found


def test_the_page_is_under_the_policy(client: FlaskClient) -> None:
    """Its own inline scripts alone, no eval, nothing from elsewhere."""
    response = client.get("/api/docs")
    policy = response.headers["Content-Security-Policy"]
    assert response.mimetype == "text/html"
    assert policy.count("'sha256-") == 2
    assert "unsafe-eval" not in policy
    assert "//" not in response.get_data(as_text=True).replace("<!DOCTYPE", "")


@pytest.mark.parametrize("name", ["swagger-ui.css", "swagger-ui-bundle.js"])
def test_its_files_are_compressed_and_kept(client: FlaskClient, name: str) -> None:
    """For a day in the browser; compressed once for everybody."""
    bodies = []
    for _ in range(2):
        with client.get(f"/api/docs/{name}", headers={"Accept-Encoding": "gzip"}) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            assert "max-age=86400" in response.headers["Cache-Control"]
            bodies.append(response.data)
    assert bodies[0] == bodies[1]
    assert len(bodies[0]) < 600_000


@pytest.mark.parametrize("name", ["index.html", "..%2f__init__.py", "LICENSE", "", "a/b"])
def test_there_are_no_other_files(client: FlaskClient, name: str) -> None:
    """Whatever else the package has."""
    response = client.get(f"/api/docs/{name}")
    assert response.status_code == 404
    assert response.get_json()["error"]["code"] == "not_found"


def test_what_is_filled_in_can_be_asked(client: FlaskClient) -> None:
    """The first instrument of these settings."""
    given = client.get("/api/openapi.json").get_json()["paths"]["/api/ticks"]["get"]["parameters"]
    examples = {each["name"]: each["example"] for each in given if "example" in each}
    assert examples == {"venue": "binance", "symbol": "ETHUSDT"}
    assert client.get("/api/ticks", query_string=examples).status_code == 200


def test_a_login_is_described_where_there_is_one(client: FlaskClient) -> None:
    """And only there."""
    assert client.get("/api/openapi.json").get_json()["security"] == []
    app = create_app(settings(login_users=f"alice:{QUICK}"), FakeReader(), FakeHistory(), FakeTime().clock)
    found = app.server.test_client().get("/api/openapi.json", headers=basic("alice", "geheim: ü")).get_json()
    assert found["security"] == [{"login": []}]
    assert found["components"]["securitySchemes"]["login"]["scheme"] == "basic"

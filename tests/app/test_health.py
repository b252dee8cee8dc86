"""`/readyz` names what is not well."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.factory import create_app
from app.health import FRESH_MS, newest_heartbeat, schema_trouble
from db.migrate import required_version
from tests.app.fake_history import FakeHistory
from tests.app.fakes import NOW, WORKER, FakeReader, FakeTime, settings


@pytest.fixture
def reader() -> FakeReader:
    return FakeReader()


@pytest.fixture
def history() -> FakeHistory:
    return FakeHistory()


@pytest.fixture
def client(reader: FakeReader, history: FakeHistory) -> FlaskClient:
    found: FlaskClient = create_app(settings(), reader, history, FakeTime().clock).server.test_client()
    return found


def ready(client: FlaskClient, status: int) -> Any:
    response = client.get("/readyz")
    assert (response.status_code, response.mimetype) == (status, "application/json")
    return response.get_json()


def test_all_is_well(client: FlaskClient) -> None:
    """Both stores answer, the schema is ours, a collector gives signs of life."""
    found = ready(client, 200)
    assert (found["ready"], found["failed"]) == (True, [])
    assert set(found["parts"]) == {"redis", "postgres", "schema", "collector"}
    assert all(part == {"ok": True, "detail": ""} for part in found["parts"].values())


def test_a_silent_redis_hides_the_collector(client: FlaskClient, reader: FakeReader) -> None:
    """What the driver says stays in the log: it may name addresses."""
    reader.broken = True
    response = client.get("/readyz")
    assert response.get_json()["failed"] == ["redis", "collector"]
    assert response.get_json()["parts"]["collector"]["detail"] == "not known: Redis does not answer"
    assert b"internal" not in response.data


def test_a_silent_postgres_hides_the_schema(client: FlaskClient, history: FakeHistory) -> None:
    """The other parts are told as they are."""
    history.broken = True
    found = ready(client, 503)
    assert found["failed"] == ["postgres", "schema"]
    assert found["parts"]["collector"]["ok"]
    history.broken = False
    assert ready(client, 200)["ready"]


@pytest.mark.parametrize(
    ("schema", "words"),
    [(None, "there is no schema"), ("0001", "run `python -m db.migrate`"), ("9999", "update Tickdeck")],
)
def test_another_schema_is_not_ready(
    client: FlaskClient, history: FakeHistory, schema: str | None, words: str
) -> None:
    """And it is said what to do."""
    history.schema = schema
    found = ready(client, 503)
    assert found["failed"] == ["schema"]
    assert words in found["parts"]["schema"]["detail"]
    assert required_version() in found["parts"]["schema"]["detail"]
    assert schema_trouble(required_version()) == ""


def test_a_heartbeat_that_is_missing_or_old_is_none(client: FlaskClient, reader: FakeReader) -> None:
    """The newest counts; one that is as old as allowed is fresh."""
    reader.collectors = {}
    assert ready(client, 503)["failed"] == ["collector"]
    reader.collectors = {"a": WORKER | {"heartbeat_at": str(NOW - FRESH_MS - 1000)}, "b": {}}
    assert "16 s old" in ready(client, 503)["parts"]["collector"]["detail"]
    reader.collectors["c"] = WORKER | {"heartbeat_at": str(NOW - FRESH_MS)}
    assert ready(client, 200)["ready"]
    assert newest_heartbeat(reader.collectors) == NOW - FRESH_MS

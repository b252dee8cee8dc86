"""Who may read `/metrics`, and that it is all there."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.factory import create_app
from tests.app.fake_history import FakeHistory
from tests.app.fakes import LIVE_FEED, FakeReader, FakeTime, settings


def client(**values: Any) -> FlaskClient:
    reader = FakeReader()
    reader.states = {"bybit": LIVE_FEED}
    found: FlaskClient = create_app(
        settings(**values), reader, FakeHistory(), FakeTime().clock
    ).server.test_client()
    return found


def test_it_tells_of_the_web_the_feeds_and_the_stores() -> None:
    """In the text format, to whoever asks on this machine."""
    asked = client()
    asked.get("/healthz")
    response = asked.get("/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = response.get_data(as_text=True).splitlines()
    assert 'tickdeck_web_request_seconds_count{route="/healthz",status="2xx"} 1.0' in lines
    assert 'tickdeck_feed_state{state="live",venue="bybit"} 1.0' in lines
    assert 'tickdeck_store_up{store="postgres"} 1.0' in lines


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_without_a_token_this_machine_may_read(address: str) -> None:
    """By any of its own addresses."""
    assert client().get("/metrics", environ_base={"REMOTE_ADDR": address}).status_code == 200


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("10.0.0.7", {}),
        ("203.0.113.9", {}),
        ("", {}),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}),
        ("127.0.0.1", {"Forwarded": "for=203.0.113.9"}),
        ("127.0.0.1", {"Authorization": "Bearer "}),
    ],
)
@pytest.mark.parametrize("hops", [0, 1])
def test_without_a_token_nobody_else_may(address: str, headers: dict[str, str], hops: int) -> None:
    """Nor through a proxy on this machine, whatever it says."""
    response = client(trusted_proxy_hops=hops).get(
        "/metrics", headers=headers, environ_base={"REMOTE_ADDR": address}
    )
    assert response.status_code == (200 if "Authorization" in headers else 403)


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", "Basic s3cret", "s3cret", "Bearer \xfc"])
def test_with_a_token_nothing_else_will_do(given: str) -> None:
    """Also on this machine."""
    response = client(metrics_token="s3cret").get("/metrics", headers={"Authorization": given})
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert b"tickdeck_" not in response.data


def test_with_the_token_anybody_may() -> None:
    """From anywhere."""
    response = client(metrics_token="s3cret").get(
        "/metrics", headers={"Authorization": "bearer s3cret"}, environ_base={"REMOTE_ADDR": "203.0.113.9"}
    )
    assert response.status_code == 200

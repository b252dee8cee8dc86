"""HTTP Basic over everything but `/healthz`."""

import io
import subprocess
import sys
from base64 import b64encode
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.security import check_password_hash, generate_password_hash

from app import login
from app.factory import create_app
from tests.app.fake_history import FakeHistory
from tests.app.fakes import FakeReader, FakeTime, settings

ROOT = Path(__file__).parents[2]
QUICK = generate_password_hash("geheim: ü", "scrypt:1024:8:1")


def client_of(**values: Any) -> FlaskClient:
    app = create_app(settings(**values), FakeReader(), FakeHistory(), FakeTime().clock)
    found: FlaskClient = app.server.test_client()
    return found


@pytest.fixture
def client() -> FlaskClient:
    return client_of(login_users=f"alice:{QUICK} bob:{QUICK}")


@pytest.fixture(scope="module")
def closed() -> FlaskClient:
    """The same, for tests that try no password: making one costs a scrypt."""
    return client_of(login_users=f"alice:{QUICK}")


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}


PATHS = (
    "/",
    "/s/bybit/BTCUSDT",
    "/api/market",
    "/api/stream",
    "/assets/market.js",
    "/_dash-layout",
    "/nothing",
)


@pytest.mark.parametrize("path", PATHS)
def test_nobody_enters_unnamed(closed: FlaskClient, path: str) -> None:
    """Pages, files, API and streams; browsers are asked."""
    response = closed.get(path)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert response.get_json()["error"]["code"] == "unauthorized"


def test_health_is_for_everybody(closed: FlaskClient) -> None:
    """Platforms have no password."""
    assert closed.get("/healthz").status_code == 200
    assert closed.get("/healthz/../").status_code != 200


def test_who_is_known_enters(client: FlaskClient) -> None:
    """Each user, with any characters in the password."""
    for name in ("alice", "bob"):
        assert client.get("/api/market", headers=basic(name, "geheim: ü")).status_code == 200
        assert client.get("/", headers=basic(name, "geheim: ü")).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        basic("alice", "wrong")["Authorization"], basic("carol", "geheim: ü")["Authorization"],
        basic("", "")["Authorization"], "Basic", "Basic !!", "Basic " + b64encode(b"\xff:\xff").decode(),
        "Basic " + b64encode(b"alice").decode(), "Bearer x", "Digest username=alice", "",
    ],
)  # fmt: skip
def test_who_is_not_does_not(client: FlaskClient, header: str) -> None:
    """Wrong passwords, unknown names, and what is no such header at all."""
    assert client.get("/api/market", headers={"Authorization": header}).status_code == 401


def test_the_metrics_token_opens_the_metrics_alone() -> None:
    """A request has room for one Authorization."""
    client = client_of(login_users=f"alice:{QUICK}", metrics_token="token")
    right, wrong = {"Authorization": "Bearer token"}, {"Authorization": "Bearer tokem"}
    assert client.get("/metrics", headers=right).status_code != 401
    assert client.get("/metrics", headers=wrong).status_code == 401
    assert client.get("/api/market", headers=right).status_code == 401
    assert client_of(login_users=f"alice:{QUICK}").get("/metrics", headers=right).status_code == 401


def test_without_users_all_may_enter() -> None:
    """The default."""
    assert client_of().get("/api/market").status_code == 200


def test_a_password_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """scrypt is slow on purpose; the next request with the same pair does not pay again, right or wrong."""
    computed: list[str] = []

    def check(stored: str, password: str) -> bool:
        computed.append(password)
        return check_password_hash(stored, password)

    monkeypatch.setattr(login, "check_password_hash", check)
    passwords = login.Passwords({"alice": QUICK})
    for _ in range(3):
        assert passwords.check("alice", "geheim: ü")
        assert not passwords.check("alice", "wrong")
        assert not passwords.check("carol", "geheim: ü")
    assert computed == ["geheim: ü", "wrong", "geheim: ü"]
    assert passwords.known("alice", "geheim: ü") is True
    assert passwords.known("alice", "other") is None


def test_a_flood_of_wrong_passwords_is_stopped(client: FlaskClient) -> None:
    """By its address; whoever is known from there still enters, and so do others from elsewhere."""
    right = basic("alice", "geheim: ü")
    assert client.get("/api/market", headers=right).status_code == 200
    codes = [client.get("/", headers=basic("alice", f"try {n}")).status_code for n in range(12)]
    assert codes == [401] * 10 + [429] * 2
    stopped = client.get("/", headers=basic("alice", "try 99"))
    assert stopped.get_json()["error"]["code"] == "too_many_tries"
    assert 1 <= int(stopped.headers["Retry-After"]) <= 61
    assert client.get("/api/market", headers=right).status_code == 200
    elsewhere = {"REMOTE_ADDR": "192.0.2.8"}
    assert client.get("/", headers=basic("alice", "try 99"), environ_base=elsewhere).status_code == 401


def test_a_flood_that_comes_at_once_is_stopped_as_well(client: FlaskClient) -> None:
    """Passwords are slow to check: all could be let in before the first is known to be wrong."""

    def attempt(number: int) -> int:
        headers = basic("alice", f"guess {number}")
        return client.application.test_client().get("/", headers=headers).status_code

    with ThreadPoolExecutor(16) as pool:
        codes = Counter(pool.map(attempt, range(32)))
    assert codes == {401: 10, 429: 22}


def test_the_command_prints_a_user() -> None:
    """Which the settings take and the password opens."""
    command = [sys.executable, "-m", "app.security", "hash", "alice"]
    done = subprocess.run(command, cwd=ROOT, input="secret\n", capture_output=True, text=True, check=True)
    found = settings(login_users=done.stdout.strip()).users
    assert check_password_hash(found["alice"], "secret")


@pytest.mark.parametrize("words", [[], ["crack"], ["hash", "a", "b"], ["hash", "a:b"]])
def test_the_command_says_how_it_is_used(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """And prints nothing that could be taken for a hash."""
    assert login.hash_command(words) == 2
    out, err = capsys.readouterr()
    assert (out, err.startswith("usage")) == ("", True)


def test_an_empty_password_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody means that."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    assert login.hash_command(["hash"]) == 1

"""The guard before page callbacks, and the policy."""

import pytest
from dash import Dash, Input, Output, State, html
from flask.testing import FlaskClient

from app.security import content_security_policy, guard_callbacks, script_hash

GOOD = {
    "output": "out.children",
    "outputs": {"id": "out", "property": "children"},
    "inputs": [{"id": "in", "property": "value", "value": 3}],
    "state": [{"id": "with", "property": "value", "value": 4}],
    "changedPropIds": ["in.value"],
}
PATH = "/_dash-update-component"


@pytest.fixture
def client() -> FlaskClient:
    app = Dash("guarded", use_async=False, add_log_handler=False)
    app.layout = html.Div()

    @app.callback(Output("out", "children"), Input("in", "value"), State("with", "value"))
    def _double(value: int, factor: int) -> int:
        return value * factor

    guard_callbacks(app)
    found: FlaskClient = app.server.test_client()
    return found


def test_a_callback_of_the_app_passes(client: FlaskClient) -> None:
    """The guard is not in the way."""
    response = client.post(PATH, json=GOOD)
    assert response.get_json()["response"]["out"]["children"] == 12


@pytest.mark.parametrize(
    "wrong",
    [
        {"output": "other.children"},
        {"output": None},
        {"output": ["out.children"]},
        {"inputs": []},
        {"inputs": "in"},
        {"inputs": [7]},
        {"inputs": [{"id": "else", "property": "value", "value": 3}]},
        {"inputs": [{"id": {"type": "in"}, "property": "value", "value": 3}]},
        {"state": []},
        {"state": None},
        {"changedPropIds": None},
        {"changedPropIds": [{}]},
        {"outputs": None},
        {"outputs": {"id": "else", "property": "children"}},
    ],
)
def test_what_is_no_callback_is_refused(client: FlaskClient, wrong: dict[str, object]) -> None:
    """400 as JSON, before Dash stumbles over it."""
    response = client.post(PATH, json=GOOD | wrong)
    assert response.status_code == 400
    assert response.get_json()["error"]["code"] == "bad_callback"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"output":"\xff"}'])
def test_what_is_no_object_is_refused(client: FlaskClient, body: bytes) -> None:
    """Broken JSON, too."""
    assert client.post(PATH, data=body, content_type="application/json").status_code == 400


def test_a_bottomless_value_is_refused(client: FlaskClient) -> None:
    """Nested deeper than any decoder follows, in a body that is small enough and otherwise right."""
    bottomless = b"[" * 5000 + b"]" * 5000
    body = client.application.json.dumps(GOOD).encode().replace(b'"value": 3', b'"value": ' + bottomless)
    assert bottomless in body
    response = client.post(PATH, data=body, content_type="application/json")
    assert response.status_code == 400
    assert response.get_json()["error"]["code"] == "bad_callback"


def test_a_large_body_is_refused(client: FlaskClient) -> None:
    """413; callbacks send names and versions, not files."""
    response = client.post(PATH, data=b"x" * 70_000, content_type="application/json")
    assert response.status_code == 413


def test_the_policy_allows_the_named_scripts_alone() -> None:
    """The hash is the one that browsers compute."""
    assert script_hash("alert(1)") == "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"
    policy = content_security_policy([script_hash("alert(1)")])
    assert f"script-src 'self' {script_hash('alert(1)')};" in policy

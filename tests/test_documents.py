"""The commands of the documents, run as they stand there: on real stores and a simulated market.

A fenced block whose language is followed by `run` is meant; a word after `run=` is its name.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import psycopg2
import pytest

from app.openapi.condition import READY_PARTS
from app.stored_metrics import DB_STATES, STATES
from db.local.account import own_directory
from db.local.binaries import Places, postgres_bin
from db.local.commands import psql_command, redis_cli_command
from db.local.stores import CHECKOUT, Stores, temporary_stores
from tests.memory import MEMORY
from tests.platform import PATHS, Platform, platform, query

ROOT = Path(__file__).parents[1]
PLACES = Places(CHECKOUT, Path(sysconfig.get_path("purelib")), os.environ)
STREAM_S = 1
"""A stream does not end: it is read for so long."""
LOGGED = re.compile(r'(?:log|get_logger\(\))\.(?:warning|error|critical|exception)\(\s*"([\w.]+)"')
"""A call that logs what is not as it should be, and its word."""
pytestmark = pytest.mark.stores


def blocks(name: str, language: str) -> dict[str, str]:
    """The runnable blocks of a document: their names, or numbers where they have none -> text."""
    text = (ROOT / name).read_text()
    found = re.findall(rf"^```{language} run(?:=([\w-]+))?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found, f"{name} has no runnable block of {language}"
    return {title or str(number): body for number, (title, body) in enumerate(found)}


class Desk:
    """A machine on which somebody tries the documents: a deployment, the stores' own tools, a directory."""

    def __init__(self, stores: Stores, deployed: Platform, directory: Path) -> None:
        assert stores.postgres is not None
        self.deployed, self.directory = deployed, directory
        self.account = stores.postgres.account
        tools = postgres_bin(PLACES, self.account)
        host = stores.postgres.sockets
        self._urls = stores.urls
        replica = own_directory(directory / "listens", self.account)
        self.env = {
            "PATH": os.pathsep.join((str(tools), deployed.env["PATH"])),
            "HOME": str(directory), "LC_ALL": "C.UTF-8", "PYTHONPATH": str(ROOT), **stores.urls,
            "DATABASE_URL": f"postgresql://app@/app?host={host}",
            "NEW_DATABASE_URL": f"postgresql://app@/restored?host={host}",
            "ADMIN_URL": f"postgresql://postgres@/app?host={host}",
            "REPLICATION_URL": f"postgresql://tickdeck_replica@/app?host={host}",
            "REPLICA_OPTIONS": f"-k {replica} -c listen_addresses=",
            "DATABASE_READ_URL": f"postgresql://app@/app?host={replica}",
            "WEB_URL": f"postgresql://tickdeck_web@/app?host={host}",
        }  # fmt: skip

    def run(self, command: str) -> str:
        """What a command prints that must not fail. Ours are found, and our addresses put into it."""
        shells = {"./dev psql": psql_command, "./dev redis-cli": redis_cli_command}
        for ours, shell in shells.items():
            command = command.replace(ours, shlex.join(shell(PLACES, self._urls, [])))
        for address in ("http://localhost:8050", "http://127.0.0.1:8050", "localhost:8050"):
            command = command.replace(address, self.deployed.url)
        return self._shell(re.sub(r"(?<!sim-)\bbybit\b", "sim-bybit", command), self.env)

    def run_as_postgres(self, block: str) -> str:
        """The same for a block that makes files of PostgreSQL, which refuses to run as root."""
        account = self.account
        who = {} if account is None else {"user": account.uid, "group": account.gid}
        return self._shell(block, self.env, **who)

    def _shell(self, command: str, env: Mapping[str, str], **who: int) -> str:
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", command], env=env, cwd=self.directory, text=True,
            capture_output=True, timeout=60, extra_groups=[] if who else None,
            user=who.get("user"), group=who.get("group"),
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\nended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Everything runs and has data."""
    directory = tmp_path_factory.mktemp("deployed")
    with temporary_stores(parent=MEMORY) as stores:
        assert stores.postgres is not None
        # Beside the sockets: PostgreSQL's account gets there.
        work = own_directory(stores.postgres.sockets / "work", stores.postgres.account)
        urls = stores.urls
        with platform(
            directory, urls["DATABASE_URL"], urls["REDIS_URL"], SYMBOLS="BTCUSDT,ETHUSDT"
        ) as deployed:
            for name in ("release", "worker", "web"):
                deployed.settle(name)
            deployed.until(deployed.is_live, "a price in every row")
            for held in ("orderbook_ticks", "tickers", "klines WHERE interval = '1h'"):
                deployed.until(partial(has_rows, deployed, held), held)
            yield Desk(stores, deployed, work)


def has_rows(deployed: Platform, relation: str) -> bool:
    """Whether a relation holds a row."""
    return bool(query(deployed.database_url, f"SELECT 1 FROM {relation} LIMIT 1"))


def lines(name: str) -> list[str]:
    """Each command of a document's runnable blocks."""
    return [line for block in blocks(name, "sh").values() for line in block.splitlines()]


@pytest.mark.parametrize("command", [*lines("README.md"), *lines("docs/api.md")])
def test_a_command_answers(desk: Desk, command: str) -> None:
    """With something, and not with an error."""
    if command.startswith("curl") and shutil.which("curl") is None:
        pytest.skip("NO CURL: the commands of the documents were not tried; install curl")
    if command.startswith("curl -N"):
        said = desk.run(f"timeout {STREAM_S} {command} || test $? = 124")
        assert "retry:" in said
    else:
        said = desk.run(command)
        assert said.strip()
        assert '"error"' not in said


def test_python_of_the_api_page_gets_rows(desk: Desk) -> None:
    """Page by page, as many as there are."""
    (program,) = blocks("docs/api.md", "python").values()
    path = desk.directory / "program.py"
    path.write_text(program + "\nassert all(row['close'] for row in rows)\nprint(len(rows))\n")
    text = path.read_text().replace("http://localhost:8050", desk.deployed.url)
    path.write_text(text.replace('"bybit"', '"sim-bybit"'))
    assert int(desk.run(f"{shlex.quote(sys.executable)} program.py")) > 0


def test_a_backup_is_restored_whole(desk: Desk) -> None:
    """Dump and restore into an empty database, while the collector writes."""
    commands = blocks("docs/operations.md", "sh")
    query(desk.deployed.database_url, "CREATE DATABASE restored")
    assert int(desk.run(commands["backup"])) > 5
    held = desk.run("pg_restore --list without-ticks.dump")
    assert "TABLE DATA public kline_rows" in held
    assert "TABLE DATA public tick_rows" not in held
    said = desk.run(commands["restore"])
    assert "nothing to do" in said
    restored = desk.deployed.database_url.replace("/app?", "/restored?")
    for relation in ("orderbook_ticks", "klines", "instruments", "tickers", "leases"):
        ((count,),) = query(restored, f"SELECT count(*) FROM {relation}")
        assert 0 < count <= query(desk.deployed.database_url, f"SELECT count(*) FROM {relation}")[0][0]


def test_a_replica_streams_and_goes(desk: Desk) -> None:
    """What is written to the one is read from the other; afterwards nothing of it is left."""
    commands = blocks("docs/operations.md", "sh")
    try:
        said = desk.run_as_postgres(commands["replica"])
        assert "streaming" in said
        replica = desk.env["DATABASE_READ_URL"]
        newest = "SELECT max(ts) FROM orderbook_ticks"
        (before,) = query(desk.deployed.database_url, newest)
        desk.deployed.until(lambda: query(replica, newest)[0] > before, "that the replica has newer rows")
    finally:
        desk.run_as_postgres(commands["no-replica"])
    assert query(desk.deployed.database_url, "SELECT slot_name FROM pg_replication_slots") == []


def test_the_web_needs_no_role_that_may_write(desk: Desk, tmp_path: Path) -> None:
    """One that may only read sees everything, also a table that is made later; a write is refused."""
    desk.run(blocks("docs/operations.md", "sh")["read-only"])
    owner, reader = desk.deployed.database_url, desk.env["WEB_URL"]
    query(owner, "CREATE TABLE made_later AS SELECT 1")
    assert query(reader, "SELECT * FROM made_later") == [(1,)]
    query(owner, "DROP TABLE made_later")
    with platform(tmp_path, reader, desk.env["REDIS_URL"]) as reading:
        reading.settle("web")
        for path in (
            *PATHS,
            "/readyz",
            "/status",
            "/signals",
            "/api/gaps",
            "/api/scoreboard",
            "/api/signals",
        ):
            assert reading.answers(path) == 200, reading.log("web")
    for statement in ("DELETE FROM instruments", "CREATE TABLE theirs AS SELECT 1"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            query(reader, statement)


@pytest.mark.parametrize("name", ["README.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))])
def test_links_lead_somewhere(name: str) -> None:
    """Files that are there, and headings in them."""
    document = ROOT / name
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if link.startswith("http"):
            continue
        path, _, heading = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        if heading:
            titles = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
            assert heading in slugs, link


def test_the_runbook_tells_of_every_word() -> None:
    """Each warning of the log, or worse, state of a database, state of a feed and part of `/readyz`."""
    told = (ROOT / "docs/operations.md").read_text()
    sources = [
        path.read_text() for folder in ("app", "collector", "db") for path in (ROOT / folder).rglob("*.py")
    ]
    logged = {word for text in sources for word in LOGGED.findall(text)}
    assert len(logged) > 30
    assert {"thread.died", "collector.hopeless"} <= logged
    words = {*logged, *DB_STATES, *STATES, *READY_PARTS}
    assert sorted(word for word in words if f"`{word}`" not in told and not word.endswith(".failed")) == []

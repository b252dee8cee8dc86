"""Imports run one way, drivers stay where they belong, and only the settings read the environment."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "market": {"market"},
    "db": {"db", "market"},
    "collector": {"collector", "db", "market"},
    "app": {"app", "db", "market"},
}
MARKET_LIBRARIES = {"numpy", "msgspec", "talib"}
DRIVERS = {
    "websocket": ("collector/connection/",),
    "requests": ("collector/backfill",),
    "redis": ("db/",),
    "psycopg2": ("db/",),
    "sqlalchemy": ("db/",),
    "alembic": ("db/",),
}
ENVIRONMENT_READERS = (
    "db/settings.py",
    "db/local/",
    "collector/simulator/child.py",  # hands its own on to a child
)


class Import(NamedTuple):
    """One imported module, absolute, and where."""

    file: str
    line: int
    module: str


@cache
def tree_of(path: Path) -> ast.Module:
    """One module, parsed once for all tests."""
    return ast.parse(path.read_text(), str(path))


def parsed(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    """Every module below these folders: its path from the root, its tree."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), tree_of(path)


def imports_of(file: str, tree: ast.Module) -> Iterator[Import]:
    """Every import of a module, wherever in it, lazy ones included."""
    package = list(Path(file).parent.parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            prefix = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:  # `from db import local` imports db.local
                yield Import(file, node.lineno, f"{prefix}.{alias.name}")


@cache
def all_imports(*folders: str) -> list[Import]:
    """Every import below these folders, found once for all tests."""
    return [found for file, tree in parsed(*folders) for found in imports_of(file, tree)]


def top(module: str) -> str:
    """The package an import leads to."""
    return module.partition(".")[0]


def test_imports_run_one_way() -> None:
    """market <- db <- {collector, app}; collector and app never import one another."""
    wrong = [
        found
        for folder, allowed in MAY_IMPORT.items()
        for found in all_imports(folder)
        if top(found.module) in {*MAY_IMPORT, "bench", "tests"} - allowed
    ]
    assert wrong == []


def test_market_needs_nothing_but_arithmetic() -> None:
    """market imports the standard library, numpy, msgspec and TA-Lib only."""
    allowed = sys.stdlib_module_names | MARKET_LIBRARIES | {"market"}
    assert [found for found in all_imports("market") if top(found.module) not in allowed] == []


def test_each_driver_stays_in_its_place() -> None:
    """A socket, an HTTP client, Redis and Postgres are known to one place each."""
    wrong = [
        found
        for found in all_imports(*MAY_IMPORT)
        for driver, places in DRIVERS.items()
        if top(found.module) == driver and not found.file.startswith(places)
    ]
    assert wrong == []


def test_only_the_settings_read_the_environment() -> None:
    """os.environ and os.getenv appear in db/settings.py and in what starts processes, nowhere else."""
    wrong = [
        (file, node.lineno)
        for file, tree in parsed(*MAY_IMPORT)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.alias)
        and (node.attr if isinstance(node, ast.Attribute) else node.name) in ("environ", "getenv", "environb")
        and not ast.unparse(node).startswith("request.")  # what the web server says of one request
        and not file.startswith(ENVIRONMENT_READERS)
    ]
    assert wrong == []


def test_what_runs_before_the_installation_needs_only_the_standard_library() -> None:
    """`dev`, `db/__init__.py` and `db/local` import the standard library and db.local."""
    trees = {**dict(parsed("db/local")), "dev": ast.parse((ROOT / "dev").read_text())}
    trees["db/__init__.py"] = ast.parse((ROOT / "db" / "__init__.py").read_text())
    wrong = [
        found
        for file, tree in trees.items()
        for found in imports_of(file, tree)
        if top(found.module) not in sys.stdlib_module_names and not found.module.startswith("db.local.")
    ]
    assert wrong == []


def test_production_never_imports_the_local_stores() -> None:
    """db.local is for `dev`, tests and measurements."""
    wrong = [
        found
        for found in all_imports(*MAY_IMPORT)
        if found.module.startswith("db.local") and not found.file.startswith("db/local/")
    ]
    assert wrong == []

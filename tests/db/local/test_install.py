"""The checkout's `.venv` is filled once for each requirements file."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from db.local.errors import LocalError
from db.local.install import DEVELOPMENT, LOCAL, ensure_environment, site_packages

pytestmark = pytest.mark.wire

PIPS_WORDS = "not today"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with two requirements files and a `.venv` whose pip installs nothing."""
    (tmp_path / LOCAL).write_text("# local\n")
    (tmp_path / DEVELOPMENT).write_text("# development\n")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / ".venv")], check=True)
    pip = site_packages(tmp_path / ".venv" / "bin" / "python") / "pip"
    pip.mkdir()
    (pip / "__init__.py").touch()
    (pip / "__main__.py").write_text(
        f"import sys\nif sys.argv[1:] != ['--version']: sys.exit({PIPS_WORDS!r})\n"
    )
    return tmp_path


def stamp(checkout: Path, requirements: str) -> None:
    """Say that this file was installed."""
    checksum = hashlib.sha256((checkout / requirements).read_bytes()).hexdigest()
    (checkout / ".venv" / ".tickdeck-installed.json").write_text(json.dumps({requirements: checksum}))


def test_what_is_installed_is_left_alone(checkout: Path) -> None:
    """Not a word is said; development requirements include the local ones."""
    said: list[str] = []
    stamp(checkout, LOCAL)
    assert ensure_environment(checkout, LOCAL, said.append) == checkout / ".venv" / "bin" / "python"
    stamp(checkout, DEVELOPMENT)
    for requirements in (LOCAL, DEVELOPMENT):
        ensure_environment(checkout, requirements, said.append)
    assert said == []


@pytest.mark.parametrize("requirements", [LOCAL, DEVELOPMENT])
def test_a_changed_file_is_installed_and_a_failure_is_explained(checkout: Path, requirements: str) -> None:
    """pip's last words and one sentence; the stamp is gone until it succeeds."""
    stamp(checkout, requirements)
    (checkout / requirements).write_text("# changed\n")
    said: list[str] = []
    with pytest.raises(LocalError, match=rf"(?s)pip could not install {requirements}:.*{PIPS_WORDS}.*Run"):
        ensure_environment(checkout, requirements, said.append)
    assert said[0].startswith(f"  installing {requirements}")
    assert not (checkout / ".venv" / ".tickdeck-installed.json").exists()


def test_local_requirements_do_not_count_as_development_ones(checkout: Path) -> None:
    """The tools would be missing."""
    stamp(checkout, LOCAL)
    with pytest.raises(LocalError, match="pip could not install"):
        ensure_environment(checkout, DEVELOPMENT, lambda _line: None)


def test_a_venv_whose_python_is_gone_is_made_anew_and_debian_s_missing_part_is_named(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system update removed the Python it was made with, and the new one came without ensurepip."""
    stamp(checkout, LOCAL)
    (checkout / ".venv" / "bin" / "python").unlink()
    (checkout / ".venv" / "bin" / "python").symlink_to("/nowhere/python")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ensurepip" else name)
    with pytest.raises(LocalError, match=r"sudo apt install python3\.\d+-venv"):
        ensure_environment(checkout, LOCAL, lambda _line: None)


@pytest.mark.parametrize("is_marked", [True, False])
def test_a_venv_whose_making_was_cut_off_is_made_anew(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, is_marked: bool
) -> None:
    """Its Python is there, and pip is not, or not whole: a mark stands there until the making has ended."""
    mark = checkout / ".devdata" / "making-venv"
    mark.parent.mkdir()
    if is_marked:
        mark.touch()
    else:
        shutil.rmtree(site_packages(checkout / ".venv" / "bin" / "python") / "pip")
    made: list[Path] = []

    def make(venv: Path, _say: object) -> None:
        assert mark.exists()
        made.append(venv)
        stamp(checkout, LOCAL)

    monkeypatch.setattr("db.local.install._make", make)
    ensure_environment(checkout, LOCAL, lambda _line: None)
    assert made == [checkout / ".venv"]
    assert not mark.exists()


def test_packages_are_found_beside_the_python(checkout: Path) -> None:
    """Without running it."""
    found = site_packages(checkout / ".venv" / "bin" / "python")
    assert found.parent.parent.parent == checkout / ".venv"


def test_a_venv_without_packages_is_called_broken(tmp_path: Path) -> None:
    """With the way out."""
    with pytest.raises(LocalError, match="broken: remove it"):
        site_packages(tmp_path / "bin" / "python")

"""`.env.example` tells the truth about the settings."""

import itertools
import re
from pathlib import Path

import pytest

from db.settings import Settings

SET_BY_PLATFORMS = {"dyno"}
REQUIRED = {"DATABASE_URL": "postgres://h/d", "REDIS_URL": "redis://h"}


def example_values() -> dict[str, str]:
    """Name -> default of every line, whether commented out or not."""
    text = (Path(__file__).parents[1] / ".env.example").read_text()
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", text, re.MULTILINE))


def test_the_example_names_every_setting_and_no_other() -> None:
    """Whoever looks for a setting finds it there."""
    assert {name.lower() for name in example_values()} == set(Settings.model_fields) - SET_BY_PLATFORMS


def test_the_example_shows_the_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The example taken as it is gives the same settings as none at all."""
    for name in example_values():
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    bare, full = tmp_path / "bare", tmp_path / "full"
    bare.write_text("".join(f"{name}={value}\n" for name, value in REQUIRED.items()))
    full.write_text("".join(f"{name}={value}\n" for name, value in {**example_values(), **REQUIRED}.items()))
    assert Settings(_env_file=full) == Settings(_env_file=bare)


def test_every_setting_of_the_example_is_explained() -> None:
    """Each line of a setting follows a line of words."""
    lines = (Path(__file__).parents[1] / ".env.example").read_text().splitlines()
    unexplained = [
        line
        for before, line in itertools.pairwise(lines)
        if re.match(r"#?[A-Z_]+=", line) and not before.startswith("# ")
    ]
    assert unexplained == []

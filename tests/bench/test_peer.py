"""The benchmark's comparison with cryptofeed: what it concludes, and what it says when it cannot be made."""

import ast
import sys
from pathlib import Path

import pytest

from bench import peer
from bench.peer import PeerLoad, PeerUnavailable, compare, load_of, peer_python

LINE = "40000 4.0 8.0 60000\n"


def test_a_figure_is_cpu_over_messages() -> None:
    """40,000 messages in 8 s for 4 s of CPU are 100 µs each, at 5,000 a second."""
    assert load_of(LINE, 57_000, "") == (5_000, pytest.approx(100))


@pytest.mark.parametrize(
    ("line", "rows", "why"),
    [
        ("", 0, "it gave no figures in time; the last it said: KeyError: 'u'"),
        (LINE, 53_999, "it stored 53,999 of 60,000 messages; the last it said: KeyError: 'u'"),
        ("0 0.1 8.0 0\n", 0, "it stored 0 of 0 messages; the last it said: KeyError: 'u'"),
    ],
)
def test_what_was_not_stored_is_no_figure(line: str, rows: int, why: str) -> None:
    """A child that died, or one that threw its rows away, would be cheap: it is not compared with."""
    with pytest.raises(PeerUnavailable) as error:
        load_of(line, rows, "Traceback\nKeyError: 'u'\nerror:already subscribed,topic:tickers.BTCUSDT\n\n")
    assert str(error.value) == why


@pytest.mark.parametrize(
    ("ours", "said", "is_met"), [(30, "0.30 = 1/3.3", True), (50, "0.50 = 1/2.0", False)]
)
def test_the_budget_is_a_third(monkeypatch: pytest.MonkeyPatch, ours: float, said: str, is_met: bool) -> None:
    """The ratio is of one run, and it decides."""
    monkeypatch.setattr(peer, "measure", lambda **_: PeerLoad(4_990, 100))
    theirs, ratio = compare(ours, rate=5_000, seconds=8)
    assert theirs[2:] == ("100.0 µs at 4,990/s", None)
    assert ratio[2:] == (said, is_met)


def test_without_cryptofeed_it_is_skipped_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that is named but has no cryptofeed is not replaced by another one."""
    monkeypatch.setenv("PEER_PYTHON", sys.executable)
    (only,) = compare(50, rate=5_000, seconds=8)
    assert only.verdict == "–"
    assert only.measured.startswith(f"skipped: PEER_PYTHON={sys.executable} does not run cryptofeed")


def test_a_failed_installation_says_why_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The next run begins anew."""
    monkeypatch.delenv("PEER_PYTHON", raising=False)
    monkeypatch.setattr(peer, "CHECKOUT", tmp_path)
    monkeypatch.setattr(peer, "REQUIREMENTS", [str(tmp_path / "missing.whl")])
    with pytest.raises(PeerUnavailable, match=r"cannot be installed \(ERROR: .*missing.whl"):
        peer_python()
    assert list((tmp_path / ".devdata").iterdir()) == []


def test_the_child_imports_nothing_of_ours() -> None:
    """Its environment has cryptofeed and what that needs, no more."""
    tree = ast.parse(Path(peer.__file__).with_name("peer_feed.py").read_text())
    names = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert {name.partition(".")[0] for name in names} - sys.stdlib_module_names == {"cryptofeed"}

"""One `dev` for each checkout, and no trace of a killed one."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.local.checkout import Checkout, State
from db.local.errors import LocalError
from db.local.process import birth

pytestmark = pytest.mark.wire


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """A checkout nobody runs in."""
    made = Checkout(tmp_path)
    yield made
    made.release()


def test_the_first_gets_the_lock_and_the_second_its_state(checkout: Checkout, tmp_path: Path) -> None:
    """Where the page and the stores of the first are."""
    assert checkout.acquire() is None
    state = State("demo", os.getpid(), "http://127.0.0.1:8050", {"REDIS_URL": "unix:///x"}, [("web", 7, "9")])
    checkout.write_state(state)
    assert Checkout(tmp_path).acquire() == state


def test_the_second_waits_for_a_first_that_is_being_stopped(checkout: Checkout, tmp_path: Path) -> None:
    """Its page is about to go: who starts meanwhile starts anew."""
    checkout.acquire()
    checkout.write_state(State("demo", os.getpid(), "http://127.0.0.1:8050", is_stopping=True))
    second = Checkout(tmp_path)
    found: list[State | None] = []
    thread = threading.Thread(target=lambda: found.append(second.acquire()))
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    checkout.release()
    thread.join(10)
    assert found == [None]
    second.release()


def test_after_the_first_has_ended_the_lock_is_free(checkout: Checkout, tmp_path: Path) -> None:
    """Its state is gone with it."""
    checkout.acquire()
    checkout.write_state(State("up", os.getpid()))
    checkout.release()
    second = Checkout(tmp_path)
    assert second.acquire() is None
    assert second.read_state() is None
    second.release()


def test_what_a_killed_one_left_running_is_ended_and_its_sockets_are_removed(checkout: Checkout) -> None:
    """A process is ended only if it is the one that was written down: a pid may be another's by now."""
    sockets = checkout.root / "sockets"
    sockets.mkdir()
    with subprocess.Popen(["/bin/sleep", "1000"]) as left, subprocess.Popen(["/bin/sleep", "1000"]) as other:
        children = [("web", left.pid, birth(left.pid)), ("collector", other.pid, "another birth")]
        checkout.devdata.mkdir()
        checkout.write_state(State("up", 1, "http://x", {}, children, [str(sockets)]))
        assert checkout.acquire() is None
        assert left.wait() < 0
        assert other.poll() is None
        other.kill()
    assert not sockets.exists()


@pytest.mark.parametrize("text", ["{}", "[]", "7", '{"command": "up", "pid": 1, "children": [1]}'])
def test_a_state_of_another_shape_is_none_and_goes(checkout: Checkout, text: str) -> None:
    """Another version wrote it, or a hand did."""
    checkout.devdata.mkdir()
    state = checkout.devdata / "state.json"
    state.write_text(text)
    assert checkout.acquire() is None
    assert not state.exists()


def test_a_state_that_was_cut_short_is_none(checkout: Checkout) -> None:
    """A full disk is no reason not to start."""
    checkout.acquire()
    (checkout.devdata / "state.json").write_text('{"command": "up", "pi')
    assert checkout.read_state() is None


def test_the_logs_of_the_time_before_are_kept_once(checkout: Checkout) -> None:
    """web.log becomes web.log.1, and the one before that goes."""
    checkout.acquire()
    for text in ("older", "newer"):
        (checkout.logs / "web.log").write_text(text)
        checkout.rotate_logs()
    assert {path.name: path.read_text() for path in checkout.logs.iterdir()} == {"web.log.1": "newer"}


def test_deleting_data_leaves_the_lock_and_nothing_else(checkout: Checkout) -> None:
    """Whoever deletes holds the lock meanwhile. Rows that wait for the databases go with them."""
    checkout.acquire()
    (checkout.root / ".spool").mkdir()
    (checkout.root / ".spool" / "spool-0.db").write_text("rows")
    (checkout.devdata / "pg18" / "base").mkdir(parents=True)
    (checkout.devdata / "pg18" / "base" / "1").write_text("rows")
    (checkout.devdata / "state.json").write_text(json.dumps({}))
    checkout.delete_data()
    assert [path.name for path in checkout.devdata.iterdir()] == ["lock"]
    assert not (checkout.root / ".spool").exists()


def test_a_lock_without_a_living_owner_s_state_is_explained(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody is in the moment between taking the lock and writing the state."""
    checkout.acquire()
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with pytest.raises(LocalError, match="just starting or stopping"):
        Checkout(tmp_path).acquire()

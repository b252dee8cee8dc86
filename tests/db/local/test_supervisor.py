"""Programs are started, kept running and stopped in order."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from db.local.errors import LocalError, StopRequested
from db.local.process import Program, birth
from db.local.supervisor import Child, Supervisor

pytestmark = pytest.mark.wire

STAYS = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done"


def shell(name: str, script: str, *, grace_s: float = 10, text: str = "") -> Program:
    """A program written in shell."""
    return Program(
        name, ("/bin/sh", "-c", script), Path("/"), {"PATH": "/bin:/usr/bin"}, grace_s=grace_s, text=text
    )


@pytest.fixture
def lines() -> list[str]:
    """What the supervisor said."""
    return []


@pytest.fixture
def supervisor(tmp_path: Path, lines: list[str]) -> Iterator[Supervisor]:
    """A supervisor that leaves nothing behind."""
    made = Supervisor(tmp_path, say=lines.append)
    yield made
    made.stop()


def until(condition: Callable[[], bool]) -> None:
    """Wait for another process; a test that waits in vain fails."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


def started(supervisor: Supervisor, program: Program) -> Child:
    """A running child that has said it is up."""
    child = supervisor.start(program)
    supervisor.wait_until(lambda: "up" in supervisor.log_of(program.name).read_text(), child)
    return child


def test_programs_stop_in_the_reverse_order(supervisor: Supervisor, lines: list[str]) -> None:
    """Who was started last ends first, each having had its say."""
    for name in ("redis", "postgres", "collector", "web"):
        started(supervisor, shell(name, STAYS))
    supervisor.stop()
    assert [line.split()[0] for line in lines] == ["web", "collector", "postgres", "redis"]
    assert supervisor.log_of("web").read_text() == "up\nbye\n"


def test_a_program_that_does_not_end_in_its_time_is_killed(supervisor: Supervisor) -> None:
    """With everything it started."""
    script = "trap '' TERM; sh -c \"trap '' TERM; echo up \\$\\$; while :; do sleep 0.01; done\"; :"
    child = started(supervisor, shell("deaf", script, grace_s=0.05))
    grandchild = int(supervisor.log_of("deaf").read_text().split()[1])
    supervisor.stop()
    assert child.process.returncode == -signal.SIGKILL
    until(lambda: birth(grandchild) == "")


def test_a_second_request_to_stop_kills_at_once(tmp_path: Path) -> None:
    """Nobody waits out a grace of an hour."""
    supervisor = Supervisor(tmp_path, hurried=lambda: True)
    child = started(
        supervisor, shell("deaf", "trap '' TERM; echo up; while :; do sleep 0.01; done", grace_s=3600)
    )
    supervisor.stop()
    assert child.process.returncode == -signal.SIGKILL


def test_what_ends_by_itself_is_started_again_and_the_others_go_on(
    supervisor: Supervisor, lines: list[str]
) -> None:
    """The reason is shown once, the wait doubles."""
    web = started(supervisor, shell("web", STAYS))
    child = supervisor.start(shell("collector", "echo no memory; exit 3"))
    for failures in (1, 2):
        until(lambda: child.process.poll() is not None)
        supervisor.tend()
        assert (child.failures, child.restart_at is None) == (failures, False)
        child.restart_at = 0.0  # the wait is over
        supervisor.tend()
    said = "\n".join(lines)
    assert "ended with code 3; starting again in 0.5 s" in said
    assert "starting again in 1.0 s" in said
    assert said.count("no memory") == 1
    assert web.process.poll() is None


def test_the_time_to_the_next_look_is_that_of_the_next_restart(supervisor: Supervisor) -> None:
    """Nothing due: a second; a restart due: until then."""
    started(supervisor, shell("web", STAYS))
    assert supervisor.tend() == 1.0
    child = supervisor.start(shell("collector", "exit 1"))
    until(lambda: child.process.poll() is not None)
    assert 0 < supervisor.tend() <= 0.5


def test_a_program_killed_from_outside_takes_its_own_children_along(
    supervisor: Supervisor, lines: list[str]
) -> None:
    """A collector that was killed leaves no simulator behind."""
    child = started(supervisor, shell("collector", "sleep 1000 & echo up $!; wait"))
    left = int(supervisor.log_of("collector").read_text().split()[1])
    os.kill(child.pid, signal.SIGKILL)
    until(lambda: child.process.poll() is not None)
    supervisor.tend()
    until(lambda: birth(left) == "")
    assert "was ended by SIGKILL" in lines[0]


def test_whoever_keeps_the_list_hears_of_every_new_pid(tmp_path: Path) -> None:
    """At the start and at each restart."""
    seen: list[list[int]] = []

    def note() -> None:
        seen.append([child.pid for child in under_test.children.values()])

    under_test = Supervisor(tmp_path, changed=note)
    child = under_test.start(shell("collector", "exit 1"))
    first = child.pid
    until(lambda: child.process.poll() is not None)
    under_test.tend()
    child.restart_at = 0.0
    under_test.tend()
    under_test.stop()
    assert seen == [[first], [child.pid]]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 1", r"schema failed: it said nothing \(see .*schema.log\)"),
        ("echo DATABASE_URL is not set; exit 1", r"schema failed: DATABASE_URL is not set"),
        ("echo one; echo two; exit 1", r"schema failed: \n    one\n    two"),
        (
            "echo Traceback '(most recent call last)':; echo ' File x'; echo ValueError: 7; echo by; exit 1",
            r"schema failed: ValueError: 7 \(see",
        ),
        (
            "echo 'could not write: No space left on device'; exit 1",
            r"schema failed: no space left on the disk",
        ),
    ],
)
def test_a_failing_step_is_explained(supervisor: Supervisor, script: str, message: str) -> None:
    """In its own last words, cut to what matters."""
    with pytest.raises(LocalError, match=message):
        supervisor.run(shell("schema", script))


def test_a_worker_s_error_counts_and_not_the_server_s_word_for_it(supervisor: Supervisor) -> None:
    """gunicorn adds a traceback of its own below the one that says why."""
    text = (
        "Traceback (most recent call last):\n  File a\nModuleNotFoundError: No module named 'app.main'\n"
        "Traceback (most recent call last):\n  File b\ngunicorn.errors.HaltServer: <HaltServer 3>\n"
    )
    supervisor.log_of("web").write_text(text)
    assert supervisor.last_words("web").startswith("ModuleNotFoundError: No module named 'app.main'")


def test_a_step_reads_what_it_is_given(supervisor: Supervisor) -> None:
    """And a step that succeeds raises nothing."""
    supervisor.run(shell("createdb", "cat", text="CREATE ROLE app;\n"))
    assert supervisor.log_of("createdb").read_text() == "CREATE ROLE app;\n"


def test_a_program_that_ends_instead_of_getting_ready_is_explained(supervisor: Supervisor) -> None:
    """The wait ends at once."""
    child = supervisor.start(shell("web", "echo port taken; exit 1"))
    with pytest.raises(LocalError, match="web does not start: port taken"):
        supervisor.wait_until(lambda: False, child)


def test_a_program_that_is_never_ready_is_given_up(supervisor: Supervisor) -> None:
    """After its time, with its last words."""
    child = started(supervisor, shell("web", STAYS))
    with pytest.raises(LocalError, match="web is not ready after 0 s"):
        supervisor.wait_until(lambda: False, child, patience_s=0)


def test_a_missing_program_is_named(supervisor: Supervisor) -> None:
    """Not a traceback."""
    with pytest.raises(LocalError, match=r"redis cannot be run:.*nowhere"):
        supervisor.start(Program("redis", ("/nowhere/redis-server",), Path("/"), {}))


def test_a_step_is_ended_when_a_stop_is_asked_for(tmp_path: Path) -> None:
    """Ctrl-C does not wait for a migration."""

    def pause(_seconds: float) -> None:
        if "up" in (tmp_path / "schema.log").read_text():
            raise StopRequested

    with pytest.raises(StopRequested):
        Supervisor(tmp_path, pause=pause).run(shell("schema", STAYS))
    assert (tmp_path / "schema.log").read_text() == "up\nbye\n"

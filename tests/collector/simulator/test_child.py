"""The simulator as a child process: how it starts, and how it ends."""

import subprocess
import sys
import time
import urllib.error
from pathlib import Path

import pytest

from collector.simulator import child
from collector.simulator.__main__ import main
from tests.collector.simulator.exchange import Commanded, get, hear, say, socket

pytestmark = pytest.mark.wire


def test_it_is_ready_serves_both_venues_and_ends_quietly() -> None:
    """One port speaks both protocols; SIGTERM ends it with 0, also while clients are connected."""
    process, port = child.start(["--seed", "3"])
    try:
        assert get(port, "/v5/market/time")["retCode"] == 0
        assert get(port, "/fapi/v1/time")["serverTime"] > 0
        with socket(port, "/v5/public/linear") as bybit:
            say(bybit, op="ping")
            assert hear(bybit)["ret_msg"] == "pong"
            assert child.stop(process) == 0
    finally:
        child.stop(process)


def test_it_takes_commands_where_it_was_told_to() -> None:
    """Two ports are ready then: faults that are commanded on one are seen on the other."""
    process, port, control = child.start_with_control(["--start-behind", "3600"])
    try:
        exchange = Commanded(port, control)
        assert abs(get(port, "/fapi/v1/time")["serverTime"] + 3_600_000 - time.time() * 1000) < 60_000
        exchange.tell("/jump")
        assert abs(get(port, "/fapi/v1/time")["serverTime"] - time.time() * 1000) < 60_000
        exchange.inject("rest", status=503)
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(port, "/fapi/v1/ping")
        refused.value.close()
    finally:
        assert child.stop(process) == 0


def test_it_ends_with_its_parent() -> None:
    """A parent that is killed takes its simulator along: the pipe between them breaks."""
    root = Path(__file__).resolve().parents[3]
    code = """
from collector.simulator import child
from collector.simulator.__main__ import main
process, port = child.start()
print(process.pid, flush=True)
input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
    for _ in range(500):
        if not Path(f"/proc/{pid}").exists() or "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():
            return
        subprocess.run(["sleep", "0.01"], check=True)
    pytest.fail("the simulator outlived its parent")


def test_a_child_that_cannot_start_is_an_error() -> None:
    """The reason is raised, and no process is left."""
    for arguments in (["--speed", "0"], ["--replay", __file__]):
        with pytest.raises(RuntimeError, match="expected the simulator to be ready"):
            child.start(arguments)


@pytest.mark.parametrize(
    ("argument", "found", "expected"),
    [
        ("--port", "65536", "0 to 65535"),
        ("--port", "-1", "0 to 65535"),
        ("--control", "999999", "0 to 65535"),
        ("--rate", "nan", "0 to 1000000"),
        ("--rate", "inf", "0 to 1000000"),
        ("--rate", "-0.5", "0 to 1000000"),
        ("--start-behind", "nan", "0 to 2592000"),
        ("--start-behind", "1e+18", "0 to 2592000"),
        ("--start-behind", "-1.0", "0 to 2592000"),
        ("--speed", "nan", "more than 0 and at most 1000000"),
        ("--speed", "inf", "more than 0 and at most 1000000"),
        ("--speed", "0.0", "more than 0 and at most 1000000"),
        ("--pace", "nan", "more than 0 and at most 1000"),
        ("--pace", "1000.5", "more than 0 and at most 1000"),
    ],
)
def test_a_number_out_of_bounds_is_answered_with_one_line(
    argument: str,
    found: str,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Below the usage: the argument, what it may be, and what it was."""
    monkeypatch.setattr(sys, "argv", ["simulator", f"{argument}={found}"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith(f"error: {argument}: expected {expected}, found {found}")

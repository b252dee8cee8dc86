"""A `dev` that runs in a checkout with stand-ins for migration, collector and web."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

STAND_INS = {
    "db/migrate.py": "print('migrated')\n",
    "db/check.py": (
        "import os, sys\n"
        "print(os.environ.get('BAD', ''), *sys.argv[1:], os.environ['FEEDS'], os.environ['DATABASE_URL'])\n"
        "sys.exit('BAD' in os.environ)\n"
    ),
    "db/settings.py": (
        "import os\n"
        "from types import SimpleNamespace\n"
        "def load_settings():\n"
        "    port = int(os.environ.get('PORT') or 8050)\n"
        "    return SimpleNamespace(port=port, web_concurrency=2, log_format='console')\n"
    ),
    "db/logs.py": "line_formatter = None\n",
    "collector/__init__.py": "",
    "collector/__main__.py": (
        "import os, signal, sys, time\n"
        "print('feeds', os.environ['FEEDS'], os.environ['REDIS_URL'], os.environ['DATABASE_URL'])\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
        "while True: time.sleep(0.1)\n"
    ),
    "app/__init__.py": "",
    "app/main.py": (
        "def server(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Length', '2')])\n"
        "    return [b'ok']\n"
    ),
}
Run = Callable[..., subprocess.CompletedProcess[str]]


def until(condition: Callable[[], bool]) -> None:
    """Wait for another process."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


class Running:
    """A `dev` in the background."""

    def __init__(self, checkout: Path, env: dict[str, str], command: str) -> None:
        self.output = checkout / "output"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(checkout / "dev"), command], env=env, stdout=output, stderr=output
            )
        self.checkout = checkout
        self.state: dict[str, Any] = {}

    def wait(self) -> "Running":
        """Until it has printed its URL."""
        until(lambda: "Tickdeck  http" in self.output.read_text() or self.process.poll() is not None)
        assert self.process.poll() is None, self.output.read_text()
        self.state = json.loads((self.checkout / ".devdata" / "state.json").read_text())
        return self

    @property
    def url(self) -> str:
        """Where the page is."""
        return str(self.state["url"])

    @property
    def pids(self) -> dict[str, int]:
        """Name -> pid of each child, as they were when the URL was printed."""
        return {name: pid for name, pid, _ in self.state["children"]}

    def stop(self, how: int) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(how)
        return self.process.wait(60)

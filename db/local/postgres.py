"""One PostgreSQL on a unix socket: its files, its start, and the database `app` of the plain role `app`."""

import os
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from db.local.account import Account, own_directory, socket_directory
from db.local.errors import LocalError
from db.local.process import Program, birth, command_line, tail
from db.local.supervisor import Child, Supervisor

_SUPERUSER = "postgres"
_WITHOUT_SYNC = ("fsync=off", "full_page_writes=off")  # safe against kill -9, not against a power cut


@dataclass(frozen=True, slots=True)
class PostgresOptions:
    """`durable=False`, for tests: fast, not safe in a power cut; the role may create databases."""

    max_connections: int = 20
    durable: bool = True


class Postgres:
    """The server programs of `binaries` on the files in `data` (made when missing), run as `account`."""

    def __init__(
        self,
        binaries: Path,
        data: Path,
        account: Account | None,
        options: PostgresOptions = PostgresOptions(),
    ) -> None:
        self.data, self.account, self.options = data, account, options
        self.sockets = socket_directory(account)
        self.url = f"postgresql+psycopg2://app@/app?host={self.sockets}"
        self._bin = binaries
        # libpq and the server read PG* variables; ours are on the command line.
        self._env = {name: value for name, value in os.environ.items() if not name.startswith("PG")}

    def prepare(self, supervisor: Supervisor) -> None:
        """Make the files if there are none. Raises LocalError."""
        if self.data.exists():
            self._require_own_files()
            self._stop_left_over()
            return
        # Made beside and renamed: files of an interrupted initdb are never taken for a database.
        part = self.data.with_name(self.data.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        own_directory(part, self.account)
        command = (
            "initdb", "-D", str(part), "-U", _SUPERUSER, "--auth-local=trust", "--auth-host=reject",
            "-E", "UTF8",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions",
            *(() if self.options.durable else ("--no-sync",)),
        )  # fmt: skip
        supervisor.run(self._program("initdb", command))
        role = "CREATE ROLE app LOGIN" if self.options.durable else "CREATE ROLE app LOGIN CREATEDB"
        alone = ("postgres", "--single", "-D", str(part), "postgres")
        sql = f"{role};\nCREATE DATABASE app OWNER app;\n"
        supervisor.run(self._program("createdb", alone, sql))
        if complaints := [line for line in tail(supervisor.log_of("createdb")) if "ERROR" in line]:
            raise LocalError(f"the database could not be made: {complaints[0]}")  # the exit code is 0 even so
        part.rename(self.data)

    def start(self, supervisor: Supervisor) -> Child:
        """Start the server; it is not ready yet."""
        settings = [
            "listen_addresses=", "unix_socket_permissions=0700", f"unix_socket_directories={self.sockets}",
            f"max_connections={self.options.max_connections}", "shared_buffers=32MB", "log_timezone=UTC",
            "timezone=UTC", *(() if self.options.durable else _WITHOUT_SYNC),
        ]  # fmt: skip
        flags = [word for setting in settings for word in ("-c", setting)]
        return supervisor.start(self._program("postgres", ("postgres", "-D", str(self.data), *flags)))

    def wait(self, supervisor: Supervisor, child: Child) -> None:
        """Wait until it takes connections. Raises LocalError."""
        supervisor.wait_until(lambda: self._accepts(child.pid), child)

    def _accepts(self, pid: int) -> bool:
        """What `pg_isready` would say, without a process for it: the server keeps its state in a file."""
        lines = self._pid_file()
        return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _program(self, name: str, command: tuple[str, ...], text: str = "") -> Program:
        return Program(
            name,
            (str(self._bin / command[0]), *command[1:]),
            cwd=Path("/"),  # the account may not get into ours
            env=self._env,
            text=text,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, keeps the files clean
            grace_s=20,
            account=self.account,
        )

    def _require_own_files(self) -> None:
        if os.geteuid() != 0 and (owner := self.data.stat().st_uid) != os.geteuid():
            raise LocalError(
                f"{self.data} belongs to user {owner} (./dev was run by another user or root):"
                " run it as that user, or remove the directory"
            )

    def _stop_left_over(self) -> None:
        """End a server that a killed ./dev left on these files (where the kernel doesn't do it)."""
        lines = self._pid_file()
        if not lines:  # none, or an empty one that a full disk left, with which no server starts
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            return
        if not lines[0].isdecimal():  # PostgreSQL says what to do
            return
        if str(self.data) not in command_line(pid := int(lines[0])):
            return
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + 30
        while birth(pid):
            if time.monotonic() > deadline:
                raise LocalError(f"an older PostgreSQL on {self.data} does not stop: kill -9 {pid}")
            time.sleep(0.05)

    def close(self) -> None:
        """Remove the socket directory, after the server has stopped."""
        shutil.rmtree(self.sockets, ignore_errors=True)

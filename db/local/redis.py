"""One Redis on a unix socket, without a port."""

import os
import shutil
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from db.local.account import own_directory, socket_directory
from db.local.process import Program
from db.local.supervisor import Child, Supervisor


@dataclass(frozen=True, slots=True)
class RedisOptions:
    """The smallest plan's number of clients; memory for the latest state of 100 instruments and more."""

    max_clients: int = 20
    max_memory: str = "64mb"
    durable: bool = True


class Redis:
    """The server program `server` with its files in `data`, run as ourselves."""

    def __init__(self, server: Path, data: Path, options: RedisOptions = RedisOptions()) -> None:
        self.server, self.data, self.options = server, data, options
        self.sockets = socket_directory(None)
        self.url = f"unix://{self.socket}"

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.sockets / "redis.sock"

    def start(self, supervisor: Supervisor) -> Child:
        """Start the server; it is not ready yet."""
        own_directory(self.data, None)
        options = self.options
        settings = {
            "port": "0", "unixsocket": str(self.socket), "unixsocketperm": "700", "dir": str(self.data),
            "daemonize": "no", "maxclients": str(options.max_clients), "maxmemory": options.max_memory,
            "maxmemory-policy": "noeviction", "save": "", "appendonly": "yes" if options.durable else "no",
            "hash-max-ziplist-value": "512",  # so HGETALL shows a book in its order, too
        }  # fmt: skip
        flags = [word for name, value in settings.items() for word in (f"--{name}", value)]
        command = (str(self.server), *flags)
        return supervisor.start(
            Program("redis", command, cwd=self.data, env=dict(os.environ), stop_signal=signal.SIGTERM)
        )

    def wait(self, supervisor: Supervisor, child: Child) -> None:
        """Wait until it answers. Raises LocalError."""
        supervisor.wait_until(self._answers, child)

    def close(self) -> None:
        """Remove the socket directory, after the server has stopped."""
        shutil.rmtree(self.sockets, ignore_errors=True)

    def _answers(self) -> bool:
        """Whether it answers PING; while it loads its files it answers an error."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
            except OSError:
                return False

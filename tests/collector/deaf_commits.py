"""A way to Postgres on which the answer to a commit gets lost, and the connection with it."""

import socket
import tempfile
import threading
from pathlib import Path

from sqlalchemy.engine import make_url

_NAME = ".s.PGSQL.5432"


class DeafCommits:
    """Passes everything on, both ways; once armed, the next COMMIT is passed on and never answered."""

    def __init__(self, url: str) -> None:
        """`url`: of a server on a unix socket."""
        made = make_url(url)
        self._target = f"{made.query['host']}/{_NAME}"
        self._directory = tempfile.TemporaryDirectory()
        made = made.update_query_dict({"host": self._directory.name})
        self.url = made.render_as_string(hide_password=False)
        self.fired = threading.Event()
        self._is_armed = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)

    def __enter__(self) -> "DeafCommits":
        self._listener.bind(str(Path(self._directory.name) / _NAME))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._directory.cleanup()

    def arm(self) -> None:
        """Let the next commit go without an answer; `fired` says when it has."""
        self.fired.clear()
        self._is_armed.set()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._target)
            threading.Thread(target=self._to_server, args=(client, server), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while content := client.recv(65_536):
                is_last = self._is_armed.is_set() and b"COMMIT" in content
                if is_last:
                    client.shutdown(socket.SHUT_RDWR)  # first, so that no answer gets through
                server.sendall(content)
                if is_last:
                    self._is_armed.clear()
                    self.fired.set()
        except OSError:
            pass  # either end is gone: so is the way
        self._end(server)

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while content := source.recv(65_536):
                target.sendall(content)
        except OSError:
            pass
        self._end(source)
        self._end(target)

    def _end(self, end: socket.socket) -> None:
        """Wakes who reads from it as well."""
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        end.close()

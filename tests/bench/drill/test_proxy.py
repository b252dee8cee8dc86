"""A bad network on loopback: late bytes in order, and idle connections cut."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from bench.drill.proxy import Mute, Proxy, listening

pytestmark = pytest.mark.wire


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that says everything back."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # closed
                return
            with client:
                while data := client.recv(65536):
                    client.sendall(data)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def test_bytes_come_late_and_in_order(echo: int) -> None:
    """Each piece by the delay it met, also while that shrinks."""
    proxy = Proxy(echo)
    with listening(proxy) as port, socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(b"begun")
        assert client.recv(100) == b"begun"  # the way is open in both directions
        proxy.delay_s, proxy.jitter_s = 0.3, 0.02
        began = time.monotonic()
        client.sendall(b"first ")
        time.sleep(0.1)
        proxy.delay_s = proxy.jitter_s = 0.0
        client.sendall(b"second")
        heard = b""
        while len(heard) < 12:
            heard += client.recv(100)
    assert heard == b"first second" and time.monotonic() - began >= 0.3


def test_who_says_nothing_is_cut(echo: int) -> None:
    """After the idle time, and counted."""
    proxy = Proxy(echo)
    proxy.cut_idle_s = 0.1
    with listening(proxy) as port, socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        try:
            assert client.recv(100) == b""
        except ConnectionResetError:
            pass  # the other way to be cut
    assert proxy.cuts == 1


def test_the_mute_server_takes_connections_and_says_nothing() -> None:
    """Not even when spoken to."""
    with listening(Mute()) as port, socket.create_connection(("127.0.0.1", port), timeout=0.2) as client:
        client.sendall(b"hello")
        with pytest.raises(TimeoutError):
            client.recv(100)

"""The bare receive loop: subscribes like the collector and throws every frame away. A child of `collect`.

Prints the frames received and the CPU seconds used in a window of some seconds.
"""

import sys
import threading
import time

from collector.connection import Connection
from collector.venues import Plan, venue_for
from market.instruments import symbols_for

_PLAN = Plan(("1m",), 50, uses_rest=False)


class Counter:
    """Counts frames."""

    def __init__(self, names: list[str]) -> None:
        self.frames = 0
        self._names = names
        self.is_open = threading.Event()

    def on_open(self, connection: Connection) -> None:
        """Ask for every topic."""
        stream = venue_for("bybit").stream
        for number, batch in enumerate(stream.batches(self._names)):
            connection.send(stream.subscribe(batch, number))
        self.is_open.set()

    def on_frame(self, _connection: Connection, _frame: bytes, _recv_time: int) -> None:
        """One more."""
        self.frames += 1

    def on_close(self, _connection: Connection, _state: str, reason: str) -> None:
        """The end of the measurement."""
        sys.exit(f"the connection closed: {reason}")


def main(port: int, seconds: float) -> None:
    """Receive Bybit's topics for `seconds` after a second of warming up."""
    stream = venue_for("bybit").stream
    names = [t.name for symbol in symbols_for("bybit", []) for t in stream.topics(symbol, _PLAN)]
    counter = Counter(names)
    connection = Connection("bare", [f"ws://127.0.0.1:{port}/v5/public/linear"], counter, send_every_s=0.0)
    connection.start()
    counter.is_open.wait(5)
    connection.service(time.monotonic())
    time.sleep(1)
    frames, used, began = counter.frames, time.process_time(), time.monotonic()
    time.sleep(seconds)
    elapsed = time.monotonic() - began
    print(counter.frames - frames, time.process_time() - used, elapsed, flush=True)
    connection.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))

"""`python -m collector.simulator`: a simulated market, recordings or the bench, on one loopback port.

With `--control` a second port takes commands for faults (see `collector.simulator.control`).
"""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from collector.simulator.economy.clock import Clock
from collector.simulator.exchange import Backend, Exchange
from collector.simulator.replay.recordings import RecordingError, load
from collector.simulator.server import listening

_FROM_0 = {"port": 65_535, "control": 65_535, "rate": 1_000_000, "start_behind": 30 * 86_400}
"""The most that arguments may be which may be 0; a clock is at most 30 days behind."""
_ABOVE_0 = {"speed": 1_000_000, "pace": 1_000}
"""The same of those that may not."""


def main() -> None:
    """Serve until SIGTERM, SIGINT, or the end of stdin where `--with-parent` asks for that."""
    try:
        asyncio.run(_serve(_arguments()))
    except (OSError, RecordingError) as error:  # the port is taken, or a recording cannot be read
        sys.exit(f"simulator: {error}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m collector.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free port; it is printed as `ready PORT`")
    parser.add_argument("--seed", type=int, default=1, help="another seed is another market")
    parser.add_argument("--replay", type=Path, nargs="+", metavar="FILE", help="play recordings instead")
    parser.add_argument("--speed", type=float, default=1.0, help="of the recordings")
    parser.add_argument("--bench", action="store_true", help="send pre-encoded frames in a loop instead")
    parser.add_argument(
        "--rate", type=float, default=0.0, help="of the bench, messages/s; 0: as fast as read"
    )
    parser.add_argument(
        "--pace",
        type=float,
        default=1.0,
        help="how often the simulated books move, as a multiple of the usual",
    )
    parser.add_argument(
        "--control", type=int, metavar="PORT", help="take commands here; 0: any free port, printed second"
    )
    parser.add_argument(
        "--start-behind",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="how late the clock is, until /jump",
    )
    parser.add_argument("--with-parent", action="store_true", help="end when stdin ends")
    arguments = parser.parse_args()
    for name, most in _FROM_0.items():
        found = getattr(arguments, name)
        if found is not None and not 0 <= found <= most:  # so that NaN is refused as well
            parser.error(f"--{name.replace('_', '-')}: expected 0 to {most}, found {found}")
    for name, most in _ABOVE_0.items():
        found = getattr(arguments, name)
        if not 0 < found <= most:
            parser.error(f"--{name}: expected more than 0 and at most {most}, found {found}")
    if arguments.start_behind and (arguments.replay or arguments.bench):
        parser.error("--start-behind: only the simulated market has a clock of its own")
    return arguments


def _backend(arguments: argparse.Namespace) -> Backend:
    """What the arguments ask for; only its modules are loaded, so that the start is quick."""
    if arguments.replay:
        from collector.simulator.replay.player import Player

        return Player(load(arguments.replay), arguments.speed)
    if arguments.bench:
        from collector.simulator.bench.backend import Bench

        return Bench(arguments.rate)
    from collector.simulator.economy.market import SimulatedMarket

    return SimulatedMarket(arguments.seed, Clock(behind_s=arguments.start_behind), arguments.pace)


async def _serve(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if arguments.with_parent:
        loop.add_reader(sys.stdin.fileno(), _end_with_stdin, loop, stop)
    exchange = Exchange(_backend(arguments))
    async with listening(exchange, arguments.port) as port:
        if arguments.control is None:
            print(f"ready {port}", flush=True)
            await stop.wait()
            return
        from collector.simulator.control import controlling

        with controlling(exchange, arguments.control) as control:
            print(f"ready {port} {control}", flush=True)
            await stop.wait()


def _end_with_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Stop when the pipe from the parent breaks, which it does however the parent ends."""
    if not os.read(sys.stdin.fileno(), 4096):
        loop.remove_reader(sys.stdin.fileno())
        stop.set()


if __name__ == "__main__":
    main()

"""`python -m bench [--long]`: every benchmark, each with its budget, what was measured, and MET or MISSED."""

import argparse
import os
import sys
from collections.abc import Callable

from bench import collect, indicators, ingest, page, restart, signals
from bench.report import Result, table

BENCHMARKS: dict[str, Callable[[], list[Result]]] = {
    "collect": collect.run,
    "indicators": indicators.run,
    "ingest": ingest.run,
    "page": page.run,
    "restart": restart.run,
    "signals": signals.run,
}


def main() -> int:
    """Run all, or those that are named; 1 if a budget was missed."""
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--long", action="store_true", help="also what takes over ten minutes")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in BENCHMARKS]:
        parser.error(f"expected names of {', '.join(BENCHMARKS)}; found {', '.join(unknown)}")
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load before {load:.1f}; figures are for comparison within this run\n")
    results = [
        r for name, run in BENCHMARKS.items() if name in (arguments.names or BENCHMARKS) for r in run()
    ]
    print(table(results))
    return 1 if any(r.is_met is False for r in results) else 0


if __name__ == "__main__":
    sys.exit(main())

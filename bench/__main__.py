"""`python -m bench [--long]`: every benchmark, each with its budget, what was measured, and MET or MISSED."""

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial

from bench import (
    browser,
    collect,
    freshness,
    indicators,
    ingest,
    page,
    queries,
    restart,
    signals,
    verdicts,
    viewers,
)
from bench.crowd import run as crowd
from bench.report import Result, table

BENCHMARKS: dict[str, Callable[[], list[Result]]] = {
    "browser": browser.run,
    "collect": collect.run,
    "crowd": crowd.run,
    "freshness": freshness.run,
    "indicators": indicators.run,
    "ingest": ingest.run,
    "page": page.run,
    "queries": queries.run,
    "restart": restart.run,
    "signals": signals.run,
    "viewers": viewers.run,
}
LONG: dict[str, Callable[[], list[Result]]] = {"verdicts": verdicts.run}
"""Runs with `--long`, or where it is named."""
IN_LENGTH = {
    "browser": partial(browser.run, is_long=True),
    "crowd": partial(crowd.run, is_long=True),
    "queries": partial(queries.run, is_long=True),
}
"""What is measured in their place with `--long`."""


def main() -> int:
    """Run all, or those that are named; 1 if a budget was missed."""
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    known = BENCHMARKS | LONG
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}")
    parser.add_argument("--long", action="store_true", help=f"also {', '.join(LONG)}")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in known]:
        parser.error(f"expected names of {', '.join(known)}; found {', '.join(unknown)}")
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load before {load:.1f}; figures are for comparison within this run\n")
    known |= IN_LENGTH if arguments.long else {}
    chosen = arguments.names or (known if arguments.long else BENCHMARKS)
    results = [result for name, run in known.items() if name in chosen for result in run()]
    print(table(results))
    return 1 if any(r.is_met is False for r in results) else 0


if __name__ == "__main__":
    sys.exit(main())

"""What a backtest is asked to do; every wrong word is answered with those that there are."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from db.settings import Settings
from market.instruments import Instrument
from market.intervals import INTERVAL_MS
from market.replay import Costs
from market.signals import BOOK_RULES, CANDLE_RULES, CandleRule

BOOK_NAMES = ", ".join(rule.name for rule in BOOK_RULES)
NOT_PLAYED = (
    f"{BOOK_NAMES} cannot be played: it reads ten levels of the book five times a second, and the database "
    "keeps the best level alone (orderbook_ticks); its live record is in /api/scoreboard"
)

LAST_TIME = 253_370_764_800_000
"""The begin of the year 9999: a database holds what is asked for behind it too."""


class Unusable(ValueError):
    """What was asked for cannot be done. Says why, and what can be."""


class Options(NamedTuple):
    """One backtest: candles that open in [start, end), epoch ms, and where its files go."""

    venue: str
    symbol: str
    interval: str
    start: int
    end: int
    rules: tuple[CandleRule, ...]
    costs: Costs
    directory: Path


def read_options(arguments: Sequence[str], settings: Callable[[], Settings]) -> Options:
    """The options in a command line; ends the program with a usage line where they are wrong.

    `settings()` is called when they are right: whoever asks for help needs no database.
    """
    parser = argparse.ArgumentParser(
        "collector.backtest", description="Runs the signal rules and paper trades over stored candles."
    )
    parser.add_argument("--venue", required=True, help="as in the table instruments: bybit, binance …")
    parser.add_argument("--symbol", required=True, help="in the venue's spelling: ETHUSDT")
    parser.add_argument("--interval", required=True, choices=tuple(INTERVAL_MS))
    parser.add_argument(
        "--from", dest="start", required=True, type=_time, help="a day, ISO time with zone, or epoch ms"
    )
    parser.add_argument("--to", dest="end", required=True, type=_time, help="the same; not included")
    parser.add_argument(
        "--rules", type=_rules, default=CANDLE_RULES, help=f"comma list; all if not given. {NOT_PLAYED}"
    )
    parser.add_argument(
        "--spread-bps", type=_bps, default=1.0, help="the whole spread; half is paid each way"
    )
    parser.add_argument("--fee-bps", type=_bps, help="taker fee of one way; as in TAKER_FEE_BPS if not given")
    parser.add_argument(
        "--stops", choices=("price", "worst"), default="price",
        help="where a stop inside a candle fills: at its price, or at the worst one of the candle",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path(), help="directory of the CSV files")
    found = parser.parse_args(arguments)
    if found.start >= found.end:
        parser.error("--to must be later than --from")
    fee = settings().taker_bps(found.venue) if found.fee_bps is None else found.fee_bps
    costs = Costs(found.spread_bps, fee, found.stops == "worst")
    rules = tuple(found.rules)
    return Options(found.venue, found.symbol, found.interval, found.start, found.end, rules, costs, found.out)


def check_names(options: Options, known: Iterable[Instrument]) -> None:
    """Raises Unusable for a venue or symbol of which nothing is stored."""
    symbols: dict[str, list[str]] = {}
    for instrument in known:
        symbols.setdefault(instrument.venue, []).append(instrument.symbol)
    if options.venue not in symbols:
        there = ", ".join(sorted(symbols)) or "none yet: run the collector first"
        raise Unusable(f"there is no venue {options.venue!r} in the database; there is {there}")
    if options.symbol not in symbols[options.venue]:
        close = get_close_matches(options.symbol.upper(), symbols[options.venue], n=3)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise Unusable(f"there is no symbol {options.symbol!r} of {options.venue} in the database{hint}")


def _time(word: str) -> int:
    if word.isdecimal() and (len(word) > 8 or word == "0"):
        return _bounded(int(word), word)
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day, a time or epoch ms, found {word!r}") from None
    if moment.tzinfo is None:
        if len(word) > 10:
            raise argparse.ArgumentTypeError(f"expected a zone, like {word}Z")
        moment = moment.replace(tzinfo=UTC)
    return _bounded(int(moment.timestamp() * 1000), word)


def _bounded(time: int, word: str) -> int:
    if not 0 <= time <= LAST_TIME:
        raise argparse.ArgumentTypeError(f"expected a time from 1970 to 9998, found {word!r}")
    return time


def _rules(words: str) -> tuple[CandleRule, ...]:
    known = {rule.name: rule for rule in CANDLE_RULES}
    names = [word.strip() for word in words.split(",") if word.strip()]
    if any(rule.name in names for rule in BOOK_RULES):
        raise argparse.ArgumentTypeError(NOT_PLAYED)
    if not names or (unknown := [name for name in names if name not in known]):
        found = ", ".join(unknown) if names else "none"
        raise argparse.ArgumentTypeError(f"expected some of {', '.join(known)}; found {found}")
    return tuple(known[name] for name in dict.fromkeys(names))


def _bps(word: str) -> float:
    value = float(word)
    if not 0 <= value < 10_000:
        raise argparse.ArgumentTypeError(f"expected from 0 to 10000 basis points, found {word}")
    return value

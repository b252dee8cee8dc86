"""What is traded: symbols, their parts, and how one coin is spelled on each venue."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec

SAME_NAME = """
BTCUSDT ETHUSDT SOLUSDT XRPUSDT BNBUSDT DOGEUSDT ADAUSDT TRXUSDT LINKUSDT AVAXUSDT
SUIUSDT LTCUSDT BCHUSDT DOTUSDT NEARUSDT UNIUSDT AAVEUSDT APTUSDT ARBUSDT OPUSDT
FILUSDT ETCUSDT XLMUSDT HBARUSDT ICPUSDT ATOMUSDT INJUSDT TIAUSDT SEIUSDT ENAUSDT
ONDOUSDT WLDUSDT TAOUSDT RENDERUSDT LDOUSDT CRVUSDT 1000PEPEUSDT 1000BONKUSDT HYPEUSDT ZECUSDT
PENDLEUSDT JUPUSDT WIFUSDT 1000FLOKIUSDT FARTCOINUSDT XMRUSDT ALGOUSDT ORDIUSDT
""".split()
"""Coins of the built-in list that both venues spell alike."""


class Spelling(NamedTuple):
    """One coin whose symbol differs between the venues."""

    base: str
    bybit: str
    binance: str


SPELLINGS = (
    Spelling("SHIB", "SHIB1000USDT", "1000SHIBUSDT"),
    Spelling("PUMP", "PUMPFUNUSDT", "PUMPUSDT"),
    Spelling("RAY", "RAYDIUMUSDT", "RAYSOLUSDT"),
    Spelling("TURBO", "1000TURBOUSDT", "TURBOUSDT"),
    Spelling("SATS", "10000SATSUSDT", "1000SATSUSDT"),
    Spelling("BABYDOGE", "1000000BABYDOGEUSDT", "1MBABYDOGEUSDT"),
    Spelling("CHEEMS", "1000000CHEEMSUSDT", "1000CHEEMSUSDT"),
    Spelling("NEIRO", "1000NEIROCTOUSDT", "NEIROUSDT"),
    Spelling("BEAM", "BEAMUSDT", "BEAMXUSDT"),
    Spelling("DODO", "DODOUSDT", "DODOXUSDT"),
)
"""Source: the venues' instrument lists as reported 2025-07 to 2026-09; checked by price at run time."""

BUILT_IN = (*SAME_NAME, "SHIB1000USDT", "PUMPFUNUSDT")
"""The default 50 coins, in Bybit's spelling, most traded first."""

RENAMED = {"MATIC": "POL", "RNDR": "RENDER", "FTM": "S", "EOS": "A", "MKR": "SKY"}
"""Coins that go by another name now, old to new."""

MOST_APART = 0.2
"""How far prices of one coin may be from one another on two venues, as a fraction of the lower one."""
STAYS, ENTERS = 1.2, 0.8
"""Of the N most traded: up to which rank one stays, and up to which one takes another's place."""

_BASES = {name: s.base for s in SPELLINGS for name in (s.bybit, s.binance)}
_TO_BYBIT = {s.binance: s.bybit for s in SPELLINGS}
_TO_BINANCE = {s.bybit: s.binance for s in SPELLINGS}
_QUOTES = ("USDT", "USDC", "USD")
_PREFIX = re.compile(r"^(10+|1M)(?=[^\d])")
_SUFFIX = re.compile(r"(?<=[A-Z])(10{2,})$")


class Instrument(msgspec.Struct, frozen=True):
    """One instrument of one venue.

    ``tick_size`` and ``lot_size`` are None until the venue has told them. ``multiplier`` is the number of
    base units in one contract name (1000 in 1000PEPEUSDT).
    """

    venue: str
    symbol: str
    base: str
    quote: str
    multiplier: float
    tick_size: float | None = None
    lot_size: float | None = None
    status: str = "unknown"

    @property
    def is_trading(self) -> bool:
        """Whether the venue says that it trades."""
        return self.status.upper() == "TRADING"


def adapter_of(venue: str) -> str:
    """The wire protocol that a venue speaks: "bybit" for sim-bybit and bybit-testnet too."""
    return "binance" if "binance" in venue else "bybit"


def parse_symbol(symbol: str) -> tuple[str, str, float]:
    """Base, quote and multiplier that a symbol names: 1000PEPEUSDT is ("PEPE", "USDT", 1000.0)."""
    quote = next((q for q in _QUOTES if symbol.endswith(q) and len(symbol) > len(q)), "")
    name = symbol[: len(symbol) - len(quote)]
    if symbol.endswith("PERP"):
        name, quote = symbol[:-4], "USDC"  # Bybit's USDC perpetuals
    multiplier = 1.0
    if found := _PREFIX.search(name) or _SUFFIX.search(name):
        multiplier = 1_000_000.0 if found[1] == "1M" else float(found[1])
        name = name.replace(found[1], "", 1) if found.start() == 0 else name[: found.start()]
    return _BASES.get(symbol, name), quote, multiplier


def unknown_instrument(venue: str, symbol: str) -> Instrument:
    """What the symbol alone tells, before (or without) the venue's own list."""
    base, quote, multiplier = parse_symbol(symbol)
    return Instrument(venue, symbol, base, quote, multiplier)


def spelled_for(symbol: str, venue: str) -> str:
    """The venue's spelling of a symbol that may be in the other one's."""
    table = _TO_BINANCE if adapter_of(venue) == "binance" else _TO_BYBIT
    return table.get(symbol, symbol)


def symbols_for(venue: str, wanted: Sequence[str]) -> list[str]:
    """The symbols to follow on `venue`, in order and without repeats.

    `wanted`: symbols in either spelling, or ``venue:SYMBOL`` for one venue alone; empty means built-in.
    """
    found: dict[str, None] = {}
    for entry in wanted or BUILT_IN:
        only, _, name = entry.rpartition(":")
        if not only:
            found[spelled_for(name, venue)] = None
        elif only == adapter_of(venue):
            found[name] = None
    return list(found)


class Chosen(NamedTuple):
    """What to follow of a venue's list: symbols as listed, in order, and what was asked for in vain.

    ``renamed``: what was asked for under another name than the listed one.
    """

    symbols: list[str]
    unlisted: list[str]
    renamed: dict[str, str]


def choose(venue: str, wanted: Sequence[str], listed: Mapping[str, Instrument]) -> Chosen:
    """The instruments of `listed` that `wanted` (see `symbols_for`) names in any spelling."""
    chosen = Chosen([], [], {})
    for symbol in symbols_for(venue, wanted):
        found = listed_as(symbol, listed)
        if found is None:
            chosen.unlisted.append(symbol)
            continue
        if found != symbol:
            chosen.renamed[symbol] = found
        if found not in chosen.symbols:
            chosen.symbols.append(found)
    return chosen


def listed_as(symbol: str, listed: Mapping[str, Instrument]) -> str | None:
    """The symbol under which a coin is listed, for any multiplier or older name that was asked, else None."""
    if symbol in listed:
        return symbol
    base, quote, _ = parse_symbol(symbol)
    for name in (base, RENAMED.get(base)):
        found = sorted(s for s, i in listed.items() if (i.base, i.quote) == (name, quote))
        if found:
            return found[0]
    return None


def most_traded(ranked: Sequence[str], count: int, followed: Collection[str]) -> list[str]:
    """The `count` most traded of `ranked`, most traded first, without changes at the edge.

    Who is followed stays up to rank 1.2 `count`; others take their place from rank 0.8 `count` on.
    """
    stays, enters = ranked[: round(count * STAYS)], set(ranked[: round(count * ENTERS)])
    found = [symbol for symbol in stays if symbol in followed or symbol in enters][:count]
    filled = [symbol for symbol in ranked if symbol not in found][: count - len(found)]
    return sorted([*found, *filled], key=ranked.index)


def family_of(venue: str) -> str:
    """What venues have in common whose prices may be compared: "" live, "sim-", "-testnet"."""
    return venue.replace(adapter_of(venue), "")


def are_one_coin(a: str, price_a: float, b: str, price_b: float) -> bool:
    """Whether two symbols that name the same coin are it: one unit's prices are at most a fifth apart."""
    low, high = sorted((price_a / parse_symbol(a)[2], price_b / parse_symbol(b)[2]))
    return high <= low * (1 + MOST_APART)


def named(instrument: Instrument, *, is_apart: bool) -> Instrument:
    """The instrument with the base that its symbol names; or apart, as a coin that no other venue has."""
    base, _, multiplier = parse_symbol(instrument.symbol)
    if is_apart:
        base, multiplier = f"{instrument.venue}:{instrument.symbol}", 1.0
    return msgspec.structs.replace(instrument, base=base, multiplier=multiplier)

"""The coins that are traded: what a plausible price, tick, lot, turnover and volatility is for each.

Prices are of late 2025, ticks and lots those of the venues' instrument lists; the order is by turnover.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from market.decimals import places_of
from market.instruments import BUILT_IN, adapter_of, spelled_for

_TABLE = """
BTCUSDT 91000 0.10 0.001             ETHUSDT 3000 0.01 0.01               SOLUSDT 138 0.010 0.1
XRPUSDT 2.15 0.0001 0.1              BNBUSDT 900 0.10 0.01                DOGEUSDT 0.155 0.00001 1
ADAUSDT 0.47 0.0001 1                TRXUSDT 0.285 0.00001 1              LINKUSDT 13.3 0.001 0.1
AVAXUSDT 14.2 0.001 0.1              SUIUSDT 1.62 0.0001 1                LTCUSDT 92 0.01 0.1
BCHUSDT 520 0.10 0.01                DOTUSDT 2.75 0.0001 0.1              NEARUSDT 2.2 0.0001 0.1
UNIUSDT 7.2 0.001 0.1                AAVEUSDT 172 0.01 0.01               APTUSDT 2.9 0.0001 0.01
ARBUSDT 0.23 0.00001 0.1             OPUSDT 0.37 0.00001 0.1              FILUSDT 1.85 0.0001 0.1
ETCUSDT 14.8 0.001 0.1               XLMUSDT 0.25 0.00001 1               HBARUSDT 0.148 0.00001 1
ICPUSDT 4.7 0.001 0.1                ATOMUSDT 2.75 0.0001 0.1             INJUSDT 6.6 0.0010 0.1
TIAUSDT 0.75 0.0001 0.1              SEIUSDT 0.155 0.00001 1              ENAUSDT 0.27 0.00001 1
ONDOUSDT 0.53 0.0001 1               WLDUSDT 0.64 0.0001 0.1              TAOUSDT 305 0.01 0.001
RENDERUSDT 1.9 0.0001 0.1            LDOUSDT 0.73 0.0001 0.1              CRVUSDT 0.41 0.0001 0.1
1000PEPEUSDT 0.0045 0.0000001 100    1000BONKUSDT 0.0096 0.0000010 100    HYPEUSDT 38 0.001 0.01
ZECUSDT 620 0.01 0.01                PENDLEUSDT 2.6 0.0001 1              JUPUSDT 0.255 0.00001 1
WIFUSDT 0.42 0.00001 1               1000FLOKIUSDT 0.0487 0.00001 1       FARTCOINUSDT 0.27 0.00001 1
XMRUSDT 370 0.01 0.01                ALGOUSDT 0.15 0.00001 0.1            ORDIUSDT 4.6 0.001 0.01
SHIB1000USDT 0.0085 0.000001 10      PUMPFUNUSDT 0.0029 0.0000001 100
"""
_TOP_TURNOVER = 15e9
_CALM = {
    "BTCUSDT": 0.019,
    "ETHUSDT": 0.03,
    "BNBUSDT": 0.024,
    "TRXUSDT": 0.018,
    "XRPUSDT": 0.032,
    "SOLUSDT": 0.036,
}
_VENUE_SHARE = {"bybit": 0.4, "binance": 1.0}


@dataclass(slots=True)
class Listing:
    """How one venue lists one instrument: its spelling, and the steps of price and size as it prints them.

    Inside the simulator prices are whole ticks, sizes whole lots, and turnover whole ticks times lots.
    """

    symbol: str
    tick: str
    lot: str
    tick_size: float = field(init=False)
    lot_size: float = field(init=False)
    price_places: int = field(init=False)
    size_places: int = field(init=False)

    def __post_init__(self) -> None:
        self._read_steps()

    def refine_tick(self) -> None:
        """Make the tick a tenth of what it is."""
        places = self.price_places + 1
        self.tick = f"{self.tick_size / 10:.{places}f}"
        self._read_steps()

    def _read_steps(self) -> None:
        self.tick_size = float(self.tick)
        self.lot_size = float(self.lot)
        self.price_places = _printed_places(self.tick)
        self.size_places = _printed_places(self.lot)

    @property
    def base(self) -> str:
        """The base as the venues name it: with its multiplier, 1000PEPE."""
        return self.symbol.removesuffix("USDT")

    def price(self, ticks: float) -> str:
        """A price as text, with the decimals of the tick."""
        return f"{ticks * self.tick_size:.{self.price_places}f}"

    def size(self, lots: float) -> str:
        """A size as text, with the decimals of the lot."""
        return f"{lots * self.lot_size:.{self.size_places}f}"

    def levels(self, levels: Iterable[tuple[int, int]], deletion: str) -> str:
        """Levels (ticks, lots) as the inside of a JSON array of pairs; `deletion` is the text of no lots."""
        pair, tick, lot = '["%.*f","%.*f"]', self.tick_size, self.lot_size
        price_places, size_places = self.price_places, self.size_places
        return ",".join(
            [
                pair % (price_places, ticks * tick, size_places, lots * lot)
                if lots
                else f'["{self.price(ticks)}","{deletion}"]'
                for ticks, lots in levels
            ]
        )

    def turnover(self, units: float) -> str:
        """A turnover (ticks times lots) as text; exact."""
        places = self.price_places + self.size_places
        return f"{units * self.tick_size * self.lot_size:.{places}f}"


@dataclass(frozen=True, slots=True)
class Coin:
    """One coin of the simulated market, in Bybit's spelling; `rank` 1 is the most traded."""

    symbol: str
    rank: int
    anchor: float
    tick: str
    lot: str
    daily_volatility: float

    def listing(self, venue: str) -> Listing:
        """The coin as `venue` lists it."""
        return Listing(spelled_for(self.symbol, venue), self.tick, self.lot)

    def daily_turnover(self, venue: str) -> float:
        """Typical turnover of a day on `venue`, in quote currency."""
        share: float = _VENUE_SHARE[adapter_of(venue)] / self.rank**1.35
        return _TOP_TURNOVER * share


def coins() -> tuple[Coin, ...]:
    """The built-in coins, most traded first."""
    words = _TABLE.split()
    rows = {words[i]: words[i + 1 : i + 4] for i in range(0, len(words), 4)}
    found = []
    for rank, symbol in enumerate(BUILT_IN, start=1):
        price, tick, lot = rows[symbol]
        found.append(Coin(symbol, rank, float(price), tick, lot, _CALM.get(symbol, 0.036 + 0.0004 * rank)))
    return tuple(found)


def _printed_places(step: str) -> int:
    """Decimals as printed: Bybit's tick 0.10 prints 65114.20."""
    return len(step.partition(".")[2]) if "." in step else places_of(float(step))

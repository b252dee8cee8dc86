"""What Redis held of instruments when this worker took them: nothing that is older replaces it.

Another worker may have written it a moment ago, or this one before a crash, later than the database was told.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from collector.render import read_trade
from db.hot import keys
from db.hot.writer import HotWriter
from market.events import Trade

Place = tuple[str, str]
"""A key, and the field in it; "" for the whole key."""

SAME_TIME_MS = 60_000
"""What Redis holds of a time later than that is another time altogether: that of a recording, say."""

_decoder = msgspec.json.Decoder(dict[str, object])


class Learned(NamedTuple):
    """What was there of instruments that were just taken: keys, and by symbol the newest trades in order."""

    keys: list[str]
    trades: dict[str, list[Trade]]


class Floors:
    """Times below which nothing is published, and trades that are published already."""

    def __init__(self, writer: HotWriter, intervals: Iterable[str]) -> None:
        self._writer = writer
        self._intervals = tuple(intervals)
        self._times: dict[Place, int] = {}
        self._trades: dict[str, set[str]] = {}

    def learn(self, venue: str, symbols: Sequence[str]) -> Learned:
        """Look up what is there of instruments that were just taken. Raises StoreUnavailable."""
        held = self._writer.held(venue, symbols, self._intervals)
        for key in [key for symbol in symbols for key in keys.of_symbol(venue, symbol)]:
            self._set((key, ""), held.event_times.get(key))
        for symbol in symbols:
            row = held.rows.get(symbol)
            time = _decoder.decode(row).get("event_time") if row else None
            self._set((keys.market(venue), symbol), time if isinstance(time, int) else None)
        trades: dict[str, list[Trade]] = {}
        for symbol in symbols:
            key = keys.trades(venue, symbol)
            read = [read_trade(symbol, entry) for entry in held.trades[key]]
            trades[symbol] = [trade for trade in read if trade is not None]
            self._trades[key] = {trade.trade_id for trade in trades[symbol]}
        return Learned([*held.event_times, *(key for key, entries in held.trades.items() if entries)], trades)

    def passes(self, key: str, field: str, event_time: int | None) -> bool:
        """Whether something of this time may be published; from then on everything may.

        What is of no time yet is less than what is there.
        """
        floor = self._times.get((key, field))
        if floor is None:
            return True
        if not event_time or 0 < floor - event_time <= SAME_TIME_MS:
            return False
        del self._times[key, field]
        return True

    def holds(self, key: str, field: str) -> bool:
        """Whether Redis had this, and nothing was published since."""
        return (key, field) in self._times

    def is_new(self, key: str, trade: Trade) -> bool:
        """Whether a trade is not in the stream yet."""
        return trade.trade_id not in self._trades.get(key, ())

    def forget(self) -> None:
        """Redis may have lost everything: publish whatever there is.

        Not the trades, which the states have by now, and put back themselves.
        """
        self._times.clear()

    def _set(self, place: Place, time: int | None) -> None:
        if time is None:
            self._times.pop(place, None)
        else:
            self._times[place] = time

"""The market as it is shown: rows, feeds and notices made of what Redis holds. Pure: no store, no clock.

Nothing here knows who looks: one view serves every viewer and every API reply of its version.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from db.hot.keys import FEED_FIELDS
from market.instruments import parse_symbol
from market.unlisted import Unlisted, read_unlisted

TROUBLE = ("blocked", "down")
"""States of a feed that everybody who looks must be told of."""
NO_HEARTBEAT = "no heartbeat from the collector"
_SILENT_FEED = {"state": "down", "reason": NO_HEARTBEAT}
_FEED_TEXT = ("state", "reason", "unlisted")


class IndicatorValues(msgspec.Struct, frozen=True):
    """Indicators of one instrument at one interval. ``reason``: why a value is missing or muted.

    ``is_provisional``: they are of the forming candle; score and signal are those of the last close.
    """

    rsi: float | None = None
    stoch_rsi_k: float | None = None
    stoch_rsi_d: float | None = None
    signal: str | None = None
    score: float | None = None
    reason: str | None = None
    is_provisional: bool | None = None
    buy_volume: float | None = None
    sell_volume: float | None = None
    cvd: float | None = None
    order_flow: float | None = None


NO_INDICATORS = IndicatorValues()


class OverviewRow(msgspec.Struct, frozen=True):
    """One instrument as the collector writes it for the overview. Times are epoch ms, missing is None."""

    venue: str
    symbol: str
    base: str | None = None
    quote: str | None = None
    multiplier: float | None = None
    tick_size: float | None = None
    last_price: float | None = None
    mark_price: float | None = None
    change_24h_pct: float | None = None
    turnover_24h: float | None = None
    volume_24h: float | None = None
    funding_rate: float | None = None
    next_funding_time: int | None = None
    best_bid_price: float | None = None
    best_ask_price: float | None = None
    mid: float | None = None
    spread_bps: float | None = None
    imbalance: float | None = None
    book_state: str | None = None
    event_time: int | None = None
    recv_time: int | None = None
    vwap_day: float | None = None
    cvd_day: float | None = None
    bid_depth_10bps: float | None = None
    ask_depth_10bps: float | None = None
    is_depth_10bps_whole: bool | None = None
    bid_depth_50bps: float | None = None
    ask_depth_50bps: float | None = None
    is_depth_50bps_whole: bool | None = None
    indicators: dict[str, IndicatorValues] = {}


class Notice(msgspec.Struct, frozen=True):
    """One sentence above the page. ``kind``: `simulated`, `old` or `trouble`.

    ``since``: epoch ms of the newest datum there is, where the browser is to say how old that is.
    """

    kind: str
    text: str
    since: int | None = None


Feed = dict[str, str | float | None]
"""The fields of one venue's feed: state, reason and unlisted as words, everything else as numbers."""


@dataclass(frozen=True, slots=True)
class MarketView:
    """Everything the Market page and `/api/market` show, as of ``now`` (epoch ms).

    ``version`` changes when a row, what is said of a feed or a notice does; it is the same in every process.
    """

    now: int
    version: str
    feeds: dict[str, Feed]
    rows: tuple[OverviewRow, ...]
    notices: tuple[Notice, ...]

    @property
    def simulated(self) -> bool:
        """Whether any of it comes from the simulator."""
        return any(notice.kind == "simulated" for notice in self.notices)

    def listed_as(self, venue: str, symbol: str) -> str | None:
        """The name by which the venue lists what SYMBOLS asks for; "" for none.

        None: by this one, as far as is known.
        """
        feed = self.feeds.get(venue)
        return unlisted_of(feed).get(symbol) if feed else None


_decode_row = msgspec.json.Decoder(OverviewRow).decode
_encode = msgspec.json.Encoder().encode


def blank_row(venue: str, symbol: str) -> OverviewRow:
    """What is known of an instrument before its venue said anything."""
    base, quote, multiplier = parse_symbol(symbol)
    return OverviewRow(venue, symbol, base, quote, multiplier)


def read_rows(
    venue: str, stored: Mapping[str, bytes], symbols: Iterable[str]
) -> tuple[list[OverviewRow], list[str]]:
    """A row for each of `symbols`, in their order, blank where none is stored; and the unreadable symbols."""
    rows: list[OverviewRow] = []
    unreadable: list[str] = []
    for symbol in symbols:
        try:
            rows.append(_decode_row(stored[symbol]) if symbol in stored else blank_row(venue, symbol))
        except msgspec.DecodeError:
            rows.append(blank_row(venue, symbol))
            unreadable.append(symbol)
    return rows, unreadable


def read_feed(stored: Mapping[str, str]) -> Feed:
    """A feed from its hash, whose every value is text; an absent one is down, a wrong number is missing."""
    values = stored or _SILENT_FEED
    feed: Feed = {name: values.get(name) or None for name in _FEED_TEXT}
    for name in FEED_FIELDS:
        if name not in _FEED_TEXT:
            feed[name] = _number(values.get(name, ""))
    return feed


def unlisted_of(feed: Feed) -> Unlisted:
    """What SYMBOLS asks for and the venue does not list by that name; none where that is not known."""
    return read_unlisted(str(feed["unlisted"] or ""))


def unknown_feed() -> Feed:
    """A feed nothing is known of, because its store does not answer."""
    return dict.fromkeys(FEED_FIELDS)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() else value


def notices_of(feeds: Mapping[str, Feed], *, simulated: bool, waiting: Mapping[str, Feed]) -> list[Notice]:
    """What has to be said of the feeds shown; `waiting`: live feeds that the simulator stands in for."""
    broken = {venue: feed for venue, feed in feeds.items() if feed["state"] in TROUBLE}
    notices = [Notice("trouble", sentence) for sentence in _sentences(broken)]
    if simulated:
        text = "SIMULATED DATA · made up on this machine, not a market"
        if waiting:
            text += " · live is retried: " + "; ".join(_sentences(waiting))
        notices.insert(0, Notice("simulated", text))
    return notices


def _sentences(feeds: Mapping[str, Feed]) -> list[str]:
    """One for each state and reason, naming the venues that share it."""
    venues: dict[str, list[str]] = {}
    for venue, feed in feeds.items():
        state = f"{feed['state']}: {feed['reason']}" if feed["reason"] else str(feed["state"])
        venues.setdefault(state, []).append(venue)
    return [f"{', '.join(names)} {state}" for state, names in venues.items()]


def build_view(
    now: int, rows: Sequence[OverviewRow], feeds: dict[str, Feed], notices: Sequence[Notice]
) -> MarketView:
    """The view of these rows."""
    content = _encode([feed_words(feeds), notices, rows])
    version = hashlib.blake2b(content, digest_size=8).hexdigest()
    return MarketView(now, version, feeds, tuple(rows), tuple(notices))


def feed_words(feeds: Mapping[str, Feed]) -> list[dict[str, object]]:
    """What pages say of each feed, in the feeds' order."""
    return [
        {
            "venue": venue,
            "state": feed["state"],
            "reason": feed["reason"],
            "unlisted": unlisted_of(feed),
        }
        for venue, feed in feeds.items()
    ]

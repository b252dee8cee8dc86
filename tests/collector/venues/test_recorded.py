"""Frames that the venues really sent, decoded and built into books, against the stated facts."""

import gzip
from bisect import bisect_right
from collections import Counter, defaultdict, deque

from collector.venues import Plan, binance, binance_rest, bybit, bybit_rest
from market.book import SERVED_LEVELS, Book
from market.book_rules import DiffBook, SequencedBook
from market.events import BookDelta, BookSnapshot, Event, Kline, TickerUpdate, Top, Trade
from market.instruments import Instrument
from tests.recordings import DATA, binance_frames, bybit_frames, merged_frames, needs_recordings

BYBIT = "linear_20260809_BTCUSDT_SOLUSDT.jsonl.gz"
pytestmark = needs_recordings


def test_bybit_frames_give_the_stated_events() -> None:
    """Counts of every kind, one closed candle a symbol, and nothing that cannot be explained."""
    events = [e for when, frame in bybit_frames(BYBIT) for e in bybit.decode(frame, when).events]
    kinds = Counter((type(e), getattr(e, "symbol", "")) for e in events)
    assert kinds[BookSnapshot, "BTCUSDT"] == kinds[BookSnapshot, "SOLUSDT"] == 1
    assert (kinds[BookDelta, "BTCUSDT"], kinds[BookDelta, "SOLUSDT"]) == (413, 382)
    assert (kinds[TickerUpdate, "BTCUSDT"], kinds[TickerUpdate, "SOLUSDT"]) == (185, 193)
    assert (kinds[Trade, "BTCUSDT"], kinds[Trade, "SOLUSDT"]) == (56, 165)
    assert (kinds[Kline, "BTCUSDT"], kinds[Kline, "SOLUSDT"]) == (23, 26)
    closed = [e for e in events if isinstance(e, Kline) and e.is_closed]
    assert sorted(k.symbol for k in closed) == ["BTCUSDT", "SOLUSDT"]
    assert len({e.trade_id for e in events if isinstance(e, Trade)}) == 221


def test_bybit_books_end_as_stated() -> None:
    """No gap, never crossed, always 200 levels a side, and the stated final best levels."""
    books: defaultdict[str, SequencedBook] = defaultdict(lambda: SequencedBook(200))
    changes: Counter[str] = Counter()
    for when, frame in bybit_frames(BYBIT):
        for event in bybit.decode(frame, when).events:
            if not isinstance(event, BookSnapshot | BookDelta):
                continue
            rules = books[event.symbol]
            before = rules.book.top()
            if isinstance(event, BookSnapshot):
                rules.on_snapshot(event)
            else:
                assert rules.on_delta(event)
                changes[event.symbol] += rules.book.top() != before
            assert len(rules.book.bids.prices) == len(rules.book.asks.prices) == 200
            assert not rules.book.is_crossed
    assert changes == {"BTCUSDT": 133, "SOLUSDT": 150}
    btc, sol = books["BTCUSDT"].book, books["SOLUSDT"].book
    assert (btc.update_id, sol.update_id) == (15077365, 13783705)
    assert btc.best(3) == (
        [(65114.2, 5.974), (65114.1, 0.053), (65113.9, 0.252)],
        [(65114.3, 9.06), (65115.2, 0.002), (65115.4, 0.002)],
    )
    assert sol.best(3) == (
        [(77.26, 1041.8), (77.25, 1239.6), (77.24, 3805.1)],
        [(77.27, 356.1), (77.28, 1005.3), (77.29, 1562.2)],
    )


class Quotes:
    """All best quotes of a recording; a quote may come after the book event that it belongs to."""

    def __init__(self, tops: list[Top]) -> None:
        self.by_symbol: dict[str, list[Top]] = defaultdict(list)
        for top in sorted(tops, key=lambda t: t.update_id):
            self.by_symbol[top.symbol].append(top)

    def agree(self, symbol: str, rules: DiffBook) -> bool:
        """Assert that the book's best equals the last quote at or before its update; False without one."""
        tops = self.by_symbol[symbol]
        at = bisect_right(tops, rules.book.update_id, key=lambda t: t.update_id)
        if at:
            last = tops[at - 1]
            assert rules.book.top() == (last.bid_price, last.bid_size, last.ask_price, last.ask_size)
        return at > 0


def decoded(frames: list[tuple[int, str, bytes]]) -> list[tuple[str, Event]]:
    """(symbol of a REST snapshot or "", event); the undocumented `@trade` of old recordings is left out."""
    found: list[tuple[str, Event]] = []
    for when, symbol, frame in frames:
        if symbol:
            found.append((symbol, binance_rest.parse_depth(frame, symbol, when)))
        elif b"@trade" not in frame[:40]:
            found += [("", event) for event in binance.decode(frame, when).events]
    return found


def play(events: list[tuple[str, Event]]) -> tuple[dict[str, DiffBook], int, int]:
    """Build the books; returns them, the number of applied events and of comparisons that agreed."""
    quotes = Quotes([e for _, e in events if isinstance(e, Top)])
    books: dict[str, DiffBook] = defaultdict(lambda: DiffBook(1000, SERVED_LEVELS))
    applied = compared = 0
    for _, event in events:
        if isinstance(event, BookSnapshot):
            books[event.symbol].on_snapshot(event)
        elif isinstance(event, BookDelta) and books[event.symbol].on_delta(event):
            applied += 1
            compared += quotes.agree(event.symbol, books[event.symbol])
    return books, applied, compared


def single(name: str, symbol: str) -> list[tuple[int, str, bytes]]:
    frames = binance_frames(name)
    return [(when, symbol if f.startswith(b'{"lastUpdateId"') else "", f) for when, f in frames]


def test_binance_ethusdt_ends_as_stated() -> None:
    """The book equals bookTicker after every event, and the final best levels are the stated ones."""
    books, applied, compared = play(decoded(single("usdm_ethusdt_20240718.txt.gz", "ETHUSDT")))
    book = books["ETHUSDT"].book
    assert compared == applied == 3268 - 2  # two of the 3268 had come before the snapshot did
    assert book.update_id == 4984033953043
    assert book.best(3) == (
        [(3424.98, 77.165), (3424.97, 0.02), (3424.86, 0.006)],
        [(3424.99, 80.013), (3425.0, 30.463), (3425.02, 0.009)],
    )


def test_binance_btcusdt_agrees_though_it_leaves_its_snapshot() -> None:
    """The market falls out of the range of the snapshot; the next comes before that, a second late."""
    events = [event for _, event in decoded(single("usdm_btcusdt_20240808.txt.gz", "BTCUSDT"))]
    quotes = Quotes([e for e in events if isinstance(e, Top)])
    rules, exchange = DiffBook(1000, SERVED_LEVELS), Book()
    coming: deque[tuple[int, BookSnapshot]] = deque()
    applied = compared = renewals = 0
    for event in events:
        if isinstance(event, BookSnapshot):
            rules.on_snapshot(event)
            exchange.replace(event)
        elif isinstance(event, BookDelta) and rules.on_delta(event):
            exchange.apply(event)
            applied += 1
            compared += quotes.agree(event.symbol, rules)
            if rules.is_low and not rules.is_renewing:
                rules.renew()
                now = (exchange.update_id, exchange.event_time, exchange.recv_time)
                coming.append((applied + 20, BookSnapshot("BTCUSDT", *exchange.best(1000), *now)))
            while coming and coming[0][0] <= applied:
                renewals += rules.on_snapshot(coming.popleft()[1])
                assert quotes.agree(event.symbol, rules)
    assert compared == applied == 6547 - 2
    assert renewals > 0
    assert rules.book.best(3) == (
        [(61659.7, 1.486), (61659.0, 0.002), (61658.1, 0.033)],
        [(61659.8, 0.981), (61659.9, 0.188), (61660.0, 7.977)],
    )


def test_four_old_binance_symbols_agree_with_their_best_quotes() -> None:
    """Low ticks and thin books: every comparison agrees, and one candle a symbol closes."""
    ws, http = "usdm_4sym_20210722.ws.txt.gz", "usdm_4sym_20210722.http.txt.gz"
    events = decoded(list(merged_frames(ws, http)))
    _, applied, compared = play(events)
    assert (applied, compared) == (752, 744)
    closed = Counter(e.symbol for _, e in events if isinstance(e, Kline) and e.is_closed)
    assert closed == dict.fromkeys(("SUSHIUSDT", "AKROUSDT", "KEEPUSDT", "CTKUSDT"), 1)


def test_bybit_instruments_are_usdt_perpetuals_of_crypto() -> None:
    """800 instruments are listed; dated futures, USDC, shares and metals are left out."""
    with gzip.open(DATA / "bybit" / "instruments_info_linear_20260809.json.gz", "rb") as file:
        found, cursor = bybit_rest.parse_instruments(file.read(), "bybit")
    by_symbol = {i.symbol: i for i in found}
    assert cursor == ""
    assert 500 < len(found) < 800
    assert by_symbol["BTCUSDT"] == Instrument("bybit", "BTCUSDT", "BTC", "USDT", 1.0, 0.1, 0.001, "Trading")
    assert not [s for s in by_symbol if "-" in s or s.endswith("PERP")]
    assert "XAUUSDT" not in by_symbol


def test_every_topic_of_a_symbol_is_named_and_routed() -> None:
    """With REST one candle stream and the diff book; without it every interval and whole tops."""
    full = Plan(("1m", "5m", "1d"), 200, True)
    assert [t.name for t in bybit.topics("BTCUSDT", full)] == [
        "orderbook.200.BTCUSDT",
        "tickers.BTCUSDT",
        "publicTrade.BTCUSDT",
        "kline.1.BTCUSDT",
    ]
    bare = full._replace(uses_rest=False)
    assert [t.name for t in bybit.topics("BTCUSDT", bare)[3:]] == [
        "kline.1.BTCUSDT",
        "kline.5.BTCUSDT",
        "kline.D.BTCUSDT",
    ]
    assert {t.name: t.route for t in binance.topics("BTCUSDT", full)} == {
        "btcusdt@bookTicker": "public",
        "btcusdt@depth@100ms": "public",
        "btcusdt@ticker": "market",
        "btcusdt@markPrice@1s": "market",
        "btcusdt@aggTrade": "market",
        "btcusdt@kline_1m": "market",
    }
    assert "btcusdt@depth20@100ms" in {t.name for t in binance.topics("BTCUSDT", bare)}

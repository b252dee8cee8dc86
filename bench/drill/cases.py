"""The faults of an exchange and a network that one running collector lives through, one after another.

E1 to E26 and N1 to N9 are the numbers of the list of faults that the drill follows. Those that cut sockets
stand apart from one another: the wait before a new one grows with every failure within a minute.
"""

import time

from bench.drill.case import Case, Target
from bench.drill.checks import (
    connects_are_few,
    delisting,
    pause_collector,
    requests_after_refusal,
    ticker_is_whole,
    trades_are_single,
    when_crossed,
)
from bench.drill.exchange import Command

BYBIT_BOOK = Target("bybit", "BTCUSDT", "book")
BINANCE_BOOK = Target("binance", "BTCUSDT", "book")
BINANCE_TOP = Target("binance", "BTCUSDT", "top")
BOOKS = (BYBIT_BOOK, BINANCE_BOOK)
ALL_BOOKS = (*BOOKS, BINANCE_TOP)
DIFF = "btcusdt@depth@100ms"
ORDERBOOK = "orderbook.50.BTCUSDT"
CUT = frozenset({"disconnect"})
SILENT = frozenset({"silent"})
SEQUENCE = frozenset({"sequence"})
CROSSED = frozenset({"crossed"})


def mute(topics: str, until: str = "resubscribe") -> Command:
    """One topic dies."""
    return {"kind": "mute", "topics": topics, "until": until}


CASES: tuple[Case, ...] = (
    Case("N1", "the peer freezes for 8 s, TCP stays alive", [], ALL_BOOKS, lasts_s=8.0, disturbs="all",
         act=lambda rig: rig.exchange.stop(), undo=lambda rig: rig.exchange.go_on(),
         may_say=frozenset({"silent", "disconnect"})),
    Case("E2", "one book dies, the rest flow (Bybit)", [mute(ORDERBOOK)], [BYBIT_BOOK], causes=SILENT),
    Case("E2", "best quotes die (Binance)", [mute("btcusdt@bookTicker")], [BINANCE_TOP], causes=SILENT),
    Case("E2", "one diff stream dies (Binance)", [mute(DIFF)], [BINANCE_BOOK], causes=SILENT),
    Case("E14", "all sockets closed with 1001 (Bybit)", [{"kind": "cut", "venue": "bybit"}], [BYBIT_BOOK],
         disturbs="venue", causes=CUT),
    Case("E2", "one ticker dies (Bybit)", [mute("tickers.BTCUSDT")], [Target("bybit", "BTCUSDT", "ticker")],
         causes=SILENT),
    Case("E2", "one tape dies (both)", [mute("publicTrade.BTCUSDT,btcusdt@aggTrade")],
         [Target("bybit", "BTCUSDT", "trade"), Target("binance", "BTCUSDT", "trade")], budget_s=15.0,
         causes=SILENT),
    Case("E14", "all sockets closed with 1008 (Binance)", [{"kind": "cut", "venue": "binance", "how": 1008}],
         [BINANCE_BOOK, BINANCE_TOP], disturbs="venue", causes=CUT),
    Case("E1", "acknowledged, then silence; a new socket helps",
         [mute(f"{ORDERBOOK},btcusdt@bookTicker"),
          {"kind": "ack_and_silence", "topics": f"{ORDERBOOK},btcusdt@bookTicker", "until": "socket"}],
         [BYBIT_BOOK, BINANCE_TOP], causes=SILENT),
    Case("E3", "an address is retired: silent, the second URL helps",
         [{"kind": "mute", "host": "127.0.0.1:*", "topics": "orderbook.*ETHUSDT,ethusdt@bookTicker"}],
         [Target("bybit", "ETHUSDT", "book"), Target("binance", "ETHUSDT", "top")],
         causes=SILENT),
    Case("E26", "the ticker moves, book and tape stand still",
         [mute(f"{ORDERBOOK},publicTrade.BTCUSDT,btcusdt@bookTicker,{DIFF},btcusdt@aggTrade")],
         ALL_BOOKS, causes=SILENT, may_say=SEQUENCE),
    Case("N2", "reset in the middle of a frame (both)", [{"kind": "cut", "how": "rst"}], ALL_BOOKS,
         disturbs="all", causes=CUT),
    Case("E5", "Binance: pu is not the last u", [{"kind": "drop", "topics": DIFF}], [BINANCE_BOOK],
         causes=SEQUENCE),
    Case("E6", "Bybit: u jumps", [{"kind": "drop", "topics": ORDERBOOK}], [BYBIT_BOOK], causes=SEQUENCE),
    Case("E7", "Bybit: a snapshot nobody asked for, then u = 1",
         [{"kind": "snapshot", "topics": ORDERBOOK},
          {"kind": "snapshot", "topics": ORDERBOOK, "restart": True}],
         [BYBIT_BOOK], budget_s=None, lasts_s=2.0),
    Case("E8", "Bybit: a delta before the snapshot",
         [{"kind": "delta_first", "topics": ORDERBOOK}, {"kind": "drop", "topics": ORDERBOOK}], [BYBIT_BOOK],
         causes=SEQUENCE),
    Case("E23", "handshakes answered 503, REST with HTML, for 4 s",
         [{"kind": "handshake", "venue": "binance", "status": 503},
          {"kind": "rest", "venue": "binance", "status": 503},
          {"kind": "cut", "venue": "binance"}],
         [BINANCE_BOOK, BINANCE_TOP], lasts_s=4.0, live_s=15.0, disturbs="venue", causes=CUT),
    Case("E9", "REST books out of an old cache, for 4 s",
         [{"kind": "old_book", "venue": "binance", "symbols": "BTCUSDT"}, {"kind": "drop", "topics": DIFF}],
         [BINANCE_BOOK], lasts_s=4.0, causes=SEQUENCE),
    Case("E10", "a deletion is not said: the book is crossed",
         [{"kind": "drop_delete", "topics": ORDERBOOK}, {"kind": "drop_delete", "topics": DIFF}], BOOKS,
         causes=CROSSED, starts=when_crossed),
    Case("E10", "the exchange's own book is crossed for 3 s",
         [{"kind": "cross", "topics": f"{ORDERBOOK},{DIFF}"}], BOOKS, lasts_s=3.0, causes=CROSSED),
    Case("E11", "diffs come twice", [{"kind": "duplicate", "topics": f"{ORDERBOOK},{DIFF}"}], BOOKS,
         budget_s=None, lasts_s=3.0),
    Case("E11", "diffs change places", [{"kind": "reorder", "topics": f"{ORDERBOOK},{DIFF}"}], BOOKS,
         causes=SEQUENCE),
    Case("E12", "429 with Retry-After 5 while all books resync",
         [{"kind": "rest", "venue": "binance", "status": 429, "retry_after": 5, "path": "/fapi/v1/depth"},
          {"kind": "drop", "topics": "*@depth@100ms"}],
         [BINANCE_BOOK], lasts_s=5.0, disturbs="venue", causes=SEQUENCE, check=requests_after_refusal),
    Case("E16", "Bybit: ticker deltas before the snapshot",
         [{"kind": "delta_first", "topics": "tickers.BTCUSDT"}, mute("tickers.BTCUSDT")],
         [Target("bybit", "BTCUSDT", "ticker")], causes=SILENT, check=ticker_is_whole),
    Case("E19", "trades come twice, out of order, 1,500 at once",
         [{"kind": "duplicate", "topics": "publicTrade.BTCUSDT,btcusdt@aggTrade", "count": 10},
          {"kind": "reorder", "topics": "publicTrade.BTCUSDT,btcusdt@aggTrade", "count": 5},
          {"kind": "trades", "symbol": "BTCUSDT"}],
         [BYBIT_BOOK, BINANCE_TOP], budget_s=None, lasts_s=5.0, check=trades_are_single),
    Case("E20", "the tick becomes a tenth of what it was", [{"kind": "finer_tick", "symbol": "ETHUSDT"}],
         [Target("bybit", "ETHUSDT", "book"), Target("binance", "ETHUSDT", "top")], budget_s=None,
         lasts_s=3.0),
    Case("E21", "new fields, whole numbers as text",
         [{"kind": "drift", "symbols": "BTCUSDT"}, {"kind": "drift", "symbols": "BTCUSDT", "form": "texts"}],
         ALL_BOOKS, budget_s=None, lasts_s=3.0),
    Case("E21", "empty lists of trades and candles",
         [{"kind": "drift", "topics": "publicTrade.BTCUSDT,kline.1.BTCUSDT", "form": "empty", "count": 2}],
         [BYBIT_BOOK], budget_s=None, lasts_s=3.0),
    Case("E21", "null in a book, NaN in a quote",
         [{"kind": "drift", "topics": ORDERBOOK, "form": "null", "count": 1},
          {"kind": "drift", "topics": "btcusdt@bookTicker", "form": "nan", "count": 1}],
         [BYBIT_BOOK, BINANCE_TOP], causes=frozenset({"sequence", "refused"})),
    Case("E22", "one frame of garbage of each form",
         [{"kind": "garbage", "topics": topic, "form": form}
          for topic, form in
          ((ORDERBOOK, "truncated"), (DIFF, "binary"), (ORDERBOOK, "huge"), (DIFF, "text"))],
         BOOKS, budget_s=None, lasts_s=2.0),
    Case("N9", "we read nothing for 10 s, and are dropped",
         [{"kind": "impatient", "within": 5.0}], ALL_BOOKS, act=pause_collector,
         starts=lambda _rig, _numbers: time.monotonic(), disturbs="all", causes=CUT),
    Case("E22", "garbage without end for 3 s: the socket is opened anew",
         [{"kind": "drift", "venue": "bybit", "form": "null"}], [BYBIT_BOOK],
         lasts_s=3.0, live_s=15.0, disturbs="venue", causes=frozenset({"disconnect", "sequence", "refused"})),
    Case("E25", "event times a thousandfold",
         [{"kind": "shift_times", "topics": ORDERBOOK, "factor": 1000, "count": 3}], [BYBIT_BOOK],
         causes=frozenset({"sequence", "refused"})),
    Case("E25", "event times an hour ahead, for 2 s (Binance)",
         [{"kind": "shift_times", "topics": "btcusdt@bookTicker", "milliseconds": 3_600_000}], [BINANCE_TOP],
         lasts_s=2.0, causes=frozenset({"refused", "silent"})),
    Case("E24", "burst ×20 for 8 s", [{"kind": "burst", "factor": 20}], ALL_BOOKS, budget_s=None, lasts_s=8.0,
         disturbs="all"),
    Case("N7", "all sockets cut every 5 s, for 25 s", [{"kind": "flap", "period": 5.0}], ALL_BOOKS,
         lasts_s=25.0, live_s=60.0, disturbs="all", causes=CUT, check=connects_are_few),
    Case("E20", "an instrument is delisted", [], [], play=delisting),
)  # fmt: skip

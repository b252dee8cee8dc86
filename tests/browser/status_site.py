"""The site of the browser tests with all that the Status page shows: workers, strips, an eventful ledger."""

from typing import Any

from db.history.status import EventCell, GapCell, Incident
from tests.browser.site import Site, now_ms

VENUES = ("sim-bybit", "sim-binance")
HOUR = 3_600_000
REASON = "sim-bybit-public-0: the exchange closed the connection (1006); orderbook.50.ETHUSDT silent for 12 s"


class StatusSite(Site):
    """Two workers; one feed is degraded, one gap lasts, others are repaired, partly or not."""

    def __init__(self, **values: Any) -> None:
        super().__init__(history_max_mb=700, **values)
        now = now_ms()
        self.history.first_tick = now - 76 * HOUR
        self.history.gap_counts = [
            *(GapCell("sim-bybit", "book", cell, 8, 8, 0, 8, "yes", ["disconnect"]) for cell in (12, 13, 50)),
            GapCell("sim-bybit", "book", 70, 2, 2, 0, 0, "no", ["sequence", "silent"]),
            GapCell("sim-bybit", "book", None, 8, 26, 0, 24, "no", ["disconnect", "sequence", "silent"]),
            *(GapCell("sim-bybit", "trade", cell, 8, 8, 0, 0, "partly", ["disconnect"]) for cell in (12, 13)),
            GapCell("sim-bybit", "trade", None, 8, 8, 0, 0, "partly", ["disconnect"]),
            *(GapCell("sim-binance", "kline", cell, 1, 1, 1, 0, "no", ["silent"]) for cell in range(88, 96)),
            GapCell("sim-binance", "kline", None, 1, 1, 1, 0, "no", ["silent"]),
        ]
        self.history.event_counts = [
            EventCell("sim-bybit", event, cell, 1 + cell % 3)
            for event, cells in (("disconnected", (12, 50)), ("resync", (12, 13, 50, 70)), ("live", (51,)))
            for cell in cells
        ]
        self.history.faults = [
            Incident(*fields)
            for fields in (
                ("sim-binance", "silent", now - 2 * HOUR, None, ["kline"], 1, "SOLUSDT", 1, 1, 0, 0, 0,
                 "SOLUSDT@kline_1m: silent while trades go on"),
                ("sim-bybit", "sequence", now - 6 * HOUR, now - 6 * HOUR + 830, ["book"], 1, "ETHUSDT",
                 1, 0, 0, 0, 0, "u 8812 follows 8809"),
                ("sim-bybit", "disconnect", now - 11 * HOUR, now - 11 * HOUR + 34_000,
                 ["book", "kline", "ticker", "trade"], 8, "ADAUSDT", 32, 0, 16, 8, 412,
                 "the exchange closed the connection (1006)"),
                ("sim-bybit", "restart", now - 30 * HOUR, now - 29 * HOUR, ["book", "trade"], 8, "ADAUSDT",
                 16, 0, 16, 0, 5120, "the collector was stopped"),
            )
        ]  # fmt: skip
        self.history.events = [
            (now - 20 * HOUR, "", "w", "history_shortened",
             "ticks before 2026-11-20 04:00:00 UTC are dropped: the database uses 702.1 MB, 700 are allowed")
        ]  # fmt: skip

    def step(self) -> None:
        """Feeds and workers say how they are, as collectors do."""
        super().step()
        now = now_ms()
        for n, venue in enumerate(VENUES):
            self.reader.states[venue] = self._feed_of(n, now)
            for worker in ("collector.1", "collector.2"):
                self.reader.shares[venue, worker] = self._feed_of(n, now)
        self.reader.collectors = {
            f"collector.{n}": {
                "host": "db1", "pid": str(4000 + n), "started_at": str(now - 5 * HOUR - n * 60_000),
                "heartbeat_at": str(now - 300), "version": "0.1.0", "symbols": str(8 - n),
                "queue_rows": str(self._steps % 40), "spool_rows": "0", "spool_bytes": "0",
                "rows_written": str(1_234_567 + self._steps * 50), "rows_dropped": "0", "db_state": "up",
            }
            for n in (1, 2)
        }  # fmt: skip

    def _feed_of(self, n: int, now: int) -> dict[str, str]:
        return {
            "state": "live" if n else "degraded", "reason": "" if n else REASON,
            "connected_at": str(now - HOUR), "messages": str(1_000_000 + self._steps * 100),
            "message_rate": f"{412.5 + self._steps % 9:.1f}", "reconnects": "2", "gaps": "3", "resyncs": "5",
            "lag_p50_ms": "12", "lag_p99_ms": "48", "last_message_time": str(now - 40),
            "lag_redis_p50_ms": "21", "lag_redis_p99_ms": "55", "lag_postgres_p50_ms": "140",
            "lag_postgres_p99_ms": "310", "clock_skew_ms": "-3", "open_gaps": str(n), "silent_topics": "0",
            "revisions": "1", "audits": "41", "audit_mismatches": "0",
        }  # fmt: skip

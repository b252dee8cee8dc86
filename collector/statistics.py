"""How one feed is doing, in numbers: messages, rates, lag, faults."""

from collections import Counter, deque
from dataclasses import dataclass, field

LAG_SAMPLES = 2_000
RATE_WINDOW_S = 10.0


class Lags:
    """The newest of many delays, ms; they may be negative."""

    def __init__(self) -> None:
        self._samples: deque[int] = deque(maxlen=LAG_SAMPLES)
        self.add = self._samples.append
        """Take one."""

    def percentiles(self) -> tuple[int | None, int | None]:
        """p50 and p99; None without samples."""
        lags = sorted(self._samples)
        if not lags:
            return None, None
        return lags[len(lags) // 2], lags[min(len(lags) - 1, len(lags) * 99 // 100)]


@dataclass(slots=True)
class FeedStatistics:
    """Counters since the start, and lag and rate of late. Written under the pipeline's lock."""

    messages: int = 0
    reconnects: int = 0
    gaps: int = 0
    resyncs: int = 0
    audits: int = 0
    """Books compared with a snapshot by REST."""
    audit_mismatches: int = 0
    last_message_time: int = 0
    """Our clock at the last market datum, epoch ms."""
    last_data_at: float = float("-inf")
    """The same on the monotonic clock."""
    faults: Counter[str] = field(default_factory=Counter)
    """What was refused or could not be explained, by kind."""
    venue_lags: Lags = field(default_factory=Lags)
    """From the venue's time to ours, of book and quote events."""
    redis_lags: Lags = field(default_factory=Lags)
    """From reception until books were in Redis."""
    postgres_lags: Lags = field(default_factory=Lags)
    """From reception until ticks were committed."""
    _marks: deque[tuple[float, int]] = field(default_factory=deque)

    def message_rate(self, now: float) -> float:
        """Messages per second over the last ten. `now`: monotonic seconds; call it about once a second."""
        self._marks.append((now, self.messages))
        while len(self._marks) > 2 and now - self._marks[0][0] > RATE_WINDOW_S:
            self._marks.popleft()
        first_at, first_count = self._marks[0]
        return (self.messages - first_count) / (now - first_at) if now > first_at else 0.0

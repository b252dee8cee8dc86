"""Indicators, signals and paper trades of what a venue's pipeline brings, in a thread of their own.

`venue` is that thread, `instrument` what it does for one instrument, `rows` and `fields` how that is told to
Postgres and Redis, `memory` what an earlier run left, `earlier` and `owed` what is made of that, `scoreboard`
the track record.
"""

from collector.signals.instrument import Terms
from collector.signals.memory import SignalMemory
from collector.signals.venue import VenueSignals

__all__ = ["SignalMemory", "Terms", "VenueSignals"]

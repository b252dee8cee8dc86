"""Which instruments this worker follows, where several share them."""

from collector.leases.gate import GapGate
from collector.leases.leases import Leases
from collector.leases.share import Share

__all__ = ["GapGate", "Leases", "Share"]

"""A start without looks for cycles: a fifth of its time went into looking at objects that all stay.

And memory from one arena: glibc gives each of our twenty threads one of its own, of which much stays unused,
though Python lets one thread run at a time. To be imported first: what is loaded afterwards is loaded so.
"""

import ctypes
import gc

_M_ARENA_MAX = -8
"""Of glibc's malloc.h; other C libraries have no `mallopt`, or refuse this."""

gc.disable()
if hasattr(libc := ctypes.CDLL(None), "mallopt"):
    libc.mallopt(_M_ARENA_MAX, 1)


def collect() -> None:
    """Look for cycles from now on; what is there already stays, and is not looked at again."""
    gc.freeze()
    gc.enable()

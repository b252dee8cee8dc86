"""`python minder.py COMMAND…`: runs a command that starts processes of its own, and at SIGTERM ends them all.

A program of the standard library alone, as the leader of a process group (see `db.local.process.run_minded`):
a child that is only told of its parent's end would leave its own children behind.
"""

import os
import signal
import subprocess
import sys

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os.killpg(0, signal.SIGKILL))
    sys.exit(subprocess.call(sys.argv[1:]))

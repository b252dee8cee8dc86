"""How the commands that print reports end when whoever reads them has read enough, as in `… | head`."""

import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn


def run_piped(main: Callable[[], int]) -> NoReturn:
    """Exit with what `main` returns; by SIGPIPE, without a word, once nobody reads standard output.

    Other programs have that as the signal's default action from their start. Here it would also end the
    process at a socket whose other end is gone.
    """
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGPIPE)
        raise  # the signal is blocked, or was ignored by a debugger
    sys.exit(code)

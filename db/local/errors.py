"""What `dev` can say instead of a traceback."""


class LocalError(Exception):
    """One clear sentence for the person at the terminal: what was expected, what was found, what to do."""


class StopRequested(Exception):
    """Ctrl-C, SIGTERM or SIGHUP came; whoever waits gives up and everything is stopped in order."""

"""`LOGIN_USERS`: HTTP Basic over everything but `/healthz`."""

import getpass
import hashlib
import hmac
import secrets
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from flask import Flask, Response, request
from gevent import get_hub, monkey
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from werkzeug.security import check_password_hash, generate_password_hash

from app.address import address_of
from app.errors import error

OPEN_PATH = "/healthz"
METRICS_PATH = "/metrics"
WRONG_TRIES = parse("10/minute")
"""Different wrong passwords that an address may try."""
_KEPT = 2_000
_CHALLENGE = 'Basic realm="Tickdeck", charset="UTF-8"'
_USAGE = "usage: python -m app.security hash [NAME]   asks for a password, or reads it from a pipe"


class Passwords:
    """Who may enter. Each pair of name and password costs one scrypt in the life of a process."""

    def __init__(self, users: Mapping[str, str]) -> None:
        """`users`: name -> hash as werkzeug writes it."""
        self._users = users
        self._nobody = generate_password_hash(secrets.token_hex())
        self._key = secrets.token_bytes()
        self._lock = threading.Lock()
        self._known: dict[bool, OrderedDict[bytes, None]] = {True: OrderedDict(), False: OrderedDict()}

    def known(self, name: str, password: str) -> bool | None:
        """Whether the pair is right; None if that would have to be computed."""
        digest = self._digest(name, password)
        return next((verdict for verdict, pairs in self._known.items() if digest in pairs), None)

    def check(self, name: str, password: str) -> bool:
        """Whether the pair is right; takes as long for a name that there is not."""
        with self._lock:  # one at a time: a flood of tries takes one core, not all
            found = self.known(name, password)
            if found is None:
                stored = self._users.get(name, self._nobody)
                is_right = _aside(lambda: check_password_hash(stored, password))
                found = is_right and name in self._users
                pairs = self._known[found]
                pairs[self._digest(name, password)] = None
                if len(pairs) > _KEPT:
                    pairs.popitem(last=False)
            return found

    def _digest(self, name: str, password: str) -> bytes:
        # Names hold no colon. Keyed, so that nothing can be learned from how long looking it up takes.
        return hmac.digest(self._key, f"{name}:{password}".encode(), hashlib.sha256)


def install(server: Flask, users: Mapping[str, str], metrics_token: str = "") -> None:
    """Ask everybody who they are, before anything else is done. Without users everybody may enter.

    Whoever has the token of the metrics needs no password for them: a request has one Authorization.
    """
    if not users:
        return
    passwords = Passwords(users)
    tries = FixedWindowRateLimiter(MemoryStorage())
    checking = threading.Lock()

    @server.before_request
    def _login() -> Response | None:
        given = request.authorization
        if request.path == OPEN_PATH:
            return None
        if request.path == METRICS_PATH and metrics_token and given is not None and given.type == "bearer":
            is_right = hmac.compare_digest((given.token or "").encode(), metrics_token.encode())
            return None if is_right else _unauthorized()
        if given is None or given.type != "basic" or given.username is None or given.password is None:
            return _unauthorized()
        pair = given.username, given.password
        found, address = passwords.known(*pair), address_of(request)
        if found is None:
            with checking:  # else all that come at once are let through before the first is wrong
                if not tries.test(WRONG_TRIES, address):
                    return _too_many(tries, address)
                found = passwords.check(*pair)
                if not found:
                    tries.hit(WRONG_TRIES, address)
        return None if found else _unauthorized()


def _unauthorized() -> Response:
    response = error(401, "unauthorized", "expected the name and password of a user")
    response.headers["WWW-Authenticate"] = _CHALLENGE
    return response


def _too_many(tries: FixedWindowRateLimiter, address: str) -> Response:
    response = error(429, "too_many_tries", "too many wrong passwords came from this address")
    wait_s = tries.get_window_stats(WRONG_TRIES, address).reset_time - time.time()
    response.headers["Retry-After"] = str(max(1, int(wait_s) + 1))
    return response


def _aside(work: Callable[[], bool]) -> bool:
    """Do it in a real thread: it is arithmetic, during which no greenlet would get a turn."""
    if not monkey.is_module_patched("threading"):
        return work()
    return bool(get_hub().threadpool.apply(work))


def hash_command(words: list[str]) -> int:
    """`python -m app.security hash [NAME]`: print what goes into LOGIN_USERS; returns the exit code."""
    name = words[1] if len(words) == 2 else ""
    if not words or words[0] != "hash" or len(words) > 2 or ":" in name:
        print(_USAGE, file=sys.stderr)
        return 2
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Once more: ") != password:
            print("these were two different passwords", file=sys.stderr)
            return 1
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        print("expected a password", file=sys.stderr)
        return 1
    print(f"{name}:" * bool(name) + generate_password_hash(password))
    return 0

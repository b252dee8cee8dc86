"""`API_RATE_LIMIT`: requests to `/api` an address, counted in Redis for all processes."""

import logging
import math
import time
from typing import Any

from flask import Flask, Response, request
from flask_limiter import Limiter, RateLimitExceeded
from limits.errors import StorageError

from app.address import address_of
from app.errors import error
from db.breaker import Breaker
from db.hot import keys
from db.hot.connect import rate_pool

API = "/api/"
STREAMS = ("/api/stream", "/api/ws")
OFF = "off"


def install(server: Flask, rate: str, redis_url: str, breaker: Breaker | None = None) -> None:
    """Limit `/api` but for streams, which have a limit of their own.

    While Redis does not answer each process counts for itself; nobody waits for it longer than its time-outs.
    """
    if rate == OFF:
        return
    options: Any = {
        "connection_pool": rate_pool(redis_url, breaker),
        "key_prefix": keys.RATE,
        "wrap_exceptions": True,
    }
    limiter = Limiter(
        lambda: address_of(request),
        application_limits=[rate],
        storage_uri="redis://",  # only names the kind: the pool knows where
        storage_options=options,
        strategy="fixed-window",  # one key and one command a request
        in_memory_fallback_enabled=True,
        swallow_errors=True,  # of those under way when Redis falls silent, only the first changes over
    )
    logging.getLogger("flask-limiter").addFilter(_is_no_trace)
    limiter.request_filter(_is_free)
    limiter.init_app(server)

    @server.errorhandler(RateLimitExceeded)
    def _refused(found: RateLimitExceeded) -> Response:
        response = error(429, "too_many_requests", f"expected at most {found.description} from one address")
        response.headers["Retry-After"] = str(_retry_s(limiter))
        return response


def _is_no_trace(record: logging.LogRecord) -> bool:
    """Each request that was under way would bring a trace; that Redis is silent is said without."""
    return not record.exc_info


def _is_free() -> bool:
    return not request.path.startswith(API) or request.path in STREAMS


def _retry_s(limiter: Limiter) -> int:
    """Seconds until the next request is allowed; of the whole period where nobody answers."""
    current = limiter.current_limit
    if current is None:
        return 1
    try:
        left = current.reset_at - time.time()
    except StorageError:
        left = current.limit.get_expiry()
    return max(1, math.ceil(left))

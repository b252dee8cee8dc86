"""`/metrics`: everything that Prometheus wants to know, of all web processes and all workers."""

import hmac
import ipaddress

from flask import Flask, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from app.api_reply import uncached
from app.errors import error
from app.status_model import StatusModel
from app.stored_metrics import StoredMetrics
from app.web_metrics import WebMetrics

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


def add_metrics(server: Flask, model: StatusModel, web: WebMetrics) -> None:
    """The route, for whoever has METRICS_TOKEN; without one for this machine alone."""
    token = model.settings.metrics_token

    @server.get("/metrics")
    def metrics() -> Response:
        if token and not _has(token):
            response = error(401, "unauthorized", "expected the token of METRICS_TOKEN as Bearer")
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        if not token and not _is_from_here():
            return error(403, "forbidden", "without METRICS_TOKEN only this machine may read the metrics")
        registry = CollectorRegistry()
        registry.register(web.collector())
        registry.register(StoredMetrics(model))
        return uncached(Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4))


def _has(token: str) -> bool:
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    # Bytes: the comparison takes no other letters than ASCII, and a header may have any.
    return kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())


def _is_from_here() -> bool:
    """Whether somebody on this machine asks, and no proxy on it for somebody else."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback

"""`/api/status`: feeds, workers, stores and versions, as the Status page has them."""

from flask import Blueprint, Response

from app.api_page import json_bytes
from app.api_reply import uncached
from app.status_model import Look, StatusModel
from app.status_parts import parts_of
from app.status_view import database_of, feeds_of, workers_of
from db.migrate import required_version
from db.settings import Settings
from market import VERSION


def status_json(look: Look, settings: Settings) -> bytes:
    """The body: feeds by venue, workers by id, both stores, versions. Times are epoch ms, missing is null."""
    hot, stored = look.hot, look.history.stored
    return json_bytes(
        {
            "now": look.now,
            "parts": parts_of(hot, look.history, look.now),
            "notices": look.market.notices,
            "feeds": feeds_of(hot),
            "workers": workers_of(hot.workers),
            "stores": {
                "redis": {
                    "is_silent": hot.is_silent,
                    "read_at": hot.read_at,
                    **(hot.usage._asdict() if hot.usage else {}),
                },
                "postgres": {
                    "is_silent": look.history.is_silent,
                    "read_at": stored and stored.read_at,
                    "retention_days": settings.tick_retention_days,
                    "history_max_mb": settings.history_max_mb,
                    **(database_of(stored) or {}),
                },
            },
            "versions": {
                "tickdeck": VERSION,
                "workers": {name: worker.get("version") or None for name, worker in hot.workers.items()},
                "schema": stored and stored.schema,
                "schema_needed": required_version(),
                "postgres": stored and stored.server,
                "redis": hot.usage.version if hot.usage else None,
            },
        }
    )


def blueprint(model: StatusModel) -> Blueprint:
    """The route; it answers 200 whatever is degraded, and says what is."""
    api = Blueprint("api_status", __name__, url_prefix="/api")

    @api.get("/status")
    def status() -> Response:
        return uncached(Response(status_json(model.look(), model.settings), mimetype="application/json"))

    return api

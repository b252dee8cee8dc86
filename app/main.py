"""The web process: `gunicorn -c gunicorn.conf.py app.main:server`. Connects at first use, not here."""

import time

from app.factory import create_app
from app.ports import Clock
from db.breaker import Breaker
from db.history.replica import history_reader
from db.hot.connect import reader_client
from db.hot.reader import HotReader
from db.logs import configure_logs
from db.settings import load_settings


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


settings = load_settings()
configure_logs(settings)
breaker = Breaker()
app = create_app(
    settings,
    HotReader(reader_client(settings.redis_url, breaker)),
    history_reader(settings.database_url, settings.database_read_url),
    Clock(_now_ms, time.monotonic),
    breaker,
)
server = app.server

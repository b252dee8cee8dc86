"""`/healthz`: this process lives. `/readyz`: it can show what it should, or says what is not well."""

from collections.abc import Mapping
from typing import NamedTuple

from flask import Flask, Response, jsonify

from app.api_reply import uncached
from app.ports import Clock, Fields, History, HotReader
from app.probe import Probe, Wait
from db.errors import AccessRefused, StoreUnavailable
from db.hot.keys import STATUS_TTL_S
from db.migrate import required_version

WAIT_S = 1.0
"""How long each store has to answer; both are asked at once."""
FRESH_MS = STATUS_TTL_S * 1000
"""A heartbeat older than this is none. It comes once a second."""

_NOT_KNOWN = "not known: {} does not answer"


class Check(NamedTuple):
    """One thing that must be well, and what is wrong with it in words; empty while nothing is."""

    ok: bool
    detail: str = ""


WELL = Check(True)


class Readiness:
    """Asks both stores."""

    def __init__(self, reader: HotReader, history: History, clock: Clock) -> None:
        self._workers = Probe(reader.workers)
        self._schema = Probe(history.schema_version)
        self._clock = clock

    def check(self) -> dict[str, Check]:
        """Part -> how it is, within WAIT_S; never raises StoreUnavailable."""
        workers, schema = self._workers.begin(), self._schema.begin()
        end = self._clock.monotonic() + WAIT_S
        found = self._from_redis(workers, end)
        return found | self._from_postgres(schema, end)

    def _left(self, end: float) -> float:
        return max(0.0, end - self._clock.monotonic())

    def _from_redis(self, workers: Wait[dict[str, Fields]], end: float) -> dict[str, Check]:
        try:
            found = workers(self._left(end))
        except StoreUnavailable as error:
            return {"redis": _trouble(error), "collector": Check(False, _NOT_KNOWN.format("Redis"))}
        return {"redis": WELL, "collector": _collector(found, self._clock.now_ms())}

    def _from_postgres(self, schema: Wait[str | None], end: float) -> dict[str, Check]:
        try:
            found = schema(self._left(end))
        except StoreUnavailable as error:
            return {"postgres": _trouble(error), "schema": Check(False, _NOT_KNOWN.format("Postgres"))}
        return {"postgres": WELL, "schema": Check(not (words := schema_trouble(found)), words)}


def schema_trouble(found: str | None) -> str:
    """What is wrong with a database of this schema; empty if it is the one that this code needs."""
    needed = required_version()
    if found == needed:
        return ""
    held = f"the schema is {found}" if found else "there is no schema"
    todo = "update Tickdeck" if found and found > needed else "run `python -m db.migrate`"
    return f"{held}, {needed} is needed: {todo}"


def newest_heartbeat(workers: Mapping[str, Fields]) -> int | None:
    """Epoch ms of the last sign of any collector; None without one."""
    times = [worker.get("heartbeat_at", "") for worker in workers.values()]
    return max((int(time) for time in times if time.isdecimal()), default=None)


def _collector(workers: Mapping[str, Fields], now: int) -> Check:
    newest = newest_heartbeat(workers)
    if newest is None:
        return Check(False, "no collector gives a sign of life")
    if now - newest > FRESH_MS:
        return Check(False, f"the last heartbeat of a collector is {(now - newest) // 1000} s old")
    return WELL


def _trouble(error: StoreUnavailable) -> Check:
    """What the driver said may name addresses: it is not for strangers."""
    return Check(False, "does not let us in" if isinstance(error, AccessRefused) else "does not answer")


def add_routes(server: Flask, reader: HotReader, history: History, clock: Clock) -> None:
    """`/healthz` asks no store; `/readyz` gives 200, or 503 where a part is not well, and JSON names each."""
    readiness = Readiness(reader, history, clock)

    @server.get("/healthz")
    def healthz() -> Response:
        return Response("ok", mimetype="text/plain")

    @server.get("/readyz")
    def readyz() -> Response:
        parts = readiness.check()
        failed = [name for name, part in parts.items() if not part.ok]
        told = {name: part._asdict() for name, part in parts.items()}
        response = jsonify(ready=not failed, now=clock.now_ms(), failed=failed, parts=told)
        response.status_code = 503 if failed else 200
        return uncached(response)

"""The faults of Redis that one machine can inject, and what both stores' faults are made of."""

import os
import signal
import threading
from collections.abc import Callable

import redis

from bench.drill.launch import FOLLOWED
from bench.drill.servers import Servers
from bench.drill.stores import Heal, StoreCase


def nothing() -> None:
    """What ends by itself."""


def killed(name: str, how: int = signal.SIGKILL) -> Callable[[Servers], Heal]:
    def begin(servers: Servers) -> Heal:
        servers.kill(name, how)
        return lambda: servers.start(name)

    return begin


def meanwhile(work: Callable[[], object]) -> Heal:
    """Have it done by another thread; over when that is."""
    working = threading.Thread(target=work, name="fault")
    working.start()
    return working.join


def _frozen(servers: Servers) -> Heal:
    pid = servers.pid("redis")
    servers.freeze(pid)
    return lambda: servers.thaw(pid)


def _configured(name: str, value: str, usual: str) -> Callable[[Servers], Heal]:
    def set_to(servers: Servers, wanted: str) -> None:
        with servers.hot() as client:
            client.config_set(name, wanted)

    def begin(servers: Servers) -> Heal:
        set_to(servers, value)
        return lambda: set_to(servers, usual)

    return begin


def _crowded(servers: Servers) -> Heal:
    """Only the one who commands is let in, and stays."""
    client = redis.Redis.from_url(servers.urls["REDIS_URL"], single_connection_client=True)
    client.config_set("maxclients", "1")
    client.client_kill_filter(_type="normal", skipme=True)

    def heal() -> None:
        client.config_set("maxclients", "200")
        client.close()

    return heal


def _replica(servers: Servers) -> Heal:
    with servers.hot() as client:
        client.replicaof("127.0.0.1", "1")

    def heal() -> None:
        with servers.hot() as again:
            again.replicaof("NO", "ONE")

    return heal


def _loading(servers: Servers) -> Heal:
    """It reads its files again, slowly: 10 ms a key; meanwhile it answers that it is loading."""
    fillers = [f"filler:{number}" for number in range(100)]
    with servers.hot() as client:
        for name in fillers:  # it answers only after every 2 MB
            client.set(name, os.urandom(200_000))
        client.config_set("key-load-delay", "10000")

    def reload() -> None:
        with redis.Redis.from_url(servers.urls["REDIS_URL"], socket_timeout=60) as patient:
            patient.execute_command("DEBUG", "RELOAD")
            patient.config_set("key-load-delay", "0")
            patient.delete(*fillers)

    return meanwhile(reload)


def _snapshots_fail(servers: Servers) -> Heal:
    servers.spoil_snapshots()
    return servers.heal_snapshots


def _emptied(servers: Servers) -> Heal:
    with servers.hot() as client:
        client.flushall()
    return nothing


def _poisoned(servers: Servers) -> Heal:
    """Strings where hashes and streams were."""
    venue, symbol = FOLLOWED[0]
    names = [f"book:{venue}:{symbol}", f"ticker:{venue}:{symbol}", f"trades:{venue}:{symbol}"]
    names += [f"kline:{venue}:{symbol}:1m", f"market:{venue}", f"feed:{venue}", "events"]
    with servers.hot() as client:
        for name in names:
            client.delete(name)
            client.set(name, "poison")
    return nothing


REDIS = (
    StoreCase("R1", "Redis is killed, and back after 4 s", "redis", killed("redis")),
    StoreCase("R2", "Redis stands still", "redis", _frozen, lasts_s=5.0),
    StoreCase("R3", "Redis has no memory left", "redis", _configured("maxmemory", "1mb", "256mb")),
    StoreCase("R4", "a failover leaves a replica that takes no writes", "redis", _replica),
    StoreCase("R5", "Redis reads its files slowly", "redis", _loading, lasts_s=1.0),
    StoreCase("R6", "Redis cannot save itself", "redis", _snapshots_fail),
    StoreCase("R7", "Redis takes no more clients", "redis", _crowded),
    StoreCase("R8", "Redis cuts idle connections", "redis", _configured("timeout", "1", "0")),
    StoreCase("R9", "Redis is emptied", "redis", _emptied, lasts_s=0.0),
    StoreCase(
        "R10",
        "keys of the wrong type, noticed when they are written",
        "redis",
        _poisoned,
        lasts_s=0.0,
        back_s=3.0,
    ),
)

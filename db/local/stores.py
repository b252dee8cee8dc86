"""Both stores together: in a checkout's `.devdata`, or for the time of a test in a directory of their own."""

import os
import shutil
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from db.local.account import account_for, can_enter, own_directory, private_directory, temporary_directory
from db.local.binaries import Places, postgres_bin, redis_server
from db.local.postgres import Postgres, PostgresOptions
from db.local.redis import Redis, RedisOptions
from db.local.supervisor import Supervisor

CHECKOUT = Path(__file__).resolve().parents[2]


class Stores:
    """A real PostgreSQL and a real Redis, children of `supervisor`; either can be left out.

    Only what was asked for is looked for, made and started. `urls` has DATABASE_URL and REDIS_URL of those.
    """

    def __init__(self, supervisor: Supervisor, postgres: Postgres | None, redis: Redis | None) -> None:
        self.supervisor, self.postgres, self.redis = supervisor, postgres, redis

    @property
    def urls(self) -> dict[str, str]:
        """The environment that leads a process to these stores."""
        found = {
            "DATABASE_URL": self.postgres and self.postgres.url,
            "REDIS_URL": self.redis and self.redis.url,
        }
        return {name: url for name, url in found.items() if url}

    @property
    def socket_directories(self) -> list[Path]:
        """Directories outside the checkout that must not outlive the servers."""
        return [store.sockets for store in (self.postgres, self.redis) if store]

    def start(self, report: Callable[[str, float], None] = lambda _name, _seconds: None) -> None:
        """Start both and wait for both; `report` gets the seconds each took. Raises LocalError."""
        began = time.monotonic()
        if self.redis:  # first in, last out
            self.redis.wait(self.supervisor, self.redis.start(self.supervisor))
        redis_s = time.monotonic() - began
        if self.postgres:
            self.postgres.prepare(self.supervisor)
            self.postgres.wait(self.supervisor, self.postgres.start(self.supervisor))
            report("postgres", time.monotonic() - began - redis_s)
        if self.redis:
            report("redis", redis_s)

    def close(self) -> None:
        """Remove the socket directories, after the supervisor has stopped the servers."""
        for store in (self.postgres, self.redis):
            if store:
                store.close()


def checkout_stores(
    supervisor: Supervisor, places: Places, *, postgres: bool, redis: bool, say: Callable[[str], None]
) -> Stores:
    """The stores of a checkout, their files in its `.devdata`. Raises LocalError."""
    devdata = places.checkout / ".devdata"
    stores = Stores(supervisor, None, None)
    server = (
        redis_server(places) if redis else None
    )  # first all that may be missing: what follows leaves traces
    if postgres:
        data = devdata / "pg18"
        account = account_for(data)
        if not can_enter(account, devdata):
            data = private_directory(places.checkout) / "pg18"
            say(f"  postgres   keeps its files in {data}: its account can't enter {devdata}")
        stores.postgres = Postgres(postgres_bin(places, account), data, account)
    if server:
        stores.redis = Redis(server, devdata / "redis")
    return stores


@contextmanager
def temporary_stores(
    *, postgres: bool = True, redis: bool = True, max_connections: int = 50, parent: Path | None = None
) -> Iterator[Stores]:
    """Empty stores for tests and measurements: fast rather than safe, gone afterwards. From the main thread.

    Role `app` may create databases. `parent`: where their files are to be. Raises LocalError.
    """
    site_packages = Path(sysconfig.get_path("purelib"))
    places = Places(CHECKOUT, site_packages, os.environ)
    account = account_for(Path("unmade")) if postgres else None
    directory = temporary_directory(account, parent)
    directory.chmod(0o711)  # PostgreSQL's account passes through; what is inside is private
    supervisor = Supervisor(own_directory(directory / "logs", None))
    stores = Stores(supervisor, None, None)
    try:
        if postgres:
            options = PostgresOptions(max_connections=max_connections, durable=False)
            stores.postgres = Postgres(postgres_bin(places, account), directory / "pg18", account, options)
        if redis:
            limits = RedisOptions(max_clients=200, max_memory="256mb", durable=False)
            stores.redis = Redis(redis_server(places), directory / "redis", limits)
        stores.start()
        yield stores
    finally:
        supervisor.stop()
        stores.close()
        shutil.rmtree(directory, ignore_errors=True)

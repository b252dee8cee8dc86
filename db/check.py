"""Whether the settings can be used, and whether stores are what they should be: a line for each problem.

`python -m db.check [NAME …]` tries the stores of these names, DATABASE_URL or REDIS_URL. `dev` asks this
before it starts anything.
"""

import sys
from collections.abc import Callable, Iterator, Sequence

from db.errors import StoreUnavailable
from db.settings import SettingsError, StoreSettings, load_settings, load_store_settings


def problems(names: Sequence[str]) -> Iterator[str]:
    """What is wrong with the settings, and with the stores of these names where their URLs can be read."""
    try:
        load_settings()
    except SettingsError as error:
        yield from error.problems
    try:
        stores = load_store_settings()
    except SettingsError:
        return
    for name in names:
        try:
            _TRIALS[name](stores)
        except StoreUnavailable as error:
            yield f"{name}: {error}"


def _try_database(stores: StoreSettings) -> None:
    # Stores' libraries are imported here: a start on stores of our own needs none of them so early.
    from db.history.engine import writer_engine
    from db.migrate import schema_version

    engine = writer_engine(stores.database_url, connections=1)
    try:
        schema_version(engine)
    finally:
        engine.dispose()


def _try_redis(stores: StoreSettings) -> None:
    from db.hot.connect import redis_errors, trial_client

    with redis_errors(), trial_client(stores.redis_url) as client:
        client.ping()


_TRIALS: dict[str, Callable[[StoreSettings], None]] = {"DATABASE_URL": _try_database, "REDIS_URL": _try_redis}


if __name__ == "__main__":
    found = list(problems(sys.argv[1:]))
    print("\n".join(found))
    sys.exit(bool(found))

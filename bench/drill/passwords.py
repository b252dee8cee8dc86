"""The database's password changes while a collector runs."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from tempfile import TemporaryDirectory

from sqlalchemy.engine import make_url

from bench.drill.case import Outcome
from bench.drill.exchange import now_ms
from bench.drill.restarts import Restart, Restarts
from bench.drill.stores import CALM_WITHIN_S

SAID_WITHIN_S = 20.0
KNOWN_AFTER_S = 4.0
GIVEN_UP_WITHIN_S = 240.0
BACK_S = 15.0


@contextmanager
def _with_password(it: Restarts, outcome: Outcome, place: str) -> Iterator[tuple[Popen[bytes], Path, int]]:
    """A collector that has the first password of its `.env`, and a server that has just got another one.

    Beside the two since when all was well, epoch ms.
    """
    servers, env = it.player.servers, Path(place, ".env")
    servers.execute("ALTER ROLE app PASSWORD 'first'")
    with servers.passwords():
        _tell(it, env, "first")
        with it.collector(f"{place}/spool", directory=place, DATABASE_URL="") as process:
            if it.player.until(it.player.is_calm, CALM_WITHIN_S) is None:
                outcome.problems.append("not calm before it")
            first_ms = now_ms()
            servers.execute("ALTER ROLE app PASSWORD 'second'")
            servers.end_sessions()
            took = it.player.until(lambda: servers.worker("db_state") == ["refused"], SAID_WITHIN_S)
            outcome.noticed_s = math.inf if took is None else took
            if took is None:
                outcome.problems.append(f"it says {servers.worker('db_state')}, expected refused")
            yield process, env, first_ms


def _tell(it: Restarts, env: Path, password: str) -> None:
    """Write a password where the collector looks for it; all at once, as it may look at any moment."""
    url = make_url(it.player.servers.urls["DATABASE_URL"]).set(password=password)
    part = env.with_suffix(".part")
    part.write_text(f"DATABASE_URL={url.render_as_string(hide_password=False)}\n")
    part.rename(env)


def changed(it: Restarts, outcome: Outcome) -> None:
    """It becomes known to the collector some seconds later; no row is lost."""
    with TemporaryDirectory() as place, _with_password(it, outcome, place) as (_process, env, first_ms):
        it.player.pause(KNOWN_AFTER_S)
        _tell(it, env, "second")
        took = it.player.until(it.player.is_durable, 4 * BACK_S)
        outcome.live_s = math.inf if took is None else took
        if outcome.live_s > BACK_S:
            outcome.problems.append(f"back after {outcome.live_s:.1f} s, budget {BACK_S:.0f} s")
        it.player.pause(1.0)
        piece = it.player.piece(first_ms, now_ms(), is_whole=True)
        it.player.judge(outcome, piece.first_ms, piece.last_ms, ["restart"], [piece])


def never_told(it: Restarts, outcome: Outcome) -> None:
    """It ends with 1, so that the platform starts another one: that one finds the rows on disk."""
    with TemporaryDirectory() as place:
        with _with_password(it, outcome, place) as (process, _env, first_ms):
            try:
                if (code := process.wait(GIVEN_UP_WITHIN_S)) != 1:
                    outcome.problems.append(f"it ended with {code}")
            except TimeoutExpired:
                outcome.problems.append(f"it has not ended within {GIVEN_UP_WITHIN_S:.0f} s")
        with it.collector(f"{place}/spool"):
            took = it.player.until(it.player.is_calm, CALM_WITHIN_S)
            outcome.live_s = math.inf if took is None else took
            if took is None:
                outcome.problems.append("not calm in the end")
            it.player.pause(2.0)
            it.player.judge(outcome, first_ms, now_ms(), ["restart"])


PASSWORDS = (
    Restart("P14", "its password changes, and is in .env 4 s later", changed),
    Restart("P14", "the same, and nobody says which it is", never_told, is_long=True),
)

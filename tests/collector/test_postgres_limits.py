"""Postgres that is slow, refuses, or holds rows: what is kept, set aside and told."""

import json
from math import nan
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.collector.deaf_commits import DeafCommits
from tests.collector.faults import RATE, OwnPostgres, Run
from tests.collector.own_postgres_faults import ROWS, stopped

pytestmark = pytest.mark.stores


def test_p9_bad_rows_cost_no_others(run: Run) -> None:
    """Whether a constraint, a trigger or we ourselves refuse them: each is a dead letter, once."""
    with run.running():
        first = len(run.script.ticks) + RATE
        bad = {first, first + 1, first + 40, first + RATE}
        listed = ", ".join(map(str, bad))
        run.server.execute(f"ALTER TABLE tick_rows ADD CONSTRAINT good CHECK (update_id NOT IN ({listed}))")
        run.server.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'not this one'; END $$"
        )
        run.server.execute(
            "CREATE TRIGGER fail BEFORE INSERT ON feed_events FOR EACH ROW "
            "WHEN (new.event = 'bad') EXECUTE FUNCTION fail()"
        )
        run.writer.record("bybit", "bad", "refused by a trigger")
        run.writer.record("bybit", "good", "NUL: \x00")
        run.writer.record("bybit", "good", "as it should be")
        run.writer.add_tick(run.script.tick(0)._replace(bid_price=nan))
        run.writer.add_tick(run.script.tick(0)._replace(update_id=2**80))
        run.wait(lambda: len(run.script.ticks) > first + RATE, "the bad ticks")
        run.wait_for_new_rows()
        run.wait_until_drained()
    run.assert_complete(but=bad)
    letters = run.server.execute("SELECT kind, reason, body FROM dead_letters ORDER BY kind, id")
    assert [row[0] for row in letters] == ["feed_events"] * 2 + ["ticks"] * 6
    reasons = " ".join(str(row[1]) for row in letters)
    assert all(word in reasons for word in ("not this one", 'constraint "good"', "finite", "NUL"))
    refused = [json.loads(str(row[2])) for row in letters if row[0] == "ticks"]
    assert bad <= {row["update_id"] for row in refused}
    assert "nan" in {row["bid_price"] for row in refused}
    assert run.server.number("SELECT count(*) FROM feed_events WHERE event = 'good'") == 1
    assert run.writer.rows_dropped == 0


def test_p13_a_database_that_is_slower_than_rows_come_falls_behind_and_catches_up(run: Run) -> None:
    """What it cannot take waits on disk, fresh rows still arrive, and no session piles up."""
    with run.running():
        run.server.execute(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_sleep(0.004); RETURN new; END $$"
        )
        run.server.execute(
            "CREATE TRIGGER slow BEFORE INSERT ON tick_rows FOR EACH ROW EXECUTE FUNCTION slow()"
        )
        run.wait(lambda: run.spool.rows > ROWS, "rows in the spool")
        run.wait(lambda: run.writer.state == "behind", "the state behind")
        run.wait_for_new_rows()
        assert run.spool.rows > 0
        assert len(run.server.sessions()) <= 2
        run.server.execute("DROP FUNCTION slow CASCADE")
        run.wait_for_new_rows()
        run.wait_until_drained()
    run.assert_complete()


def test_p14_a_password_that_changes_is_looked_up_again(
    server: OwnPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is not right yet, that is a state of its own; rows wait."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    url = make_url(server.url)
    server.execute("ALTER ROLE app PASSWORD 'old'")
    with server.passwords():
        old = url.set(password="old").render_as_string(hide_password=False)
        run = Run(server, tmp_path / "spool", url=old)
        with run.running():
            server.execute("ALTER ROLE app PASSWORD 'new'")
            server.end_sessions()
            run.wait(lambda: run.writer.state == "refused", "the state refused")
            run.wait(lambda: run.spool.rows > ROWS, "rows in the spool")
            new = url.set(password="new").render_as_string(hide_password=False)
            (tmp_path / ".env").write_text(f"DATABASE_URL={new}\nREDIS_URL=redis://nowhere\n")
            run.wait_for_new_rows()
            run.wait_until_drained()
        assert run.hopeless == []
        run.assert_complete()


def test_p16_what_the_spool_has_no_room_for_is_in_the_ledger(
    server: OwnPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest ticks are lost, and counted; candles and gaps are all there."""
    monkeypatch.setattr("db.spool.spool.CALM_S", 0.0)
    run = Run(server, tmp_path, rate=6_000, max_mb=1)
    with run.running():
        with stopped(server):
            run.wait(lambda: run.writer.rows_dropped > 10_000, "rows that are lost")
        run.wait_until_drained()
    stored, script = run.stored(), {row.update_id: row for row in run.script.ticks}
    lost = sorted(set(script) - set(stored))
    assert len(stored) == len(set(stored))
    assert len(lost) == run.writer.rows_dropped
    run.assert_complete(but=set(lost))
    spans = server.execute(
        "SELECT symbol, (extract(epoch FROM started_at) * 1000)::bigint, "
        "(extract(epoch FROM ended_at) * 1000)::bigint "
        "FROM gaps WHERE cause = 'spool_full' AND channel = 'book'"
    )
    for number in lost:
        row = script[number]
        assert any(symbol == row.symbol and a <= row.ts <= b for symbol, a, b in spans)  # type: ignore[operator]
    events = "SELECT count(*) FROM feed_events WHERE event = 'spool_full'"
    assert 1 <= server.number(events) <= 3  # a slow machine fills it again while it drains


def test_commits_without_an_answer_are_harmless(run: Run, tmp_path: Path) -> None:
    """The connection ends between the commit and its answer: the batch is sent again, and changes nothing."""
    with DeafCommits(run.server.url) as proxy:
        run = Run(run.server, tmp_path / "through", url=proxy.url)
        with run.running():
            for _ in range(5):
                proxy.arm()
                run.wait(proxy.fired.is_set, "a commit without an answer")
                run.wait_for_new_rows()
            run.wait_until_drained()
    run.assert_complete()
    assert run.writer.rows_written < len(run.script.ticks)


def test_an_outage_of_twenty_seconds_at_2000_rows_a_second(server: OwnPostgres, tmp_path: Path) -> None:
    """0 rows lost; while the spool is drained fresh rows go on."""
    run = Run(server, tmp_path, rate=2_000)
    with run.running():
        with stopped(server):
            ended = len(run.script.ticks) + 40_000
            run.wait(lambda: len(run.script.ticks) > ended, "twenty seconds of rows", 60)
            assert run.spool.rows > 38_000
        run.wait_for_new_rows()
        run.wait_until_drained()
        assert run.writer.queued < 2_000
    run.assert_complete()
    assert run.writer.rows_dropped == 0

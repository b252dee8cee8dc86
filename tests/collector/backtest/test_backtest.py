"""A backtest over stored candles: the numbers of the live side, files, and errors in words."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, delete

from collector.backtest.__main__ import main
from collector.signals.instrument import InstrumentSignals
from db.history.engine import writer_engine
from db.history.writer import HistoryWriter
from db.rows import Batch, KlineRow
from db.schema import kline_rows
from market.intervals import open_of
from market.rollup import roll_up
from tests.collector.signals.told import ONE, Told, live
from tests.market.walks import DAY, past_of, walk

MINUTE = 60_000
KLINES = walk(11, 2_400, rests=False)
FIVES = [roll_up(KLINES[n : n + 5], "5m", is_closed=True) for n in range(0, len(KLINES), 5)]
START = DAY + 400 * MINUTE
END = DAY + 2_400 * MINUTE
OPTIONS = {
    "--venue": "sim-bybit", "--symbol": "ETHUSDT", "--interval": "1m", "--from": str(START), "--to": str(END),
}  # fmt: skip
ASKED = [word for pair in OPTIONS.items() for word in pair]


@pytest.fixture
def engine(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", "redis://nowhere")
    made = writer_engine(database_url)
    HistoryWriter(made).write(Batch("b", klines=[KlineRow("sim-bybit", k) for k in KLINES]))
    yield made
    made.dispose()


def rows(directory: Path, name: str, interval: str = "1m") -> list[dict[str, str]]:
    with (directory / f"backtest-sim-bybit-ETHUSDT-{interval}-{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("engine")
def test_it_says_what_the_collector_would_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same signals, and trades that begin and end in the same candles for the same reason."""
    told = Told()
    made = InstrumentSignals("sim-bybit", "ETHUSDT", ONE, told)
    made.resume([], [])
    InstrumentSignals.fill([(made, "1m", past_of(KLINES[:400]))], 0)
    for kline in KLINES[400:]:
        live(made, kline)
    assert main([*ASKED, "--fee-bps", "5", "--out", str(tmp_path)]) == 0
    signals = [(s["rule"], s["side"], int(s["open_time"])) for s in rows(tmp_path, "signals")]
    assert signals == [(s.rule, s.side, s.open_time) for s in told.signals]
    assert len(signals) > 50
    bars = [
        (t["rule"], t["side"], open_of(int(t["entry_time"]), "1m"), t["exit_reason"],
         t["exit_time"] and open_of(int(t["exit_time"]), "1m"))
        for t in rows(tmp_path, "trades")
    ]  # fmt: skip
    assert sorted(bars, key=str) == sorted(
        (
            (t.rule, t.side, open_of(t.entry_ts, "1m"), t.exit_reason or "",
             "" if t.exit_ts is None else open_of(t.exit_ts, "1m"))
            for t in told.trades
        ),
        key=str,
    )  # fmt: skip
    scores = rows(tmp_path, "scoreboard")
    assert len(scores) == 5 * 4
    priced = sum(bool(s["net_bps_60"]) for s in rows(tmp_path, "signals") if s["rule"] == "rsi_reversal")
    assert int(scores[0]["count"]) == priced
    shown = capsys.readouterr()
    assert f"2,000 candles, {len(signals):,} signals" in shown.out
    assert "book_pressure cannot be played" in shown.out
    assert shown.err.endswith("played 99 %\nplayed 100 %\n")


@pytest.mark.usefixtures("engine")
def test_the_same_candles_give_the_same_files(tmp_path: Path) -> None:
    """To the byte; fewer rules give their part of it, and worse stops worse trades."""
    one, other, some, worst = (tmp_path / name for name in ("one", "other", "some", "worst"))
    assert [main([*ASKED, "--out", str(directory)]) for directory in (one, other)] == [0, 0]
    for file in sorted(one.iterdir()):
        assert file.read_bytes() == (other / file.name).read_bytes()
    assert main([*ASKED, "--rules", "macd_trend", "--out", str(some)]) == 0
    assert rows(some, "trades") == [t for t in rows(one, "trades") if t["rule"] == "macd_trend"]
    assert main([*ASKED, "--stops", "worst", "--out", str(worst)]) == 0
    totals = [
        sum(float(t["net_bps"]) for t in rows(directory, "trades") if t["exit_reason"] == "stop")
        for directory in (one, worst)
    ]
    assert totals[1] < totals[0]


@pytest.mark.usefixtures("engine")
def test_the_time_asked_for_may_be_longer_than_what_is_stored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the first moment to the last: the same scores, chance included, and a progress that ends."""
    scores = []
    for start, end in ((DAY, END), (0, 253_370_764_800_000)):
        pairs = OPTIONS | {"--from": str(start), "--to": str(end), "--out": str(tmp_path)}
        assert main([word for pair in pairs.items() for word in pair]) == 0
        assert capsys.readouterr().err.endswith("played 100 %\n")
        scores.append(rows(tmp_path, "scoreboard"))
    assert scores[0] == scores[1]


def test_older_signals_keep_their_prices_when_minutes_come(engine: Engine, tmp_path: Path) -> None:
    """Minutes are kept for a shorter time: where there are none the candles played tell the prices."""
    HistoryWriter(engine).write(Batch("fives", klines=[KlineRow("sim-bybit", k) for k in FIVES]))
    with engine.begin() as connection:
        connection.execute(delete(kline_rows).where(kline_rows.c.interval == "1m"))
    pairs = OPTIONS | {"--interval": "5m", "--from": str(DAY), "--out": str(tmp_path)}
    found = []
    for minutes in (0, 300):
        kept = [KlineRow("sim-bybit", k) for k in KLINES[2_400 - minutes :]]
        HistoryWriter(engine).write(Batch(f"{minutes}", klines=kept))
        assert main([word for pair in pairs.items() for word in pair]) == 0
        found.append(rows(tmp_path, "signals", "5m"))
    alone, beside = found
    old = [n for n, s in enumerate(alone) if int(s["ts"]) + 3_600_000 < KLINES[2_100].open_time]
    assert len(old) > 10
    assert [beside[n] for n in old] == [alone[n] for n in old]
    assert all(alone[n]["net_bps_300"] and not alone[n]["net_bps_60"] for n in old)
    assert any(signal["net_bps_60"] for signal in beside)


def test_a_minute_has_the_last_word(engine: Engine, tmp_path: Path) -> None:
    """Where a venue's opens of one moment differ."""
    asked = OPTIONS | {"--interval": "5m", "--from": str(DAY), "--rules": "rsi_reversal"}
    pairs = asked | {"--out": str(tmp_path)}
    found = []
    for name, shift in (("equal", 0.0), ("other", 5.0)):
        with engine.begin() as connection:
            connection.execute(delete(kline_rows).where(kline_rows.c.interval == "5m"))
        fives = [KlineRow("sim-bybit", replace(k, open=k.open + shift)) for k in FIVES]
        HistoryWriter(engine).write(Batch(name, klines=fives))
        assert main([word for pair in pairs.items() for word in pair]) == 0
        found.append(rows(tmp_path, "signals", "5m"))
    assert found[0] == found[1]
    assert any(signal["net_bps_300"] for signal in found[0])


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"--venue": "kraken"}, "no venue 'kraken' in the database; there is sim-bybit"),
        ({"--symbol": "ETHUSD"}, "did you mean ETHUSDT?"),
        ({"--interval": "5m"}, "no 5m candles are stored in that time; there are none at all"),
        ({"--from": "2020-01-01", "--to": "2020-01-02"}, f"there are some from {DAY} to {END - MINUTE}"),
    ],
)
def test_what_is_not_there_is_said(
    capsys: pytest.CaptureFixture[str], changes: dict[str, str], words: str
) -> None:
    """In one line, with what there is."""
    pairs = OPTIONS | changes
    assert main([word for pair in pairs.items() for word in pair]) == 1
    assert words in capsys.readouterr().err


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--interval", "2m"], "invalid choice: '2m'"),
        (["--rules", "magic"], "expected some of rsi_reversal"),
        (["--rules", "macd_trend,book_pressure"], "book_pressure cannot be played: it reads ten levels"),
        (["--from", "soon"], "expected a day, a time or epoch ms, found 'soon'"),
        (["--from", "2026-01-01T10:00"], "expected a zone"),
        (["--from", "9" * 20], "argument --from: expected a time from 1970 to 9998"),
        (["--to", "1969-12-31"], "argument --to: expected a time from 1970 to 9998"),
        (["--to", "2020-01-01"], "--to must be later"),
        (["--spread-bps", "-1"], "expected from 0 to 10000"),
    ],
)
def test_a_bad_option_is_named(capsys: pytest.CaptureFixture[str], more: list[str], words: str) -> None:
    """With what it may be."""
    with pytest.raises(SystemExit) as refused:
        main([*ASKED, *more])
    assert refused.value.code == 2
    assert words in capsys.readouterr().err


def test_help_needs_no_settings(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It is asked for before there is a database."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "--spread-bps" in capsys.readouterr().out

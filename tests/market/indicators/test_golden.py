"""Every row of the public reference tables, within 1e-9 of its stated definition."""

import csv
import json
from collections.abc import Sequence

import numpy as np
import pytest

from market.indicators import arrays
from market.indicators.arrays import FloatArray
from market.indicators.step import State, Values, advance
from market.indicators.table import tabulate
from tests.recordings import DATA, needs_recordings

pytestmark = needs_recordings
TABLES = DATA / "indicators"


def quotes() -> dict[str, FloatArray]:
    """The 502 daily candles that all tables are made from."""
    with (TABLES / "quotes_default.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    return {name: np.array([float(row[name]) for row in rows]) for name in ("high", "low", "close")}


def golden(name: str, column: str) -> FloatArray:
    """One column of a JSON table, null as NaN."""
    rows = json.loads((TABLES / name).read_text())
    return np.array([np.nan if row[column] is None else row[column] for row in rows])


def agree(found: FloatArray, wanted: FloatArray) -> None:
    assert len(found) == len(wanted) == 502
    assert np.isnan(found).tolist() == np.isnan(wanted).tolist()
    assert np.nanmax(np.abs(found - wanted)) < 1e-9


def computed() -> dict[tuple[str, str], FloatArray]:
    """Each column of the JSON tables, by the product's functions."""
    close = quotes()["close"]
    macd = arrays.macd(close)
    upper, lower = arrays.bollinger(close)
    raw = arrays.stoch_rsi(arrays.rsi(close)).raw
    return {
        ("rsi.standard.json", "rsi"): arrays.rsi(close),
        ("stoch-rsi.standard.json", "stochRsi"): raw,
        ("stoch-rsi.standard.json", "signal"): arrays.sma(raw, 3),
        ("macd.standard.json", "fastEma"): macd.fast,
        ("macd.standard.json", "slowEma"): macd.slow,
        ("macd.standard.json", "macd"): macd.line,
        ("macd.standard.json", "signal"): macd.signal,
        ("macd.standard.json", "histogram"): macd.line - macd.signal,
        ("bb.standard.json", "sma"): arrays.sma(close, 20),
        ("bb.standard.json", "upperBand"): upper,
        ("bb.standard.json", "lowerBand"): lower,
        ("bb.standard.json", "percentB"): (close - lower) / (upper - lower),
        ("bb.standard.json", "zScore"): (close - (upper + lower) / 2) / ((upper - lower) / 4),
        ("bb.standard.json", "width"): (upper - lower) / ((upper + lower) / 2),
        ("ema.standard.json", "ema"): arrays.ema(close, 20),
        ("sma.standard.json", "sma"): arrays.sma(close, 20),
    }


def test_every_row_of_every_json_table() -> None:
    """All columns, nulls included, and no column of any table is left out."""
    columns = computed()
    for (name, column), found in columns.items():
        agree(found, golden(name, column))
    for path in sorted(TABLES.glob("*.json")):
        named = set(json.loads(path.read_text())[0]) - {"timestamp"}
        assert named == {column for name, column in columns if name == path.name}


def spreadsheet() -> dict[str, FloatArray]:
    """The columns of StochRSI 14, 14, 3, 3 with every intermediate step."""
    with (TABLES / "stochrsi_14_14_3_3_spreadsheet.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    names = [name for name in rows[0] if name not in ("i", "date")]
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in names}


def test_every_column_of_the_spreadsheet() -> None:
    """Gains, losses, their averages, RS, RSI, its extremes, raw, K and D."""
    sheet = spreadsheet()
    close = sheet.pop("close")
    gains, losses = arrays.changes(close)
    gain, loss = arrays.wilder(gains, 14), arrays.wilder(losses, 14)
    rsi = arrays.rsi(close)
    stoch = arrays.stoch_rsi(rsi)
    found = {
        "gain": gains,
        "loss": losses,
        "avg_gain": gain,
        "avg_loss": loss,
        "rs": gain / loss,
        "rsi14": rsi,
        "rsi_low14": arrays.lowest(rsi, 14),
        "rsi_high14": arrays.highest(rsi, 14),
        "k_raw": stoch.raw,
        "k_sma3": stoch.k,
        "d_sma3": stoch.d,
    }
    assert found.keys() == sheet.keys()
    for name, column in found.items():
        agree(column, sheet[name])


def as_array(values: Sequence[float | None]) -> FloatArray:
    return np.array([np.nan if value is None else value for value in values])


@pytest.mark.parametrize("way", ["table", "step"])
def test_what_is_stored_equals_the_tables(way: str) -> None:
    """The rows of the batch form and of the candle-by-candle form, too, not only the functions below them."""
    candles = quotes()
    if way == "table":
        rows = list(tabulate(**candles).values(0))
    else:
        state, rows = State(), []
        for high, low, close in zip(*candles.values(), strict=True):
            state, values = advance(state, float(high), float(low), float(close))
            rows.append(values)
    columns = {
        name: as_array(column) for name, column in zip(Values._fields, zip(*rows, strict=True), strict=True)
    }
    sheet = spreadsheet()
    agree(columns["rsi"], sheet["rsi14"])
    agree(columns["stoch_rsi_k"], sheet["k_sma3"])
    agree(columns["stoch_rsi_d"], sheet["d_sma3"])
    agree(columns["ema_fast"], golden("macd.standard.json", "fastEma"))
    agree(columns["ema_slow"], golden("macd.standard.json", "slowEma"))
    agree(columns["macd"], golden("macd.standard.json", "macd"))
    agree(columns["macd_signal"], golden("macd.standard.json", "signal"))
    agree(columns["bb_upper"], golden("bb.standard.json", "upperBand"))
    agree(columns["bb_lower"], golden("bb.standard.json", "lowerBand"))

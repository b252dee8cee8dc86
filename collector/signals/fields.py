"""What is shown of an instrument's indicators: the `indicator:` hashes and a part of its overview row."""

from collections.abc import Mapping

import msgspec

from collector.signals.flows import DEPTHS_BPS, Flows, Volumes
from collector.signals.instrument import Said
from market.decimals import plain, plain_json

_VALUES = (
    "rsi", "stoch_rsi_k", "stoch_rsi_d", "ema_fast", "ema_slow", "macd", "macd_signal", "bb_upper",
    "bb_lower", "atr", "vwap",
)  # fmt: skip
_OVERVIEW = ("rsi", "stoch_rsi_k", "stoch_rsi_d")
_PLACES = 8
"""Of what the overview row carries, on scales of 0 to 100 and -100 to 100."""
_encode = msgspec.json.Encoder().encode


def hash_fields(said: Said, volumes: Volumes) -> dict[str, str | int]:
    """The `indicator:` hash. Score and word are those of the last close."""
    found = said.indicators
    fields: dict[str, str | int] = {name: plain(getattr(found, name)) for name in _VALUES}
    score, word = said.rating or (None, "")
    fields["score"], fields["signal"] = plain(score), word
    fields["bars"], fields["reason"], fields["open_time"] = found.bars, found.reason, found.open_time
    fields["is_provisional"] = int(found.is_provisional)
    return fields | {name: plain(value) for name, value in _volumes(volumes).items()}


def overview_part(said: Mapping[str, Said], volumes: Mapping[str, Volumes]) -> str:
    """`indicators` of the overview row: interval -> values, as JSON."""
    values = {interval: _overview(each) | _volumes(volumes[interval]) for interval, each in said.items()}
    return plain_json(_encode(values).decode())


def flow_part(flows: Flows) -> str:
    """What the overview row says of depth and of the day, as the inside of a JSON object."""
    values: dict[str, object] = {"vwap_day": _short(flows.day.vwap), "cvd_day": _short(flows.day.cvd)}
    for bps, depth in zip(DEPTHS_BPS, flows.depths, strict=True):
        values[f"bid_depth_{bps}bps"] = _short(depth and depth.bids)
        values[f"ask_depth_{bps}bps"] = _short(depth and depth.asks)
        values[f"is_depth_{bps}bps_whole"] = depth and depth.is_whole
    return plain_json(_encode(values).decode())[1:-1]


def _volumes(found: Volumes) -> dict[str, float | None]:
    taker = found.taker
    return {
        "buy_volume": _short(taker and taker.bought),
        "sell_volume": _short(taker and taker.sold),
        "cvd": _short(taker and taker.delta),
        "order_flow": _short(found.order_flow),
    }


def _short(value: float | None) -> float | None:
    """Without the noise of sums."""
    return None if value is None else float(f"{value:.10g}")


def _overview(said: Said) -> dict[str, object]:
    found, (score, word) = said.indicators, said.rating or (None, None)
    values: dict[str, object] = {name: _rounded(getattr(found, name)) for name in _OVERVIEW}
    return values | {
        "signal": word,
        "score": _rounded(score),
        "reason": found.reason,
        "open_time": found.open_time,
        "is_provisional": found.is_provisional,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _PLACES)

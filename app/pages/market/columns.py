"""The columns of the Market page's tables. What functions they name is in `assets/market-cells.js`."""

from typing import Any

Column = dict[str, Any]

_OLD_BOOK = {"muted": "params.data.book_state !== 'live'"}
_HOLE = {"muted": "params.data.reason"}
_OLD_PAIR = {"muted": "!params.data.is_live"}

_STAR: Column = {
    "colId": "star",
    "headerName": "★",
    "headerTooltip": "Starred rows; kept in this browser",
    "valueGetter": {"function": "isStarred(params)"},
    "cellRenderer": "Star",
    "cellClass": "star-cell",
    "headerClass": "star-head",
    "comparator": {"function": "byStar"},
    "pinned": "left",
    "lockPinned": True,
    "resizable": False,
    "flex": None,
    "width": 36,
}
_SYMBOL: Column = {
    "field": "symbol",
    "headerName": "Symbol",
    "cellRenderer": "Instrument",
    "comparator": {"function": "bySymbol"},
    "sortingOrder": ["asc", "desc"],
    "pinned": "left",
    "lockPinned": True,
    "flex": None,
    "width": 176,
}
_COIN: Column = {
    "field": "base",
    "headerName": "Coin",
    "cellRenderer": "Coin",
    "sortingOrder": ["asc", "desc"],
    "pinned": "left",
    "lockPinned": True,
    "flex": None,
    "width": 132,
}
_SPARK: Column = {
    "colId": "spark",
    "headerName": "24 h",
    "headerTooltip": "Closes of the last 24 hours, each row on a scale of its own; holes stay holes",
    "valueGetter": {"function": "sparkLine(params)"},
    "cellRenderer": "Spark",
    "cellClass": "spark-cell",
    "sortable": False,
    "minWidth": 104,
}
_SIGNAL: Column = {
    "field": "signal",
    "headerName": "Signal",
    "headerTooltip": "Of the last closed candle, and since when; sorted by score",
    "valueGetter": {"function": "signalWords(params)"},
    "cellRenderer": "Signal",
    "comparator": {"function": "byScore"},
    "minWidth": 158,
}
_AGE: Column = {
    "colId": "age",
    "headerName": "Age",
    "type": "rightAligned",
    "valueGetter": {"function": "ageSeconds(params)"},
    "valueFormatter": {"function": "ageText(params)"},
    "headerTooltip": "Time since the newest datum of this row came in",
    "cellClass": "ag-right-aligned-cell age-cell",
    "minWidth": 84,
}


def columns() -> list[Column]:
    """The columns in the order of their worth on a narrow screen. Units are in the head.

    Each is wide enough for its head, that of the turnover for the arrow of the order beside it. The head of
    the RSI names the interval that the address does.
    """
    return [
        _STAR,
        _SYMBOL,
        _number("last_price", "Last", "price", 92)
        | {
            "cellRendererSelector": {"function": "priceRenderer(params)"},
            "cellClassRules": {"rose": "params.data.direction > 0", "fell": "params.data.direction < 0"},
            "cellClass": "ag-right-aligned-cell price",
        },
        _number("change_24h_pct", "24 h %", "signed", 74)
        | {"cellClassRules": {"up": "params.value > 0", "down": "params.value < 0"}},
        _SPARK,
        _number("turnover_24h", "Turnover 24 h", "compact", 130)
        | {"sort": "desc", "headerTooltip": "Traded value of the last 24 hours, in quote currency"},
        _number("funding_rate", "Funding %", "funding", 90)
        | {"headerTooltip": "Per funding period; positive: longs pay shorts"},
        _number("rsi", "RSI", "oneDecimal", 112)
        | {
            "cellClassRules": _HOLE,
            "cellClass": "ag-right-aligned-cell rsi",
            "cellStyle": {"function": "rsiBar(params)"},
            "headerValueGetter": {"function": "rsiHead(params)"},
            "headerTooltip": "14 candles; the bar runs from 0 to 100, with marks at 30 and 70",
        },
        _number("stoch_rsi_k", "StochRSI %K", "oneDecimal", 104) | {"cellClassRules": _HOLE},
        _number("stoch_rsi_d", "%D", "oneDecimal", 54) | {"cellClassRules": _HOLE},
        _number("spread_bps", "Spread bps", "spread", 94) | {"cellClassRules": _OLD_BOOK},
        _number("imbalance", "Imbalance", "imbalance", 124)
        | {
            "cellClassRules": _OLD_BOOK,
            "cellClass": "ag-right-aligned-cell imbalance",
            "cellStyle": {"function": "imbalanceBar(params)"},
            "headerTooltip": "Best level: −1 all asks, +1 all bids",
        },
        _SIGNAL,
        _AGE,
    ]


def pair_columns(first: str, second: str) -> list[Column]:
    """The columns of two venues side by side, in groups; the venues' names are the heads."""
    unit = "Middle of the best prices, of one unit of the coin, whatever number of them a symbol names"
    periods = "Per funding period of each venue, which may differ in length; sorted by size"
    dearer = f"How much dearer it is on {first} than on {second}; sorted by size"
    return [
        {"headerName": "", "children": [_STAR, _COIN]},
        _group(
            "Mid",
            _number("mid_diff_bps", "Difference bps", "signedOne", 144)
            | {"sort": "desc", "comparator": {"function": "bySize"}, "headerTooltip": dearer}
            | {"cellClassRules": {"up": "params.value > 0", "down": "params.value < 0"} | _OLD_PAIR},
            _side("mid_a", first, "mid") | {"headerTooltip": unit, "cellClassRules": _OLD_PAIR},
            _side("mid_b", second, "mid") | {"headerTooltip": unit, "cellClassRules": _OLD_PAIR},
        ),
        _group(
            "Funding %",
            _number("funding_diff", "Difference", "funding", 104)
            | {"comparator": {"function": "bySize"}, "headerTooltip": periods},
            _side("funding_a", first, "funding"),
            _side("funding_b", second, "funding"),
        ),
        _group(
            "Spread bps",
            _side("spread_a", first, "spread") | {"cellClassRules": _OLD_PAIR},
            _side("spread_b", second, "spread") | {"cellClassRules": _OLD_PAIR},
        ),
        _group(
            "Both",
            _number("turnover", "Turnover 24 h", "compact", 130)
            | {"headerTooltip": "Traded value of the last 24 hours on both, in quote currency"},
            _AGE | {"headerTooltip": "Age of the older side"},
        ),
    ]


def _group(head: str, *children: Column) -> Column:
    return {"headerName": head, "children": list(children)}


def _side(field: str, venue: str, written: str) -> Column:
    """One venue's number; `venue` stands in the head until the rows say which one it is."""
    head = {"headerValueGetter": {"function": "sideHead(params)"}}
    return _number(field, venue, written, 140 if written == "significant" else 110) | head


def _number(field: str, head: str, written: str, width: int) -> Column:
    return {
        "field": field,
        "headerName": head,
        "type": "rightAligned",
        "valueFormatter": {"function": f"{written}Text(params)"},
        "minWidth": width,
    }

"""The Market page's components: a strip of counts above one grid. `assets/market.js` fills both."""

from typing import Any

import dash_ag_grid as dag
from dash import dcc, html

from app.pages.market import ids
from app.theme import GRID_THEME

ROW_HEIGHT = 28
HEADER_HEIGHT = 30

_OLD_BOOK = {"muted": "params.data.book_state !== 'live'"}
_HOLE = {"muted": "params.data.reason"}


def layout(interval: str) -> Any:
    """The page; the indicators are those of `interval`."""
    return html.Div(
        [
            html.Div("–", id=ids.COUNTS, className="counts num"),
            dag.AgGrid(
                id=ids.GRID,
                columnDefs=columns(interval),
                rowData=[],
                getRowId="params.data.id",
                defaultColDef={
                    "sortable": True,
                    "resizable": True,
                    "suppressMovable": True,
                    "suppressHeaderMenuButton": True,
                    "sortingOrder": ["desc", "asc"],
                    "comparator": {"function": "missingLast"},
                    "flex": 1,
                },
                dashGridOptions=grid_options(),
                className="market-grid num",
                style={"height": "100%", "width": "100%"},
            ),
            dcc.Store(id=ids.DRAWN),
        ],
        className="market",
    )


def grid_options() -> dict[str, Any]:
    """Options that keep the table still: values change in place, the order only when we say so."""
    return {
        "theme": GRID_THEME,
        "rowHeight": ROW_HEIGHT,
        "headerHeight": HEADER_HEIGHT,
        "animateRows": False,
        "suppressOverlays": ["loading", "noRows", "noMatchingRows"],
        "suppressModelUpdateAfterUpdateTransaction": True,
        "suppressColumnMoveAnimation": True,
        "suppressDragLeaveHidesColumns": True,
        "cellFlashDuration": 250,
        "cellFadeDuration": 250,
        "tooltipShowDelay": 600,
        "rowClassRules": {
            "row-aged": "params.data.level === 'aged'",
            "row-stale": "params.data.level === 'stale'",
        },
    }


_SYMBOL: dict[str, Any] = {
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
_SIGNAL: dict[str, Any] = {
    "field": "signal",
    "headerName": "Signal",
    "valueFormatter": {"function": "signalText(params)"},
    "comparator": {"function": "byScore"},
    "cellClassRules": {
        "up": "params.value === 'buy' || params.value === 'strong_buy'",
        "down": "params.value === 'sell' || params.value === 'strong_sell'",
    },
    "minWidth": 92,
}
_AGE: dict[str, Any] = {
    "colId": "age",
    "headerName": "Age",
    "type": "rightAligned",
    "valueGetter": {"function": "ageSeconds(params)"},
    "valueFormatter": {"function": "ageText(params)"},
    "headerTooltip": "Time since the newest datum of this row came in",
    "cellClass": "ag-right-aligned-cell age-cell",
    "minWidth": 84,
}


def columns(interval: str) -> list[dict[str, Any]]:
    """The columns in the order of their worth on a narrow screen. Units are in the head.

    Each is wide enough for its head, that of the turnover for the arrow of the order beside it.
    """
    return [
        _SYMBOL,
        _number("last_price", "Last", "price", 92)
        | {
            "cellRendererSelector": {"function": "priceRenderer(params)"},
            "cellClassRules": {"rose": "params.data.direction > 0", "fell": "params.data.direction < 0"},
            "cellClass": "ag-right-aligned-cell price",
        },
        _number("change_24h_pct", "24 h %", "signed", 74)
        | {"cellClassRules": {"up": "params.value > 0", "down": "params.value < 0"}},
        _number("turnover_24h", "Turnover 24 h", "compact", 130)
        | {"sort": "desc", "headerTooltip": "Traded value of the last 24 hours, in quote currency"},
        _number("funding_rate", "Funding %", "funding", 90)
        | {"headerTooltip": "Per funding period; positive: longs pay shorts"},
        _number("rsi", f"RSI {interval}", "oneDecimal", 74) | {"cellClassRules": _HOLE},
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


def _number(field: str, head: str, written: str, width: int) -> dict[str, Any]:
    return {
        "field": field,
        "headerName": head,
        "type": "rightAligned",
        "valueFormatter": {"function": f"{written}Text(params)"},
        "minWidth": width,
    }

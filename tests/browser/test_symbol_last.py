"""One last price on the Symbol page: in the head, on the chart and in the tape."""

from playwright.sync_api import Browser

from market.decimals import plain
from tests.browser.symbol_site import SymbolSite
from tests.browser.symbol_visit import CHART, SymbolVisit

FORMED = "([forming, trades]) => tickdeck.symbolData.formed(forming, trades, 60000)"
TAG = f"{CHART}.layout.annotations.find(a => a.xshift === 1).text"


def test_the_forming_candle_follows_trades_that_are_newer_than_it(browser: Browser) -> None:
    """Close, high and low, not volume; the tag says what head and tape say."""
    with SymbolSite() as site, SymbolVisit(browser, site) as visit:
        site.moving = False
        visit.page.wait_for_timeout(300)
        place = ("sim-bybit", "BTCUSDT")
        told = site.reader.forming[*place, "5m"]
        low = float(told["low"])
        last, least = low - 40, low - 70
        for n, price in enumerate((least, last), 1):
            trade = {"price": plain(price), "size": "0.001", "trade_id": f"late {n}", "taker_side": "sell"}
            trade["event_time"] = str(int(told["event_time"]) + n)
            site.reader.tapes[place] = [trade, *site.reader.tapes[place]]
        site.reader.tickers[place] = site.reader.tickers[place] | {"last_price": plain(last)}
        shown = f"{last:,.1f}"
        visit.page.wait_for_selector(f"#symbol-last:has-text('{shown}')")
        visit.until(f"shown => {TAG} === shown", shown)
        visit.until(f"last => Math.abs({CHART}.data[0].close.at(-1) - last) < 1e-6", last)
        assert visit.texts(".tape-row:nth-child(2) .price") == [f"▼ {shown}"]
        forming = visit.page.evaluate("tickdeck.symbol.held().candles.at(-1)")
        assert round(forming["low"], 1) == round(least, 1)
        assert round(forming["high"], 1) == round(float(told["high"]), 1)
        assert forming["volume"] == float(told["volume"])
        assert visit.complaints == []


def test_only_trades_of_the_candle_that_it_cannot_hold_yet_change_it(browser: Browser) -> None:
    """None before the venue's last word on it, none of the next candle, and none of an unknown time."""
    with SymbolSite() as site, SymbolVisit(browser, site) as visit:
        forming = {"open_time": 0, "event_time": 500, "open": 5, "high": 6, "low": 4, "close": 5, "volume": 9}

        def close(*trades: tuple[int | None, float | None], **changes: object) -> float:
            told = [{"event_time": at, "price": price} for at, price in trades]
            found: float = visit.page.evaluate(FORMED, [forming | changes, told])["close"]
            return found

        assert close((600, 7)) == 7
        assert close((500, 7)) == close((60_000, 7)) == close((None, 7)) == close((600, None)) == close() == 5
        assert close((600, 7), event_time=None) == 5


def test_what_comes_while_the_chart_rests_is_drawn_when_it_has(browser: Browser) -> None:
    """Not with the next reply: the chart would show an older price than the head for so long."""
    with SymbolSite() as site, SymbolVisit(browser, site) as visit:
        visit.page.keyboard.press("f")  # nothing else draws
        is_drawn = visit.page.evaluate(
            """() => {
              window.draws = [];
              const draw = (isUrgent, name) => tickdeck.symbolCharts.draw("symbol-chart", "test", {
                figureOf: () => (window.draws.push(name), {data: [], layout: {xaxis: {}}}),
                onMoved: () => {}, onRested: () => draw(false, "rested"), isUrgent,
              });
              draw(true, "first");
              return draw(false, "refused");
            }"""
        )
        assert not is_drawn
        visit.until("() => window.draws.length > 1")
        assert visit.page.evaluate("window.draws") == ["first", "rested"]

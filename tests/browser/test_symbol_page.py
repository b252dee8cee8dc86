"""The Symbol page in a real browser."""

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser

from tests.browser.symbol_site import SymbolSite
from tests.browser.symbol_visit import BTC, CHART, HELD, IS_DRAWN, PEPE, RANGE, STRIPS, SymbolVisit
from tests.browser.visit import Visit


@pytest.fixture(scope="module")
def site() -> Iterator[SymbolSite]:
    with SymbolSite() as running:
        yield running


def asked(visit: Visit) -> list[str]:
    """Addresses of the callbacks that were asked for."""
    return [url for url in visit.requested if "_dash-update-component" in url]


def test_candles_book_and_trades_are_there(browser: Browser, site: SymbolSite) -> None:
    """With 400 candles, 12 levels a side and the newest trades; nothing in the console or from elsewhere."""
    with SymbolVisit(browser, site) as visit:
        assert len(visit.page.evaluate(HELD)) >= 400
        assert visit.page.evaluate(f"{CHART}.layout.uirevision") == "sim-bybit:BTCUSDT:5m"
        assert visit.page.evaluate(f"{CHART}.data.slice(0, 2).map(t => t.type)") == ["candlestick", "bar"]
        assert visit.page.evaluate(f"{CHART}.layout.hoversubplots") == "axis"
        assert visit.page.evaluate(f"{CHART}.layout.xaxis.anchor") == "y4"
        visit.until(f"() => {STRIPS}.data.length === 6 && {STRIPS}.data[0].x.length >= 270")
        assert visit.page.inner_text("#symbol-note") == ""
        assert len(visit.texts(".tape-row:not(.tape-head)")) > 1
        assert visit.complaints == []


def test_the_ladder_is_sorted_with_growing_bars(browser: Browser, site: SymbolSite) -> None:
    """Best on top, bids falling on the left, asks rising on the right, never crossed; bars are sums."""
    with SymbolVisit(browser, site) as visit:
        rows = ".ladder-row:not(.ladder-head)"
        prices = visit.numbers(f"{rows} .bid, {rows} .ask")  # in one look: the next reply moves them all
        bids, asks = prices[::2], prices[1::2]
        assert len(bids) == len(asks) == 12
        assert bids == sorted(bids, reverse=True)
        assert asks == sorted(asks)
        assert bids[0] < asks[0]
        sizes = visit.page.eval_on_selector_all(
            rows, "rows => rows.map(r => [0, 1].map(i => r.children[i].innerText))"
        )
        summed = 0.0
        for found, size in sizes:
            summed += float(size)
            assert found == f"{summed:.3f}"  # in the digits of the sizes
        for side in ("bid", "ask"):
            bars = visit.page.eval_on_selector_all(
                rows, f"rows => rows.map(r => parseFloat(r.style.getPropertyValue('--{side}-bar')))"
            )
            assert bars == sorted(bars)
            assert 0 < bars[0] < bars[-1] <= 50


def test_the_volume_axis_has_round_numbers(browser: Browser, site: SymbolSite) -> None:
    """Two of them, within what is seen."""
    with SymbolVisit(browser, site) as visit:
        low, high = visit.page.evaluate(f"{CHART}.layout.yaxis2.tickvals")
        top = visit.page.evaluate(f"{CHART}.layout.yaxis2.range[1]")
        assert (high, low) == (2 * low, 100)
        assert high < top


def test_the_forming_candle_and_the_tape_move(browser: Browser, site: SymbolSite) -> None:
    """Every reply brings the newest price into the last candle and new trades on top."""
    with SymbolVisit(browser, site) as visit:
        close = visit.page.evaluate(f"{CHART}.data[0].close.at(-1)")
        visit.until(f"close => {CHART}.data[0].close.at(-1) !== close", close)
        assert visit.page.evaluate(HELD)[-1]["isForming"]
        visit.redraws(2)
        assert len(visit.texts(".tape-row:not(.tape-head)")) > 2


def test_zoom_survives_new_data_and_ends_with_the_symbol(browser: Browser, site: SymbolSite) -> None:
    """A chosen range stays over replies, a double click or another symbol gives the newest candles again."""
    with SymbolVisit(browser, site) as visit:
        start, end = visit.page.evaluate(RANGE)
        visit.drag(200)
        visit.until(f"start => Date.parse({CHART}.layout.xaxis.range[0] + 'Z') < start - 3e6", start)
        visit.page.wait_for_timeout(100)
        moved = visit.page.evaluate(RANGE)
        visit.redraws(3)
        assert visit.page.evaluate(RANGE) == moved
        visit.page.click(".twin")
        visit.until(f"() => {CHART} && {CHART}.layout.uirevision === 'sim-binance:BTCUSDT:5m'")
        visit.until(f"() => {CHART}.layout.xaxis.autorange === true")
        assert visit.page.evaluate(RANGE)[1] == pytest.approx(end, abs=600_000)
        assert visit.page.inner_text(".venue-tag") == "sim-binance"
        assert visit.complaints == []


def test_a_double_click_follows_the_newest_again(browser: Browser, site: SymbolSite) -> None:
    """After a drag it leads back to where the page began."""
    with SymbolVisit(browser, site) as visit:
        start, _ = visit.page.evaluate(RANGE)
        visit.drag(150)
        visit.until(f"() => {CHART}.layout.xaxis.autorange === false")
        visit.page.locator("#symbol-chart .nsewdrag").first.dblclick()
        visit.until(f"() => {CHART}.layout.xaxis.autorange === true")
        assert visit.page.evaluate(RANGE)[0] == pytest.approx(start, abs=600_000)


def test_the_charts_offer_nothing_that_leaves_the_page(browser: Browser, site: SymbolSite) -> None:
    """A picture, zoom, pan and the way back; no upload to anybody."""
    with SymbolVisit(browser, site) as visit:
        titles = visit.page.eval_on_selector_all(
            "#symbol-chart .modebar-btn", "found => found.map(button => button.dataset.title)"
        )
        assert titles == ["Download plot as a PNG", "Zoom", "Pan", "Autoscale"]


def test_panning_back_loads_earlier_candles(browser: Browser, site: SymbolSite) -> None:
    """Reaching the oldest candle fetches those before it, and leaves no hole."""
    with SymbolVisit(browser, site) as visit:
        held = len(visit.page.evaluate(HELD))
        for _ in range(12):
            visit.drag(800)
            if len(visit.page.evaluate(HELD)) > held + 1:  # one more may have begun meanwhile
                break
        visit.until("held => tickdeck.symbol.held().candles.length >= held + 500", held)
        # Without the forming candle: one that closes meanwhile is not stored on this site.
        times = [candle["open_time"] for candle in visit.page.evaluate(HELD)[:-1]]
        steps = {later - earlier for earlier, later in pairwise(times)}
        assert steps == {300_000}
        fetched = [url for url in visit.requested if "/api/klines" in url]
        assert "to=" in fetched[0]
        assert "limit=500" in fetched[0]
        assert visit.complaints == []


def test_candles_that_were_not_there_are_asked_for_again(browser: Browser, site: SymbolSite) -> None:
    """Not at once: a history that is being filled has more after a minute."""
    with SymbolVisit(browser, site) as visit:
        held = len(visit.page.evaluate(HELD))
        said = "{ earlier: 'none', earlierAt: performance.now() - age }"
        none = f"age => {{ Object.assign(tickdeck.symbol.held(), {said}) }}"
        visit.page.evaluate(none, 30_000)
        assert not visit.page.evaluate("tickdeck.symbolData.loadEarlier(tickdeck.symbol.held())")
        visit.page.evaluate(none, 60_001)
        assert visit.page.evaluate("tickdeck.symbolData.loadEarlier(tickdeck.symbol.held())")
        assert len(visit.page.evaluate(HELD)) >= held + 500


def test_the_address_says_the_interval(browser: Browser, site: SymbolSite) -> None:
    """`?tf=` chooses the candles, the selector writes it, and what is not collected gives the default."""
    with SymbolVisit(browser, site, f"{BTC}?tf=1h") as visit:
        assert visit.page.evaluate(f"{CHART}.layout.uirevision") == "sim-bybit:BTCUSDT:1h"
        visit.page.click(".tf:has-text('15m')")
        visit.until(f"() => {CHART}.layout.uirevision === 'sim-bybit:BTCUSDT:15m'")
        assert visit.page.url.endswith("?tf=15m")
        assert visit.texts(".tf-selected") == ["15m"]
        visit.page.go_back()
        visit.until(f"() => {CHART}.layout.uirevision === 'sim-bybit:BTCUSDT:1h'")
        visit.page.goto(f"{site.url}{BTC}?tf=7m")
        visit.page.wait_for_function(IS_DRAWN)
        assert visit.page.evaluate(f"{CHART}.layout.uirevision") == "sim-bybit:BTCUSDT:5m"
        assert visit.complaints == []


def test_a_small_tick_has_the_same_digits_everywhere(browser: Browser, site: SymbolSite) -> None:
    """Seven decimals in head, ladder, tape, axis, hover and tag for a tick of 0.0000001."""
    with SymbolVisit(browser, site, PEPE) as visit:
        box = visit.page.locator("#symbol-chart .nsewdrag").first.bounding_box()
        assert box is not None
        visit.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
        visit.page.wait_for_selector("#symbol-chart .hoverlayer .legendtext")
        hover = visit.page.locator("#symbol-chart .hoverlayer").text_content() or ""
        prices = re.findall(r"[OHLC]\s(0\.\d+)", hover)
        assert len(prices) == 4
        assert "Volume" in hover
        shown = [
            *visit.texts("#symbol-last, #symbol-mark, #symbol-index"),
            *visit.texts(".ladder-row:not(.ladder-head) .bid, .ladder-row:not(.ladder-head) .ask"),
            *(text.strip("▲▼ ") for text in visit.texts(".tape-row:not(.tape-head) .price")),
            *visit.page.locator(
                "#symbol-chart .ytick text, #symbol-chart .annotation-text"
            ).all_text_contents(),
            *visit.page.locator("#symbol-strips .ytick text").all_text_contents(),
            *prices,
        ]
        shown = [text for text in shown if not re.match(r"UTC|.*RSI|\d{4}-", text)]
        assert len(shown) > 30
        assert {len(text.split(".")[1]) for text in shown} == {7}


def test_a_row_of_the_market_leads_here_and_leaving_ends_the_work(browser: Browser, site: SymbolSite) -> None:
    """Click or Enter opens the page; plotly comes with it; each page asks once a tick, for itself alone."""
    with Visit(browser, site.url) as visit:
        visit.page.click('.ag-row[row-id="sim-bybit:ETHUSDT"] .ag-cell[col-id="last_price"]')
        visit.page.wait_for_selector("h1:has-text('ETHUSDT')")
        visit.page.wait_for_function(IS_DRAWN)
        assert visit.page.url == f"{site.url}s/sim-bybit/ETHUSDT"
        plotly = [url for url in visit.requested if "plotly.min.js" in url]
        assert len(plotly) == 1
        before = len(asked(visit))
        visit.page.wait_for_timeout(3100)
        assert 2 <= len(asked(visit)) - before <= 5

        visit.page.click("nav >> text=Market")
        visit.page.focus('.ag-row[row-id="sim-binance:BTCUSDT"] .ag-cell[col-id="change_24h_pct"]')
        with visit.page.expect_response("**/_dash-update-component*") as reply:
            pass
        visit.page.wait_for_function("() => tickdeck.symbol.held() === null && document.title === 'Tickdeck'")
        assert "symbol-live" not in (reply.value.request.post_data or "")
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_selector(".venue-tag:has-text('sim-binance')")
        visit.page.wait_for_function(IS_DRAWN)
        assert visit.complaints == []

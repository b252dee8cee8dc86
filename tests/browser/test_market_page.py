"""The Market page in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.site import SYMBOLS, Site
from tests.browser.visit import SIZES, Visit

BTC = "sim-bybit:BTCUSDT"
CALLBACKS = "**/_dash-update-component*"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


def test_rows_move_without_a_complaint(browser: Browser, site: Site) -> None:
    """Prices change in place; nothing in the console, nothing from elsewhere, no plotly."""
    with Visit(browser, site.url) as visit:
        first = visit.text(BTC, "last_price")
        assert visit.wait_for_change(BTC, "last_price") != first
        assert len(visit.order()) == 2 * len(SYMBOLS)
        assert visit.complaints == []
        assert not [url for url in visit.requested if "plotly" in url]


def test_numbers_are_written_as_traders_read_them(browser: Browser, site: Site) -> None:
    """Digits of the tick, thousands, a true minus, signs, units in the head, dashes for what is missing."""
    with Visit(browser, site.url) as visit:
        assert visit.text(BTC, "last_price").startswith("65,11")
        assert len(visit.text(BTC, "last_price").split(".")[1]) == 1
        assert visit.text(BTC, "change_24h_pct") == "−3.00"
        assert visit.text("sim-bybit:XRPUSDT", "change_24h_pct") == "0.00"
        assert visit.text("sim-bybit:ADAUSDT", "change_24h_pct") == "+2.00"
        assert visit.text(BTC, "turnover_24h") == "1.00B"
        assert visit.text(BTC, "funding_rate") == "+0.0100"
        assert visit.text(BTC, "spread_bps") == "<0.1"
        assert visit.text(BTC, "imbalance") == "−1.00"
        small = visit.text("sim-bybit:ADAUSDT", "last_price")
        assert small.startswith("0.0000")
        assert len(small) == len("0.00003217")
        columns = ("last_price", "change_24h_pct", "turnover_24h", "rsi", "signal", "imbalance", "age")
        assert {visit.text("sim-bybit:SUIUSDT", column) for column in columns} == {"–"}


def test_rows_stand_by_turnover_and_dashes_last(browser: Browser, site: Site) -> None:
    """Descending; whichever way one sorts, rows without a value are at the end."""
    with Visit(browser, site.url) as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        assert {row.split(":")[1] for row in visit.order()[:2]} == {"BTCUSDT"}
        assert {row.split(":")[1] for row in visit.order()[-2:]} == {"SUIUSDT"}
        visit.page.click('.ag-header-cell[col-id="change_24h_pct"]')
        visit.page.click('.ag-header-cell[col-id="change_24h_pct"]')
        assert {row.split(":")[1] for row in visit.order()[:2]} == {"BTCUSDT"}
        assert {row.split(":")[1] for row in visit.order()[-2:]} == {"SUIUSDT"}


def test_rows_hold_still_under_the_pointer(browser: Browser, site: Site) -> None:
    """A row that overtakes another waits until the pointer has left the table."""
    with Visit(browser, site.url) as visit:
        visit.page.hover(visit.cell(BTC, "last_price"))
        before = visit.order()
        site.turnover["SOLUSDT"] = 5e9
        try:
            visit.page.wait_for_selector(
                visit.cell("sim-bybit:SOLUSDT", "turnover_24h") + ":has-text('5.00B')"
            )
            visit.page.wait_for_timeout(6500)  # longer than the five seconds between sorts
            assert visit.order() == before
            visit.page.hover(".name")
            visit.page.wait_for_selector('.ag-row[row-index="0"][row-id*="SOLUSDT"]')
        finally:
            site.turnover["SOLUSDT"] = 1e9 / 3


AGES_IN_THE_MOMENT_IT_COMES = """async () => {
    const api = await window.dash_ag_grid.getApiAsync("market-grid");
    const table = new tickdeck.marketTable.Table("market-grid", { derived: () => ({}) });
    table.begin(api);
    table.change([{ ...api.getDisplayedRowAtIndex(0).data, id: "new", recv_time: Date.now() }], "1");
    table.known.get("new").recv_time -= 60000;
    table.everySecond();
    await new Promise((done) => setTimeout(done, 500));
    return api.getRowNode("new").data.level;
}"""


def test_a_row_that_ages_before_the_grid_has_it_is_no_fault(browser: Browser, site: Site) -> None:
    """What a collector that was halted brings is old when it comes; the grid takes rows a moment later."""
    with Visit(browser, site.url) as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        assert visit.page.evaluate(AGES_IN_THE_MOMENT_IT_COMES) == "stale"
        assert visit.complaints == []


def test_only_a_moved_price_flashes(browser: Browser, site: Site) -> None:
    """One cell of a row, in the colour of its direction; with reduced motion an arrow instead."""
    with Visit(browser, site.url) as visit:
        visit.page.wait_for_selector(".ag-cell-data-changed")
        flashing = visit.page.eval_on_selector_all(
            ".ag-cell-data-changed, .ag-cell-data-changed-animation",
            "cells => cells.map(cell => cell.getAttribute('col-id'))",
        )
        assert set(flashing) <= {"last_price"}
    with Visit(browser, site.url, reduced_motion="reduce") as visit:
        visit.wait_for_change(BTC, "last_price")
        assert visit.text(BTC, "last_price")[0] in "▲▼"
        assert visit.page.query_selector(".ag-cell-data-changed") is None


def test_replies_slower_than_the_interval_keep_the_page_moving(browser: Browser) -> None:
    """With two seconds in every reply and half a second between ticks, price after price arrives."""
    with Site(refresh_ms=500) as slow:
        slow.delay_s = 2.0
        with Visit(browser, slow.url) as visit:
            visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
            for _ in range(3):
                before = visit.text(BTC, "last_price")
                assert visit.wait_for_change(BTC, "last_price") != before
            assert visit.page.inner_text("#connection") == ""


def test_silence_is_told_and_ends(browser: Browser) -> None:
    """A dead server gives the amber line with its retry; a living one takes it away."""
    with Site() as mortal, Visit(browser, mortal.url) as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        mortal.stop()
        line = visit.page.wait_for_selector("#connection:has-text('No data for')")
        assert line is not None
        assert "retrying in" in line.inner_text()
        mortal.start()
        visit.page.wait_for_selector("#connection:empty", state="attached")
        assert visit.wait_for_change(BTC, "last_price")


def test_a_failed_request_is_soon_followed_by_another(browser: Browser, site: Site) -> None:
    """Its reply will not come: nobody waits for it until it is overdue."""
    with Visit(browser, site.url) as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        with visit.page.expect_event("requestfailed"):
            visit.page.route(CALLBACKS, lambda route: route.abort(), times=1)
        with visit.page.expect_response(CALLBACKS, timeout=8000) as reply:  # it would be overdue after 10 s
            pass
        assert reply.value.ok
        visit.wait_for_change(BTC, "last_price")


def test_old_rows_dim_and_then_say_stale(browser: Browser) -> None:
    """Three times the cadence: dimmed, with a clock. Ten times: stale, in the warning colour."""
    with Site() as still, Visit(browser, still.url) as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        still.moving = False
        visit.page.wait_for_selector(".row-aged .age-cell:has-text('◷')")
        visit.page.wait_for_selector(".row-stale .age-cell:has-text('stale')")
        visit.page.wait_for_selector("#age-badge:has-text('stale')")
        assert visit.page.inner_text(visit.cell("sim-bybit:SUIUSDT", "age")) == "–"
        still.moving = True
        visit.page.wait_for_selector(".row-stale", state="detached")


def test_a_silent_redis_and_a_dead_feed_are_told(browser: Browser) -> None:
    """The notice comes with the trouble and goes with it; the rows stay."""
    with Site() as troubled, Visit(browser, troubled.url) as visit:
        visit.page.wait_for_selector(".notice-simulated:has-text('SIMULATED DATA')")
        troubled.reader.broken = True
        visit.page.wait_for_selector(".notice-old:has-text('last known values')")
        assert visit.text(BTC, "last_price").startswith("65,11")
        troubled.moving, troubled.reader.broken = False, False
        troubled.reader.states = {"sim-binance": troubled.reader.states["sim-binance"]}
        visit.page.wait_for_selector(".notice-trouble:has-text('sim-bybit down')")
        visit.page.wait_for_selector(".feed-down:has-text('sim-bybit')")
        troubled.moving = True
        visit.page.wait_for_selector(".notice-trouble", state="detached")
        assert visit.complaints == []


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_theme_follows_the_system_until_chosen(browser: Browser, site: Site, scheme: str) -> None:
    """The first paint is in the system's theme; the toggle's choice outlives a reload."""
    other = "light" if scheme == "dark" else "dark"
    with Visit(browser, site.url, color_scheme=scheme) as visit:
        assert visit.theme() == scheme
        visit.page.click("#theme-toggle:not(:empty)")
        visit.page.wait_for_selector(f'html[data-bs-theme="{other}"]')
        visit.page.reload()
        assert visit.theme() == other
        assert visit.complaints == []


@pytest.mark.parametrize("size", list(SIZES))
def test_it_fits_the_screen(browser: Browser, site: Site, tmp_path: Path, size: str) -> None:
    """No sideways scrolling of the page, the first columns in sight, nothing moves at load."""
    with Visit(browser, site.url, size=size) as visit:
        for scheme in visit.schemes():
            visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
            assert visit.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            for column in ("symbol", "last_price", "change_24h_pct"):
                box = visit.page.locator(visit.cell(BTC, column)).bounding_box()
                assert box is not None
                assert box["x"] + box["width"] <= SIZES[size][0]
            assert visit.cut_off(".ag-header-cell-text") == []
            assert visit.shift() < 0.02
            assert len(visit.screenshot(tmp_path, f"{size}-{scheme}")) > 10_000
            assert visit.complaints == []


def test_rows_are_high_enough_for_a_finger(browser: Browser, site: Site) -> None:
    """Where there is no mouse; the text stands in their middle."""
    with Visit(browser, site.url, size="phone", has_touch=True, is_mobile=True) as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        visit.page.wait_for_function("document.querySelector('.ag-row').offsetHeight === 44")
        assert (
            visit.page.evaluate("getComputedStyle(document.querySelector('.ag-cell')).lineHeight") == "44px"
        )


def test_an_unknown_address_says_so(browser: Browser, site: Site) -> None:
    """A page of ours, with the way back."""
    with Visit(browser, site.url) as visit:
        visit.page.goto(f"{site.url}nothing")
        visit.page.wait_for_selector("h1:has-text('Nothing here')")
        visit.page.click("text=Go to the market")
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        visit.wait_for_change(BTC, "last_price")

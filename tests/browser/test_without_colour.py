"""Up and down are told apart without any colour: by sign, arrow, side or filling (WCAG 1.4.1)."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.signals_site import SignalsSite
from tests.browser.site import Site
from tests.browser.symbol_site import SymbolSite
from tests.browser.symbol_visit import BTC, CHART, IS_DRAWN
from tests.browser.visit import Visit

TOLD = re.compile(r"[+−▲▼]")
COLOURED = """() => {
  const probe = document.body.appendChild(document.createElement("i"));
  const colours = ["--up", "--down"].map((name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  });
  probe.remove();
  const found = [];
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    const isSeen = node.data.trim() && element.checkVisibility() && !element.closest(".ladder-row, svg");
    if (!isSeen || !colours.includes(getComputedStyle(element).color)) continue;
    const cell = element.closest(".tape-row, td, .ag-cell, dd, span") || element;
    found.push(cell.innerText);
  }
  return found;
}"""
"""Texts in the colour of a direction, but for the book, whose sides are left and right."""


def untold(page: Page) -> list[str]:
    """Those that tell their direction by colour alone; there must be some that are coloured at all."""
    found: list[str] = page.evaluate(COLOURED)
    assert found
    return [text for text in found if not TOLD.search(text)]


def grey(page: Page) -> None:
    """Take all colour out of what is seen."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setEmulatedVisionDeficiency", {"type": "achromatopsia"})


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_market_page_in_grey(browser: Browser, tmp_path: Path, theme: str) -> None:
    """Changes, counts and signals, of instruments and of coins."""
    with Site() as site:
        mids = {"sim-bybit:BTCUSDT": {"mid": 65010.0}, "sim-binance:BTCUSDT": {"mid": 65000.0}}
        site.more = {**mids}
        with Visit(browser, site.url, color_scheme=theme) as visit:
            grey(visit.page)
            visit.page.wait_for_selector(visit.cell("sim-bybit:BTCUSDT", "change_24h_pct"))
            assert untold(visit.page) == []
            visit.screenshot(tmp_path, f"market-grey-{theme}")
            visit.page.click("text=Cross-venue")
            coin = "sim-bybit:BTCUSDT+sim-binance:BTCUSDT"
            visit.page.wait_for_selector(visit.cell(coin, "mid_diff_bps"))
            assert untold(visit.page) == []
            assert visit.complaints == []


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_symbol_page_in_grey(browser: Browser, tmp_path: Path, theme: str) -> None:
    """Changes and trades; candles that rose are hollow, bids stand left of asks."""
    with SymbolSite() as site, Visit(browser, f"{site.url}{BTC}", color_scheme=theme) as visit:
        grey(visit.page)
        visit.page.wait_for_function(IS_DRAWN)
        visit.page.wait_for_selector(".tape-row:nth-child(3)")
        assert untold(visit.page) == []
        rose, fell = (f"{CHART}.data[0].{way}.fillcolor" for way in ("increasing", "decreasing"))
        assert visit.page.evaluate(rose) in ("transparent", "rgba(0,0,0,0)")
        assert visit.page.evaluate(fell) == visit.page.evaluate(f"{CHART}.data[0].decreasing.line.color")
        places = (
            "(row) => [...row.querySelectorAll('.bid, .ask')].map((side) => side.getBoundingClientRect().x)"
        )
        bid, ask = visit.page.eval_on_selector(".ladder-row:nth-child(2)", places)
        assert bid < ask
        visit.screenshot(tmp_path, f"symbol-grey-{theme}")


def test_the_signals_page_in_grey(browser: Browser, tmp_path: Path) -> None:
    """Sides with arrows, results with signs."""
    with SignalsSite() as site, Visit(browser, f"{site.url}signals") as visit:
        grey(visit.page)
        visit.page.wait_for_function("() => tickdeck.signals.held() && tickdeck.signals.held().newest")
        visit.page.wait_for_selector("#signals-past tbody tr.opens")
        assert untold(visit.page) == []
        visit.screenshot(tmp_path, "signals-grey")

"""The Symbol page where something is missing, still or small, in a real browser."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.symbol_site import SymbolSite
from tests.browser.symbol_visit import CHART, IS_DRAWN, PEPE, STRIPS, SymbolVisit
from tests.browser.visit import SIZES


@pytest.fixture(scope="module")
def site() -> Iterator[SymbolSite]:
    with SymbolSite() as running:
        yield running


def test_what_is_missing_is_said_and_the_rest_goes_on(browser: Browser) -> None:
    """Without Redis: last values, called stale. Without Postgres: history delayed. Both end by themselves."""
    with SymbolSite() as troubled, SymbolVisit(browser, troubled) as visit:
        troubled.reader.broken = True
        visit.page.wait_for_selector("#symbol-note:has-text('Redis does not answer')")
        visit.page.wait_for_selector("#symbol-ladder-state:has-text('stale')")
        assert len(visit.numbers(".ladder-row:not(.ladder-head) .bid")) == 12
        assert visit.page.evaluate(IS_DRAWN)
        troubled.reader.broken = False
        visit.page.wait_for_selector("#symbol-note:empty", state="attached")

        troubled.history.broken = True
        visit.page.wait_for_selector("#symbol-note:has-text('history delayed')")
        visit.redraws(2)
        troubled.history.broken = False
        visit.page.wait_for_selector("#symbol-note:empty", state="attached")
        assert visit.complaints == []


@pytest.mark.parametrize(("state", "words"), [("syncing", "syncing"), ("stale", "stale")])
def test_a_book_that_is_not_live_says_so(browser: Browser, state: str, words: str) -> None:
    """The word stands over the ladder, whose last good levels are muted."""
    with SymbolSite() as site, SymbolVisit(browser, site) as visit:
        site.moving = False
        time.sleep(0.2)
        site.reader.books["sim-bybit", "BTCUSDT"]["state"] = state
        visit.page.wait_for_selector(f"#symbol-ladder-state:has-text('{words}')")
        assert float(visit.page.eval_on_selector(".ladder", "e => getComputedStyle(e).opacity")) < 0.5
        assert len(visit.numbers(".ladder-row:not(.ladder-head) .bid")) == 12


def test_frozen_nothing_is_painted(browser: Browser, site: SymbolSite) -> None:
    """`f` holds the page still while replies go on, and lets it go again."""
    with SymbolVisit(browser, site) as visit:
        visit.page.keyboard.press("f")
        visit.page.wait_for_timeout(200)
        before = visit.texts(".tape-row:not(.tape-head)")
        visit.page.wait_for_selector("#freeze-toggle:has-text('2 updates waiting')")
        assert visit.texts(".tape-row:not(.tape-head)") == before
        visit.page.keyboard.press("f")
        assert visit.texts(".tape-row:not(.tape-head)") != before


def test_a_series_that_is_turned_to_while_frozen_is_painted_once_and_whole(
    browser: Browser, site: SymbolSite
) -> None:
    """Never one interval's chart under another's tab; after that it is still."""
    with SymbolVisit(browser, site) as visit:
        visit.page.keyboard.press("f")
        visit.page.click(".tf:has-text('1h')")
        visit.until(f"() => {CHART}.layout.uirevision.endsWith(':1h')")
        assert visit.page.inner_text(".tf-selected") == "1h"
        visit.page.wait_for_selector("#freeze-toggle:has-text('3 updates waiting')")  # all of it is painted
        before = visit.texts(".tape-row:not(.tape-head)")
        visit.page.wait_for_selector("#freeze-toggle:has-text('6 updates waiting')")
        assert visit.texts(".tape-row:not(.tape-head)") == before


def test_frozen_a_series_waits_for_its_history(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes late is part of the one painting; a redraw that was due before paints nothing of it."""
    with SymbolSite() as slow, SymbolVisit(browser, slow) as visit:
        read = slow.history.klines

        def late(*args: Any, **more: Any) -> Any:
            time.sleep(2.5)
            return read(*args, **more)

        monkeypatch.setattr(slow.history, "klines", late)
        visit.page.keyboard.press("f")
        visit.page.click(".tf:has-text('1h')")
        visit.page.evaluate("document.documentElement.dataset.palette = 'classic'")
        visit.until(f"() => {CHART}.layout.uirevision.endsWith(':1h') && {CHART}.data[0].close.length > 50")
        visit.until("() => tickdeck.symbol.held().newest.history === 'ok'")
        assert visit.page.evaluate(f"{STRIPS}.data[0].y.length") > 10


def test_frozen_a_page_that_is_left_and_taken_again_is_painted(browser: Browser, site: SymbolSite) -> None:
    """However soon: before the other one's reply, or before anybody noticed."""
    with SymbolVisit(browser, site) as visit:
        visit.page.keyboard.press("f")
        for between in (PEPE, ""):
            visit.page.evaluate("path => tickdeck.go('/' + path)", between)
            visit.until("path => location.pathname === '/' + path", between)
            visit.page.wait_for_selector("#symbol-page" if between else "#market-grid")
            visit.page.go_back()
            visit.page.wait_for_selector(".symbol-name:has-text('BTCUSDT')")
            visit.until(IS_DRAWN)
            visit.until("() => document.getElementById('symbol-last').innerText.startsWith('6')")
            assert len(visit.texts(".tape-row:not(.tape-head)")) > 5


def test_frozen_colours_change_while_a_reply_is_awaited(browser: Browser, site: SymbolSite) -> None:
    """Of what is seen, under whatever name the next one will be."""
    with SymbolVisit(browser, site, color_scheme="light") as visit:
        visit.page.keyboard.press("f")
        visit.page.route("**/_dash-update-component*", lambda _route: None)
        visit.page.click(".tf:has-text('1h')")
        visit.page.emulate_media(color_scheme="dark")
        visit.until(f"() => {CHART}.layout.paper_bgcolor === '#161b22'")
        assert visit.page.evaluate(f"{CHART}.layout.uirevision.endsWith(':5m')")


def test_an_unknown_instrument_offers_the_nearest(browser: Browser, site: SymbolSite) -> None:
    """The page says so, with links that lead to instruments there are."""
    with SymbolVisit(browser, site, "s/sim-bybit/BTCUSTD-NOTHING") as visit:
        visit.page.wait_for_selector("h1:has-text('Not collected here')")
        assert "BTCUSTD-NOTHING on sim-bybit" in visit.page.inner_text(".missing")
        visit.page.click(".missing li a >> nth=0")
        visit.page.wait_for_function(IS_DRAWN)


@pytest.mark.parametrize("size", ["desk", "tablet", "phone"])
def test_it_fits_the_screen(browser: Browser, site: SymbolSite, tmp_path: Path, size: str) -> None:
    """No sideways scrolling, the price in sight; on a phone one part at a time."""
    with SymbolVisit(browser, site, PEPE, size=size) as visit:
        for scheme in visit.schemes():
            visit.redraws(1)
            assert visit.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            last = visit.page.locator("#symbol-last").bounding_box()
            assert last is not None
            assert last["x"] + last["width"] <= SIZES[size][0]
            colours = visit.page.evaluate(
                f"[{CHART}.layout.paper_bgcolor, {CHART}.data[0].increasing.line.color]"
            )
            assert colours == (["#161b22", "#2fbfcb"] if scheme == "dark" else ["#ffffff", "#0e7490"])
            assert len(visit.screenshot(tmp_path, f"{size}-{scheme}")) > 10_000
            if size == "phone":
                for part, content in (
                    ("Book", "#symbol-ladder"),
                    ("Trades", "#symbol-tape"),
                    ("Signals", "#symbol-signals tbody tr"),
                    ("Chart", "#symbol-chart"),
                ):
                    visit.page.click(f".part-tab:has-text('{part}')")
                    visit.page.wait_for_selector(f"{content} >> nth=0", state="visible")
                    assert len(visit.screenshot(tmp_path, f"{size}-{scheme}-{part}")) > 5_000
                    if part == "Book":
                        labels = visit.page.locator(".depth-labels").bounding_box()
                        assert labels is not None
                        assert labels["y"] + labels["height"] <= SIZES[size][1]
            assert visit.complaints == []


def test_the_charts_follow_the_theme(browser: Browser, site: SymbolSite) -> None:
    """A change of theme draws them anew at once."""
    with SymbolVisit(browser, site, color_scheme="dark") as visit:
        visit.page.evaluate("document.documentElement.setAttribute('data-bs-theme', 'light')")
        visit.until(f"() => {CHART}.layout.paper_bgcolor === '#ffffff'")
        visit.until(f"() => {STRIPS}.layout.paper_bgcolor === '#ffffff'")

"""What a venue does not list, in a real browser: the Market row, the Symbol page, the Status page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.app.fakes import LIVE_FEED
from tests.browser.site import Site
from tests.browser.visit import Visit

FOO = "sim-bybit:FOOUSDT"
SENTENCE = "sim-bybit does not trade FOOUSDT, which SYMBOLS asks for"
RENAMED = "sim-bybit does not trade PEPEUSDT, which SYMBOLS asks for; it is collected as 1000PEPEUSDT"
TOLD = "FOOUSDT, PEPEUSDT as 1000PEPEUSDT"


class UnlistedSite(Site):
    """SYMBOLS with two names that sim-bybit does not list; `is_told` once the collector says so."""

    def __init__(self, *, is_told: bool = True) -> None:
        self.is_told = is_told
        super().__init__(symbols=["BTCUSDT", "FOOUSDT", "PEPEUSDT", "ETHUSDT"])

    def step(self) -> None:
        """Feeds say what there is to say."""
        super().step()
        if self.is_told:
            self.reader.states["sim-bybit"] = LIVE_FEED | {"unlisted": TOLD}


@pytest.fixture
def site() -> Iterator[UnlistedSite]:
    with UnlistedSite() as running:
        yield running


@pytest.fixture
def untold() -> Iterator[UnlistedSite]:
    with UnlistedSite(is_told=False) as running:
        yield running


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_the_row_says_so_where_its_price_would_be(browser: Browser, untold: UnlistedSite, size: str) -> None:
    """Also on a page that is open already; the other name has the other one's place; why is the title."""
    with Visit(browser, untold.url, size=size) as visit:
        cell = visit.cell(FOO, "last_price")
        visit.page.wait_for_selector(f"{cell}:has-text('–')")
        untold.is_told = True
        visit.page.wait_for_selector(f"{cell} .unlisted:has-text('not traded')")
        assert visit.page.get_attribute(f"{cell} .unlisted", "title") == SENTENCE
        assert visit.page.locator(cell).evaluate("cell => cell.scrollWidth <= cell.clientWidth")
        visit.page.wait_for_selector('.ag-row[row-id="sim-bybit:1000PEPEUSDT"]')
        assert visit.page.locator('.ag-row[row-id="sim-bybit:PEPEUSDT"]').count() == 0
        assert visit.text("sim-binance:FOOUSDT", "last_price") == "–"
        assert visit.complaints == []


def test_its_page_says_so_and_leads_to_what_there_is(browser: Browser, site: UnlistedSite) -> None:
    """A link to the name that is listed comes first."""
    with Visit(browser, site.url) as visit:
        visit.page.goto(f"{site.url}s/sim-bybit/FOOUSDT")
        visit.page.wait_for_selector(f".missing:has-text('{SENTENCE}.')")
        visit.page.goto(f"{site.url}s/sim-bybit/PEPEUSDT")
        visit.page.wait_for_selector(f".missing:has-text('{RENAMED}.')")
        visit.page.locator(".missing a").first.click()
        visit.page.wait_for_selector(".symbol-name h1:text-is('1000PEPEUSDT')")


def test_a_page_that_is_open_already_learns_it(browser: Browser, untold: UnlistedSite) -> None:
    """In its note, in place of the candles that will not come."""
    with Visit(browser, untold.url) as visit:
        visit.page.goto(f"{untold.url}s/sim-bybit/FOOUSDT")
        visit.page.wait_for_selector("#symbol-note:text-is('no candles stored yet')")
        visit.page.wait_for_selector("#symbol-ladder-state:text-is('no book yet')")
        untold.is_told = True
        visit.page.wait_for_selector(f"#symbol-note:text-is('{SENTENCE}')")
        visit.page.wait_for_selector("#symbol-ladder-state:text-is('')", state="attached")
        assert visit.complaints == []


def test_the_card_of_the_feed_names_them(browser: Browser, site: UnlistedSite) -> None:
    """Only where there are any."""
    with Visit(browser, site.url) as visit:
        visit.page.goto(f"{site.url}status")
        visit.page.wait_for_selector(f'[data-key="sim-bybit"] .feed-head:has-text("not traded: {TOLD}")')
        assert "not traded" not in visit.page.inner_text('[data-key="sim-binance"] .feed-head')

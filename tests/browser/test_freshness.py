"""Venue time to pixels as the browser measures it, and what the Status page says of it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.site import PRICES, now_ms
from tests.browser.status_site import VENUES, StatusSite
from tests.browser.symbol_site import SymbolSite
from tests.browser.symbol_visit import SymbolVisit
from tests.browser.visit import Visit

LATE_MS = 5000
HOUR_AHEAD = "Date.now = ((now) => () => now() + 3600e3)(Date.now)"
COUNT = "() => tickdeck.freshness.figures().count"
PAINTED = "(least) => tickdeck.freshness.figures().count >= least"
ONE_FRAME = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => setTimeout(done))))"


class LateSite(StatusSite):
    """Everything comes from the venue five seconds late."""

    def step(self) -> None:
        """What moves now is of then."""
        then = now_ms() - LATE_MS
        self.more = {f"{venue}:{symbol}": {"event_time": then} for venue in VENUES for symbol in PRICES}
        super().step()


@pytest.fixture(scope="module")
def site() -> Iterator[LateSite]:
    with LateSite() as running:
        yield running


def figures(page: Page) -> list[str]:
    """p50, p99 and the number of values, as the Status page says them."""
    return page.locator("#status-freshness dd").all_inner_texts()


def test_values_are_as_old_as_the_venue_says_whatever_the_readers_clock(
    browser: Browser, site: LateSite
) -> None:
    """Five seconds late they are five seconds old and a little, on a clock that is an hour ahead."""
    visit = Visit(browser, site.url)
    visit.page.add_init_script(HOUR_AHEAD)
    with visit:
        visit.page.wait_for_function(PAINTED, arg=2 * len(PRICES))
        visit.page.click("#tab-status")
        visit.page.wait_for_selector("#status-freshness dd")
        p50, p99, count = figures(visit.page)
        assert LATE_MS / 1000 <= float(p50.removesuffix(" s")) <= float(p99.removesuffix(" s")) < 1800
        assert int(count) >= 2 * len(PRICES)
        assert visit.page.locator("#status-freshness dd.level-warn").count() == 2
        assert visit.complaints == []


def test_a_tab_that_painted_nothing_says_so(browser: Browser, site: LateSite) -> None:
    """No figure is shown in place of none."""
    with Visit(browser, f"{site.url}status") as visit:
        visit.page.wait_for_selector("#status-freshness dd")
        assert figures(visit.page) == ["–", "–", "–"]
        assert "Market or a symbol" in (visit.page.get_attribute("#status-freshness", "title") or "")
        assert visit.page.locator("#status-freshness dd.level-warn").count() == 0


def test_percentiles_are_of_what_was_painted_since_the_reader_looks(browser: Browser, site: LateSite) -> None:
    """What waited while the page was frozen does not count; another pace begins anew."""
    with Visit(browser, f"{site.url}status") as visit:
        page = visit.page
        page.wait_for_selector("#status-freshness dd")
        ages = "(ages) => tickdeck.freshness.painted(ages.map((age) => tickdeck.live.now() - age * 1000))"
        page.evaluate(ages, [*range(100, 200)])
        page.evaluate(ONE_FRAME)
        found = page.evaluate("() => tickdeck.freshness.figures()")
        assert found["count"] == 100
        assert 149_000 <= found["p50"] < found["p99"] - 48_000
        page.keyboard.press("f")
        page.keyboard.press("f")
        page.evaluate(ages, [900])
        page.evaluate(ages, [300])
        page.evaluate(ONE_FRAME)
        assert page.evaluate(COUNT) == 101
        page.evaluate("() => tickdeck.settings.set('refresh', '5000')")
        assert page.evaluate(COUNT) == 0
        page.evaluate("() => tickdeck.settings.set('refresh', 'auto')")


def test_the_symbol_page_counts_its_ticker_and_book(browser: Browser) -> None:
    """Each where it is newer than what was painted before."""
    with SymbolSite() as site, SymbolVisit(browser, site) as visit:
        visit.until(PAINTED, 4)
        assert 0 <= visit.page.evaluate("() => tickdeck.freshness.figures().p50") < 60_000
        assert visit.complaints == []

"""The Status page in a real browser."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.site import Site
from tests.browser.status_site import REASON, StatusSite
from tests.browser.visit import Visit

CALLBACKS = "_dash-update-component"
SIZES = {"desk": (1440, 900), "tablet": (1024, 768), "phone": (390, 844)}
SLOW_MS = 20_000
"""What Postgres tells is asked for every ten seconds."""


@pytest.fixture(scope="module")
def site() -> Iterator[StatusSite]:
    with StatusSite() as running:
        yield running


class StatusVisit(Visit):
    """A visit that begins at the Status page, painted."""

    def __init__(
        self, browser: Browser, site: Site, width: int = 1440, height: int = 900, **context: Any
    ) -> None:
        super().__init__(browser, site.url, **context)
        self.page.set_viewport_size({"width": width, "height": height})

    def __enter__(self) -> "StatusVisit":
        self.page.goto(f"{self.url}status")
        self.page.wait_for_selector("#status-page.is-painted")
        return self

    def part(self, name: str) -> str:
        """What is said of a part, in one line."""
        return self.page.inner_text(f'.part[data-key="{name}"]').replace("\n", " ")

    def await_part(self, name: str, words: str) -> None:
        """Wait until that is said of a part."""
        self.page.wait_for_selector(f'.part[data-key="{name}"]:has-text("{words}")', timeout=SLOW_MS)

    def fact(self, venue: str, name: str) -> str:
        """One number of a feed."""
        return self.page.inner_text(f'[data-key="{venue}"] .fact:has(dt:text-is("{name}")) dd')


def test_feeds_workers_stores_and_ledger_are_there(browser: Browser, site: StatusSite) -> None:
    """In words and numbers; nothing in the console or from elsewhere, and no plotly."""
    with StatusVisit(browser, site) as visit:
        assert visit.part("Collector") == "● Collector runs 2 workers"
        assert visit.part("Feeds") == "▲ Feeds degraded 1 of 2 venues live"
        head = visit.page.inner_text('[data-key="sim-bybit"] .feed-head').split("\n")
        assert " ".join(head) == f"sim-bybit ▲ degraded {REASON}"
        assert visit.fact("sim-bybit", "Lag ms") == "12 · 48"
        assert visit.fact("sim-bybit", "→ Postgres ms") == "140 · 310"
        assert visit.fact("sim-bybit", "Clock skew ms") == "−3"
        assert visit.page.inner_text('[data-key="sim-bybit"] [data-key="book"] .lane-words') == (
            "26 gaps, 24 repaired"
        )
        assert visit.page.locator('[data-key="sim-bybit"] [data-key="book"] rect').count() == 4
        worker = visit.page.inner_text('tr[data-key="collector.1"]').split("\t")
        assert worker[:4] == ["collector.1", "sim-bybit degraded, sim-binance live", "7 · 54 %", "<2 s"]
        stores = visit.page.inner_text("#status-stores")
        assert "350 MB of 700 MB" in stores
        assert "7 days" in stores
        ledger = [row.split("\t") for row in visit.page.locator("#status-ledger tbody tr").all_inner_texts()]
        assert [row[4] for row in ledger] == ["silent", "sequence", "disconnect", "restart"]
        assert [row[5] for row in ledger] == ["■ not yet", "▲ no", "▲ 16 of 32, 8 partly", "● yes"]
        assert visit.complaints == []
        assert not [url for url in visit.requested if "plotly" in url]


def test_numbers_move_with_one_request_a_tick(browser: Browser, site: StatusSite) -> None:
    """The market is not asked for beside it; a frozen page holds still and says what waits."""
    with StatusVisit(browser, site) as visit:
        before = visit.fact("sim-bybit", "Messages /s")
        visit.page.wait_for_function(
            "before => document.querySelector('.feed-card dd').innerText !== before", arg=before
        )
        begun, since = len(visit.requested), time.monotonic()
        visit.page.wait_for_timeout(2000)
        asked = [url for url in visit.requested[begun:] if CALLBACKS in url]
        assert 1 <= len(asked) <= 2 + (time.monotonic() - since)  # a tick a second
        visit.page.keyboard.press("f")
        visit.page.wait_for_selector('#freeze-toggle[aria-pressed="true"]')
        held = visit.page.inner_text("#status-feeds")
        visit.page.wait_for_selector("#freeze-toggle:has-text('updates waiting')")
        visit.page.wait_for_timeout(1500)
        assert visit.page.inner_text("#status-feeds") == held
        visit.page.keyboard.press("f")
        visit.page.wait_for_function(
            "held => document.getElementById('status-feeds').innerText !== held", arg=held
        )
        assert visit.complaints == []


def test_the_bar_leads_there_and_back(browser: Browser, site: StatusSite) -> None:
    """The tab of the page that is shown is marked, and the title says which it is."""
    with Visit(browser, site.url) as visit:
        visit.page.wait_for_selector(visit.cell("sim-bybit:BTCUSDT", "last_price"))
        visit.page.click("#tab-status")
        visit.page.wait_for_selector("#status-page.is-painted")
        visit.page.wait_for_selector("#tab-status.tab-selected")
        assert visit.page.title() == "Status · Tickdeck"
        assert visit.page.url == f"{site.url}status"
        visit.page.click("#tab-market:not(.tab-selected)")
        visit.wait_for_change("sim-bybit:BTCUSDT", "last_price")
        visit.page.wait_for_function("() => document.title === 'Tickdeck'")
        assert visit.complaints == []


def test_whatever_is_gone_is_said_and_the_rest_shown(browser: Browser) -> None:
    """Redis, Postgres, the collector, each in turn; what is known of them stays, and all comes back."""
    with StatusSite() as site, StatusVisit(browser, site) as visit:
        site.reader.broken = True
        visit.await_part("Redis", "does not answer")
        assert visit.part("Collector") == "○ Collector not known Redis would tell"
        visit.page.wait_for_selector('[data-key="sim-bybit"] .state:has-text("not known")')
        assert visit.fact("sim-bybit", "Sequence gaps") == "3"
        assert visit.page.locator("#status-ledger tbody tr").count() == 4
        site.reader.broken = False
        visit.await_part("Redis", "answers")
        site.history.broken = True
        visit.await_part("Postgres", "does not answer")
        assert visit.page.locator("#status-ledger tbody tr").count() == 4
        assert visit.part("Collector").startswith("● Collector runs")
        site.moving, site.history.broken = False, False
        site.reader.collectors, site.reader.states = {}, {}
        visit.await_part("Collector", "gone")
        visit.page.wait_for_selector("#status-workers .none:has-text('No collector')")
        visit.page.wait_for_selector('[data-key="sim-binance"] .state:has-text("down")')
        site.moving = True
        visit.await_part("Collector", "runs")
        visit.await_part("Postgres", "answers")
        assert visit.complaints == []


def test_a_page_without_stores_names_what_is_missing(browser: Browser) -> None:
    """From the first moment on; no number is made up."""
    with StatusSite() as site:
        site.moving = False
        site.reader.broken = site.history.broken = True
        with StatusVisit(browser, site) as visit:
            visit.await_part("Redis", "does not answer")
            visit.await_part("Postgres", "does not answer")
            assert visit.fact("sim-bybit", "Messages /s") == "–"
            assert "never told" in visit.page.inner_text("#status-workers")
            assert "never told" in visit.page.inner_text("#status-ledger")
            assert visit.complaints == []


@pytest.mark.parametrize("size", list(SIZES))
def test_it_fits_the_screen(browser: Browser, site: StatusSite, tmp_path: Path, size: str) -> None:
    """No sideways scrolling, every part in sight, nothing cut off, nothing moves at load."""
    width, height = SIZES[size]
    with StatusVisit(browser, site, width, height) as visit:
        for scheme in visit.schemes():
            assert visit.theme() == scheme
            assert visit.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            parts = ".status, .status-panel, .feed-card, .part, .status table, .fact dd"
            assert visit.cut_off(parts, spare=1) == []
            for name in ("Redis", "Postgres", "Collector", "Feeds", "Rows"):
                box = visit.page.locator(f'.part[data-key="{name}"]').bounding_box()
                assert box is not None
                assert box["y"] + box["height"] <= height
            assert visit.shift() < 0.02
            assert len(visit.screenshot(tmp_path, f"{size}-{scheme}")) > 10_000
            assert visit.complaints == []

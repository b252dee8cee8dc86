"""The Signals page at a fresh start, without Postgres, frozen and small, in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from app.record_history import PAST_ROWS
from tests.browser.signals_site import SignalsSite
from tests.browser.signals_visit import ROWS, SignalsVisit
from tests.browser.visit import SIZES, Visit

SIZES.setdefault("tablet", (1024, 768))


@pytest.fixture(scope="module")
def site() -> Iterator[SignalsSite]:
    with SignalsSite() as running:
        yield running


def test_a_fresh_start_says_what_will_come(browser: Browser) -> None:
    """Each empty part in words, and when; filters that leave nothing say so."""
    with SignalsSite(is_fresh=True) as fresh, SignalsVisit(browser, fresh) as visit:
        for part, words in (
            ("open", "One opens at the first quote after a signal"),
            ("equity", "The curve begins with the first that does"),
            ("board", "computed about once a minute"),
            ("past", "150 whole candles"),
        ):
            visit.page.wait_for_selector(f"#signals-{part} .empty:has-text('{words}')")
        assert "–" in visit.texts("#signals-equity-sum dd")
        visit.page.select_option("[data-filter=rule]", "macd_trend")
        visit.page.wait_for_selector("#signals-past .empty:has-text('Nothing matches these filters')")
        assert visit.complaints == []


def test_a_silent_postgres_is_told_and_the_rows_stay(browser: Browser) -> None:
    """With the age of what is shown; it ends by itself."""
    with SignalsSite() as troubled, SignalsVisit(browser, troubled) as visit:
        visit.page.wait_for_selector(ROWS)
        troubled.history.broken = True
        visit.page.wait_for_selector("#signals-note:has-text('Postgres does not answer')")
        assert len(visit.texts(ROWS)) == PAST_ROWS
        troubled.history.broken = False
        visit.page.wait_for_selector("#signals-note:empty", state="attached")
        assert visit.complaints == []


def test_frozen_nothing_is_painted(browser: Browser, site: SignalsSite) -> None:
    """`f` holds the page still while replies go on, and lets it go again."""
    with SignalsVisit(browser, site) as visit:
        visit.page.wait_for_selector("#signals-open tbody tr")
        visit.page.keyboard.press("f")
        before = visit.page.inner_text("#signals-open-sum")
        visit.page.wait_for_selector("#freeze-toggle:has-text('3 updates waiting')")
        assert visit.page.inner_text("#signals-open-sum") == before
        visit.page.keyboard.press("f")
        visit.page.wait_for_function(
            "text => document.querySelector('#signals-open-sum').innerText !== text", arg=before
        )


def test_pages_follow_one_another(browser: Browser, site: SignalsSite) -> None:
    """From the bar, on to a market, back; each asks for itself alone, and nothing is loaded anew."""
    with Visit(browser, site.url) as visit:
        visit.page.click("nav >> text=Signals")
        visit.page.wait_for_selector(ROWS)
        visit.page.click("#signals-past a >> nth=0")
        visit.page.wait_for_selector("#symbol-page")
        visit.page.go_back()
        visit.page.wait_for_selector(ROWS)
        visit.page.click("nav >> text=Market")
        visit.page.wait_for_selector(".market-grid .ag-row")
        visit.page.wait_for_function(
            "() => tickdeck.signals.held() === null && document.title === 'Tickdeck'"
        )
        with visit.page.expect_response("**/_dash-update-component*") as reply:
            pass
        assert "signals-live" not in (reply.value.request.post_data or "")
        assert visit.complaints == []


@pytest.mark.parametrize("size", ["desk", "tablet", "phone"])
def test_it_fits_the_screen(browser: Browser, site: SignalsSite, tmp_path: Path, size: str) -> None:
    """No sideways scrolling, neither of the page nor of the lists; what a trade made is in sight."""
    with SignalsVisit(browser, site, "?venue=sim-bybit", size=size) as visit:
        for scheme in visit.schemes():
            visit.page.wait_for_selector(ROWS)
            assert visit.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            for frame in ("open", "past", "board", "equity"):
                fits = (
                    f"(e => e.scrollWidth <= e.clientWidth + 1)(document.getElementById('signals-{frame}'))"
                )
                assert visit.page.evaluate(fits) or (frame == "board" and size == "tablet"), frame
            colour = visit.page.eval_on_selector(".panel", "e => getComputedStyle(e).backgroundColor")
            assert colour == ("rgb(22, 27, 34)" if scheme == "dark" else "rgb(255, 255, 255)")
            for part in ("open", "board", "past"):
                visit.page.evaluate(f"document.querySelector('.{part}-part').scrollIntoView()")
                assert len(visit.screenshot(tmp_path, f"{size}-{scheme}-{part}")) > 10_000
            assert visit.complaints == []

"""The drawer of settings, the keys, the order of focus, and what a first visit costs."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Response

from tests.browser.site import Site
from tests.browser.visit import Visit

BTC = "sim-bybit:BTCUSDT"
DRAWER = "dialog.drawer[open]"
MOST_BYTES = 1_100_000
NAME = "(e => e.id || e.name || e.getAttribute('aria-label') || e.innerText)(document.activeElement)"
UP = "getComputedStyle(document.documentElement).getPropertyValue('--up')"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


def choose(visit: Visit, name: str, value: str) -> None:
    """Open the drawer, choose, close it."""
    visit.page.click("#settings-open")
    visit.page.check(f'{DRAWER} input[name="setting-{name}"][value="{value}"]')
    visit.page.keyboard.press("Escape")
    visit.page.wait_for_selector("dialog.drawer", state="hidden")


def test_colours_are_chosen_swapped_and_kept(browser: Browser, site: Site) -> None:
    """Also over a reload, from its first paint on; back to the default nothing is kept."""
    with Visit(browser, site.url, color_scheme="dark") as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        assert visit.page.evaluate(UP) == "#2fbfcb"
        choose(visit, "palette", "blueorange")
        assert visit.page.evaluate(UP) == "#58a6ff"
        choose(visit, "swap", "on")
        assert visit.page.evaluate(UP) == "#f0883e"
        visit.page.reload(wait_until="commit")
        assert visit.page.get_attribute("html", "data-palette") == "blueorange swap"
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        assert visit.page.evaluate(UP) == "#f0883e"
        choose(visit, "palette", "default")
        choose(visit, "swap", "off")
        assert visit.page.evaluate(UP) == "#2fbfcb"
        assert visit.page.evaluate("localStorage.length") == 0
        assert visit.complaints == []


def test_rows_are_as_high_as_one_likes(browser: Browser, site: Site) -> None:
    """At once, and after a reload."""
    height = "document.querySelector('.market-rows .ag-row').offsetHeight"
    with Visit(browser, site.url) as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        assert visit.page.evaluate(height) == 28
        choose(visit, "density", "comfortable")
        visit.page.wait_for_function(f"() => {height} === 34")
        visit.page.reload()
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        assert visit.page.evaluate(height) == 34


def test_a_slower_pace_is_kept_and_is_no_trouble(browser: Browser, site: Site) -> None:
    """Ages are judged by the pace that was chosen; nothing is called late that is only asked for seldom."""
    with Visit(browser, site.url) as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        choose(visit, "refresh", "5000")
        visit.page.reload()
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        visit.wait_for_change(BTC, "last_price")
        asked: list[str] = []
        visit.page.on("request", lambda found: asked.append(found.url) if found.method == "POST" else None)
        visit.page.wait_for_timeout(6000)
        assert 1 <= len(asked) <= 2
        assert visit.page.query_selector(".row-aged, .row-stale") is None
        assert visit.page.inner_text("#connection") == ""


def test_keys_can_be_switched_off(browser: Browser, site: Site) -> None:
    """Then a letter is only a letter; switched on again they work."""
    with Visit(browser, site.url, color_scheme="dark") as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        choose(visit, "shortcuts", "off")
        for key in ("f", "t", "3", "?", "/"):
            visit.page.keyboard.press(key)
        assert visit.page.query_selector("dialog[open]") is None
        assert visit.page.get_attribute("#freeze-toggle", "aria-pressed") != "true"
        assert (visit.theme(), visit.page.evaluate("location.search")) == ("dark", "")
        choose(visit, "shortcuts", "on")
        visit.page.keyboard.press("t")
        visit.page.wait_for_selector('html[data-bs-theme="light"]')


def test_keys_do_nothing_where_one_types_or_chooses(browser: Browser, site: Site) -> None:
    """In the filter they are text, in a dialog they belong to it."""
    with Visit(browser, site.url) as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        visit.page.click("#market-text input")
        visit.page.keyboard.type("ft3?/")
        assert visit.page.input_value("#market-text input") == "ft3?/"
        visit.page.focus('[data-filter="venue"]')
        visit.page.keyboard.press("f")
        visit.page.click("#settings-open")
        visit.page.keyboard.press("f")
        visit.page.keyboard.press("?")
        assert visit.page.query_selector("dialog.help[open]") is None
        assert visit.page.get_attribute("#freeze-toggle", "aria-pressed") != "true"
        assert "tf=" not in visit.page.evaluate("location.search")


def test_a_question_mark_lists_the_keys(browser: Browser, site: Site) -> None:
    """It is closed by Esc; the drawer leads there too."""
    with Visit(browser, site.url) as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        visit.page.keyboard.press("?")
        words = visit.page.inner_text("dialog.help[open]")
        for key in ("/", "1 – 6", "f", "t", "?"):
            assert key in words.split("\n")
        visit.page.keyboard.press("Escape")
        visit.page.click("#settings-open")
        visit.page.click("text=Show the keys")
        visit.page.wait_for_selector("dialog.help[open]")
        assert visit.page.query_selector(DRAWER) is None
        assert visit.complaints == []


def test_digits_choose_the_interval_of_a_symbol_as_well(browser: Browser, site: Site) -> None:
    """The nth of those that are shown; one that does not exist does nothing."""
    with Visit(browser, site.url) as visit:
        visit.page.goto(f"{site.url}s/sim-bybit/BTCUSDT")
        visit.page.wait_for_selector('[aria-label="Candle interval"] .tf')
        visit.page.keyboard.press("4")
        visit.page.wait_for_function("() => location.search === '?tf=1h'")
        visit.page.keyboard.press("9")
        assert visit.page.evaluate("location.search") == "?tf=1h"


def test_the_focus_goes_through_the_page_as_one_reads_it(browser: Browser, site: Site) -> None:
    """Bar, filters, intervals, views, table; each part has a name, and the ring is seen."""
    with Visit(browser, site.url) as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        seen = []
        for _ in range(24):
            visit.page.keyboard.press("Tab")
            seen.append(visit.page.evaluate(NAME))
            ring = visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            inside = visit.page.evaluate("document.activeElement.closest('.ag-root-wrapper') !== null")
            if inside:
                break
            assert ring != "none", seen[-1]
        assert seen[:9] == [
            "Tickdeck", "tab-market", "tab-signals", "tab-status", "search-open", "freeze-toggle", "clock",
            "theme-toggle", "settings-open",
        ]  # fmt: skip
        assert seen[9:13] == ["Filter by symbol, coin or venue", "venue", "signal", "market-starred"]
        assert seen[13:21] == ["1m", "5m", "15m", "1h", "4h", "1d", "Markets", "Cross-venue"]
        assert visit.page.evaluate("document.activeElement.closest('.ag-root-wrapper') !== null")


def test_a_first_visit_stays_small(browser: Browser, site: Site) -> None:
    """All that is transferred until rows move, compressed."""
    context = browser.new_context()
    page, replies = context.new_page(), list[Response]()
    page.on("response", lambda reply: replies.append(reply))
    page.goto(site.url)
    page.wait_for_selector(f'.ag-row[row-id="{BTC}"] .ag-cell-data-changed')
    size = sum(reply.request.sizes()["responseBodySize"] for reply in replies if reply.ok)
    context.close()
    print(f"first visit: {size} bytes in {len(replies)} replies")
    assert 100_000 < size <= MOST_BYTES

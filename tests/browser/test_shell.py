"""The shell in a real browser: search, freeze, clock, theme, keys, and a server that comes and goes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from tests.browser.site import SYMBOLS, Site
from tests.browser.visit import Visit

BTC = "sim-bybit:BTCUSDT"
OPEN_SEARCH = "dialog.search[open]"
ACTIVE = '.search-list [aria-selected="true"]'


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


def options(visit: Visit) -> list[str]:
    """Symbol and venue of each option, in order."""
    return [
        f"{item.query_selector('b').inner_text()} {item.query_selector('small').inner_text()}"  # type: ignore[union-attr]  # each option has both
        for item in visit.page.query_selector_all(".search-list [role=option]")
    ]


def test_a_slash_and_a_few_letters_lead_to_a_symbol(browser: Browser, site: Site) -> None:
    """`/` opens, letters filter over both venues, arrows choose, Enter goes; the server is not asked."""
    with Visit(browser, site.url) as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        before = len(visit.requested)
        visit.page.keyboard.press("/")
        visit.page.wait_for_selector(OPEN_SEARCH)
        assert len(options(visit)) == 2 * len(SYMBOLS)
        visit.page.keyboard.type("sol")
        assert options(visit) == ["SOLUSDT sim-bybit", "SOLUSDT sim-binance"]
        visit.page.keyboard.press("ArrowDown")
        assert visit.page.inner_text(f"{ACTIVE} small") == "sim-binance"
        visit.page.keyboard.press("ArrowDown")
        visit.page.keyboard.press("ArrowUp")
        assert not [url for url in visit.requested[before:] if "search" in url or "/api/" in url]
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_function("() => location.pathname === '/s/sim-binance/SOLUSDT'")
        assert visit.page.query_selector(OPEN_SEARCH) is None
        visit.page.wait_for_selector("#tab-market:not(.tab-selected)")


def test_a_venue_is_found_as_the_page_shows_it(browser: Browser, site: Site) -> None:
    """With or without what stands before it; a pair may be written as others do."""
    with Visit(browser, site.url) as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        visit.page.keyboard.press("/")
        for words in (
            "sim-bin sol", "bin sol/usdt", "sol sim-binance", "bin SOL/USDT:USDT", "bin solusdt.p",
            "bin sol-usdt", "bin sol_usdt", "bin sol perp",
            "bin sol-perp", "binance:SOLUSDT", "sim-binance:sol", "BINANCE:SOLUSDT.P",
            "bin SOLUSDT_PERP", "bin SOL-USDT-SWAP", "bin SOL-PERPETUAL", "BINANCE:SOL/USDT:USDT",
            "bin $sol", "bin, sol\u200b", "ｂｉｎ ｓｏｌ",
        ):  # fmt: skip
            visit.page.fill(".search-input", words)
            assert options(visit) == ["SOLUSDT sim-binance"], words
        visit.page.fill(".search-input", "$ *")
        assert visit.page.is_visible(".search-none")


def test_the_search_has_the_roles_of_a_combobox(browser: Browser, site: Site) -> None:
    """Input, list and options name each other; Esc closes and gives the focus back."""
    with Visit(browser, site.url) as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        visit.page.click("#search-open")
        field = visit.page.get_by_role("combobox", name="Find an instrument")
        assert field.get_attribute("aria-controls") == "search-list"
        assert field.get_attribute("aria-expanded") == "true"
        first = visit.page.get_by_role("listbox").get_by_role("option").first
        assert field.get_attribute("aria-activedescendant") == first.get_attribute("id")
        visit.page.keyboard.type("nosuchcoin")
        assert field.get_attribute("aria-expanded") == "false"
        assert field.get_attribute("aria-activedescendant") is None
        assert visit.page.is_visible(".search-none")
        visit.page.keyboard.press("Escape")
        visit.page.wait_for_selector("dialog.search", state="hidden")
        assert visit.page.evaluate("document.activeElement.id") == "search-open"
        assert visit.complaints == []


def test_a_click_chooses_and_a_venue_narrows(browser: Browser, site: Site) -> None:
    """Words may name the venue; a click beside the list closes it."""
    with Visit(browser, site.url) as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        visit.page.keyboard.press("/")
        visit.page.keyboard.type("binance x")
        assert options(visit)[0] == "XRPUSDT sim-binance"
        visit.page.mouse.click(5, 500)
        visit.page.wait_for_selector("dialog.search", state="hidden")
        visit.page.keyboard.press("/")
        assert visit.page.input_value(".search-input") == ""
        visit.page.keyboard.type("eth")
        visit.page.click(".search-list li >> nth=0")
        visit.page.wait_for_function("() => location.pathname === '/s/sim-bybit/ETHUSDT'")


def test_frozen_nothing_is_painted_and_everything_received(browser: Browser, site: Site) -> None:
    """`f` holds the prices and counts what waits; `f` again shows the newest at once."""
    with Visit(browser, site.url) as visit:
        visit.wait_for_change(BTC, "last_price")
        visit.page.keyboard.press("f")
        visit.page.wait_for_selector('#freeze-toggle[aria-pressed="true"]')
        held = visit.text(BTC, "last_price")
        ages = visit.text("sim-bybit:ETHUSDT", "age")
        visit.page.wait_for_function(
            r"() => /^frozen [3-9] s · [1-9][\d,]* updates waiting$/"
            ".test(document.getElementById('freeze-toggle').textContent)"
        )
        assert visit.text(BTC, "last_price") == held
        assert visit.text("sim-bybit:ETHUSDT", "age") == ages
        visit.page.click("#freeze-toggle")
        visit.page.wait_for_selector("#freeze-toggle:has-text('Freeze')")
        visit.wait_for_change(BTC, "last_price")
        assert visit.complaints == []


def test_a_page_that_is_opened_while_frozen_is_painted_once(browser: Browser, site: Site) -> None:
    """There is nothing to hold still before; from then on it holds."""
    with Visit(browser, site.url) as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        visit.page.keyboard.press("f")
        visit.page.evaluate("tickdeck.go('/nothing')")
        visit.page.wait_for_selector("h1:has-text('Nothing here')")
        visit.page.click(".name")
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        held = visit.text(BTC, "last_price")
        visit.page.wait_for_timeout(2500)
        assert visit.text(BTC, "last_price") == held


def test_keys_are_letters_where_one_types(browser: Browser, site: Site) -> None:
    """In the search `f` and `/` are text; with a modifier they are the browser's."""
    with Visit(browser, site.url) as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        visit.page.keyboard.press("Control+f")
        visit.page.keyboard.press("Alt+/")
        visit.page.keyboard.press("/")
        visit.page.wait_for_selector(OPEN_SEARCH)
        visit.page.keyboard.type("f/")
        assert visit.page.input_value(".search-input") == "f/"
        assert visit.page.get_attribute("#freeze-toggle", "aria-pressed") != "true"


def test_the_clock_is_utc_until_local_is_chosen(browser: Browser, site: Site) -> None:
    """The zone is always printed, and the choice outlives a reload."""
    with Visit(browser, site.url, timezone_id="Asia/Kolkata") as visit:
        visit.page.click("#clock")
        visit.page.wait_for_selector("#clock:has-text('local +05:30')")
        utc, local = visit.page.evaluate(
            "() => [tickdeck.live.now(), document.getElementById('clock').innerText.match(/(\\d+):(\\d+):/)]"
        )
        minutes = (int(utc) // 60_000 + 330) % 1440
        assert abs(int(local[1]) * 60 + int(local[2]) - minutes) <= 1
        visit.page.reload()
        visit.page.wait_for_selector("#clock:has-text('local +05:30')")
        visit.page.click("#clock")
        visit.page.wait_for_selector("#clock:has-text('UTC')")
        visit.page.reload()
        visit.page.wait_for_selector("#clock:has-text('UTC')")


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_theme_has_three_states(browser: Browser, site: Site, scheme: Literal["dark", "light"]) -> None:
    """From the system's to the other one, to the system's own held fast, and back to following."""
    other: Literal["dark", "light"] = "light" if scheme == "dark" else "dark"
    with Visit(browser, site.url, color_scheme=scheme) as visit:
        button = visit.page.locator("#theme-toggle:not(:empty)")
        seen = [(visit.theme(), button.get_attribute("aria-label"))]
        for _ in range(3):
            button.click()
            visit.page.wait_for_timeout(100)
            seen.append((visit.theme(), button.get_attribute("aria-label")))
        assert seen == [
            (scheme, "Theme: system"), (other, f"Theme: {other}"), (scheme, f"Theme: {scheme}"),
            (scheme, "Theme: system"),
        ]  # fmt: skip
        visit.page.emulate_media(color_scheme=other)
        visit.page.wait_for_selector(f'html[data-bs-theme="{other}"]')
        visit.page.reload()
        assert visit.theme() == other


def test_a_lost_server_is_found_again_by_itself(browser: Browser) -> None:
    """Within a few seconds of its return, whatever the wait was; the line counts down to the next try."""
    with Site() as mortal, Visit(browser, mortal.url) as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        mortal.stop()
        visit.page.wait_for_selector("#connection:has-text('retrying in')")
        visit.page.wait_for_timeout(4000)
        assert "No data for" in visit.page.inner_text("#connection")
        mortal.start()
        visit.page.wait_for_selector("#connection:empty", state="attached", timeout=8000)
        assert visit.wait_for_change(BTC, "last_price")


def test_each_missing_part_is_said_and_unsaid(browser: Browser) -> None:
    """Postgres, a collector that cannot write, a collector that is gone: one line each, the rest stays."""
    with Site() as troubled, Visit(browser, troubled.url) as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        troubled.history.broken = True
        visit.page.wait_for_selector(".notice-old:has-text('Postgres does not answer')")
        visit.wait_for_change(BTC, "last_price")
        troubled.history.broken = False
        visit.page.wait_for_selector(".notice-old", state="detached")
        known = troubled.reader.collectors
        troubled.reader.collectors = {"worker.1": known["worker.1"] | {"db_state": "down"}}
        visit.page.wait_for_selector(".notice-old:has-text('history is delayed')")
        troubled.reader.collectors = {}
        troubled.moving = False
        visit.page.wait_for_selector(".notice-trouble:has-text('collector is gone')")
        visit.page.wait_for_selector(".notice-trouble:has-text(' s old')")
        assert visit.text(BTC, "last_price").startswith("65,11")
        troubled.reader.collectors, troubled.moving = known, True
        visit.page.wait_for_selector(".notice-trouble", state="detached")
        assert visit.complaints == []


def test_a_key_right_after_a_dialog_is_heard(browser: Browser, site: Site) -> None:
    """Its field has the focus until the next frame, and nobody types there any more."""
    with Visit(browser, site.url) as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
        visit.page.keyboard.press("/")
        visit.page.wait_for_selector(ACTIVE)
        heard = visit.page.evaluate("""() => {
          const field = document.activeElement;
          const press = () => field.dispatchEvent(new KeyboardEvent("keydown", {key: "f", bubbles: true}));
          press();
          const open = tickdeck.isFrozen();
          field.closest("dialog").close();
          press();
          return [open, tickdeck.isFrozen()];
        }""")
        assert heard == [False, True]


def test_keys_before_the_layout_is_there_do_nothing(browser: Browser, site: Site) -> None:
    """What they would press is not there yet: no error, and the page comes."""
    with Visit(browser, site.url) as visit:
        visit.page.route("**/_dash-layout", lambda route: route.abort())
        visit.page.reload(wait_until="load")
        visit.complaints.clear()
        assert visit.page.locator("#theme-toggle").count() == 0
        for key in "t1fv":
            visit.page.keyboard.press(key)
        assert [words for words in visit.complaints if "null" in words] == []


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_the_shell_fits_every_width(browser: Browser, site: Site, tmp_path: Path, width: int) -> None:
    """Frozen, with the search open: nothing runs out of the window."""
    with Visit(browser, site.url) as visit:
        for scheme in visit.schemes():
            visit.page.set_viewport_size({"width": width, "height": 844})
            visit.page.wait_for_selector(visit.cell(BTC, "last_price"))
            visit.page.wait_for_selector("#age-badge:has-text('data')")
            visit.screenshot(tmp_path, f"shell-{width}-{scheme}")
            visit.page.keyboard.press("f")
            visit.page.wait_for_selector("#freeze-toggle:text-matches('frozen ([2-9]|[0-9]{2,}) s')")
            visit.screenshot(tmp_path, f"frozen-{width}-{scheme}")
            assert visit.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            for selector in ("#search-open", "#freeze-toggle", "#age-badge", "#clock", "#theme-toggle"):
                box = visit.page.locator(selector).bounding_box()
                assert box is not None
                assert box["x"] >= 0
                assert box["x"] + box["width"] <= width
            visit.page.keyboard.press("/")
            visit.page.keyboard.type("b")
            assert visit.page.inner_text(f"{ACTIVE} b") == "BTCUSDT"
            visit.screenshot(tmp_path, f"search-{width}-{scheme}")
            visit.page.keyboard.press("Escape")
            visit.page.wait_for_selector(ACTIVE, state="hidden")
            visit.page.keyboard.press("f")
            visit.page.wait_for_selector("#freeze-toggle:not(:has-text('frozen'))")
            assert visit.complaints == []


def test_long_words_of_the_feeds_leave_the_bar_as_high_as_it_was(browser: Browser, site: Site) -> None:
    """On a phone: they are cut, and what stands beside them stays in its row."""
    with Visit(browser, site.url, size="phone") as visit:
        visit.page.wait_for_selector("#age-badge:has-text('data')")
        bar = visit.page.locator("header.bar")
        calm = bar.bounding_box()
        words = (
            "document.querySelectorAll('.feed').forEach((e) => { e.lastChild.textContent = ' reconnecting' })"
        )
        visit.page.evaluate(words)
        assert visit.page.locator(".feed >> nth=0").inner_text().endswith("reconnecting")
        assert bar.bounding_box() == calm
        assert visit.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

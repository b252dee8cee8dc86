"""What a reader chooses on the Market page. All but stars are in the address."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route

from db.history.runs import SignalRun
from tests.browser.site import SYMBOLS, Site, now_ms
from tests.browser.visit import ROW, Visit

BTC, ETH, SOL = ("sim-bybit:BTCUSDT", "sim-bybit:ETHUSDT", "sim-bybit:SOLUSDT")
COIN = "sim-bybit:BTCUSDT+sim-binance:BTCUSDT"
QUARTER_S = 900


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as running:
        running.more = {
            BTC: {
                "mid": 65010.0,
                "indicators": {"5m": said("buy", 30.0, 75.0), "1h": said("neutral", 0.0, 50.0)},
            },
            "sim-binance:BTCUSDT": {"mid": 65000.0, "funding_rate": -0.0002},
            ETH: {"indicators": {"5m": said("strong_sell", -70.0, 20.0)}},
            "sim-bybit:XRPUSDT": {"mid": 0.6},
            "sim-binance:XRPUSDT": {"mid": 0.6003},
            SOL: {"indicators": {"5m": said("neutral", 0.0, 50.0)}},
        }  # fmt: skip
        opened = now_ms() // 1000 // QUARTER_S * QUARTER_S
        rows = [(opened - n * QUARTER_S, 1, 1, 1, 100.0 - n, 1, 1, 1) for n in (6, 5, 4, 2, 1)]
        running.history.packed["sim-bybit", "BTCUSDT", "15m"] = b"".join(struct.pack(">8d", *r) for r in rows)
        began = now_ms() - 95 * 60_000
        running.history.runs["sim-bybit", "BTCUSDT", "5m"] = SignalRun("buy", began - 300_000)
        yield running


def said(signal: str, score: float, rsi: float) -> dict[str, object]:
    return {"signal": signal, "score": score, "rsi": rsi, "reason": ""}


def ids(visit: Visit) -> set[str]:
    return set(visit.order())


def wait_for_rows(visit: Visit, count: int) -> None:
    visit.page.wait_for_function(
        "([row, count]) => document.querySelectorAll(row).length === count",
        arg=[f".market-rows {ROW}", count],
    )


def address(visit: Visit) -> str:
    found: str = visit.page.evaluate("location.search")
    return found


def test_filters_are_in_the_address_and_come_from_it(browser: Browser, site: Site) -> None:
    """Venue, signal and text narrow the rows; the address alone gives the same; Clear and Back undo it."""
    with Visit(browser, site.url) as visit:
        wait_for_rows(visit, 2 * len(SYMBOLS))
        visit.page.select_option('[data-filter="venue"]', "sim-bybit")
        wait_for_rows(visit, len(SYMBOLS))
        visit.page.select_option('[data-filter="signal"]', "any")
        wait_for_rows(visit, 2)
        assert ids(visit) == {BTC, ETH}
        assert address(visit) == "?venue=sim-bybit&signal=any"
        visit.page.go_back()
        wait_for_rows(visit, len(SYMBOLS))
        visit.page.fill("#market-text input", "btc")
        wait_for_rows(visit, 1)
        assert address(visit) == "?venue=sim-bybit&q=btc"
        visit.page.wait_for_selector("#market-counts:has-text('1 of 16 rows')")
        visit.page.reload()
        wait_for_rows(visit, 1)
        assert visit.page.input_value("#market-text input") == "btc"
        assert visit.page.input_value('[data-filter="venue"]') == "sim-bybit"
        visit.page.click("#market-clear")
        wait_for_rows(visit, 2 * len(SYMBOLS))
        assert address(visit) == ""
        assert visit.complaints == []


def test_stars_are_kept_filter_and_sort(browser: Browser, site: Site) -> None:
    """A click or the space bar sets one; it outlives a reload and opens no page."""
    with Visit(browser, site.url) as visit:
        wait_for_rows(visit, 2 * len(SYMBOLS))
        visit.page.click(visit.cell(SOL, "star"))
        visit.page.wait_for_selector(f'{visit.cell(SOL, "star")} .is-starred[aria-pressed="true"]')
        visit.page.keyboard.press("ArrowUp")
        visit.page.keyboard.press("Space")
        visit.page.wait_for_function("() => document.querySelectorAll('.is-starred').length === 2")
        visit.page.click('.market-rows .ag-header-cell[col-id="star"]')
        assert SOL in visit.order()[:2]
        assert visit.page.evaluate("location.pathname") == "/"
        visit.page.click("#market-starred")
        wait_for_rows(visit, 2)
        visit.page.reload()
        wait_for_rows(visit, 2)
        assert SOL in ids(visit)
        visit.page.click(visit.cell(SOL, "star"))
        wait_for_rows(visit, 1)
        assert "starred=1" in address(visit)
        assert visit.complaints == []


def test_the_order_is_in_the_address(browser: Browser, site: Site) -> None:
    """A column that does not exist is no order: the usual one stays."""
    with Visit(browser, site.url + "?sort=score.asc") as visit:
        wait_for_rows(visit, 2 * len(SYMBOLS))
        assert visit.order()[0].endswith("BTCUSDT")
        visit.page.click('.market-rows .ag-header-cell[col-id="change_24h_pct"]')
        visit.page.wait_for_function("() => location.search === '?sort=change_24h_pct.desc'")
        assert visit.order()[0].endswith("LINKUSDT")
        visit.page.reload()
        visit.page.wait_for_selector('.ag-row[row-index="0"][row-id*="LINKUSDT"]')


def test_an_interval_brings_its_own_indicators(browser: Browser, site: Site) -> None:
    """By button or by digit; the head names it, the server is asked at once, and the address keeps it."""
    with Visit(browser, site.url) as visit:
        visit.page.wait_for_selector(visit.cell(BTC, "rsi") + ":has-text('75.0')")
        head = '.market-rows .ag-header-cell[col-id="rsi"]'
        assert visit.page.inner_text(head) == "RSI 5m"
        visit.page.click('[data-interval="1h"]')
        visit.page.wait_for_selector(visit.cell(BTC, "rsi") + ":has-text('50.0')")
        assert visit.page.inner_text(head) == "RSI 1h"
        assert visit.text(BTC, "signal") == "neutral"
        visit.page.keyboard.press("2")
        visit.page.wait_for_selector(visit.cell(BTC, "rsi") + ":has-text('75.0')")
        assert address(visit) == ""
        visit.page.goto(site.url + "?tf=1h")
        visit.page.wait_for_selector(visit.cell(BTC, "rsi") + ":has-text('50.0')")
        assert visit.page.get_attribute('[data-interval="1h"]', "aria-pressed") == "true"


def test_what_is_past_comes_aside_and_is_drawn(browser: Browser, site: Site) -> None:
    """The line of the day has its hole, the chip its age; rows without either have a dash."""
    with Visit(browser, site.url) as visit:
        line = visit.page.wait_for_selector(visit.cell(BTC, "spark") + " path", state="attached")
        assert line is not None
        assert (line.get_attribute("d") or "").count("M") == 2
        assert visit.text(ETH, "spark") == "–"
        visit.page.wait_for_selector(visit.cell(BTC, "signal") + ":has-text('95 m')")
        assert visit.page.inner_text(visit.cell(BTC, "signal") + " .chip") == "▲ buy"
        assert visit.page.inner_text(visit.cell(ETH, "signal") + " .chip") == "▼▼ strong sell"
        bar = visit.page.locator(visit.cell(BTC, "rsi")).evaluate("e => e.style.backgroundImage")
        assert "var(--up-bar) 75%" in bar
        asked: list[str] = []
        visit.page.on(
            "response", lambda reply: asked.append(reply.text()) if "_dash-upd" in reply.url else None
        )
        visit.wait_for_change(BTC, "last_price")
        visit.wait_for_change(BTC, "last_price")
        assert asked
        assert not [text for text in asked if "lines" in text]


def test_counts_say_how_signals_and_feeds_stand(browser: Browser) -> None:
    """Over all rows, whatever is filtered; what stops is stale by itself."""
    with Site() as still, Visit(browser, still.url + "?q=btc") as visit:
        still.more = {BTC: {"indicators": {"5m": said("buy", 30.0, 75.0)}}}
        visit.page.wait_for_selector("#market-counts:has-text('1 buy')")
        words = visit.page.inner_text("#market-counts")
        for part in ("▲ 6 rising", "▼ 6 falling", "14 live", "0 stale", "2 without data", "2 of 16 rows"):
            assert part in words
        still.moving = False
        visit.page.wait_for_selector("#market-counts:has-text('14 stale')")


def test_counts_are_those_of_the_interval_they_name(browser: Browser, site: Site) -> None:
    """Until the other one's reply is there, it is not named."""
    with Visit(browser, site.url) as visit:
        visit.page.wait_for_selector("#market-counts:has-text('Signals 5m')")
        waiting: list[Route] = []
        visit.page.route("**/_dash-update-component*", lambda route: waiting.append(route))
        visit.page.keyboard.press("4")
        visit.page.wait_for_function("() => location.search.includes('tf=1h')")
        visit.page.wait_for_timeout(2500)
        assert "Signals 5m ▲ 1 buy" in " ".join(visit.page.inner_text("#market-counts").split())
        for route in waiting:
            route.continue_()
        visit.page.unroute("**/_dash-update-component*")
        visit.page.wait_for_selector("#market-counts:has-text('Signals 1h')")
        assert "▲ 1 buy" not in " ".join(visit.page.inner_text("#market-counts").split())


def test_frozen_the_counts_are_of_what_is_shown(browser: Browser, site: Site) -> None:
    """Another interval or filter is shown at once, with its counts; then they are still."""
    with Visit(browser, site.url) as visit:
        visit.page.wait_for_selector("#market-counts:has-text('Signals 5m')")
        visit.page.keyboard.press("f")
        visit.page.keyboard.press("4")
        visit.page.wait_for_selector("#market-counts:has-text('Signals 1h')")
        visit.page.fill("#market-text input", "btc")
        visit.page.wait_for_selector("#market-counts:has-text('2 of 16 rows')")
        visit.page.wait_for_timeout(1500)
        before = visit.page.inner_text("#market-counts")
        visit.page.wait_for_selector("#freeze-toggle:text-matches('frozen ([6-9]|[0-9]{2,}) s')")
        assert visit.page.inner_text("#market-counts") == before


def test_frozen_nothing_grows_old(browser: Browser, site: Site) -> None:
    """What a filter shows again has the age that it had, and no feed seems to be dead."""
    with Visit(browser, site.url) as visit:
        visit.page.wait_for_selector("#market-counts:has-text('14 live')")
        visit.page.keyboard.press("f")
        age = visit.page.inner_text(visit.cell(ETH, "age"))
        visit.page.evaluate("() => { tickdeck.settings.cadenceS = () => 0.05; }")  # stale after half a second
        visit.page.wait_for_selector("#freeze-toggle:text-matches('frozen [3-9] s')")
        for words, shown in (("btc", 2), ("", 16)):
            visit.page.fill("#market-text input", words)
            visit.page.wait_for_selector(f"#market-counts:has-text('{shown} of 16 rows')")
        assert "14 live 0 stale" in " ".join(visit.page.inner_text("#market-counts").split())
        assert visit.page.inner_text(visit.cell(ETH, "age")) == age


@pytest.mark.parametrize("is_frozen", [False, True])
def test_another_interval_is_filtered_and_sorted_at_once(
    browser: Browser, site: Site, monkeypatch: pytest.MonkeyPatch, *, is_frozen: bool
) -> None:
    """By its own values, also under the pointer or frozen; the counts say so."""
    more: dict[str, dict[str, Any]] = {
        f"sim-bybit:{symbol}": {
            "indicators": {
                "5m": said("buy" if n % 2 else "neutral", 30.0, 50.0 + n),
                "1h": said("neutral" if n % 2 else "buy", 30.0, 50.0 + n * 3 % 7),
            }
        }
        for n, symbol in enumerate(SYMBOLS[:7])
    }
    monkeypatch.setattr(site, "more", more)
    with Visit(browser, site.url + "?signal=buy&sort=rsi.desc") as visit:
        wait_for_rows(visit, 3)
        assert [row.split(":")[1] for row in visit.order()] == [SYMBOLS[n] for n in (5, 3, 1)]
        visit.page.hover(visit.cell(ETH, "last_price"))
        if is_frozen:
            visit.page.keyboard.press("f")
        visit.page.keyboard.press("4")
        visit.page.wait_for_selector("#market-counts:has-text('Signals 1h')")
        wait_for_rows(visit, 4)
        assert [row.split(":")[1] for row in visit.order()] == [SYMBOLS[n] for n in (2, 4, 6, 0)]
        assert "4 of 16 rows" in visit.page.inner_text("#market-counts")


def test_frozen_another_view_or_page_has_its_counts(browser: Browser, site: Site) -> None:
    """They are those of the rows that came with it, also behind a page that was left."""
    with Visit(browser, site.url + "?q=btc") as visit:
        visit.page.wait_for_selector("#market-counts:has-text('2 of 16 rows')")
        visit.page.keyboard.press("f")
        visit.page.click('[data-view="venues"]')
        visit.page.wait_for_selector("#market-counts:has-text('1 of 8 coins')")
        visit.page.click('[data-view=""]')
        visit.page.wait_for_selector("#market-counts:has-text('2 of 16 rows')")
        visit.page.click("#tab-signals")
        visit.page.wait_for_selector("#market-counts", state="detached")
        visit.page.go_back()
        visit.page.wait_for_selector("#market-counts:has-text('2 of 16 rows')")


def test_a_table_without_rows_says_why(browser: Browser, site: Site) -> None:
    """It is not empty because something is missing."""
    with Visit(browser, site.url + "?q=nothing") as visit:
        words = ".market-rows .ag-overlay-no-matching-rows-center:text('Nothing passes the filters')"
        visit.page.wait_for_selector(words)
        visit.page.click("#market-clear")
        wait_for_rows(visit, 2 * len(SYMBOLS))
        visit.page.wait_for_selector(words, state="hidden")


def test_the_same_coin_stands_side_by_side(browser: Browser, site: Site) -> None:
    """The toggle is in the address; differences have their sign, what is not known on both has a dash."""
    with Visit(browser, site.url) as visit:
        visit.page.click('[data-view="venues"]')
        visit.page.wait_for_selector(visit.cell(COIN, "mid_diff_bps") + ":has-text('+1.5')")
        assert address(visit) == "?view=venues"
        assert visit.text(COIN, "mid_a") == "65,010.00"
        assert visit.text(COIN, "funding_diff") == "+0.0300"
        assert visit.text(COIN, "funding_b") == "−0.0200"
        assert visit.text("sim-bybit:ETHUSDT+sim-binance:ETHUSDT", "mid_diff_bps") == "–"
        visit.page.wait_for_selector("#market-counts:has-text('8 of 8 coins')")
        coins = [row.split(":")[-1] for row in visit.order() if "+" in row]
        assert coins[:2] == ["XRPUSDT", "BTCUSDT"]  # by size: −5.0, +1.5
        visit.page.fill("#market-text input", "ethusdt")
        visit.page.wait_for_selector("#market-counts:has-text('1 of 8 coins')")
        visit.page.click("#market-clear")
        visit.page.click(visit.cell(COIN, "mid_b"))
        visit.page.wait_for_function("() => location.pathname === '/s/sim-binance/BTCUSDT'")
        visit.page.go_back()
        visit.page.wait_for_selector(visit.cell(COIN, "mid_diff_bps") + ":has-text('+1.5')")


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768), (390, 844)])
def test_both_views_fit_the_screen(
    browser: Browser, site: Site, tmp_path: Path, size: tuple[int, int]
) -> None:
    """No sideways scrolling, every control inside the window, no head cut off, nothing to complain of."""
    with Visit(browser, site.url) as visit:
        for scheme in visit.schemes():
            visit.page.set_viewport_size({"width": size[0], "height": size[1]})
            for view in ("", "venues"):
                visit.page.click(f'[data-view="{view}"]')
                visit.page.wait_for_selector(f".market-{'coins' if view else 'rows'} {ROW}")
                visit.screenshot(tmp_path, f"market-{view}-{size[0]}-{scheme}")
                assert visit.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
                outside = visit.page.eval_on_selector_all(
                    ".market-controls button, .market-controls select, .market-controls input",
                    "all => all.filter(e => e.getBoundingClientRect().right > innerWidth)"
                    ".map(e => e.outerHTML)",
                )
                assert outside == []
                assert visit.cut_off(".ag-header-cell-text") == []
            assert visit.complaints == []

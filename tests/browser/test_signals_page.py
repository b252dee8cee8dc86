"""The Signals page in a real browser."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from app.record_history import PAST_ROWS
from market.rule_words import RULE_WORDS
from tests.browser.signals_site import FEE, SIGNALS, SignalsSite
from tests.browser.signals_visit import ROWS, SignalsVisit

BUDGET_BYTES = 1_100_000


@pytest.fixture(scope="module")
def site() -> Iterator[SignalsSite]:
    with SignalsSite() as running:
        yield running


def test_all_parts_are_there_within_the_budget(browser: Browser, site: SignalsSite) -> None:
    """Open trades move, the console says nothing, neither plotly nor the grid is loaded."""
    sizes: list[int] = []
    visit = SignalsVisit(browser, site, is_cold=True)
    visit.page.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))
    with visit:
        assert visit.page.title() == "Signals · Tickdeck"
        assert visit.texts(".tab-selected") == ["Signals"]
        is_live = "() => /\\d/.test(document.querySelector('#signals-open tbody td:last-child').innerText)"
        visit.page.wait_for_function(is_live)
        first = visit.page.inner_text("#signals-open-sum")
        assert " open · " in first
        assert first.endswith("were closed now")
        visit.page.wait_for_function(
            "text => document.querySelector('#signals-open-sum').innerText !== text", arg=first
        )
        assert len(visit.texts(ROWS)) == PAST_ROWS
        assert len(visit.texts("#signals-board tbody tr")) == 5 * 2 * 3
        assert visit.page.locator(".equity-line").count() == 1
        assert not [url for url in visit.requested if "plotly" in url or "ag_grid/async" in url]
        assert sum(sizes) < BUDGET_BYTES
        assert visit.complaints == []


def test_each_tick_asks_once_and_gets_what_changed(browser: Browser, site: SignalsSite) -> None:
    """One callback a second, without the parts that are held; a new signal comes by itself, on top."""
    with SignalsVisit(browser, site) as visit:
        newest = visit.column("#signals-past", "Fired")[0]
        with visit.page.expect_response("**/_dash-update-component*") as reply:
            pass
        payload = json.loads(reply.value.json()["response"]["signals-live"]["data"]["payload"])
        assert payload["parts"] == {}
        assert payload["marks"]
        before = len([url for url in visit.requested if "_dash-update-component" in url])
        visit.page.wait_for_timeout(3100)
        asked = len([url for url in visit.requested if "_dash-update-component" in url]) - before
        assert 2 <= asked <= 5
        site.fire()
        visit.page.wait_for_function(
            "text => document.querySelector('#signals-past tbody .when').textContent !== text",
            arg=newest.replace(" ", "\n"),
        )
        assert visit.column("#signals-past", "60 m")[0] == "due"


def test_filters_are_in_the_address(browser: Browser, site: SignalsSite) -> None:
    """A choice narrows the rows and writes the address; the address makes the choice; back undoes it."""
    with SignalsVisit(browser, site) as visit:
        for name, value in (("venue", "sim-bybit"), ("rule", "rsi_reversal"), ("side", "buy")):
            visit.page.select_option(f"[data-filter={name}]", value)
        visit.page.wait_for_function(
            "() => tickdeck.signals.held().key.startsWith('sim-bybit') && tickdeck.signals.held().parts.past"
        )
        assert visit.page.url.endswith("/signals?venue=sim-bybit&rule=rsi_reversal&side=buy")
        assert {text.split()[0] for text in visit.column("#signals-past", "Rule")} == {"rsi_reversal"}
        assert {text.split()[-1] for text in visit.column("#signals-past", "Market")} == {"sim-bybit"}
        assert set(visit.column("#signals-past", "Side")) == {"▲ buy"}
        assert {text.split()[1] for text in visit.column("#signals-board", "Rule")} == {"sim-bybit"}
        assert "not by side" in visit.page.inner_text("#signals-board-sum")
        visit.page.go_back()
        visit.page.wait_for_function("() => document.querySelector('[data-filter=side]').value === ''")
        visit.page.click("#signals-clear")
        visit.page.wait_for_function(f"() => document.querySelectorAll('{ROWS}').length === {PAST_ROWS}")
        assert visit.page.url.endswith("/signals")
    with SignalsVisit(browser, site, "?symbol=ADAUSDT&interval=7m&show=trades&horizon=60") as visit:
        visit.page.wait_for_selector(ROWS)
        assert visit.page.input_value("[data-filter=symbol]") == "ADAUSDT"
        assert visit.page.input_value("[data-filter=interval]") == ""  # is none of ours
        assert visit.texts(".past-part .tf-selected, .board-part .tf-selected") == [
            "1 m",
            "Closed paper trades",
        ]
        assert {text.split()[0] for text in visit.column("#signals-past", "Market")} == {"ADAUSDT"}
        assert visit.complaints == []


def test_a_row_opens_to_what_it_read_and_made(browser: Browser, site: SignalsSite) -> None:
    """By click or key, of signals and trades, open and closed; it stays open while replies come."""
    with SignalsVisit(browser, site) as visit:
        visit.page.click(f"{ROWS}:nth-child(40)")
        detail = visit.page.inner_text("#signals-past .detail")
        for word in ("rsi_before", "0.0000001", "after 60 m", "gross", "net"):
            assert word in detail
        visit.page.wait_for_timeout(1500)
        assert visit.page.inner_text("#signals-past .detail") == detail
        visit.page.click("[data-show=trades]")
        visit.page.wait_for_selector("#signals-past th:has-text('Closed')")
        visit.page.focus(f"{ROWS} .row-open >> nth=0")
        visit.page.keyboard.press("Enter")
        detail = visit.page.inner_text("#signals-past .detail")
        for word in ("gross bps", "fees bps", f"−{FEE}", "rsi_before", "after 1 m"):
            assert word in detail
        assert visit.page.get_attribute(f"{ROWS} .row-open >> nth=0", "aria-expanded") == "true"
        visit.page.click("#signals-open tbody tr >> nth=0")
        assert "What the rule read" in visit.page.inner_text("#signals-open .detail")
        visit.page.click("#signals-board tbody tr >> nth=1")
        assert "random moments" in visit.page.inner_text("#signals-board .detail")
        assert visit.complaints == []


def test_older_rows_are_a_page_away(browser: Browser, site: SignalsSite) -> None:
    """And newest ones a button; every signal is on one page."""
    with SignalsVisit(browser, site, "?rule=") as visit:
        seen = visit.page.evaluate("() => tickdeck.signals.held().parts.past.rows.map(row => row.id)")
        while visit.page.is_visible("#signals-older"):
            before = visit.page.url
            visit.page.click("#signals-older")
            visit.page.wait_for_function(
                "() => tickdeck.signals.held().asked.before && tickdeck.signals.held().parts.past"
                " && location.search.includes(tickdeck.signals.held().asked.before)"
            )
            assert visit.page.url != before
            seen += visit.page.evaluate("() => tickdeck.signals.held().parts.past.rows.map(row => row.id)")
        assert len(seen) == len(set(seen)) >= SIGNALS
        visit.page.click("#signals-newest")
        visit.page.wait_for_function("() => !tickdeck.signals.held().asked.before")


def test_the_scoreboard_says_how_sure_it_is(browser: Browser, site: SignalsSite) -> None:
    """Means with bounds, chance, verdicts in words; losses with their sign and colour like gains."""
    with SignalsVisit(browser, site) as visit:
        verdicts = set(visit.column("#signals-board", "Verdict"))
        assert verdicts == {
            "too few", "no better than chance", "▲ better than chance", "▼ worse than chance",
        }  # fmt: skip
        means = visit.column("#signals-board", "Mean")
        assert any("…" in text and text.startswith("−") for text in means)
        assert all(text.startswith("−10.2") for text in visit.column("#signals-board", "Chance"))
        colours = visit.page.eval_on_selector_all(
            "#signals-board b.up, #signals-board b.down", "all => all.map(e => getComputedStyle(e).color)"
        )
        assert len(set(colours)) == 2
        visit.page.click("[data-horizon='60']")
        visit.page.wait_for_selector("[data-horizon='60'][aria-pressed=true]")
        assert visit.page.url.endswith("?horizon=60")
        words = visit.page.inner_text(".terms")
        assert "sim-bybit 5.5 bps, sim-binance 5 bps, paid twice" in words


def test_the_curve_has_a_table_behind_it(browser: Browser, site: SignalsSite) -> None:
    """Its last total is that of the figures; the pointer reads the curve."""
    with SignalsVisit(browser, site) as visit:
        net = visit.page.inner_text("#signals-equity-sum .fact:has-text('Net bps') dd")
        visit.page.click(".equity-table summary")
        visit.page.wait_for_selector("#signals-equity-table tbody tr")
        assert visit.column("#signals-equity-table", "Total")[0] == net
        assert net.startswith("−")
        last = visit.page.inner_text("#signals-equity-read")
        visit.page.hover(".equity-plot", position={"x": 20, "y": 20})
        assert visit.page.inner_text("#signals-equity-read") != last


def test_what_is_shown_can_be_saved(browser: Browser, site: SignalsSite) -> None:
    """Each part as CSV, named as in the API, plain numbers."""
    with SignalsVisit(browser, site, "?side=sell") as visit:
        visit.page.wait_for_selector(ROWS)
        name, rows = visit.saved("past")
        assert name == "tickdeck-signals.csv"
        assert len(rows) == len(visit.texts(ROWS))
        assert {row["side"] for row in rows} == {"sell"}
        assert json.loads(rows[0]["inputs"])["rsi_before"] == 28.25
        name, rows = visit.saved("board")
        assert {row["horizon_s"] for row in rows} == {"900"}
        assert {row["rule"] for row in rows} == set(RULE_WORDS) - {"book_pressure"}
        _, rows = visit.saved("equity")
        assert float(rows[-1]["total_bps"]) == pytest.approx(
            sum(float(row["net_bps"]) for row in rows), abs=1
        )
        _, rows = visit.saved("open")
        assert {row["side"] for row in rows} == {"short"}

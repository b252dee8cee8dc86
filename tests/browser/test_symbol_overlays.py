"""Panes, overlays, grouping, tape, keys and tables of the Symbol page in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.symbol_site import SymbolSite
from tests.browser.symbol_visit import BTC, CHART, PEPE, RANGE, STRIPS, SymbolVisit

NAMES = f"() => {CHART}.data.map(t => t.hovertemplate || '')"
LINE = f"""label => {{
  const traces = {CHART}.data;
  const words = (more) => `${{label}} %{{y:.1f}}${{more}}<extra></extra>`;
  const of = (more) => traces.findIndex(t => t.hovertemplate === words(more));
  return [traces[of("")], traces[of(" provisional") - 1], traces[of(" provisional")]];
}}"""
BOOK_ROWS = ".ladder-row:not(.ladder-head)"


@pytest.fixture(scope="module")
def site() -> Iterator[SymbolSite]:
    with SymbolSite() as running:
        yield running


def shown(visit: SymbolVisit, words: str) -> bool:
    """Whether a trace of the candles' chart says this under the pointer."""
    return any(words in template for template in visit.page.evaluate(NAMES))


def switch(visit: SymbolVisit, name: str) -> None:
    """Switch an overlay or a pane."""
    visit.page.click(f"[data-on={name}]")


def test_rsi_and_stochrsi_stand_below_on_the_same_axis(browser: Browser, site: SymbolSite) -> None:
    """Values of closes as lines, that of the forming candle as a dotted way to an open circle."""
    with SymbolVisit(browser, site) as visit:
        for label, axis in (("RSI", "y3"), ("K", "y4"), ("D", "y4")):
            line, way, circle = visit.page.evaluate(LINE, label)
            assert {line["yaxis"], way["yaxis"], circle["yaxis"]} == {axis}
            known = [value for value in line["y"] if value is not None]
            assert len(known) > 100
            assert all(0 <= value <= 100 for value in known)
            assert line["y"][-1] is None
            assert (way["line"]["dash"], circle["marker"]["symbol"]) == ("1px,2px", "circle-open")
            assert way["x"][1] == circle["x"][0] == line["x"][-1]
        assert visit.page.evaluate(f"{CHART}._fullLayout.xaxis.anchor") == "y4"
        assert visit.complaints == []


def test_the_provisional_value_follows_the_forming_candle(browser: Browser, site: SymbolSite) -> None:
    """It moves with every reply, and the pane's name calls it provisional."""
    with SymbolVisit(browser, site) as visit:
        value = "tickdeck.symbol.held().candles.at(-1).rsi"
        first = visit.page.evaluate(value)
        visit.until(f"first => {value} !== first", first)
        texts = visit.page.evaluate(f"{CHART}.layout.annotations.map(a => a.text)")
        assert any(text.startswith("RSI 14") and "provisional" in text for text in texts)


def test_panes_without_past_values_say_why(browser: Browser) -> None:
    """At a first start candles are stored minutes before their indicators."""
    with SymbolSite() as young:
        young.history.said = []
        with SymbolVisit(browser, young) as visit:
            texts = f"({CHART}.layout.annotations || []).map(a => a.text)"
            visit.until(f"() => {texts}.filter(text => text.includes('not computed yet')).length === 2")
            assert visit.complaints == []


def test_a_switch_is_kept_in_the_address_and_in_the_browser(browser: Browser, site: SymbolSite) -> None:
    """Bollinger comes and EMA goes at once, also after a reload without the words in the address."""
    with SymbolVisit(browser, site) as visit:
        assert shown(visit, "EMA 12")
        assert not shown(visit, "Bollinger")
        switch(visit, "bb")
        switch(visit, "ema")
        visit.until(f"() => {CHART}.data.some(t => (t.hovertemplate || '').includes('Bollinger'))")
        visit.until(f"() => !{CHART}.data.some(t => (t.hovertemplate || '').includes('EMA'))")
        assert visit.page.url.endswith("?on=rsi,stoch,bb,signals,gaps")
        assert visit.page.get_attribute("[data-on=bb]", "aria-pressed") == "true"
        visit.page.goto(site.url + BTC)
        visit.until(f"() => {CHART}?.data?.some(t => (t.hovertemplate || '').includes('Bollinger'))")
        assert not shown(visit, "EMA")
        visit.page.goto(f"{site.url}{BTC}?on=")
        visit.until(f"() => {CHART}?.data?.length === 2 && {CHART}.layout.xaxis.anchor === 'y2'")
        assert visit.complaints == []


def test_zoom_survives_a_switch(browser: Browser, site: SymbolSite) -> None:
    """What was panned to stays when a pane goes."""
    with SymbolVisit(browser, site) as visit:
        visit.drag(150)
        moved = visit.page.evaluate(RANGE)
        switch(visit, "stoch")
        visit.until(f"() => {CHART}.layout.xaxis.anchor === 'y3'")
        assert visit.page.evaluate(RANGE) == moved


def test_signals_and_gaps_are_on_the_chart(browser: Browser, site: SymbolSite) -> None:
    """Those of this interval as triangles, joined gaps hatched with their cause, repaired or not."""
    with SymbolVisit(browser, site) as visit:
        marks = visit.page.evaluate(
            f"{CHART}.data.filter(t => (t.marker?.symbol || '').startsWith?.('triangle-') && t.text)"
            ".map(t => [t.marker.symbol, t.x.length, t.text[0]])"
        )
        assert {(symbol, text) for symbol, _, text in marks} == {
            ("triangle-up", "▲ buy rsi_reversal"), ("triangle-down", "▼ sell rsi_reversal"),
        }  # fmt: skip
        gaps = visit.page.evaluate(f"{CHART}.data.find(t => t.marker?.pattern).customdata")
        assert [text.split(" · ")[:3] for text in gaps] == [
            ["gap: disconnect", "kline, trade", "repaired"], ["gap: silent", "trade", "not repaired"],
        ]  # fmt: skip
        of_book = visit.page.evaluate(f"{STRIPS}.data.find(t => t.marker?.pattern).customdata")
        assert [text.split(" · ")[0] for text in of_book] == ["gap: sequence"]
        rows = visit.texts("#symbol-signals tbody tr")
        assert any("book_pressure" in row for row in rows)
        assert any("+4.5" in row for row in rows)


def test_no_line_runs_through_a_gap(browser: Browser, site: SymbolSite) -> None:
    """What was last heard holds until the gap begins, in every strip; the next change begins a line."""
    lines = """() => {
      const held = tickdeck.symbol.held();
      const gap = held.gaps.find(each => each.channel === "book");
      const strips = held.strips.filter(p => p.ts <= gap.started_at || p.ts >= gap.ended_at);
      const {data, layout} = tickdeck.symbolStrips.figure({...held, strips}, null, 900);
      const time = text => Date.parse(text + "Z");
      const foot = layout.yaxis.domain[0];
      const tints = layout.shapes.map(s => [time(s.x0), time(s.x1), s.y0, s.y1 === foot]);
      return [gap.started_at, gap.ended_at, tints,
        data.slice(0, 5).map(({x, y}) => x.map((t, i) => [time(t), y[i]]))];
    }"""
    with SymbolVisit(browser, site) as visit:
        visit.until(f"() => {STRIPS}?.data?.length === 6")
        start, end, tints, strips = visit.page.evaluate(lines)
        assert tints == [[start, end, 0, True]]
        for points in strips:
            i = next(i for i, (_, value) in enumerate(points) if value is None)
            assert [points[i - 1][0], points[i][0]] == [start, start + 1]
            assert points[i - 1][1] == points[i - 2][1] is not None
            assert points[i + 1][0] >= end
            assert points[i + 1][1] is not None
            assert sum(value is None for _, value in points) == 1


@pytest.mark.parametrize(
    ("points", "gaps", "holes"),
    [
        ([0, 20, 40], [(1, 20), (20, 40)], [1.001, 20.001]),
        ([0, 15, 31], [(1, 20), (18, 30)], [1.001, 18.001]),
        ([10, 20, 29], [(5, 12), (12, 15), (15, None)], [12.001]),
        ([0, 20], [(1, None)], [1.001]),
    ],
)
def test_every_gap_breaks_the_line(
    browser: Browser,
    site: SymbolSite,
    points: list[int],
    gaps: list[tuple[int, int | None]],
    holes: list[float],
) -> None:
    """Those that touch or overlap, too, which are hatched as one; seconds of a moment ago."""
    drawn = """([points, gaps]) => {
      const begin = tickdeck.live.now() - 120000;
      const at = second => second === null ? null : begin + second * 1000;
      const strips = points.map(n => ({ts: at(n), bid: 10, ask: 11, spread_bps: 1, imbalance: 0}));
      const said = gaps.map(([from, to]) =>
        ({channel: "book", cause: "disconnect", repaired: "no", started_at: at(from), ended_at: at(to)}));
      const held = {...tickdeck.symbol.held(), strips, gaps: said};
      const {x, y} = tickdeck.symbolStrips.figure(held, null, 800).data[0];
      const holes = x.filter((_, i) => y[i] === null);
      return holes.map(text => (Date.parse(text + "Z") - Math.trunc(begin)) / 1000);
    }"""
    with SymbolVisit(browser, site) as visit:
        found = visit.page.evaluate(drawn, [points, gaps])
        assert found == pytest.approx(holes, abs=0.002)


def test_the_days_vwap_or_why_there_is_none(browser: Browser, site: SymbolSite) -> None:
    """Turnover through volume since midnight; one-day candles have none, and a missed candle ends it."""
    with SymbolVisit(browser, site) as visit:
        day = 1_700_006_400_000
        run = "([times, broken]) => tickdeck.symbolVwap.vwap(times.map(t => ({open_time: t, volume: 2, "
        run += "turnover: t === times[0] ? 20 : 40, complete: t !== broken})), 3600000)"
        hours = [day + n * 3_600_000 for n in range(4)]
        whole = visit.page.evaluate(run, [hours, 0])
        assert whole["y"] == [10, 15, pytest.approx(50 / 3), 17.5]
        assert whole["words"] == ""
        late = visit.page.evaluate(run, [hours[2:], 0])
        assert (late["y"], late["words"]) == (
            [], "VWAP needs candles from 00:00 UTC on, held are those from 02:00 UTC",
        )  # fmt: skip
        ended = visit.page.evaluate(run, [hours, hours[2]])
        assert (ended["y"], ended["words"]) == ([10, 15], "VWAP ends at 02:00 UTC: data was missed")
        visit.page.goto(f"{site.url}{BTC}?tf=1d&on=vwap")
        visit.until(f"() => {CHART}?.layout?.annotations?.some(a => a.text.includes('shorter than a day'))")


def test_the_ladder_is_grouped_by_ticks(browser: Browser, site: SymbolSite) -> None:
    """Bids under the lower bound, asks under the upper one, sizes summed, the last cut; it is remembered."""
    with SymbolVisit(browser, site, PEPE) as visit:
        visit.page.select_option("#symbol-group", "5")
        visit.until(f"() => document.querySelectorAll('{BOOK_ROWS} .bid')[6].innerText === ''")
        prices = visit.numbers(f"{BOOK_ROWS} .bid, {BOOK_ROWS} .ask")
        assert all(round(price * 1e7) % 5 == 0 for price in prices)
        sizes = visit.texts(f"{BOOK_ROWS} .size")
        assert not sizes[0].startswith("≥")
        grouped = "([levels, step, isBid]) => tickdeck.symbolGroups.grouped(levels, step, isBid)"
        bids = [[0.3, 1], [0.2, 2], [0.1, 4]]
        found = visit.page.evaluate(grouped, [bids, 0.2, True])
        assert found == [[pytest.approx(0.2), 3, False], [0, 4, True]]
        cut = "tickdeck.symbolBook.ladder(document.getElementById('symbol-ladder'), "
        cut += "{bids: [[0.3, 1], [0.2, 2], [0.1, 4]], asks: []}, {price: 1, size: 0}, 0.2)"
        cut += " || [...document.querySelectorAll('.ladder-row')[2].children].map(e => e.textContent)"
        assert visit.page.evaluate(cut)[:3] == ["≥7", "≥4", "0.0"]
        asks = visit.page.evaluate(grouped, [bids[::-1], 0.2, False])
        assert asks == [[pytest.approx(0.2), 6, False], [pytest.approx(0.4), 1, True]]
        visit.page.reload()
        visit.until("() => document.querySelector('#symbol-group')?.value === '5'")
        assert visit.complaints == []


def test_the_tape_is_filtered_and_summed(browser: Browser, site: SymbolSite) -> None:
    """Trades of a least value, bought minus sold of what is shown; more trades are kept than a reply has."""
    with SymbolVisit(browser, site) as visit:
        visit.redraws(1)
        held = visit.page.evaluate("tickdeck.symbol.held().trades.map(t => t.trade_id)")
        assert len(held) == len(set(held))
        visit.page.select_option("#symbol-least", "100")
        tape, cvd = visit.page.evaluate(
            "() => [[...document.querySelectorAll('.tape-row:not(.tape-head)')]"
            ".filter(r => r.innerText.trim()).map(r => [r.children[1].innerText, r.children[2].innerText]),"
            " document.getElementById('symbol-cvd').innerText]"
        )
        sizes = [(price[0], float(size)) for price, size in tape]
        assert sizes
        assert all(size >= 0.002 for _, size in sizes)  # of 65,114 each
        wanted = sum(size if arrow == "▲" else -size for arrow, size in sizes)
        assert float(cvd.removeprefix("CVD ").replace("−", "-")) == pytest.approx(wanted, abs=1e-9)


def test_keys_turn_to_other_candles_and_the_other_venue(browser: Browser, site: SymbolSite) -> None:
    """1–6 and v keep the rest of the address; nothing happens while somebody types."""
    with SymbolVisit(browser, site, f"{BTC}?on=rsi") as visit:
        visit.page.keyboard.press("4")
        visit.until(f"() => {CHART}.layout.uirevision === 'sim-bybit:BTCUSDT:1h'")
        assert visit.page.url.endswith("?on=rsi&tf=1h")
        visit.page.keyboard.press("v")
        visit.until(f"() => {CHART}?.layout?.uirevision === 'sim-binance:BTCUSDT:1h'")
        assert visit.page.url.endswith("/s/sim-binance/BTCUSDT?on=rsi&tf=1h")
        visit.page.keyboard.press("/")
        visit.page.keyboard.type("v1")
        visit.page.keyboard.press("Escape")
        visit.page.focus("#symbol-group")
        visit.page.keyboard.press("1")
        assert visit.page.url.endswith("/s/sim-binance/BTCUSDT?on=rsi&tf=1h")
        visit.page.evaluate("document.activeElement.blur()")
        visit.page.keyboard.press("v")
        visit.until(f"() => {CHART}?.layout?.uirevision === 'sim-bybit:BTCUSDT:1h'")
        assert visit.complaints == []


def test_a_table_stands_behind_each_chart(browser: Browser, site: SymbolSite) -> None:
    """Closed until asked for; the newest on top, with what is to be said of each candle."""
    with SymbolVisit(browser, site) as visit:
        assert visit.page.locator("#symbol-page .chart-table tbody tr").count() == 0
        for kind, least in (("candles", 60), ("strips", 60), ("depth", 20)):
            visit.page.click(f"[data-table={kind}] summary")
            visit.page.wait_for_selector(f"[data-table={kind}] tbody tr >> nth={least - 1}", state="attached")
        first = visit.texts("[data-table=candles] tbody tr >> nth=0")[0]
        assert "forming, provisional" in first
        assert any("gap: silent" in row for row in visit.texts("[data-table=candles] tbody tr"))
        close = "document.querySelector('[data-table=candles] tbody tr').children[4].innerText"
        before = visit.page.evaluate(close)
        visit.until(f"before => {close} !== before", before)
        assert visit.complaints == []


def test_frozen_a_choice_shows_the_same_moment(browser: Browser, site: SymbolSite) -> None:
    """Grouping while frozen groups the book that is seen, not the newest one."""
    with SymbolVisit(browser, site) as visit:
        visit.page.keyboard.press("f")
        tape = visit.texts(".tape-row:not(.tape-head)")
        visit.page.wait_for_selector("#freeze-toggle:has-text('2 updates waiting')")
        visit.page.select_option("#symbol-group", "2")
        visit.until(f"() => document.querySelectorAll('{BOOK_ROWS} .bid')[11].innerText === ''")
        assert visit.texts(".tape-row:not(.tape-head)") == tape

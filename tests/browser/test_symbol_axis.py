"""The time axis of the Symbol page: its day is always known, and it ends where the candles do."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from playwright.sync_api import Browser

from tests.browser.symbol_site import SymbolSite
from tests.browser.symbol_visit import BTC, CHART, RANGE, STRIPS, SymbolVisit

DAYS = """id => {
  const frame = document.getElementById(id).getBoundingClientRect();
  const days = [...document.querySelectorAll(`#${id} .annotation-text`)]
    .filter(e => /^\\d{4}-\\d\\d-\\d\\d$/.test(e.textContent))
    .map(e => [e.textContent, e.getBoundingClientRect()]);
  return days.map(([text, box]) => [text, box.left - frame.left, box.right - frame.left, frame.width,
    frame.bottom - box.bottom]).sort((a, b) => a[1] - b[1]);
}"""


@pytest.fixture(scope="module")
def site() -> Iterator[SymbolSite]:
    with SymbolSite() as running:
        yield running


def days_of(visit: SymbolVisit, chart: str) -> list[date]:
    """The days under a chart from left to right; they stand inside of it and beside one another."""
    found = visit.page.evaluate(DAYS, chart)
    end = 0.0
    for _, left, right, width, below in found:
        assert left >= end
        assert right <= width
        assert below >= 0
        end = right + 8
    return [date.fromisoformat(text) for text, *_ in found]


def ends_of(visit: SymbolVisit) -> tuple[datetime, datetime]:
    """The moments at the edges of the candles' chart."""
    start, end = (datetime.fromtimestamp(ms / 1000, UTC) for ms in visit.page.evaluate(RANGE))
    return start, end


def assert_days_are_told(visit: SymbolVisit) -> None:
    """The day of the left edge, or the one after it where that begins beside it; then each that follows."""
    first, *others = days_of(visit, "symbol-chart")
    start, end = ends_of(visit)
    assert first in {start.date(), start.date() + timedelta(days=1)}
    if end - start < timedelta(days=2):
        assert (others or [first])[-1] == end.date()
    assert days_of(visit, "symbol-strips")


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
def test_times_are_utc_in_every_zone(browser: Browser, site: SymbolSite, zone: str) -> None:
    """Where candles, their volume, panes, gaps and strips are drawn, on the axis that says UTC."""
    drawn = """plot => plot.calcdata.map(points => points.at(-1)).map(end => end.t ?? end.p ?? end.x)"""
    with SymbolVisit(browser, site, f"{BTC}?tf=15m", timezone_id=zone) as visit:
        visit.until(f"() => {STRIPS}?.data?.length === 6")
        visit.page.keyboard.press("f")
        chart, strips = (visit.page.evaluate(f"({drawn})({plot})") for plot in (CHART, STRIPS))
        newest = visit.page.evaluate("tickdeck.symbol.held().candles.at(-1).open_time")
        start, end = visit.page.evaluate(RANGE)
        assert (chart[:2], chart.count(newest) >= 4) == ([newest, newest], True)
        assert start < newest < end
        assert strips[:5] == [visit.page.evaluate("tickdeck.symbol.held().strips.at(-1).ts")] * 5
        begin, over = visit.page.evaluate(
            f"() => {STRIPS}._fullLayout.xaxis.range.map(t => Date.parse(t + 'Z'))"
        )
        assert begin < strips[0] <= over + 1
        assert visit.complaints == []


def test_local_times_are_the_readers_own(browser: Browser, site: SymbolSite) -> None:
    """Axes, hover, tape and tables move with the clock, what was zoomed to stays, and each says its zone."""
    ahead = 330 * 60_000
    words = "[...document.querySelectorAll('#symbol-chart .annotation-text')].map(e => e.textContent)"
    with SymbolVisit(browser, site, timezone_id="Asia/Kolkata") as visit:
        visit.drag(150)
        start, end = visit.page.evaluate(RANGE)
        assert "UTC" in visit.page.evaluate(words)
        visit.page.click("#clock")
        visit.until(f"start => ({RANGE})()[0] === start", start + ahead)
        assert visit.page.evaluate(RANGE) == [start + ahead, end + ahead]
        visit.redraws(2)
        assert visit.page.evaluate(RANGE) == [start + ahead, end + ahead]
        assert "+05:30" in visit.page.evaluate(words)
        assert visit.page.evaluate(f"{CHART}.layout.xaxis.hoverformat").endswith("local +05:30")
        drawn = datetime.fromisoformat(visit.page.evaluate(f"{CHART}.data[0].x[0]")).replace(tzinfo=UTC)
        opens = visit.page.evaluate("tickdeck.symbol.held().candles.map(k => k.open_time)")
        assert round(drawn.timestamp() * 1000) - ahead in opens
        assert visit.texts(".tape-head")[0].startswith("Time local")
        hour = int(visit.texts(".tape-row:nth-child(2)")[0][:2])
        assert hour == datetime.now(timezone(timedelta(milliseconds=ahead))).hour
        visit.page.click("#clock")
        visit.until(f"start => ({RANGE})()[0] === start", start)
        assert visit.complaints == []


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe"])
def test_no_local_hour_is_there_twice(browser: Browser, site: SymbolSite, zone: str) -> None:
    """Where clocks were put back or forward, too: each quarter hour has a place of its own, found again."""
    year = """() => {
      const first = Date.UTC(2026, 0, 1);
      const times = Array.from({length: 365 * 96}, (_, i) => first + i * 900000);
      const walls = times.map(time => tickdeck.clock.wall(time));
      return [new Set(walls).size === times.length, walls.every((text, i) => i === 0 || text > walls[i - 1]),
        walls.every((text, i) => tickdeck.clock.parse(text) === times[i])];
    }"""
    with SymbolVisit(browser, site, timezone_id=zone) as visit:
        visit.page.click("#clock")
        visit.page.wait_for_selector("#clock:has-text('local')")
        assert visit.page.evaluate(year) == [True, True, True]


@pytest.mark.parametrize(("size", "interval"), [("desk", "4h"), ("tablet", "15m"), ("phone", "1m")])
def test_the_day_is_always_known(browser: Browser, site: SymbolSite, size: str, interval: str) -> None:
    """Wherever one pans to, inside of the panel and not over another."""
    with SymbolVisit(browser, site, f"{BTC}?tf={interval}", size=size) as visit:
        visit.until(f"() => {STRIPS}?.data?.length === 6")
        assert_days_are_told(visit)
        for distance in (45, 120, 180):
            visit.drag(distance)
            visit.page.wait_for_timeout(300)
            assert_days_are_told(visit)
        assert visit.complaints == []


def test_days_that_begin_stand_under_their_midnight(browser: Browser, site: SymbolSite) -> None:
    """One too near to the left edge takes its place; of many days, years are told."""
    days = """([from, to, width]) => {
      const figure = {xaxis: {}, annotations: []};
      tickdeck.symbolFigures.days(figure, [from, to], width, {});
      return figure.annotations.map(a => [a.text, a.x, Math.round(a.xshift || 0)]);
    }"""
    hour = 3_600_000
    midnight = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp() * 1000)
    with SymbolVisit(browser, site) as visit:

        def told(before: int, after: int) -> list[tuple[str, str | int, int]]:
            span = [midnight - before * hour, midnight + after * hour, 972]
            return [tuple(found) for found in visit.page.evaluate(days, span)]

        assert told(3, -1) == [("2026-12-31", 0, 0)]
        there = "2027-01-01 00:00:00.000"
        assert told(6, 6) == [("2026-12-31", 0, 0), ("2027-01-01", there, 0)]
        assert told(1, 8) == [("2027-01-01", there, 0)]
        assert told(0, 9) == [("2027-01-01", there, 45)]
        assert told(24 * 30, 24 * 30) == [("2026-12-02", 0, 0), ("2027-01-01", there, 0)]
        assert len(told(36, 24)) == 4


def test_panning_back_ends_at_the_oldest_candle(browser: Browser, site: SymbolSite) -> None:
    """Not in an empty chart: whoever pans on finds the same candles, as wide as before, and the reason."""
    oldest = "tickdeck.symbol.held().candles[0].open_time"
    with SymbolVisit(browser, site) as visit:
        start, end = visit.page.evaluate(RANGE)
        none = "{ earlier: 'none', earlierAt: performance.now() }"  # as when no earlier ones come
        visit.page.evaluate(f"() => {{ Object.assign(tickdeck.symbol.held(), {none}) }}")
        first = visit.page.evaluate(oldest) - 3 * 300_000
        for _ in range(6):
            visit.drag_once(800)
            visit.page.wait_for_timeout(200)
        for _ in range(2):
            visit.until(f"first => ({RANGE})()[0] === first", first)
            found = visit.page.evaluate(RANGE)
            assert found[1] - found[0] == end - start
            visit.drag_once(800)  # it comes back
        visit.until(f"first => ({RANGE})()[0] === first", first)
        texts = visit.page.locator("#symbol-chart .annotation-text").all_text_contents()
        assert "no older candles" in texts
        visit.page.locator("#symbol-chart .nsewdrag").first.dblclick()
        visit.until(f"() => {CHART}.layout.xaxis.autorange === true")
        assert visit.page.evaluate(RANGE)[0] == pytest.approx(start, abs=600_000)
        assert "no older" not in " ".join(
            visit.page.locator("#symbol-chart .annotation-text").all_text_contents()
        )
        assert visit.complaints == []


def test_without_a_row_the_last_ten_minutes_are_shown(browser: Browser, site: SymbolSite) -> None:
    """Empty, and not the year 2000."""
    ends = """() => {
      const held = {...tickdeck.symbol.held(), strips: []};
      const axis = tickdeck.symbolStrips.figure(held, null, 800).layout.xaxis;
      return axis.range.map(time => Date.parse(time) - held.until);
    }"""
    with SymbolVisit(browser, site) as visit:
        visit.until(f"() => {STRIPS}?.data?.length === 6")
        assert visit.page.evaluate(ends) == [-600_000, 0]

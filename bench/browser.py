"""What the Market page costs its reader: the browser's CPU, and with `--long` its heap over time."""

from playwright.sync_api import Browser, CDPSession, Page

from bench.chromium import MISSING, chromium, find_chromium
from bench.freshness import PAGES, WARM_MS
from bench.report import Result
from bench.web import stocked_stores, web

PORT = 8974
CPU_BUDGET = 0.15
"""Of one core, everything that Chromium runs, drawn without a graphics card."""
GROWTH_BUDGET = 0.2
CPU_MS = 30_000
HEAP_AFTER_MIN = (2, 20)
MINUTE_MS = 60_000
ROWS = 100


def cpu_s(session: CDPSession) -> float:
    """CPU seconds that all processes of the browser have used."""
    found = session.send("SystemInfo.getProcessInfo")["processInfo"]
    return float(sum(process["cpuTime"] for process in found))


def heap_mb(page: Page) -> float:
    """What of the JavaScript heap is used when it has just been swept, MB."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    session.detach()
    return float(metrics["JSHeapUsedSize"]) / 1e6


def run(*, is_long: bool = False) -> list[Result]:
    """Measure; about a minute, in length 22."""
    if find_chromium() is None:
        return [Result("the browser's CPU and heap", "< 15 % of a core", f"skipped: {MISSING}")]
    with stocked_stores() as urls, web(urls, PORT), chromium() as browser:
        return _measure(browser, is_long=is_long)


def _measure(browser: Browser, *, is_long: bool) -> list[Result]:
    session = browser.new_browser_cdp_session()
    path, painted = PAGES["Market"]
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"http://127.0.0.1:{PORT}/{path}")
    page.wait_for_selector(painted)
    page.wait_for_timeout(WARM_MS)
    rows = page.evaluate("tickdeck.live.rows().length")
    used = cpu_s(session)
    page.wait_for_timeout(CPU_MS)
    share = (cpu_s(session) - used) / (CPU_MS / 1000)
    found = [
        Result(
            f"{rows} rows of the Market page at 1 Hz, the browser's CPU",
            f"< {CPU_BUDGET:.0%} of a core, {ROWS} rows",
            f"{share:.1%}",
            share < CPU_BUDGET and rows >= ROWS,
        )
    ]
    return [*found, _heap(page, WARM_MS + CPU_MS)] if is_long else found


def _heap(page: Page, looked_ms: int) -> Result:
    """How the heap grew from the one moment to the other, of a page that is open for so long already."""
    early, late = HEAP_AFTER_MIN
    page.wait_for_timeout(early * MINUTE_MS - looked_ms)
    before = heap_mb(page)
    page.wait_for_timeout((late - early) * MINUTE_MS)
    after = heap_mb(page)
    return Result(
        f"its heap after {late} minutes beside that after {early}",
        f"≤ +{GROWTH_BUDGET:.0%}",
        f"{after:.1f} MB, {before:.1f} before: {after / before - 1:+.0%}",
        after <= before * (1 + GROWTH_BUDGET),
    )

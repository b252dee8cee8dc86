"""How old values are when a real browser has painted them: venue time to pixels, at the default refresh."""

from typing import Any, NamedTuple

from playwright.sync_api import Browser

from bench.chromium import MISSING, chromium, find_chromium
from bench.report import Result
from bench.web import stocked_stores, web

PORT = 8973
BUDGET_S = {"p50": 0.8, "p99": 1.5}
PAGES = {
    "Market": ("", ".ag-center-cols-container .ag-row"),
    "Symbol": ("s/bybit/BTCUSDT", "#symbol-ladder div"),
}
"""Page -> its path, what is there once it is painted."""
WARM_MS = 10_000
"""The page learns the server's clock, and caches fill."""
MEASURE_MS = 60_000


class Figures(NamedTuple):
    """What a page says of itself: how many values it painted, and how old they were, s."""

    values: int
    p50: float
    p99: float


def measure(browser: Browser, path: str, painted: str, measure_ms: int = MEASURE_MS) -> Figures:
    """Look at one page for that long. Raises SystemExit if nothing moved."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    try:
        page.goto(f"http://127.0.0.1:{PORT}/{path}")
        page.wait_for_selector(painted)
        page.wait_for_timeout(WARM_MS)
        page.evaluate("tickdeck.freshness.begin()")
        page.wait_for_timeout(measure_ms)
        found: dict[str, Any] = page.evaluate("tickdeck.freshness.figures()")
    finally:
        page.close()
    if not found["count"]:
        raise SystemExit(f"/{path} painted nothing new in {measure_ms / 1000:.0f} s")
    return Figures(found["count"], found["p50"] / 1000, found["p99"] / 1000)


def results(name: str, found: Figures) -> list[Result]:
    """Both percentiles of a page beside their budgets."""
    return [
        Result(
            f"venue time → pixels on the {name} page, {percentile}",
            f"≤ {budget} s",
            f"{getattr(found, percentile):.2f} s of {found.values:,} values",
            getattr(found, percentile) <= budget,
        )
        for percentile, budget in BUDGET_S.items()
    ]


def run() -> list[Result]:
    """Measure; about three minutes."""
    if find_chromium() is None:
        return [Result("venue time → pixels", "≤ 0.8 s, 1.5 s", f"skipped: {MISSING}")]
    with stocked_stores() as urls, web(urls, PORT), chromium() as browser:
        return [r for name, how in PAGES.items() for r in results(name, measure(browser, *how))]

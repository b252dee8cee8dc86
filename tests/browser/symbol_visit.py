"""A visit to an instrument's page in a real browser."""

from typing import Any

from playwright.sync_api import Browser

from tests.browser.symbol_site import SymbolSite
from tests.browser.visit import SIZES, Visit

SIZES.setdefault("tablet", (1024, 768))
BTC = "s/sim-bybit/BTCUSDT"
PEPE = "s/sim-bybit/1000PEPEUSDT"
CHART = "document.querySelector('#symbol-chart .js-plotly-plot')"
STRIPS = "document.querySelector('#symbol-strips .js-plotly-plot')"
IS_DRAWN = (
    f"() => {{ const p = {CHART}; return Boolean(p && p.data && p.data.length >= 2 && p.data[0].x.length) }}"
)
RANGE = f"() => {CHART}.layout.xaxis.range.map(t => Date.parse(t + 'Z'))"
HELD = "() => tickdeck.symbol.held().candles"


class SymbolVisit(Visit):
    """A visit to an instrument's page."""

    def __init__(self, browser: Browser, site: SymbolSite, path: str = BTC, **context: Any) -> None:
        super().__init__(browser, site.url, **context)
        self.path = path

    def __enter__(self) -> "SymbolVisit":
        self.page.goto(self.url + self.path)
        self.page.wait_for_selector("#clock:has-text('UTC')")
        if self.path.count("/") == 2 and "NOTHING" not in self.path:
            self.page.wait_for_function(IS_DRAWN)
        return self

    def texts(self, selector: str) -> list[str]:
        """What these elements say, without the empty ones."""
        return [text for text in self.page.locator(selector).all_inner_texts() if text]

    def numbers(self, selector: str) -> list[float]:
        """The numbers that these elements show."""
        return [float(text.replace(",", "").strip("▲▼ ")) for text in self.texts(selector)]

    def until(self, condition: str, argument: object = None) -> None:
        """Wait until the page says so."""
        self.page.wait_for_function(condition, arg=argument)

    def redraws(self, count: int) -> None:
        """Wait for so many further replies that were painted."""
        for _ in range(count):
            first = self.page.inner_text(".tape-row:nth-child(2)")
            self.until("text => document.querySelector('.tape-row:nth-child(2)').innerText !== text", first)
            self.page.wait_for_timeout(50)

    def drag(self, distance: int) -> None:
        """Drag the candles to the right by so many pixels.

        Again if nothing came of it: that a new page finds its size ends a drag.
        """
        before = self.page.evaluate(RANGE)
        for _ in range(5):
            self.drag_once(distance)
            self.page.wait_for_timeout(200)
            if self.page.evaluate(RANGE) != before:
                break

    def drag_once(self, distance: int) -> None:
        """The same, whatever comes of it."""
        box = self.page.locator("#symbol-chart .nsewdrag").first.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 3, box["y"] + box["height"] / 3
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + distance / 2, y, steps=4)
        self.page.mouse.move(x + distance, y, steps=4)
        self.page.mouse.up()

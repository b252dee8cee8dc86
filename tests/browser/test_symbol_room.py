"""Large numbers on the Symbol page: they neither run together nor move what stands beside them."""

import pytest
from playwright.sync_api import Browser

from tests.browser.symbol_site import SymbolSite
from tests.browser.symbol_visit import PEPE, SymbolVisit
from tests.browser.visit import SIZES as SCREENS

SCREENS.setdefault("least", (1200, 800))
GAPS = """() => [...document.querySelectorAll('.ladder-row')].flatMap(row => {
  const boxes = [...row.children].map(cell => {
    const text = document.createRange();
    text.selectNodeContents(cell);
    return [text.getBoundingClientRect(), cell.getBoundingClientRect()];
  });
  const between = boxes.slice(1).map(([text], i) => text.left - boxes[i][0].right);
  const cut = boxes.map(([text, cell]) => Math.min(text.left - cell.left, cell.right - text.right));
  return [...between.map(px => px - 4), ...cut.map(px => px + 0.5)];
})"""
"""How much more than needed each number has beside it and in its place, px."""
SIZES = "() => [...document.querySelectorAll('.ladder-row:not(.ladder-head) .size')].map(e => e.innerText)"


@pytest.mark.parametrize(("factor", "sizes"), [(77, {"77,000", "385,000"}), (7700, {"7.70M", "38.5M"})])
@pytest.mark.parametrize("size", ["desk", "phone"])
def test_no_number_of_the_ladder_touches_another(
    browser: Browser, factor: int, sizes: set[str], size: str
) -> None:
    """Not with seven decimals of the price either; sizes are short in both halves or in none."""
    with SymbolSite() as site:
        site.size_factor = factor
        site.step()
        with SymbolVisit(browser, site, PEPE, size=size) as visit:
            if size == "phone":
                visit.page.click(".part-tab:has-text('Book')")
            visit.until("() => document.querySelector('.ladder-row:nth-child(2) .bid')?.innerText")
            shown = visit.page.evaluate(SIZES)
            assert sizes <= set(shown[::2])
            assert len({text[-1] == "M" for text in shown}) == 1
            found = visit.page.evaluate(GAPS)
            assert len(found) == 13 * (5 + 6)
            assert min(found) >= 0
            assert visit.complaints == []


def test_sizes_stay_short_until_the_largest_is_a_digit_shorter(browser: Browser) -> None:
    """One order that comes and goes does not rewrite the ladder."""
    draw = """largest => {
      const box = (window.box ||= document.createElement('div'));
      const book = {bids: [[1, largest]], asks: [[2, 700]]};
      tickdeck.symbolBook.ladder(box, book, {price: 0, size: 0}, null);
      return box.children[1].children[1].textContent;
    }"""
    with SymbolSite() as site, SymbolVisit(browser, site, PEPE) as visit:
        told = [visit.page.evaluate(draw, largest) for largest in (930_800, 1e6, 930_800, 99_900)]
        assert told == ["930,800", "1.00M", "931K", "99,900"]


@pytest.mark.parametrize("size", ["desk", "least", "phone"])
def test_the_head_of_the_tape_is_one_line_whatever_the_sum(browser: Browser, size: str) -> None:
    """What stands beside the sum does not move either; it is told in four digits at most."""
    places = (
        "() => ['#symbol-tape', '#symbol-least'].map(s => document.querySelector(s).getBoundingClientRect())"
    )
    told = """() => [0, 0.012, -9.4912, 12.345, -99.994, -99.996, 378400, -999600, -1.2e6, 9.1e9].map(sum =>
      tickdeck.symbolTape.deltaText(sum, 3))"""
    with SymbolSite() as site, SymbolVisit(browser, site, PEPE, size=size) as visit:
        assert visit.page.evaluate(told) == [
            "0.000", "+0.012", "−9.491", "+12.35", "−99.99", "−100", "+378K", "−1.00M", "−1.20M", "+9.10B",
        ]  # fmt: skip
        if size == "phone":
            visit.page.click(".part-tab:has-text('Trades')")
        visit.page.keyboard.press("f")  # nothing else writes meanwhile
        write = "text => document.getElementById('symbol-cvd').textContent = text"
        found = []
        for text in ("CVD –", "CVD +9.10B", "CVD −88.88M"):
            visit.page.evaluate(write, text)
            found.append(visit.page.evaluate(places))
            head = visit.page.locator(".trades-part .panel-head")
            assert head.evaluate("head => head.scrollWidth <= head.clientWidth")
        assert found[0] == found[1] == found[2]
        site.size_factor = 7700
        visit.page.keyboard.press("f")
        visit.until(
            "() => /^CVD [+−]\\d+(\\.\\d+)?[KMB]$/.test(document.getElementById('symbol-cvd').innerText)"
        )
        assert visit.page.evaluate(places) == found[0]
        assert visit.complaints == []

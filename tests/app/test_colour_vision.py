"""Up and down stay apart for every reader: the style sheets' colours under simulated deficiencies."""

import pytest

from tests.app.colours import DEFICIENCIES, Colour, Lab, ciede2000, difference, seen
from tests.app.test_palette import AA_SHAPE, PALETTES, THEMES, contrast, tokens

LEAST = 35
"""CIEDE2000 between up and down in what is shown without a choice, and in the palette made for this."""
LEAST_OF_CLASSIC = 14
"""What most exchanges show; to be chosen by those who can tell it apart."""


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, -1, 2), (50, 0, 0), 2.3669),
        ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((50, 2.5, 0), (58, 24, 15), 19.4535),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_formula_is_that_of_the_paper(a: Lab, b: Lab, expected: float) -> None:
    """Pairs of the table that Sharma, Wu and Dalal published with it."""
    assert ciede2000(a, b) == pytest.approx(expected, abs=1e-4)


def test_a_deficiency_leaves_grey_as_it_is_and_brings_red_and_green_together() -> None:
    """The simulation does what it is for: Binance's own pair falls from 78 to 9."""
    red, green = (0xF6, 0x46, 0x5D), (0x0E, 0xCB, 0x81)
    for deficiency in DEFICIENCIES:
        assert seen((128, 128, 128), deficiency) == pytest.approx((128, 128, 128), abs=0.5)
    assert difference(red, green) == pytest.approx(78, abs=1)
    assert difference(seen(red, "deuteranopia"), seen(green, "deuteranopia")) == pytest.approx(9, abs=1)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("palette", PALETTES)
def test_up_and_down_are_told_apart(theme: str, palette: str) -> None:
    """With any deficiency, in any palette, dark and light."""
    c = tokens(theme, palette)
    found = {"none": difference(c["rise"], c["fall"])}
    found |= {name: difference(seen(c["rise"], name), seen(c["fall"], name)) for name in DEFICIENCIES}
    least = LEAST_OF_CLASSIC if palette == "classic" else LEAST
    assert {name: round(apart, 1) for name, apart in found.items() if apart < least} == {}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("palette", PALETTES)
def test_bars_and_candles_are_seen_with_any_deficiency(theme: str, palette: str) -> None:
    """Either direction against the panel and the page it stands on, as everybody sees them."""
    c = tokens(theme, palette)
    for deficiency in DEFICIENCIES:

        def look(colour: Colour, name: str = deficiency) -> Colour:
            return seen(colour, name)

        for way in ("rise", "fall"):
            for on in ("panel", "canvas"):
                assert contrast(look(c[way]), look(c[on])) >= AA_SHAPE, (deficiency, way, on)


@pytest.mark.parametrize("theme", THEMES)
def test_lines_of_one_pane_are_told_apart(theme: str) -> None:
    """RSI beside its guides' labels, %K beside %D: series A and B share a pane."""
    c = tokens(theme, "default")
    for deficiency in DEFICIENCIES:
        assert difference(seen(c["series-a"], deficiency), seen(c["series-b"], deficiency)) >= 20, deficiency

"""Contrast of every text colour on what it stands on, computed from the style sheets (WCAG 2.2, 1.4.3)."""

import re
from collections.abc import Iterator

import pytest

from app.factory import ASSETS

AA = 4.5
"""Least contrast of text below 18 pt."""
AA_SHAPE = 3.0
"""Least contrast of what is no text but has to be seen: marks, focus ring, bars' edges (1.4.11)."""
CHIP, FLASH, SELECTED = 0.06, 0.18, 0.14
"""Share of the direction's or the accent's colour behind a text: see `market.css` and `shell.css`."""
THEMES = ("dark", "light")
PALETTES = ("default", "blueorange", "classic")

Colour = tuple[float, float, float]


def tokens(theme: str, palette: str) -> dict[str, Colour]:
    """Name -> colour of one theme, with the palette's own in place of its defaults."""
    source = (ASSETS / "10-tokens.css").read_text()
    found = dict(declared(source, rf':root\[data-bs-theme="{theme}"\] {{(.*?)}}'))
    if palette != "default":
        own = rf':root\[data-palette~="{palette}"\]\[data-bs-theme="{theme}"\][^{{]*{{(.*?)}}'
        found |= dict(declared(source, own))
    return found


def declared(source: str, pattern: str) -> Iterator[tuple[str, Colour]]:
    block = re.search(pattern, source, re.DOTALL)
    assert block, pattern
    for name, value in re.findall(r"--([\w-]+): #([0-9a-f]{6})", block[1]):
        yield name, (int(value[:2], 16), int(value[2:4], 16), int(value[4:], 16))


def luminance(colour: Colour) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [c / 255 for c in colour]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: Colour, b: Colour) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mixed(over: Colour, under: Colour, share: float) -> Colour:
    """`share` of one colour over another."""
    red, green, blue = (share * o + (1 - share) * u for o, u in zip(over, under, strict=True))
    return red, green, blue


def test_the_formula_is_that_of_the_standard() -> None:
    """Black on white is 21, any colour on itself 1, #767676 on white the well-known 4.54."""
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((9, 9, 9), (9, 9, 9)) == 1
    assert contrast((0x76, 0x76, 0x76), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("palette", PALETTES)
def test_every_text_can_be_read(theme: str, palette: str) -> None:
    """On page, panel, raised and hovered row; directions also in chips, prices also while they flash."""
    c = tokens(theme, palette)
    texts = ("text-1", "text-2", "text-3", "accent", "rise", "fall", "warn", "bad", "ok")
    found = {(t, on): contrast(c[t], c[on]) for t in texts for on in ("canvas", "panel", "raised", "hover")}
    for way in ("rise", "fall"):
        found[way, "chip"] = contrast(c[way], mixed(c[way], c["panel"], CHIP))
        found["text-1", f"{way} flash"] = contrast(c["text-1"], mixed(c[way], c["panel"], FLASH))
    found["text-1", "selected"] = contrast(c["text-1"], mixed(c["accent"], c["canvas"], SELECTED))
    assert {pair: round(ratio, 2) for pair, ratio in found.items() if ratio < AA} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_marks_and_the_focus_ring_can_be_seen(theme: str) -> None:
    """Stars, lines of the day and the ring round what has the focus."""
    c = tokens(theme, "default")
    for name in ("accent", "text-3", "text-2", "warn"):
        for on in ("canvas", "panel", "raised"):
            assert contrast(c[name], c[on]) >= AA_SHAPE, (name, on)


def test_the_shares_are_those_of_the_style_sheets() -> None:
    """A test of other colours would prove nothing."""
    market, shell = ((ASSETS / name).read_text() for name in ("market.css", "shell.css"))
    chips = re.findall(r"\.chip\.\w+ { background: color-mix\(in srgb, var\(--\w+\) (\d+)%", market)
    flashes = re.findall(
        r"\.(?:rose|fell) { background-color: color-mix\(in srgb, var\(--\w+\) (\d+)%", market
    )
    chosen = re.findall(r"var\(--accent\) (\d+)%, transparent", market + shell)
    assert {int(share) / 100 for share in chips} == {CHIP}
    assert {int(share) / 100 for share in flashes} == {FLASH}
    assert {int(share) / 100 for share in chosen} == {SELECTED}


def test_the_samples_of_the_drawer_have_the_palettes_colours() -> None:
    """What one chooses is what one gets."""
    source = (ASSETS / "10-tokens.css").read_text()
    for theme in THEMES:
        for palette in PALETTES:
            shown = dict(
                declared(source, rf'\[data-bs-theme="{theme}"\] \[data-sample="{palette}"\] {{(.*?)}}')
            )
            assert shown == {name: tokens(theme, palette)[name] for name in ("rise", "fall")}

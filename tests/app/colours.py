"""How far apart two colours look: CIEDE2000, as seen with full or with deficient colour vision."""

import math

Colour = tuple[float, float, float]
"""Red, green, blue, 0 to 255."""
Lab = tuple[float, float, float]
Matrix = tuple[Colour, Colour, Colour]

WHITE = (0.95047, 1.0, 1.08883)
"""D65, 2°."""
TO_XYZ: Matrix = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
DEFICIENCIES: dict[str, Matrix] = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900),
    ),
}  # fmt: skip
"""Machado, Oliveira and Fernandes 2009, severity 1.0, on linear light."""


def seen(colour: Colour, deficiency: str) -> Colour:
    """The colour as it looks with that deficiency."""
    found = _times(DEFICIENCIES[deficiency], _linear(colour))
    red, green, blue = (255 * _encoded(min(1.0, max(0.0, part))) for part in found)
    return red, green, blue


def difference(a: Colour, b: Colour) -> float:
    """CIEDE2000 of two sRGB colours."""
    return ciede2000(_lab(a), _lab(b))


def ciede2000(first: Lab, second: Lab) -> float:
    """The difference of two colours of CIELAB (Sharma, Wu and Dalal 2005, whose numbers the test has)."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    stretch = 0.5 * (1 - _bend((math.hypot(a1, b1) + math.hypot(a2, b2)) / 2))
    c1, c2 = math.hypot(a1 * (1 + stretch), b1), math.hypot(a2 * (1 + stretch), b2)
    h1 = math.degrees(math.atan2(b1, a1 * (1 + stretch))) % 360
    h2 = math.degrees(math.atan2(b2, a2 * (1 + stretch))) % 360
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    hue = h1 + h2 if not c1 * c2 else h1 + turn / 2
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    by_hue = (
        1
        - 0.17 * _cos(hue - 30)
        + 0.24 * _cos(2 * hue)
        + 0.32 * _cos(3 * hue + 6)
        - 0.20 * _cos(4 * hue - 63)
    )
    part_l = (l2 - l1) / (1 + 0.015 * (light - 50) ** 2 / math.sqrt(20 + (light - 50) ** 2))
    part_c = (c2 - c1) / (1 + 0.045 * chroma)
    part_h = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2)) / (1 + 0.015 * chroma * by_hue)
    around_blue = 60 * math.exp(-((((hue % 360) - 275) / 25) ** 2))
    mixed = -2 * _bend(chroma) * math.sin(math.radians(around_blue))
    return math.sqrt(part_l**2 + part_c**2 + part_h**2 + mixed * part_c * part_h)


def _bend(chroma: float) -> float:
    return math.sqrt(chroma**7 / (chroma**7 + 25**7))


def _cos(degrees: float) -> float:
    return math.cos(math.radians(degrees))


def _lab(colour: Colour) -> Lab:
    x, y, z = (_cubic(p / w) for p, w in zip(_times(TO_XYZ, _linear(colour)), WHITE, strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _cubic(part: float) -> float:
    return math.cbrt(part) if part > 216 / 24389 else (24389 / 27 * part + 16) / 116


def _times(matrix: Matrix, colour: Colour) -> Colour:
    x, y, z = (sum(m * c for m, c in zip(row, colour, strict=True)) for row in matrix)
    return x, y, z


def _linear(colour: Colour) -> Colour:
    red, green, blue = (
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in (c / 255 for c in colour)
    )
    return red, green, blue


def _encoded(part: float) -> float:
    return 12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055

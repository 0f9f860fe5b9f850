"""A retailer's own colour: checked for contrast at start-up, with its partner for dark pages derived from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from colorsys import hls_to_rgb, rgb_to_hls
from dataclasses import dataclass

CONTRAST_MIN = 4.5
"""WCAG 2.2, 1.4.3: text against its ground."""
OURS = "#0a6b62"
"""The colour unisono.css has by itself, for light and dark."""
LIGHT_GROUND = (0xF6, 0xF7, 0xF5)
DARK_GROUND = (0x16, 0x1F, 0x1D)
_WHITE = (255, 255, 255)
_SOFT_LIGHT, _SOFT_DARK = 0.87, 0.8
"""How much of the ground is in the soft colour."""
_ON_DARK = 0.85
"""How much of black is in what is written on the dark page's colour."""
_STEPS = 100
_HEX = re.compile(r"#[0-9a-fA-F]{6}")

Rgb = tuple[int, int, int]
Measure = Callable[[Rgb], float]


class UnreadableColour(ValueError):
    """The colour cannot carry text; the message is one sentence that says so and what would do."""


@dataclass(frozen=True, slots=True)
class Brand:
    """The colour on light and on dark pages; white, or nearly black, is written on it."""

    light: Rgb
    dark: Rgb

    def css(self) -> str:
        """The tokens as a style sheet that overrides those of unisono.css; empty where it is our own colour."""
        if to_hex(self.light) == OURS:
            return ""
        pairs = {
            "--brand": (self.light, self.dark),
            "--on-brand": (_WHITE, mix(self.dark, (0, 0, 0), _ON_DARK)),
            "--brand-soft": (mix(self.light, _WHITE, _SOFT_LIGHT), mix(self.dark, DARK_GROUND, _SOFT_DARK)),
        }
        rows = "".join(f"  {name}: light-dark({to_hex(a)}, {to_hex(b)});\n" for name, (a, b) in pairs.items())
        return f"@layer brand {{ :root {{\n{rows}}} }}\n"


def brand_from(text: str) -> Brand:
    """The brand of a colour `#rrggbb`; UnreadableColour when links and buttons in it could not be read."""
    if not _HEX.fullmatch(text):
        raise UnreadableColour(f"{text!r} is no colour: write it as #rrggbb")
    light = from_hex(text)
    found = _least_on_light(light)
    if found < CONTRAST_MIN:
        enough = to_hex(_lightened(light, -1, _least_on_light))
        raise UnreadableColour(
            f"{text} is too pale: text in it has a contrast of {found:.1f}, {CONTRAST_MIN} is needed; {enough} would do"
        )
    return Brand(light, _lightened(light, 1, _least_on_dark))


def contrast(one: Rgb, other: Rgb) -> float:
    """The contrast ratio of WCAG 2.2, from 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    """`share` of the other colour stirred into the first."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return (red, green, blue)


def from_hex(text: str) -> Rgb:
    """The colour behind `#rrggbb`."""
    return (int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16))


def to_hex(colour: Rgb) -> str:
    """`#rrggbb` of a colour."""
    red, green, blue = colour
    return f"#{red:02x}{green:02x}{blue:02x}"


def _least_on_light(colour: Rgb) -> float:
    """The least contrast it will have on a light page: on the ground, and on its own soft ground."""
    return min(contrast(colour, LIGHT_GROUND), contrast(colour, mix(colour, _WHITE, _SOFT_LIGHT)))


def _least_on_dark(colour: Rgb) -> float:
    return min(contrast(colour, DARK_GROUND), contrast(colour, mix(colour, DARK_GROUND, _SOFT_DARK)))


def _luminance(colour: Rgb) -> float:
    red, green, blue = ((c / 255 / 12.92) if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _lightened(colour: Rgb, towards: int, measure: Measure) -> Rgb:
    """The same hue, lighter (1) or darker (-1) by as little as measures enough; white or black always does."""
    hue, lightness, saturation = rgb_to_hls(*(part / 255 for part in colour))
    end = 1.0 if towards > 0 else 0.0
    candidate = colour
    for step in range(_STEPS + 1):
        red, green, blue = hls_to_rgb(hue, lightness + (end - lightness) * step / _STEPS, saturation)
        candidate = (round(red * 255), round(green * 255), round(blue * 255))
        if measure(candidate) >= CONTRAST_MIN:
            break
    return candidate

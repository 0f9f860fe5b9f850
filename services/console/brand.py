"""A retailer's own colour: checked for contrast at start-up, with its partner for dark pages derived from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

CONTRAST_MIN = 4.5
"""WCAG 2.2, 1.4.3: text against its ground."""
LIGHT_GROUND = (0xF6, 0xF7, 0xF5)
DARK_GROUND = (0x16, 0x1F, 0x1D)
_WHITE = (255, 255, 255)
_INK = (6, 35, 31)
_SOFT_LIGHT, _SOFT_DARK = 0.87, 0.8
"""How much of the ground is in the soft colour."""
_HEX = re.compile(r"#[0-9a-fA-F]{6}")

Rgb = tuple[int, int, int]
Measure = Callable[[Rgb], float]


class UnreadableColour(ValueError):
    """The colour cannot carry text; the message is one sentence that says so and what would do."""


@dataclass(frozen=True, slots=True)
class Brand:
    """The colour on light and dark grounds, what is written on it, and its soft ground."""

    light: Rgb
    on_light: Rgb
    light_soft: Rgb
    dark: Rgb
    on_dark: Rgb
    dark_soft: Rgb

    def css(self) -> str:
        """The tokens as a style sheet that overrides those of unisono.css."""
        pairs = {
            "--brand": (self.light, self.dark),
            "--on-brand": (self.on_light, self.on_dark),
            "--brand-soft": (self.light_soft, self.dark_soft),
        }
        rows = "".join(f"  {name}: light-dark({to_hex(a)}, {to_hex(b)});\n" for name, (a, b) in pairs.items())
        return f"@layer brand {{ :root {{\n{rows}}} }}\n"


def brand_from(text: str) -> Brand:
    """The brand of a colour `#rrggbb`; UnreadableColour when links and buttons in it could not be read."""
    if not _HEX.fullmatch(text):
        raise UnreadableColour(f"{text!r} is no colour: write it as #rrggbb")
    light = from_hex(text)
    if _least_on_light(light) < CONTRAST_MIN:
        enough = _until_readable(light, (0, 0, 0), _least_on_light)
        found = contrast(light, LIGHT_GROUND)
        raise UnreadableColour(
            f"{text} is too pale for text: its contrast is {found:.1f} where {CONTRAST_MIN} is needed; "
            f"{to_hex(enough)} would do"
        )
    dark = _until_readable(light, _WHITE, _least_on_dark)
    return Brand(light, _WHITE, mix(light, _WHITE, _SOFT_LIGHT), dark, _INK, mix(dark, DARK_GROUND, _SOFT_DARK))


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
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _least_on_light(colour: Rgb) -> float:
    """The least contrast it will have on a light page: on the ground, and on its own soft ground."""
    return min(contrast(colour, LIGHT_GROUND), contrast(colour, mix(colour, _WHITE, _SOFT_LIGHT)))


def _least_on_dark(colour: Rgb) -> float:
    return min(contrast(colour, DARK_GROUND), contrast(colour, mix(colour, DARK_GROUND, _SOFT_DARK)))


def _luminance(colour: Rgb) -> float:
    red, green, blue = ((c / 255 / 12.92) if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _until_readable(colour: Rgb, towards: Rgb, measure: Measure) -> Rgb:
    """The least mixture with `towards` that measures enough; `towards` itself always does."""
    for step in range(21):
        candidate = mix(colour, towards, step / 20)
        if measure(candidate) >= CONTRAST_MIN:
            return candidate
    return towards

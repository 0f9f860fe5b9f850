"""A retailer's colour is used only where people can read it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from services.console.brand import (
    CONTRAST_MIN,
    DARK_GROUND,
    LIGHT_GROUND,
    UnreadableColour,
    brand_from,
    contrast,
    from_hex,
    to_hex,
)


def test_contrast_is_wcags():
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((255, 255, 255), (255, 255, 255)) == 1
    assert contrast(from_hex("#767676"), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)


def test_our_own_colour_needs_no_sheet():
    assert brand_from("#0A6B62").css() == ""


@pytest.mark.parametrize("colour", ["#b3261e", "#1a4fd0", "#000000", "#7a2e8e", "#006b3c", "#5c3d00"])
def test_a_readable_colour_is_readable_on_dark_pages_too(colour: str):
    brand = brand_from(colour)
    assert to_hex(brand.light) == colour
    assert contrast(brand.light, LIGHT_GROUND) >= CONTRAST_MIN
    assert contrast(brand.dark, DARK_GROUND) >= CONTRAST_MIN
    assert contrast(brand.light, (255, 255, 255)) >= CONTRAST_MIN
    assert f"--brand: light-dark({colour}, {to_hex(brand.dark)});" in brand.css()


@pytest.mark.parametrize("colour", ["#ffe600", "#ffffff", "#4fd1bd", "#888888"])
def test_a_pale_colour_is_refused_with_one_that_would_do(colour: str):
    with pytest.raises(UnreadableColour, match="too pale") as refused:
        brand_from(colour)
    brand_from(str(refused.value).split("; ")[1].split()[0])


@pytest.mark.parametrize("text", ["red", "#fff", "0a6b62", "#0a6b6z", "", "#0a6b62; } *"])
def test_what_is_no_colour_is_refused(text: str):
    with pytest.raises(UnreadableColour, match="#rrggbb"):
        brand_from(text)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"UNISONO_BRAND_COLOR": "#ffe600"}, "UNISONO_BRAND_COLOR: #ffe600 is too pale"),
        ({"UNISONO_HOST": "0.0.0.0"}, "UNISONO_PROGRAMME_SECRET is the one everybody knows"),
        ({}, "KAFKA_BOOTSTRAP_SERVERS is not set"),
    ],
)
def test_a_wrong_setting_is_told_in_one_sentence(settings: dict[str, str], told: str):
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("UNISONO_", "KAFKA_"))}
    ended = subprocess.run(
        [sys.executable, "-m", "services.cli.main", "console"],
        env={**plain, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr

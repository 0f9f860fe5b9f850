"""Every message of templates and code is in both catalogues, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from services.console.languages import LANGUAGES, LOCALE_FOLDER, choose_language, messages

CONSOLE = LOCALE_FOLDER.parent
KEYWORDS = {
    "_": None,
    "_n": None,
    "_translate": None,
    "said": None,
    "one": None,
    "many": (1, 2),
    "ngettext": (1, 2),
}
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")


def _catalogue(language: str) -> Catalog:
    with (LOCALE_FOLDER / language / "messages.po").open("rb") as source:
        return read_po(source, locale=language)


def _asked_for() -> set[str]:
    found = extract_from_dir(
        str(CONSOLE), method_map=[("**.py", "python"), ("**.html", "jinja2")], keywords=dict(KEYWORDS)
    )
    return {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}


def _forms(message: object) -> tuple[str, ...]:
    return (message,) if isinstance(message, str) else tuple(message)  # type: ignore[arg-type]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_has_what_is_said_and_nothing_else(language: str):
    assert {_forms(entry.id)[0] for entry in _catalogue(language) if entry.id} == _asked_for()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated_with_the_same_placeholders(language: str):
    for entry in _catalogue(language):
        if not entry.id:
            continue
        expected = set(PLACEHOLDER.findall(_forms(entry.id)[-1]))
        for form in _forms(entry.string):
            assert form, f"{language}: {entry.id!r} is not translated"
            assert set(PLACEHOLDER.findall(form)) == expected, entry.id
        assert not entry.fuzzy


def test_no_member_is_shouted_at():
    for language in LANGUAGES:
        shouted = [form for entry in _catalogue(language) if entry.id for form in _forms(entry.string) if "!" in form]
        assert shouted == []


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        ("it", "en", "it"),
        ("xx", "it-IT,it;q=0.9,en;q=0.8", "it"),
        (None, "de-DE,en-GB;q=0.7,it;q=0.9", "it"),
        (None, "fr", "en"),
        (None, None, "en"),
        (None, "it;q=0", "en"),
        (None, "it;q=loud,en;q=0.1", "en"),
        (None, ",;q=,=;", "en"),
    ],
)
def test_the_language_is_the_one_asked_for_else_the_browsers(asked: str | None, accepted: str | None, language: str):
    assert choose_language(asked, accepted) == language


def test_plurals_and_unknown_messages():
    assert messages("it").many("point", "points", 1) == "punto"
    assert messages("it").many("point", "points", 0) == "punti"
    assert messages("it").one("never said anywhere") == "never said anywhere"


def test_a_text_falls_back_to_english_then_to_any():
    assert messages("it").text({"en": "off", "it": "sconto"}) == "sconto"
    assert messages("it").text({"en": "off"}) == "off"
    assert messages("it").text({"el": "ναι"}) == "ναι"
    assert messages("it").text({}) == ""


def test_the_catalogues_lie_where_they_are_read():
    assert sorted(path.name for path in Path(LOCALE_FOLDER).iterdir()) == sorted(LANGUAGES)

"""Which language a page speaks, and its messages, read from the .po files at start (nothing compiled is kept)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.core import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from schemas.values import Text

LANGUAGES = ("en", "it")
LOCALE_FOLDER = Path(__file__).parent / "locale"
FALLBACK = "en"


@dataclass(frozen=True, slots=True)
class Messages:
    """The texts of one language; an unknown message comes back as it was asked for."""

    language: str
    one: Callable[[str], str]
    many: Callable[[str, str, int], str]

    def text(self, texts: Text) -> str:
        """A promotion's own text in this language, else in English, else in any, else nothing."""
        named: Mapping[str, str] = {str(language): text for language, text in texts.items()}
        return named.get(self.language) or named.get(FALLBACK) or next(iter(named.values()), "")


@cache
def messages(language: str) -> Messages:
    """The messages of one of LANGUAGES."""
    with (LOCALE_FOLDER / language / "messages.po").open("rb") as source:
        catalogue = read_po(source, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    translations = Translations(compiled)
    return Messages(language, translations.gettext, translations.ngettext)


def choose_language(asked: str | None, accept_language: str | None) -> str:
    """The language of `?lang=` if we have it, else the best of Accept-Language, else English."""
    if asked in LANGUAGES:
        return asked
    return negotiate_locale(_by_preference(accept_language or ""), LANGUAGES, sep="-") or FALLBACK


def _by_preference(accept_language: str) -> list[str]:
    weighted = []
    for part in accept_language.split(",")[:20]:
        tag, _, weight = part.partition(";q=")
        try:
            weighted.append((float(weight or 1), tag.strip()))
        except ValueError:
            continue
    ordered = sorted((pair for pair in weighted if pair[0] > 0 and pair[1]), key=lambda pair: -pair[0])
    return [tag for _, tag in ordered]

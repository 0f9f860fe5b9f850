"""One voice a language: its messages, formats and templates, made once at start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.console.assets import Assets
from services.console.formats import Formats
from services.console.languages import LANGUAGES, messages
from services.console.wallets import Speaker
from services.settings import Settings

_ROOM = Path(__file__).parent
TEMPLATE_FOLDERS = (_ROOM / "templates", _ROOM / "account" / "templates", _ROOM / "demo" / "templates")
LANGUAGE_NAMES = {"en": "English", "it": "Italiano"}


@dataclass(frozen=True, slots=True)
class Voice:
    """Speaks one language."""

    language: str
    formats: Formats
    speaker: Speaker
    templates: Environment

    def page(self, template: str, **context: Any) -> str:
        """The template filled in."""
        return self.templates.get_template(template).render(context)

    def said(self, message: str) -> str:
        """The message in this language."""
        return self.speaker.said.one(message)


def make_voices(settings: Settings, assets: Assets) -> Mapping[str, Voice]:
    """A voice for each of LANGUAGES."""
    return {language: _voice(language, settings, assets) for language in LANGUAGES}


def _voice(language: str, settings: Settings, assets: Assets) -> Voice:
    said = messages(language)
    formats = Formats(language, settings.timezone, said.one)
    templates = Environment(
        loader=FileSystemLoader(TEMPLATE_FOLDERS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    templates.install_gettext_callables(said.one, said.many, newstyle=True)  # type: ignore[attr-defined]
    templates.filters["drawn"] = Markup  # for SVG that we drew ourselves
    templates.globals.update(
        asset=assets.url,
        brand_name=settings.brand_name,
        language=language,
        languages=LANGUAGE_NAMES,
        timezone=settings.timezone,
    )
    return Voice(language, formats, Speaker(said, formats), templates)

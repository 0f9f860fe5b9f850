"""The programme's terms from the settings, for commands that decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.engine.programme import ProgrammeTerms
    from services.settings import Settings


def programme_terms(settings: Settings | None = None) -> ProgrammeTerms:
    """Secret, time zone and currency as the settings (default: the environment's) give them."""
    from services.engine.programme import ProgrammeTerms
    from services.settings import Settings

    settings = settings or Settings()
    secret = settings.programme_secret.get_secret_value().encode()
    return ProgrammeTerms(secret, settings.timezone, settings.currency)

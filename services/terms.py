"""The programme's terms from the settings, for everyone who decides."""

from __future__ import annotations

from services.engine.terms import ProgrammeTerms
from services.settings import Settings


def programme_terms(settings: Settings) -> ProgrammeTerms:
    """Secret, time zone and currency as the settings give them."""
    secret = settings.programme_secret.get_secret_value().encode()
    return ProgrammeTerms(secret, settings.timezone, settings.currency)

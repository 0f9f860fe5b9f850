"""What a simulation is asked to do: the documents it folds under, read and compiled, and the instant it ends at."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import typer

from schemas.envelope import EnvelopeError, parse_time
from schemas.promotions.written import LocalMoment
from services.cli.code_pools import read_pools
from services.cli.documents import read_documents
from services.cli.errors import DOES_NOT_HOLD, UsageError
from services.engine.calendar.moments import closing, moment_of
from services.engine.programme import PromotionVersion
from services.engine.simulation import ALWAYS
from services.engine.terms import ProgrammeVersion
from services.settings import Settings
from services.simulation.folding import Plan
from services.terms import programme_terms

if TYPE_CHECKING:
    from services.cli.documents import Documents


def plan_of(paths: Sequence[Path], until: str | None, *, wallets: bool, journal: bool) -> Plan:
    """The plan for these documents, in force from the beginning of time; what is wrong with them goes to stderr.

    Raises Exit for documents with mistakes, UsageError for what does not fit together.
    """
    found = read_documents(paths)
    problems = [problem for document in (*found.programmes, *found.promotions) for problem in document.problems]
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        raise typer.Exit(DOES_NOT_HOLD)
    versions = _versions(found)
    programmes = [ProgrammeVersion(each.programme, 1, ALWAYS) for each in found.programmes if each.programme]
    if len(programmes) > 1:
        files = " and ".join(document.file for document in found.programmes[:2])
        raise UsageError(f"{files} are both programme documents: a simulation is one programme's")
    terms = programme_terms(Settings())
    timezone = (programmes[0].document.timezone if programmes else None) or terms.timezone
    end = _end(until, timezone) if until is not None else None
    return Plan(versions, terms, tuple(programmes), until=end, wallets=wallets, journal=journal)


def _versions(found: Documents) -> tuple[PromotionVersion, ...]:
    versions: dict[str, PromotionVersion] = {}
    for document in found.promotions:
        promotion = document.promotion
        assert promotion is not None  # it has no problems
        if promotion.promotion in versions:
            raise UsageError(
                f"two documents have the promotion id {promotion.promotion}: `unisono promotions check` names them"
            )
        codes = read_pools(Path(document.file), promotion)
        versions[promotion.promotion] = PromotionVersion(promotion, 1, ALWAYS, codes=codes)
    if not versions:
        raise UsageError("there is no promotion among these documents")
    return tuple(versions.values())


def _end(text: str, timezone: str) -> datetime:
    """The last instant of a day, or the instant that was given with its offset."""
    try:
        return parse_time(text)
    except EnvelopeError:
        pass
    try:
        return moment_of(closing(LocalMoment.parse(text), ZoneInfo(timezone)))
    except ValueError as error:
        raise UsageError(f"--until {text}: a day is written 2026-12-31") from error

"""Publishing documents: the part `setup`, `up`, `demo` and `promotions publish` share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from services.cli.errors import UsageError
from services.settings import Settings

if TYPE_CHECKING:
    from schemas.promotions.loading import Loaded
    from schemas.promotions.source import Problem
    from services.ledger.ports import Published


async def publish_paths(settings: Settings, paths: Sequence[Path]) -> Published:
    """The versions made from these documents and folders; a document whose text is in force already makes none.

    Raises UsageError listing every mistake and every example that fails; then nothing at all is published.
    """
    from services.cli.documents import check_documents, documents
    from services.store.promotions import PromotionStore
    from services.terms import programme_terms

    checked = check_documents(documents(paths), programme_terms(settings))
    problems = [problem for document in checked for problem in document.problems]
    problems += not_yet(document.loaded for document in checked)
    if problems:
        raise UsageError("nothing was published:\n" + "\n".join(str(problem) for problem in problems))
    promotions = [document.loaded.promotion for document in checked if document.loaded.promotion]
    async with PromotionStore.open(settings.dsn) as store:
        return await store.publish(promotions)


def told(made: Published) -> list[str]:
    """What was published, a line each."""
    lines = [f"programme {v.document.programme}: version {v.version} is in force" for v in made.documents]
    lines += [f"{v.promotion.promotion}: version {v.version} is in force" for v in made.promotions]
    return lines or ["Nothing to publish: every document is in force as it stands."]


def not_yet(loaded: Iterable[Loaded]) -> Iterator[Problem]:
    """A problem for everything in the documents that all members share: no worker keeps count of it yet."""
    from services.engine.shared import shared_limits

    for document in loaded:
        for place in shared_limits(document.promotion) if document.promotion is not None else ():
            yield document.problem(
                _path(place),
                "all members share this, and a cluster does not keep count of it yet: it cannot be published",
                "`promotions check` and `simulate` take it; leave it out to publish",
            )


def _path(dotted: str) -> tuple[str | int, ...]:
    """`reward[0].gift` as the path it is."""
    return tuple(int(part) if part.isdecimal() else part for part in re.findall(r"[^.\[\]]+", dotted))

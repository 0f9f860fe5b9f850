"""Publishing documents: the part `setup`, `up`, `demo` and `promotions publish` share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from services.cli.errors import UsageError
from services.settings import Settings

if TYPE_CHECKING:
    from schemas.promotions.loading import Loaded, LoadedProgramme
    from schemas.promotions.source import Problem
    from services.ledger.ports import Published


async def publish_paths(settings: Settings, paths: Sequence[Path]) -> Published:
    """The versions made from these documents and folders; a document whose text is in force already makes none.

    One of them may be the programme document. Raises UsageError listing every mistake and every example that fails;
    then nothing at all is published.
    """
    from services.cli.documents import check_documents, check_programmes, read_documents
    from services.store.promotions import PromotionStore
    from services.terms import programme_terms

    found = read_documents(paths)
    terms, chosen = programme_terms(settings), settings.secret_chosen
    checked = check_documents(found.promotions, terms, found.programmes, secret_chosen=chosen)
    problems = [problem for document in check_programmes(found.programmes) for problem in document.problems]
    problems += [problem for document in checked for problem in document.problems]
    problems += [*_one_programme(found.programmes), *_other_clocks(found.programmes, settings)]
    problems += not_yet(found.promotions)
    if problems:
        raise UsageError("nothing was published:\n" + "\n".join(str(problem) for problem in problems))
    promotions = [document.promotion for document in found.promotions if document.promotion]
    programme = found.programmes[0].programme if found.programmes else None
    async with PromotionStore.open(settings.dsn) as store:
        return await store.publish(promotions, programme)


def told(made: Published) -> list[str]:
    """What was published, a line each."""
    lines = [f"programme {v.document.programme}: version {v.version} is in force" for v in made.documents]
    lines += [f"{v.promotion.promotion}: version {v.version} is in force" for v in made.promotions]
    return lines or ["Nothing to publish: every document is in force as it stands."]


def _one_programme(programmes: Sequence[LoadedProgramme]) -> Iterator[Problem]:
    for document in programmes[1:]:
        message = f"{programmes[0].file} is a programme document too: a cluster has one"
        yield document.problem(("programme",), message, "publish one folder at a time")


def _other_clocks(programmes: Sequence[LoadedProgramme], settings: Settings) -> Iterator[Problem]:
    """The workers' clock and money are those of the settings; another one would redecide what was decided."""
    told = (("timezone", settings.timezone), ("currency", settings.currency))
    for document in programmes:
        for name, set_to in told:
            written = getattr(document.programme, name, None)
            if written not in (None, set_to):
                message = f"the cluster's {name} is {set_to}, and a running programme keeps its own"
                yield document.problem((name,), message, f"write `{set_to}`, or start with UNISONO_{name.upper()}")


def not_yet(loaded: Iterable[Loaded]) -> Iterator[Problem]:
    """A problem for everything in the documents that all members share: no worker keeps count of it yet."""
    from services.engine.rewarding.shared import shared_limits

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

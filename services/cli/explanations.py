"""Why promotions gave or did not give, as `unisono explain` and `unisono simulate --explain` tell it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from schemas.promotions.document import Promotion
from services.engine.trace import Decision
from services.ops.wording import printable
from services.words.decisions import Explanation, explain
from services.words.voice import Spoken

Documents = Mapping[tuple[str, int], Promotion]
"""Every published version: (promotion id, version) → its document."""
_WAITS_FOR_OTHER = "where.promotion"
_FIRST = {"rewarded": 0, "counted": 1, "refused": 2}


def explained(decisions: Iterable[Decision], documents: Documents, language: Spoken) -> list[Explanation]:
    """The decisions in words, those that rewarded first, each under the version of the document that decided."""
    told = []
    for decision in sorted(_concerned(decisions), key=lambda decision: _FIRST[decision.result]):
        promotion = documents.get((decision.promotion_id, decision.promotion_version))
        titles = {decision.promotion_id: promotion.title} if promotion is not None else {}
        told.append(explain(decision, language, titles, promotion))
    return told


def _concerned(decisions: Iterable[Decision]) -> list[Decision]:
    """Without what only repeats itself.

    One event may complete several goals: a promotion that waits for another one looks at each, and refuses the rest
    alike. That is told once, and not at all where it looked at what it waits for.
    """
    found = list(decisions)
    others = {_which(each) for each in found if each.failed != _WAITS_FOR_OTHER}
    kept: list[Decision] = []
    for decision in found:
        if decision.failed == _WAITS_FOR_OTHER:
            if _which(decision) in others:
                continue
            others.add(_which(decision))
        kept.append(decision)
    return kept


def _which(decision: Decision) -> tuple[str, str, int, str | None]:
    return decision.cause, decision.promotion_id, decision.promotion_version, decision.offer_id


def plain(told: Iterable[Explanation]) -> list[dict[str, Any]]:
    """For `--json`."""
    return [asdict(explanation) for explanation in told]


def lines(explanation: Explanation) -> Iterator[str]:
    """One promotion: its name and version, what it decided, and a line for each condition."""
    offer = f", offer {printable(explanation.offer_id)}" if explanation.offer_id else ""
    yield f"{explanation.title} ({explanation.promotion_id} v{explanation.promotion_version}{offer})"
    yield printable(explanation.headline)
    for line in explanation.lines:
        yield f"  {line.mark} {line.path}: {printable(line.text)}"
    if explanation.nearest is not None:
        yield f"  {printable(explanation.nearest)}"


def show(told: Iterable[Explanation]) -> None:
    """The explanations on stdout, a blank line before each."""
    for explanation in told:
        print()
        for line in lines(explanation):
            print(f"  {line}")

"""Why one event of a simulation led to what it led to, promotion by promotion, for people."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from services.engine.trace import Decision
from services.simulation.folding import Plan, decisions_on
from services.simulation.heap import EventHeap
from services.words.decisions import Explanation, explain
from services.words.voice import Spoken

_FIRST = {"rewarded": 0, "counted": 1, "refused": 2}


def explanations(heap: EventHeap, plan: Plan, member_id: str, cause: str, language: Spoken) -> list[Explanation]:
    """What every promotion made of the event, those that rewarded it first."""
    promotions = {version.promotion.promotion: version.promotion for version in plan.versions}
    titles = {promotion_id: promotion.title for promotion_id, promotion in promotions.items()}

    def told(decision: Decision) -> Explanation:
        return explain(decision, language, titles, promotions.get(decision.promotion_id))

    decisions = sorted(decisions_on(heap, plan, member_id, cause), key=lambda decision: _FIRST[decision.result])
    return list(map(told, decisions))


def plain(told: list[Explanation]) -> list[dict[str, Any]]:
    """For `--json`."""
    return [asdict(explanation) for explanation in told]


def show(cause: str, told: list[Explanation]) -> None:
    """The explanation of an event on stdout."""
    print(f"\n{cause}")
    if not told:
        print("  No promotion looks at an event of this kind.")
    for explanation in told:
        offer = f", offer {explanation.offer_id}" if explanation.offer_id else ""
        print(f"\n  {explanation.title} ({explanation.promotion_id}{offer})")
        print(f"  {explanation.headline}")
        for line in explanation.lines:
            print(f"    {line.mark} {line.path}: {line.text}")
        if explanation.nearest is not None:
            print(f"    {explanation.nearest}")

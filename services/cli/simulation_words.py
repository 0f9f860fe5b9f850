"""Why one event of a simulation led to what it led to, promotion by promotion, for people."""

from __future__ import annotations

from services.cli import explanations
from services.simulation.folding import Plan, decisions_on
from services.simulation.heap import EventHeap
from services.words.decisions import Explanation
from services.words.voice import Spoken


def explained(heap: EventHeap, plan: Plan, member_id: str, cause: str, language: Spoken) -> list[Explanation]:
    """What every promotion made of the event, those that rewarded it first."""
    documents = {(version.promotion.promotion, version.version): version.promotion for version in plan.versions}
    return explanations.explained(decisions_on(heap, plan, member_id, cause), documents, language)


def show(cause: str, told: list[Explanation]) -> None:
    """The explanation of an event on stdout."""
    print(f"\n{cause}")
    if not told:
        print("  No promotion looks at an event of this kind.")
    explanations.show(told)

"""Whether a goal counts one thing, in one window."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.promotions.consistency.plain import (
    COMPOSED,
    MEASURES,
    Finding,
    Plain,
    given,
    number,
    one_of,
    only_with,
    part,
)
from schemas.promotions.consistency.plain import measures as measures_of


def findings(document: Plain) -> Iterator[Finding]:
    """Measures and windows that exclude or need each other."""
    goal = part(document, "goal")
    if not goal and not isinstance(document.get("goal"), dict):
        return
    composed = given(goal, COMPOSED)
    yield from one_of(goal, (*MEASURES, *COMPOSED), ("goal",), "a goal", "write `goal: {visits: 3}`")
    for path, measure in measures_of(document):
        if composed:
            yield from one_of(measure, MEASURES, path, "a part of a goal", "write `{visits: 1}`")
        yield from only_with(measure, "stamp_for", ("stamps",), path)
    for name in given(goal, ("on", "activity", "where")) if composed else ():
        yield ("goal", name), f"with `{composed[0]}` each part says which events count", "write it in the parts"
    yield from _window(document, goal, composed)
    yield from _own_card(document, goal)


def _window(document: Plain, goal: Plain, composed: list[str]) -> Iterator[Finding]:
    yield from only_with(goal, "rolling", ("within",), ("goal",))
    yield from only_with(goal, "in_a_row", ("every",), ("goal",))
    if given(goal, ("within",)) and given(goal, ("every",)):
        yield ("goal", "every"), "a goal has one window: `within` or `every`", "remove one of them"
    for name in given(goal, ("rolling", "in_a_row")) if composed else ():
        yield ("goal", name), f"`{name}` goes with one measure, not with `{composed[0]}`", f"remove `{name}`"
    if goal.get("every") == "campaign":
        yield ("goal", "every"), "without a window a goal lasts as long as the campaign", "remove `every`"
    if goal.get("every") == "order" and goal.get("in_a_row") is not None:
        message = "periods in a row are days, weeks, months, quarters or years"
        yield ("goal", "every"), message, "write `every: week`"
    if document.get("by") == "offer":
        for name in given(goal, ("in_a_row",)):
            yield ("goal", name), "an offer has a window of its own, no periods in a row", "write `by: everyone`"


def _own_card(document: Plain, goal: Plain) -> Iterator[Finding]:
    """Stamps for the member's own card when it is full must not fill it again."""
    need = number(goal.get("stamps"))
    rewards = document.get("reward")
    for place, reward in enumerate(rewards if isinstance(rewards, list) else [rewards]):
        stamps = part(reward, "stamps")
        give = number(stamps.get("give", 1))
        if need is None or give is None or stamps.get("card") != document.get("promotion") or give < need:
            continue
        path = ("reward", place, "stamps", "give") if isinstance(rewards, list) else ("reward", "stamps", "give")
        yield path, "the card would fill itself again, without end", f"give less than {need}"

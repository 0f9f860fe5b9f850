"""Meters: what each measure of a goal counts on an occasion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from schemas.events.orders import OrderLine
from schemas.promotions.conditions import Trigger
from schemas.promotions.document import Promotion
from schemas.promotions.goals import Goal, Kind, Measure
from schemas.promotions.written import Money
from services.engine.matching.condition import Condition
from services.engine.matching.where import where_conditions
from services.engine.occasion import Occasion

Unit = str
_PLURALS: dict[Kind, Unit] = {
    "product": "products",
    "category": "categories",
    "brand": "brands",
    "store": "stores",
    "channel": "channels",
    "activity": "activities",
    "day": "days",
}


PARTS = ("all", "any", "steps")
"""The ways in which several measures are one goal."""


@dataclass(slots=True)
class Meter:
    """One measure: on which events it counts, towards what target, and how much.

    `conditions` are those of the measure's own `where` (for the promotion's they are tested before). `gain` is a whole
    number; with `names` what counts are different names instead.
    """

    place: str
    triggers: frozenset[Trigger]
    conditions: tuple[Condition, ...]
    unit: Unit
    currency: str | None
    target: int
    gain: Callable[[Occasion], int]
    names: Callable[[Occasion], set[str]] | None = None


def meters_of(promotion: Promotion, zone: ZoneInfo) -> tuple[Meter, ...]:
    """The meters of a promotion's goal: one for each part, or one for the whole; none without a goal."""
    goal = promotion.goal
    if goal is None:
        return ()
    for word in PARTS:
        parts = getattr(goal, word)
        if parts is not None:
            places = [f"goal.{word}[{number}]" for number in range(len(parts))]
            return tuple([_meter(part, place, promotion, zone) for part, place in zip(parts, places, strict=True)])
    return (_meter(goal, "goal", promotion, zone),)


def has_parts(goal: Goal) -> bool:
    """Whether the goal is made of several measures."""
    return goal.all is not None or goal.any is not None or goal.steps is not None


def _meter(measure: Measure, place: str, promotion: Promotion, zone: ZoneInfo) -> Meter:
    triggers = frozenset(measure.on if measure.on is not None else promotion.on)
    conditions = _own_conditions(measure, place, promotion) if asks_for_itself(promotion.goal) else []
    unit, currency, target = measured(measure)
    names = _names(measure.distinct.of, zone) if measure.distinct is not None else None
    return Meter(place, triggers, tuple(conditions), unit, currency, target, _gain(measure), names)


def asks_for_itself(goal: Goal | None) -> bool:
    """Whether the measures of a goal say which events count, rather than the promotion."""
    if goal is None:
        return False
    return has_parts(goal) or any([goal.on is not None, goal.activity is not None, goal.where is not None])


def _own_conditions(measure: Measure, place: str, promotion: Promotion) -> list[Condition]:
    """A measure's own conditions; what it leaves out is the promotion's, where it is about the same kind of event."""
    found: list[Condition] = []
    if measure.activity is not None:
        found.append(activity_condition(f"{place}.activity", measure.activity))
    elif promotion.activity is not None and measure.on is None:
        found.append(activity_condition("activity", promotion.activity))
    if measure.where is not None:
        return found + where_conditions(measure.where, f"{place}.where")
    return found + where_conditions(promotion.where) if measure.on is None else found


def measured(measure: Measure | None) -> tuple[Unit, str | None, int]:
    """Unit, currency and target of a measure; without one every event that counts is one visit."""
    if measure is None:
        return "visits", None, 1
    if measure.spend is not None:
        return "money", measure.spend.currency, measure.spend.minor
    if measure.quantity is not None:
        return "pieces", None, measure.quantity
    if measure.distinct is not None:
        return _PLURALS[measure.distinct.of], None, measure.distinct.count
    if measure.stamps is not None:
        return "stamps", None, measure.stamps
    if measure.activities is not None:
        return "activities", None, measure.activities
    return "visits", None, measure.visits or 1


def activity_condition(path: str, names: tuple[str, ...]) -> Condition:
    """The activity is one of these; other events have no name and pass, so that a list of triggers may mix them."""
    wanted = frozenset(names)
    return Condition(
        path, list(names), lambda o: o.trigger != "activity.recorded" or o.name in wanted, lambda o: o.name
    )


def _gain(measure: Measure) -> Callable[[Occasion], int]:
    if measure.spend is not None:
        currency = measure.spend.currency
        return lambda o: o.base() if o.currency == currency else 0
    if measure.quantity is not None:
        return Occasion.pieces
    if measure.stamps is not None:
        return _stamps(measure)
    return lambda _: 1


def _stamps(measure: Measure) -> Callable[[Occasion], int]:
    each = measure.stamp_for
    if isinstance(each, Money):
        minor, currency = each.minor, each.currency
        return lambda o: o.base() // minor if o.currency == currency and minor else 0
    return Occasion.pieces if each == "piece" else lambda _: 1


def _names(kind: Kind, zone: ZoneInfo) -> Callable[[Occasion], set[str]]:
    of_line: dict[Kind, Callable[[OrderLine], str | None]] = {
        "product": lambda line: line.sku,
        "category": lambda line: line.category,
        "brand": lambda line: line.brand,
    }
    if kind in of_line:
        get = of_line[kind]
        return lambda o: {name for line in o.counting() if (name := get(line))}
    of_event: dict[Kind, Callable[[Occasion], str]] = {
        "store": lambda o: o.store,
        "channel": lambda o: o.channel,
        "activity": lambda o: o.name,
        "day": lambda o: o.clock(zone).date().isoformat(),
    }
    of = of_event[kind]
    return lambda o: {of(o)} - {""}

"""Which events a promotion looks at, and whether these have what it asks of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schemas.promotions.consistency.plain import (
    OFFERS,
    ORDER,
    Finding,
    Plain,
    duration,
    given,
    measures,
    part,
    rewards,
    texts,
    triggers,
    wheres,
)
from schemas.promotions.source import Path

_MONEY = frozenset({"order.completed", "order.returned"})
_RAISED = frozenset({"tier.reached", "promotion.completed"})
"""They have the store and the channel of the event that brought them about."""
_STORES = frozenset({"order.completed", "order.returned", "order.voided", "activity.recorded", "coupon.redeemed"})
_STORES |= _RAISED
_CHANNELS = frozenset({"order.completed", "activity.recorded", "coupon.redeemed"}) | OFFERS | _RAISED
_ATTRIBUTES = frozenset({"order.completed", "activity.recorded", "member.registered", "member.updated"})
_ABOUT = frozenset({"coupon.redeemed", "promotion.completed"}) | OFFERS
_OWN_DAYS = ("birthday", "anniversary", "inactivity")
_ASKS: Mapping[str, frozenset[str]] = {
    "channel": _CHANNELS,
    "store": _STORES,
    "region": _STORES,
    "payment_method": ORDER,
    "total": _MONEY,
    "subtotal": ORDER,
    "quantity": ORDER,
    "lines": ORDER,
    "attributes": _ATTRIBUTES,
    "promotion": _ABOUT,
    "tier": frozenset({"tier.reached"}),
}
"""What `where` may ask → the events that have it."""
_MEASURED: Mapping[str, frozenset[str]] = {
    "spend": _MONEY,
    "quantity": ORDER,
    "activities": frozenset({"activity.recorded"}),
}
_DISTINCT: Mapping[str, frozenset[str]] = {
    "product": ORDER,
    "category": ORDER,
    "brand": ORDER,
    "store": _STORES,
    "channel": _CHANNELS,
    "activity": frozenset({"activity.recorded"}),
}


def findings(document: Plain) -> Iterator[Finding]:
    """What is asked of events that do not have it, and details of days that no trigger names."""
    yield from _activity(document)
    yield from _when(document)
    yield from _offers(document)
    yield from _asked(document)
    yield from _measured(document)
    yield from _rewarded(document)
    yield from _completed(document)


def started(document: Plain) -> frozenset[str]:
    """The triggers of the promotion itself."""
    return triggers(document.get("on"), ORDER)


def any_started(document: Plain) -> frozenset[str]:
    """The triggers of the promotion and of every measure of its goal."""
    own = started(document)
    return own.union(*[triggers(measure.get("on"), frozenset()) for _, measure in measures(document)])


def all_wheres(document: Plain) -> Iterator[tuple[Path, Plain]]:
    """Every `where`: of the promotion, of its measures, and those inside them."""
    yield from wheres(document.get("where"), ("where",))
    for path, measure in measures(document):
        yield from wheres(measure.get("where"), (*path, "where"))


def _activity(document: Plain) -> Iterator[Finding]:
    own = started(document)
    if document.get("activity") is not None and "activity.recorded" not in any_started(document):
        yield ("activity",), "only activities have a name", "write `on: activity.recorded`"
    for path, measure in measures(document):
        if measure.get("activity") is not None and "activity.recorded" not in triggers(measure.get("on"), own):
            yield (*path, "activity"), "only activities have a name", "write `on: activity.recorded` beside it"


_YEAR: dict[str, int] = {"h": 8760, "d": 365, "w": 52, "mo": 12, "y": 1}


def _when(document: Plain) -> Iterator[Finding]:
    when, on = part(document, "when"), any_started(document)
    needs = {
        "before": ("birthday", "anniversary"),
        "anniversary_of": ("anniversary",),
        "inactive_for": ("inactivity",),
        "never_ordered": ("inactivity",),
    }
    for name in given(when, tuple(needs)):
        if on.isdisjoint(needs[name]):
            wanted = " or ".join(needs[name])
            yield ("when", name), f"`{name}` goes with {wanted}", f"write `on: {needs[name][0]}`, or remove it"
    before = duration(when.get("before"))
    if before is not None and before.count > _YEAR[before.unit]:
        yield (
            ("when", "before"),
            f"{before} is longer than the year from one such day to the next",
            "write `before: 7d`",
        )
    if "inactivity" in on and when.get("inactive_for") is None:
        place: Path = ("when", "inactive_for") if when else ("on",)
        yield place, "how long is a long absence?", "write `when: {inactive_for: 60d}`"


def _offers(document: Plain) -> Iterator[Finding]:
    if document.get("by") != "offer":
        return
    for name in _OWN_DAYS:
        if name in any_started(document):
            message = f"an offer waits for events, `{name}` comes by itself"
            yield ("on",), message, "write `by: everyone`, or another trigger"


def _asked(document: Plain) -> Iterator[Finding]:
    on = any_started(document)
    for path, where in wheres(document.get("where"), ("where",)):
        yield from _asks(where, path, on)
    for path, measure in measures(document):
        own = triggers(measure.get("on"), started(document))
        for place, where in wheres(measure.get("where"), (*path, "where")):
            yield from _asks(where, place, own)
    for path, where in all_wheres(document):
        yield from _excepted(part(where, "lines"), (*path, "lines"))


def _asks(where: Plain, path: Path, on: frozenset[str]) -> Iterator[Finding]:
    for name in given(where, tuple(_ASKS)):
        if on.isdisjoint(_ASKS[name]):
            yield (
                (*path, name),
                f"{_named(on)} has no {_noun(name)}",
                f"write `on: {_first(_ASKS[name])}`, or remove it",
            )


def _excepted(lines: Plain, path: Path) -> Iterator[Finding]:
    """Lines that are left out are named; sums of them mean nothing."""
    inner = lines.get("except")
    if not isinstance(inner, Mapping):
        return
    for name in given(inner, ("amount", "quantity", "count")):
        yield (*path, "except", name), f"`except` names lines, `{name}` sums them up", f"remove `{name}`"
    yield from _excepted(inner, (*path, "except"))


def _measured(document: Plain) -> Iterator[Finding]:
    for path, measure in measures(document):
        on = triggers(measure.get("on"), started(document))
        needs = {name: _MEASURED[name] for name in given(measure, tuple(_MEASURED))}
        kind = part(measure, "distinct").get("of")
        if isinstance(kind, str) and kind in _DISTINCT:
            needs["distinct"] = _DISTINCT[kind]
        stamp_for = measure.get("stamp_for")
        if measure.get("stamps") is not None and isinstance(stamp_for, str) and stamp_for != "visit":
            needs["stamp_for"] = ORDER if stamp_for == "piece" else _MONEY
        for name, wanted in needs.items():
            if on.isdisjoint(wanted):
                what = f"no {kind} to count" if name == "distinct" else f"no {_noun(name)}"
                yield (*path, name), f"{_named(on)} has {what}", f"write `on: {_first(wanted)}`, or count visits"


def _rewarded(document: Plain) -> Iterator[Finding]:
    on = started(document)
    for path, reward in rewards(document):
        points = part(reward, "points")
        needs = {"per": _MONEY, "ladder": _MONEY, "per_piece": ORDER}
        for name in given(points, tuple(needs)):
            if on.isdisjoint(needs[name]):
                advice = "give a fixed number of points, or write `on: order.completed`"
                yield (*path, "points", name), f"{_named(on)} has no {_noun(name)}", advice


def _completed(document: Plain) -> Iterator[Finding]:
    own, on = document.get("promotion"), any_started(document)
    if "promotion.completed" not in on:
        return
    named = [(path, where) for path, where in all_wheres(document) if where.get("promotion") is not None]
    if not named:
        message = "every promotion completed would start it, itself included"
        yield ("on",), message, "name them: `where: {promotion: [five-for-fifty]}`"
    for path, where in named:
        if isinstance(own, str) and own in texts(where["promotion"]) and "none" not in path:
            yield (*path, "promotion"), "completing it would start it again, without end", f"remove `{own}`"


def _named(on: frozenset[str]) -> str:
    return f"`{'`, `'.join(sorted(on)[:3])}`" if on else "the event"


def _noun(name: str) -> str:
    nouns = {
        "lines": "lines", "total": "amount", "subtotal": "amount", "spend": "amount", "per": "amount",
        "ladder": "amount", "stamp_for": "amount or pieces", "quantity": "pieces", "per_piece": "pieces",
        "promotion": "promotion", "tier": "tier", "activities": "activities", "payment_method": "payment",
        "region": "store",
    }  # fmt: skip
    return nouns.get(name, name)


def _first(wanted: frozenset[str]) -> str:
    for name in ("order.completed", "activity.recorded", "promotion.completed"):
        if name in wanted:
            return name
    return min(wanted)

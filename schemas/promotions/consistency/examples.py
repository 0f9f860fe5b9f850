"""Whether the steps of an example refer to what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schemas.promotions.consistency.plain import (
    COMPOSED,
    Finding,
    Plain,
    given,
    items,
    number,
    one_of,
    part,
    rewards,
    texts,
)
from schemas.promotions.source import Path

_THINGS = (
    "order", "activity", "registered", "member", "offer", "viewed", "activated", "redeemed", "returned", "voided",
    "wait",
)  # fmt: skip
_ORDINALS = {"viewed": "offer", "activated": "offer", "voided": "order"}


def findings(document: Plain) -> Iterator[Finding]:
    """Steps that are nothing or two things at once, that name orders and offers there are not, empty expectations."""
    variants = {name for _, arm in items(document.get("variants"), ()) for name in texts(arm.get("variant"))}
    for path, example in items(document.get("examples"), ("examples",)):
        yield from _expected(example, path, document)
        variant = example.get("variant")
        if isinstance(variant, str) and variant not in variants:
            yield (*path, "variant"), f"there is no variant `{variant}`", "name one of `variants`"
        if document.get("promotion") in texts(example.get("together")):
            yield (*path, "together"), "the promotion itself is always in force", "name other promotions"
        yield from _steps(example, path, document)


def _expected(example: Plain, path: Path, document: Plain) -> Iterator[Finding]:
    expect = example.get("expect")
    if not isinstance(expect, Mapping):
        return
    if not given(expect, tuple(expect)):
        yield (*path, "expect"), "expects nothing at all", "write `{coupons: 0}` for no coupon"
    goal = part(document, "goal")
    if expect.get("progress") is not None and not goal:
        yield (*path, "expect", "progress"), "there is no goal to progress towards", "remove it, or write a `goal`"
    stamps = goal.get("stamps") is not None or any(reward.get("stamps") is not None for _, reward in rewards(document))
    if expect.get("stamps") is not None and not stamps and not given(goal, COMPOSED):
        yield (*path, "expect", "stamps"), "this promotion has no card of stamps", "write `goal: {stamps: 10}`"


def _steps(example: Plain, path: Path, document: Plain) -> Iterator[Finding]:
    seen = {"order": 0, "offer": 0}
    for place, step in items(example.get("given"), (*path, "given")):
        yield from one_of(step, _THINGS, place, "a step", "write `{order: {total: 20.00 EUR}}`")
        yield from _order(step, place)
        if step.get("at") is not None and step.get("after") is not None:
            yield (*place, "after"), "a step happens `at` a time or `after` the step before, not both", ""
        if step.get("wait") is True and not given(step, ("at", "after")):
            yield (*place, "wait"), "how long?", "write `{wait: true, after: 30d}`"
        offer = step.get("offer")
        if isinstance(offer, Mapping) and offer.get("of") is None and document.get("by") != "offer":
            yield (*place, "offer"), "no offers are issued of this promotion", "write `by: offer` above"
        for name, what in _ORDINALS.items():
            yield from _nth(step.get(name), (*place, name), what, seen[what])
        returned = step.get("returned")
        if isinstance(returned, Mapping):
            yield from _nth(returned.get("order", 1), (*place, "returned"), "order", seen["order"])
        for what in seen:
            seen[what] += step.get(what) is not None


def _order(step: Plain, path: Path) -> Iterator[Finding]:
    order = step.get("order")
    if isinstance(order, Mapping) and order.get("total") is None and not order.get("lines"):
        yield (*path, "order"), "an order needs a total or lines", "write `total: 50.00 EUR`"


def _nth(value: object, path: Path, what: str, count: int) -> Iterator[Finding]:
    place = number(value)
    if place is not None and place > count:
        there = f"there is only {count} {what} before this step" if count == 1 else f"{count} {what}s stand before it"
        yield path, there if count else f"no {what} stands before this step", f"write an `{what}` step before it"

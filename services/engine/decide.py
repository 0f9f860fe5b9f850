"""Deciding one event: which promotions it meets, what holds, what the member gets."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.events.offers import OfferIssued
from services.engine.conditions import Condition, Occasion
from services.engine.entries import COMPLETION, Entry
from services.engine.goals import measure, opened, reached, rewards_left, tallied
from services.engine.moments import last_instant, micros
from services.engine.programme import Compiled
from services.engine.rewards import Grant, give
from services.engine.trace import Decision, Observation, Result
from services.engine.wallet import Pursuit


def decide_order(occasion: Occasion) -> None:
    """Every promotion on orders looks at the order."""
    order = occasion.order
    assert order is not None
    programme = occasion.programme
    candidates = programme.for_order(order) if occasion.trace is None else programme.open_to_orders
    _decide(occasion, "order.completed", candidates)


def decide_activity(occasion: Occasion) -> None:
    """Every promotion on activities looks at the activity."""
    programme = occasion.programme
    candidates = programme.for_activity(occasion.name) if occasion.trace is None else programme.open_to_activities
    _decide(occasion, "activity.recorded", candidates)


def open_offer(occasion: Occasion) -> None:
    """A promotion by offer opens for the member, in a window of its own; others know no offers and nothing happens."""
    issued = occasion.event.data
    assert isinstance(issued, OfferIssued)
    wallet = occasion.wallet
    compiled = occasion.programme.version_at(issued.promotion_id, occasion.instant)
    if compiled is None or compiled.promotion.by != "offer" or issued.offer_id in wallet.offers:
        return
    if issued.offer_id in wallet.closed:
        return  # sent again under another event id: its rewards are numbered already
    decision = _decision(occasion, compiled, issued.offer_id)
    if not _all_hold(compiled.issue_conditions, occasion, decision):
        return
    unit, currency, target = measure(compiled.goal)
    closes = _offer_closes(issued, compiled, occasion.instant)
    if closes and closes < occasion.instant:
        return
    wallet.offers[issued.offer_id] = Pursuit(
        compiled.promotion_id, issued.offer_id, unit, currency, target, 0, 0, 0, closes, compiled.title
    )
    _conclude(decision, "counted")


def _offer_closes(issued: OfferIssued, compiled: Compiled, instant: int) -> int:
    """The last instant of an offer: its own, or `within` from its issue, whichever is first; else the campaign's."""
    ends = []
    if issued.valid_until is not None:
        ends.append(micros(issued.valid_until))
    if compiled.goal is not None and compiled.goal.within is not None:
        ends.append(last_instant(instant, compiled.goal.within, compiled.zone))
    return min(ends) if ends else compiled.campaign_ends


def _decide(
    occasion: Occasion,
    trigger: str,
    candidates: Iterable[Compiled],
) -> None:
    instant = occasion.instant
    for compiled in candidates:
        if compiled.starts <= instant and (not compiled.ends or instant < compiled.ends):
            _pursue(occasion, compiled, "")
    if not occasion.wallet.offers:
        return
    for offer_id, offer in list(occasion.wallet.offers.items()):
        found = occasion.programme.version_at(offer.promotion_id, instant)
        if found is not None and found.promotion.on == trigger and found.promotion.by == "offer":
            _pursue(occasion, found, offer_id)


def _pursue(
    occasion: Occasion,
    compiled: Compiled,
    offer_id: str,
) -> None:
    """One promotion, or one offer of it, looks at the event."""
    decision = None if occasion.trace is None else _decision(occasion, compiled, offer_id)
    occasion.base = occasion.order.total if occasion.order is not None else 0
    if not _all_hold(compiled.conditions, occasion, decision):
        return
    tally = occasion.wallet.tallies.get(compiled.promotion_id)
    left = rewards_left(compiled, tally, occasion)
    if decision is not None and compiled.limit is not None:
        required = f"at most {compiled.limit.times} every {compiled.limit.every}"
        decision.observations.append(Observation("limits.per_member", required, compiled.limit.times - left, left > 0))
    if left <= 0:
        return
    _count(occasion, compiled, offer_id, left, decision)


def _count(
    occasion: Occasion,
    compiled: Compiled,
    offer_id: str,
    left: int,
    decision: Decision | None,
) -> None:
    """The event counts: move the goal, give what it reached."""
    wallet = occasion.wallet
    promotion_id = compiled.promotion_id
    tally = wallet.tallies.get(promotion_id)
    pursuit = None
    times = 1
    if offer_id or compiled.goal is not None:
        held = wallet.offers[offer_id] if offer_id else wallet.pursuits.get(promotion_id)
        pursuit, times = reached(compiled, held or opened(compiled, tally), occasion, left)
        if offer_id:
            wallet.offers[offer_id] = pursuit
        else:
            wallet.pursuits[promotion_id] = pursuit
        if decision is not None:
            _observe_goal(decision, pursuit, times)
    if times:
        wallet.tallies[promotion_id] = tallied(compiled, tally, occasion, times)
    for number in range(times):
        mark = occasion.cause
        if pursuit is not None:
            completion = wallet.numbered(pursuit.completed - times + number + 1)
            mark = mark if compiled.goal is None else completion
            occasion.entries.append(_completion(occasion, compiled, offer_id, completion))
        give(Grant(compiled, occasion, offer_id, mark))
    _conclude(decision, "rewarded" if times else "counted")


def _completion(occasion: Occasion, compiled: Compiled, offer_id: str, number: str) -> Entry:
    promotion_id = compiled.promotion_id
    return Entry(
        f"offer.completed {promotion_id} v{compiled.version} {offer_id} {number}",
        "offer.completed",
        COMPLETION,
        "programme:goals",
        "member:completions",
        1,
        promotion_id,
        compiled.version,
        offer_id or promotion_id,
        None,
        occasion.cause,
        occasion.event.occurred_at,
    )


def _all_hold(conditions: tuple[Condition, ...], occasion: Occasion, decision: Decision | None) -> bool:
    """Whether all conditions hold; with somebody asking why, every one is looked at."""
    if decision is None:
        for condition in conditions:  # noqa: SIM110  a generator would cost a third more on the hottest path
            if not condition.holds(occasion):
                return False
        return True
    for condition in conditions:
        holds = condition.holds(occasion)
        decision.observations.append(
            Observation(condition.path, condition.required, condition.observe(occasion), holds)
        )
    return decision.failed is None


def _decision(occasion: Occasion, compiled: Compiled, offer_id: str) -> Decision | None:
    trace = occasion.trace
    if trace is None:
        return None
    decision = Decision(occasion.event.cause, compiled.promotion_id, compiled.version, offer_id or None)
    trace.decisions.append(decision)
    return decision


def _observe_goal(decision: Decision, pursuit: Pursuit, times: int) -> None:
    decision.observations.append(Observation("goal", str(pursuit.target), pursuit.progress, True))
    decision.completed = times


def _conclude(decision: Decision | None, result: Result) -> None:
    if decision is not None:
        decision.result = result

"""One promotion decides one occasion: what holds, how far the goal moves, what limits leave, what is given."""

from __future__ import annotations

from collections.abc import Container, Sequence

from schemas.promotions.written import Money
from services.engine.entries import COMPLETION, Entry
from services.engine.goals import REWARDS_PER_EVENT_MAX, Gain, finished, opened, reached
from services.engine.look import Look, told
from services.engine.matching.condition import Condition
from services.engine.meters import Meter
from services.engine.occasion import Occasion
from services.engine.programme import Compiled, mode_of
from services.engine.rewarding.limits import ask, caps_of, observed_caps, points_left, times_left, use_caps
from services.engine.rewarding.points import pay
from services.engine.rewarding.rewards import Grant, give
from services.engine.rewarding.worth import gives_nothing, worth
from services.engine.trace import Decision, Observation
from services.engine.wallet import Pursuit, Tally


def pursue(occasion: Occasion, look: Look) -> bool:
    """One promotion, or one offer of it, looks at the occasion; whether it gave anything."""
    compiled = look.compiled
    decision = told(occasion, look)
    occasion.decision = decision
    if not hold(compiled.conditions, occasion, decision):
        return False
    gains = _gains(occasion, compiled, decision)
    if gains is None or (decision is not None and decision.failed is not None):
        return False
    left = _left(occasion, look)
    if decision is not None:
        _observe_left(occasion, look, decision)
    if left <= 0:
        return False
    return _count(occasion, look, gains, left)


def hold(conditions: Sequence[Condition], occasion: Occasion, decision: Decision | None) -> bool:
    """Whether all conditions hold; with somebody asking why, every one is looked at."""
    occasion.places = None
    if decision is None:
        for condition in conditions:  # noqa: SIM110  a generator would cost a third more on the hottest path
            if not condition.holds(occasion):
                return False
        return True
    decision.observations += [condition.seen(occasion) for condition in conditions]
    return decision.failed is None


def _gains(occasion: Occasion, compiled: Compiled, decision: Decision | None) -> dict[int, Gain] | None:
    """Which measures of the goal the occasion moves, and how far; None when none."""
    if compiled.goal is None:
        return {0: 1}
    gains: dict[int, Gain] = {}
    seen: list[Observation] = []
    counted: list[list[int] | None] = []
    several = len(compiled.meters) > 1
    for number, meter in enumerate(compiled.meters):
        if occasion.trigger not in meter.triggers:
            continue
        if several or meter.conditions:
            occasion.places = None
        if decision is not None:
            seen += [condition.seen(occasion) for condition in meter.conditions]
        if not meter.conditions or all(condition.holds(occasion) for condition in meter.conditions):
            gain = _gain(meter, occasion)
            if gain:
                gains[number] = gain
                counted.append(occasion.places)
    if several:
        occasion.places = _all_places(counted)
    if decision is not None:
        decision.observations += seen if not gains else [each for each in seen if each.holds]
        if not gains and decision.failed is None:
            decision.observations.append(Observation("goal", compiled.unit, 0, holds=False))
    return gains or None


def _shown(compiled: Compiled, progress: int) -> object:
    """Progress as it is told: money in its written form."""
    return progress if compiled.currency is None else str(Money(progress, compiled.currency))


def _all_places(counted: Sequence[list[int] | None]) -> list[int] | None:
    """The lines that count for any of several measures; None where one takes the whole order."""
    found: set[int] = set()
    for places in counted:
        if places is None:
            return None
        found.update(places)
    return sorted(found)


def _gain(meter: Meter, occasion: Occasion) -> Gain:
    return frozenset(meter.names(occasion)) if meter.names is not None else max(0, meter.gain(occasion))


def _left(occasion: Occasion, look: Look) -> int:
    """How many rewards limits and the member's balance allow now."""
    compiled = look.compiled
    left = times_left(caps_of(compiled, occasion), compiled, occasion, REWARDS_PER_EVENT_MAX)
    cost = compiled.promotion.cost
    if cost is not None and left:
        left = min(left, max(0, occasion.wallet.points_usable(cost.currency)) // cost.points)
    return left


def _observe_left(occasion: Occasion, look: Look, decision: Decision) -> None:
    compiled = look.compiled
    decision.observations += observed_caps(caps_of(compiled, occasion), compiled, occasion)
    cost = compiled.promotion.cost
    if cost is not None:
        usable = occasion.wallet.points_usable(cost.currency)
        decision.observations.append(Observation("cost", cost.points, usable, usable >= cost.points))


def _pursues(look: Look) -> bool:
    return bool(look.offer_id) or look.compiled.goal is not None


def _pursuit(occasion: Occasion, look: Look) -> Pursuit:
    wallet, compiled = occasion.wallet, look.compiled
    held = wallet.offers[look.offer_id] if look.offer_id else wallet.pursuits.get(compiled.promotion_id)
    return held or opened(compiled, wallet.tallies.get(compiled.promotion_id))


def _count(occasion: Occasion, look: Look, gains: dict[int, Gain], left: int) -> bool:
    """The event counts: move the goal, give what it reached; whether anything was given."""
    compiled, decision = look.compiled, occasion.decision
    before = _pursuit(occasion, look) if _pursues(look) else None
    moved, times = reached(compiled, before, occasion, gains, left) if before is not None else (None, 1)
    if before is not None and moved is before:
        if decision is not None:
            required = compiled.target if finished(compiled.goal, before) else compiled.unit
            decision.observations.append(Observation("goal", required, before.progress, holds=False))
        return False
    grants = [_grant(occasion, look, before, number) for number in range(times)]
    if times and compiled.limited_by_all:
        granted = _granted(grants, decision)
        if len(granted) < len(grants):
            if not granted:
                return False
            grants, times = granted, len(granted)
            if before is not None:
                moved, times = reached(compiled, before, occasion, gains, times)
    if moved is not None:
        _keep(occasion, look, moved)
        if decision is not None:
            decision.observations.append(
                Observation("goal", _shown(compiled, compiled.target), _shown(compiled, moved.progress), holds=True)
            )
    given = [grant for grant in grants[:times] if _give(grant, moved)]
    if compiled.goal is None and not given:
        _take_back(occasion, look, before, grants)
        return False
    if compiled.promotion.stacking.takes_lines:
        occasion.taken.update(occasion.counted_places())
    if decision is not None and decision.failed is None:
        decision.result, decision.completed = "rewarded" if times else "counted", times
    return times > 0


def _grant(occasion: Occasion, look: Look, before: Pursuit | None, number: int) -> Grant:
    mark = occasion.mark
    if before is not None and look.compiled.goal is not None:
        mark = occasion.wallet.numbered(before.completed + number + 1)
    return Grant(look.compiled, occasion, look.offer_id, mark)


def _granted(grants: list[Grant], decision: Decision | None) -> list[Grant]:
    """Those that the books of shared limits grant, up to the first they refuse."""
    for number, grant in enumerate(grants):
        refused = ask(grant)
        if refused is not None:
            if decision is not None and not number:
                decision.observations.append(Observation(refused, "something left", "nothing left", holds=False))
            return grants[:number]
    return grants


def _keep(occasion: Occasion, look: Look, pursuit: Pursuit) -> None:
    if look.offer_id:
        occasion.wallet.offers[look.offer_id] = pursuit
    else:
        occasion.wallet.pursuits[look.compiled.promotion_id] = pursuit


def foresee(occasion: Occasion, look: Look) -> int | None:
    """What the promotion would give now, in minor units; None for nothing. Changes nothing."""
    compiled = look.compiled
    times = _times(occasion, look)
    rewards = compiled.rewards_for(occasion.wallet.member_id)
    if not times or (compiled.goal is None and gives_nothing(rewards, compiled, occasion)):
        return None
    return times * worth(rewards, compiled, occasion, points_left(caps_of(compiled, occasion), compiled, occasion))


def _times(occasion: Occasion, look: Look) -> int:
    """How often the occasion would reach what the promotion rewards, as far as the member's limits allow."""
    compiled = look.compiled
    if not hold(compiled.conditions, occasion, None):
        return 0
    gains, left = _gains(occasion, compiled, None), _left(occasion, look)
    if gains is None or left <= 0:
        return 0
    return reached(compiled, _pursuit(occasion, look), occasion, gains, left)[1] if _pursues(look) else 1


def tell_passed_over(occasion: Occasion, look: Look, by: str) -> None:
    """Tell who asks why that this one did not look, because of the promotion that gave instead."""
    decision = told(occasion, look)
    if decision is not None:
        hold(look.compiled.conditions, occasion, decision)
        decision.observations.append(Observation("stacking", look.compiled.group, by, holds=False))


def _give(grant: Grant, pursuit: Pursuit | None) -> bool:
    """One bundle of rewards, and all that is counted with it; whether there was one.

    Without a goal there is none where it holds nothing now: an order below a ladder's first rung, a stock used up.
    Nobody pays points for nothing.
    """
    compiled, occasion = grant.compiled, grant.occasion
    wallet, entries, promotion_id = occasion.wallet, occasion.entries, compiled.promotion_id
    caps, cost, start = caps_of(compiled, occasion), compiled.promotion.cost, len(entries)
    held = (wallet.lots, wallet.stirred.copy()) if cost is not None else None
    if cost is not None:
        pay(grant, cost.currency, cost.points)
    so_far = 0
    if caps:
        allowed = points_left(caps, compiled, occasion)
        if allowed is not None:
            grant.points_left = allowed if grant.points_left is None else min(allowed, grant.points_left)
        so_far = occasion.earned_within_limits()
    paid, until = len(entries), wallet.tier_until
    give(grant, compiled.rewards_for(wallet.member_id))
    if len(entries) == paid and wallet.tier_until == until:
        if held is not None:
            wallet.lots, wallet.stirred = held
            del entries[start:]
            if occasion.decision is not None:
                occasion.decision.gave.pop()
        if compiled.goal is None:
            return False
    if pursuit is not None:
        entries.insert(start, _completion(grant))
    tally = wallet.tallies.get(promotion_id, _NEVER)
    wallet.tallies[promotion_id] = Tally(tally.completed + 1, tally.coupons)
    if caps:
        use_caps(caps, compiled, occasion, occasion.earned_within_limits() - so_far)
    occasion.raised.append(("promotion.completed", promotion_id))
    return True


_NEVER = Tally(0, 0)


def _take_back(occasion: Occasion, look: Look, before: Pursuit | None, grants: list[Grant]) -> None:
    """Nothing was given: the event did not count, and what was asked of the books for it is theirs again."""
    for grant in grants:
        for claim in grant.claims:
            occasion.desk.grants.release(claim)
    if before is not None:
        _keep(occasion, look, before)
    if occasion.decision is not None:
        occasion.decision.used.clear()
        occasion.decision.observations.append(Observation("reward", "something to give", "nothing", holds=False))


def spend_tries(occasion: Occasion, kept: Container[str]) -> None:
    """The order as it was bought, of which something came back: the tries it brought stay counted against limits.

    Otherwise whoever did not win could undo the order and try again. `kept` are promotions that count it all the same.
    """
    for compiled in occasion.programme.chances:
        if compiled.promotion_id in kept or not compiled.in_force(occasion.instant):
            continue
        if occasion.trigger not in compiled.triggers:
            continue
        for _ in range(_times(occasion, Look(compiled, "", compiled.mode))):
            use_caps(caps_of(compiled, occasion), compiled, occasion, 0)


def _completion(grant: Grant) -> Entry:
    compiled, occasion = grant.compiled, grant.occasion
    return Entry(
        grant.key("offer.completed"),
        "offer.completed",
        COMPLETION,
        "programme:goals",
        "member:completions",
        1,
        compiled.promotion_id,
        compiled.version,
        grant.offer_id or compiled.promotion_id,
        None,
        occasion.cause,
        occasion.occurred_at,
    )


def stamp(occasion: Occasion, card: str, stamps: int) -> None:
    """Stamps that another promotion gave: they count on the card while its campaign runs."""
    compiled = occasion.programme.version_at(card, occasion.instant)
    if compiled is None or compiled.unit != "stamps" or compiled.by_offer:
        return
    look = Look(compiled, "", mode_of(compiled, occasion.terms))
    occasion.decision = told(occasion, look)
    if not hold(compiled.issue_conditions, occasion, occasion.decision):
        return
    left = _left(occasion, look)
    if occasion.decision is not None:
        _observe_left(occasion, look, occasion.decision)
    if left > 0:
        _count(occasion, look, {0: stamps}, left)

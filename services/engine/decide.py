"""Deciding one occasion: which promotions it meets, what holds, what the member gets.

Promotions look one after the other (`Compiled.rank`): exclusive ones first, then by priority and id, multipliers last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from schemas.events.offers import OfferIssued
from schemas.promotions.limits import Mode
from schemas.promotions.written import Money
from services.engine.condition import Condition
from services.engine.coupon_points import multiply_points
from services.engine.entries import COMPLETION, Entry
from services.engine.goals import REWARDS_PER_EVENT_MAX, Gain, finished, opened, reached
from services.engine.limits import ask, caps_of, observed_caps, points_left, times_left, use_caps
from services.engine.meters import Meter
from services.engine.moments import last_instant, micros, text_of
from services.engine.occasion import Occasion
from services.engine.points import pay
from services.engine.programme import Compiled, Rank, mode_of
from services.engine.rewards import Grant, give
from services.engine.tiers import count_towards_tier
from services.engine.trace import Decision, Observation
from services.engine.wallet import Pursuit, Tally
from services.engine.worth import gives_nothing, worth

RAISED_MAX = 20
"""One event raises so many tiers and completions at most; promotions that start each other end there."""
STAMPED_MAX = 200
"""One event puts stamps on cards so often at most; cards that fill each other end there."""


@dataclass(slots=True)
class Look:
    """One promotion, or one offer of it, about to look at an occasion."""

    compiled: Compiled
    offer_id: str
    mode: Mode
    """How it shares the event with its group, as the programme or the document says."""

    @property
    def rank(self) -> tuple[Rank, str]:
        """Where it stands in the order of looking."""
        rank = self.compiled.rank
        if self.mode != self.compiled.mode:
            rank = (rank[0], self.mode != "exclusive", *rank[2:])
        return rank, self.offer_id


_rank: Callable[[Look], tuple[Rank, str]] = attrgetter("rank")


def decide(occasion: Occasion, only: Sequence[Compiled] | None = None) -> None:
    """Every promotion that the occasion starts looks at it (or `only` these); then what that in turn starts."""
    _look(occasion, _looks(occasion, only))
    if occasion.order is not None and not occasion.order.training:
        multiply_points(occasion)
        wallet = occasion.wallet
        wallet.orders += 1
        wallet.last_order = occasion.instant
        count_towards_tier(occasion, "spend", occasion.total)
    _settle(occasion)


def _settle(occasion: Occasion) -> None:
    """Stamps go to their cards, tiers and completions to whoever waits for them."""
    waiting = [occasion]
    number = stamped = 0
    while waiting:
        current = waiting.pop(0)
        for card, stamps in current.stamped:  # grows while a card that is full gives stamps for another
            if stamped >= STAMPED_MAX:
                break
            stamped += 1
            _stamp(current, card, stamps)
        for trigger, name in current.raised:
            if trigger not in occasion.programme.listeners or number >= RAISED_MAX:
                continue
            number += 1
            child = Occasion(
                occasion.wallet,
                occasion.desk,
                trigger,
                occasion.cause,
                occasion.occurred_at,
                occasion.instant,
                None,
                name,
            )
            child.channel, child.store = occasion.channel, occasion.store
            child.mark = f"{occasion.mark} {trigger} {name} {number}"
            _look(child, _looks(child, None))
            waiting.append(child)


def _looks(occasion: Occasion, only: Sequence[Compiled] | None) -> list[Look]:
    """Who looks, in order: those open to everyone that may match, and the member's own offers."""
    programme, instant, terms = occasion.programme, occasion.instant, occasion.terms
    occasion.tier = occasion.wallet.tier
    if only is not None:
        return sorted([Look(compiled, "", mode_of(compiled, terms)) for compiled in only], key=_rank)
    found = programme.index.find(occasion) if occasion.trace is None else programme.index.started_by(occasion.trigger)
    looks = [Look(c, "", mode_of(c, terms)) for c in found if c.in_force(instant)]
    if occasion.wallet.offers:
        looks += [look for look in _offers(occasion) if occasion.trigger in look.compiled.triggers]
    if len(looks) > 1:
        looks.sort(key=_rank)
    return looks


def _offers(occasion: Occasion) -> Iterable[Look]:
    """The member's offers; an event about one offer is seen by that offer alone."""
    about = occasion.offer_id
    for offer_id, offer in occasion.wallet.offers.items():
        if about and about != offer_id:
            continue
        compiled = occasion.programme.version_at(offer.promotion_id, occasion.instant)
        if compiled is not None and compiled.by_offer:
            yield Look(compiled, offer_id, mode_of(compiled, occasion.terms))


def _look(occasion: Occasion, looks: list[Look]) -> None:
    """Each looks, unless its group, or a promotion that stands alone, has given something already."""
    passed_over = _best_only(occasion, looks) if any(look.mode == "best" for look in looks) else {}
    given: dict[str, str] = {}
    """By group, who gave something."""
    alone: Compiled | None = None
    for look in looks:
        compiled = look.compiled
        instead = passed_over.get(id(look)) if passed_over else None
        if look.mode != "all":
            instead = instead or given.get(compiled.group)
        if alone is not None and alone.group != compiled.group:
            instead = alone.promotion_id
        if instead is not None:
            _tell_passed_over(occasion, look, instead)
            continue
        if _pursue(occasion, look):
            given.setdefault(compiled.group, compiled.promotion_id)
            if look.mode == "exclusive":
                alone = compiled


def _best_only(occasion: Occasion, looks: list[Look]) -> dict[int, str]:
    """Those that would give something, where another of their group would give more; and which other."""
    groups: dict[str, list[Look]] = {}
    for look in looks:
        if look.mode == "best":
            groups.setdefault(look.compiled.group, []).append(look)
    passed_over: dict[int, str] = {}
    for members in groups.values():
        if len(members) < 2:
            continue
        offered = [(value, look) for look in members if (value := _foresee(occasion, look)) is not None]
        best = max([value for value, _ in offered], default=0)
        chosen = next((look for value, look in offered if value == best), None)
        if chosen is not None:
            passed_over |= {id(look): chosen.compiled.promotion_id for _, look in offered if look is not chosen}
    return passed_over


def _foresee(occasion: Occasion, look: Look) -> int | None:
    """What the promotion would give now, in minor units; None for nothing. Changes nothing."""
    compiled = look.compiled
    decision, occasion.decision = occasion.decision, None
    times = 0
    if _hold(compiled.conditions, occasion, None):
        left = _left(occasion, look)
        gains = _gains(occasion, compiled, None)
        if left > 0 and gains is not None:
            times = reached(compiled, _pursuit(occasion, look), occasion, gains, left)[1] if _pursues(look) else 1
    occasion.decision = decision
    rewards = compiled.rewards_for(occasion.wallet.member_id)
    if not times or (compiled.goal is None and gives_nothing(rewards, compiled, occasion)):
        return None
    return times * worth(rewards, compiled, occasion)


def _tell_passed_over(occasion: Occasion, look: Look, by: str) -> None:
    decision = _told(occasion, look)
    if decision is not None:
        _hold(look.compiled.conditions, occasion, decision)
        decision.observations.append(Observation("stacking", look.compiled.group, by, holds=False))


def _pursue(occasion: Occasion, look: Look) -> bool:
    """One promotion, or one offer of it, looks at the occasion; whether it gave anything."""
    compiled = look.compiled
    decision = _told(occasion, look)
    occasion.decision = decision
    if not _hold(compiled.conditions, occasion, decision):
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


def _hold(conditions: Sequence[Condition], occasion: Occasion, decision: Decision | None) -> bool:
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
    told: list[Observation] = []
    counted: list[list[int] | None] = []
    several = len(compiled.meters) > 1
    for number, meter in enumerate(compiled.meters):
        if occasion.trigger not in meter.triggers:
            continue
        if several or meter.conditions:
            occasion.places = None
        if decision is not None:
            told += [condition.seen(occasion) for condition in meter.conditions]
        if not meter.conditions or all(condition.holds(occasion) for condition in meter.conditions):
            gain = _gain(meter, occasion)
            if gain:
                gains[number] = gain
                counted.append(occasion.places)
    if several:
        occasion.places = _all_places(counted)
    if decision is not None:
        decision.observations += told if not gains else [seen for seen in told if seen.holds]
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
        so_far = sum(occasion.earned.values())
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
        use_caps(caps, compiled, occasion, sum(occasion.earned.values()) - so_far)
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


def _completion(grant: Grant) -> Entry:
    compiled, occasion = grant.compiled, grant.occasion
    return Entry(
        f"offer.completed {compiled.promotion_id} v{compiled.version} {grant.offer_id} {grant.mark}",
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


def _stamp(occasion: Occasion, card: str, stamps: int) -> None:
    """Stamps that another promotion gave: they count on the card while its campaign runs."""
    compiled = occasion.programme.version_at(card, occasion.instant)
    if compiled is None or compiled.unit != "stamps" or compiled.by_offer:
        return
    look = Look(compiled, "", mode_of(compiled, occasion.terms))
    occasion.decision = _told(occasion, look)
    if not _hold(compiled.issue_conditions, occasion, occasion.decision):
        return
    left = _left(occasion, look)
    if occasion.decision is not None:
        _observe_left(occasion, look, occasion.decision)
    if left > 0:
        _count(occasion, look, {0: stamps}, left)


def open_offer(occasion: Occasion) -> None:
    """A promotion by offer opens for the member, in a window of its own; others know no offers and nothing happens."""
    issued = occasion.data
    assert isinstance(issued, OfferIssued)
    wallet = occasion.wallet
    compiled = occasion.programme.version_at(issued.promotion_id, occasion.instant)
    if compiled is None or not compiled.by_offer or issued.offer_id in wallet.offers:
        return
    if issued.offer_id in wallet.closed:
        return  # sent again under another event id: its rewards are numbered already
    decision = _told(occasion, Look(compiled, issued.offer_id, compiled.mode))
    if not _hold(compiled.issue_conditions, occasion, decision):
        return
    closes = _offer_closes(issued, compiled, occasion.instant)
    if closes and closes < occasion.instant:
        if decision is not None:
            until = text_of(closes)
            decision.observations.append(
                Observation("offer.valid_until", until, text_of(occasion.instant), holds=False)
            )
        return
    unit, currency, target = compiled.unit, compiled.currency, compiled.target
    wallet.offers[issued.offer_id] = Pursuit(
        compiled.promotion_id, issued.offer_id, unit, currency, target, 0, 0, 0, closes, compiled.title
    )
    if decision is not None:
        decision.result = "counted"


def _offer_closes(issued: OfferIssued, compiled: Compiled, instant: int) -> int:
    """The last instant of an offer: its own, or `within` from its issue, whichever is first; else the campaign's."""
    ends = []
    if issued.valid_until is not None:
        ends.append(micros(issued.valid_until))
    if compiled.goal is not None and compiled.goal.within is not None:
        ends.append(last_instant(instant, compiled.goal.within, compiled.zone))
    return min(ends) if ends else compiled.campaign_ends


def _told(occasion: Occasion, look: Look) -> Decision | None:
    """A decision to fill in, where somebody asks why."""
    trace = occasion.trace
    if trace is None:
        return None
    compiled = look.compiled
    decision = Decision(
        occasion.cause, compiled.promotion_id, compiled.version, look.offer_id or None, trigger=occasion.trigger
    )
    trace.decisions.append(decision)
    return decision

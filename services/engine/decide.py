"""Deciding one occasion: which promotions it meets, what holds, what the member gets.

Promotions look one after the other (`Compiled.rank`): exclusive ones first, then by priority and id, multipliers last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from services.engine.look import Look
from services.engine.occasion import Occasion
from services.engine.programme import Compiled, Rank, mode_of
from services.engine.pursue import stamp
from services.engine.rewarding.coupon_points import multiply_points
from services.engine.rewarding.tiers import count_towards_tier
from services.engine.stacking import look_in_turn

RAISED_MAX = 20
"""One event raises so many tiers and completions at most; promotions that start each other end there."""
STAMPED_MAX = 200
"""One event puts stamps on cards so often at most; cards that fill each other end there."""
_rank: Callable[[Look], tuple[Rank, str]] = attrgetter("rank")


def decide(occasion: Occasion, only: Sequence[Compiled] | None = None) -> None:
    """Every promotion that the occasion starts looks at it (or `only` these); then what that in turn starts."""
    look_in_turn(occasion, _looks(occasion, only))
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
            stamp(current, card, stamps)
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
            look_in_turn(child, _looks(child, None))
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

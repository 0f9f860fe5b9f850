"""The wallet is a fold: start reading the engine here.

`fold` defines a member's wallet from all their events; `apply` takes one more event, `advance` lets time pass. Both
return a new wallet and the entries of what changed, and agree with the fold whenever `needs_refold` says no.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from schemas.events.catalogue import Event
from schemas.events.members import ActivityRecorded, MemberErased, MemberRegistered, MemberUpdated
from schemas.events.offers import CouponRedeemed, OfferActivated, OfferIssued, OfferViewed
from schemas.events.orders import OrderCompleted, OrderReturned, OrderVoided
from schemas.promotions.conditions import Trigger
from services.engine.calendar.moments import micros, moment_of
from services.engine.decide import decide
from services.engine.entries import Entry
from services.engine.members import erase, redeem_coupon, update_member
from services.engine.occasion import Desk, Occasion
from services.engine.offers import open_offer
from services.engine.orders import reduce_orders
from services.engine.passing import next_due, pass_time
from services.engine.programme import Programme
from services.engine.pursue import spend_tries
from services.engine.rewarding.grants import UNLIMITED, Grants
from services.engine.trace import Trace
from services.engine.wallet import Place, Wallet

_RANK: dict[type[object], int] = {
    MemberRegistered: 0,
    MemberUpdated: 0,
    OfferIssued: 1,
    OfferViewed: 1,
    OfferActivated: 1,
    CouponRedeemed: 3,
    OrderReturned: 4,
    OrderVoided: 4,
    MemberErased: 5,
}


@dataclass(slots=True)
class Outcome:
    """A wallet and the entries that led to it, in the order they were decided."""

    wallet: Wallet
    entries: list[Entry]


def place(event: Event) -> Place:
    """Where the event stands among its member's; at one instant, an offer stands before the order that pursues it."""
    return (event.occurred_at, _RANK.get(type(event.data), 2), event.source, event.id)


def needs_refold(wallet: Wallet, event: Event) -> bool:
    """Whether `apply` cannot take this event: it is older than what was applied, or it changes what was bought before.

    The caller then folds the member's history anew, this event included (`refold`), and posts the difference by keys.
    """
    data = event.data
    if isinstance(data, OrderReturned | OrderVoided):
        return True
    if wallet.newest is not None and place(event) < wallet.newest:
        return True
    if wallet.moved_at and micros(event.occurred_at) < wallet.moved_at:
        return True
    if isinstance(data, OrderCompleted):
        return data.order_id in wallet.awaiting
    return isinstance(data, CouponRedeemed) and data.order_id is not None and data.order_id in wallet.undone


def apply(
    wallet: Wallet, event: Event, programme: Programme, trace: Trace | None = None, grants: Grants = UNLIMITED
) -> Outcome:
    """The wallet with one event more, time brought up to it; the wallet given is not changed.

    Give it each event once, and none for which `needs_refold` holds.
    """
    draft = wallet.draft()
    desk = Desk(programme, grants, [], trace)
    _take(draft, event, event.data, desk)
    return Outcome(draft, desk.entries)


def advance(
    wallet: Wallet, until: datetime, programme: Programme, trace: Trace | None = None, grants: Grants = UNLIMITED
) -> Outcome:
    """The wallet at a later time: what was due until then has happened. Earlier times change nothing."""
    draft = wallet.draft()
    desk = Desk(programme, grants, [], trace)
    pass_time(draft, micros(until), desk)
    return Outcome(draft, desk.entries)


def due(wallet: Wallet, programme: Programme) -> datetime | None:
    """When time alone will change the wallet next; None for never."""
    instant = next_due(wallet, programme)
    return moment_of(instant) if instant else None


def fold(
    member_id: str,
    events: Iterable[Event],
    programme: Programme,
    until: datetime | None = None,
    trace: Trace | None = None,
    grants: Grants = UNLIMITED,
) -> Outcome:
    """The definition of a member's wallet: their events in order, each order less what came back, then time.

    Any order of arrival and any duplicates (same source and id) give the same outcome.
    """
    once = {(event.source, event.id): event for event in events}
    ordered = sorted(once.values(), key=place)
    left = reduce_orders(ordered, lambda moment: programme.terms_at(micros(moment)).document.returns)
    draft = Wallet.empty(member_id)
    draft.awaiting, draft.undone = left.awaiting, left.undone
    desk = Desk(programme, grants, [], trace)
    for position, event in enumerate(ordered):
        _take(draft, event, left.data.get(position, event.data), desk)
    if until is not None:
        pass_time(draft, micros(until), desk)
    return Outcome(draft, desk.entries)


def refold(
    wallet: Wallet,
    events: Iterable[Event],
    programme: Programme,
    trace: Trace | None = None,
    grants: Grants = UNLIMITED,
) -> Outcome:
    """The fold of the member's whole history, with time as far on as it was in this wallet."""
    outcome = fold(wallet.member_id, events, programme, trace=trace, grants=grants)
    if wallet.moved_at > outcome.wallet.moved_at:
        pass_time(outcome.wallet, wallet.moved_at, Desk(programme, grants, outcome.entries, trace))
    return outcome


def _take(draft: Wallet, event: Event, data: object, desk: Desk) -> None:
    """Let time pass up to the event, then let it count; `data` is what is left of it, None when nothing is."""
    instant = micros(event.occurred_at)
    pass_time(draft, instant, desk)
    found = _HANDLERS.get(type(data))
    kept: set[str] = set()
    if found is not None:
        trigger, first = found
        occasion = Occasion(draft, desk, trigger, event.cause, event.occurred_at, instant, data)
        if first is None or first(occasion):
            decide(occasion)
        kept = {name for raised, name in occasion.raised if raised == "promotion.completed"}
    if data is not event.data and isinstance(event.data, OrderCompleted) and desk.programme.chances:
        whole = Occasion(draft, desk, "order.completed", event.cause, event.occurred_at, instant, event.data)
        spend_tries(whole, kept)
    draft.newest = place(event)


_Handler = tuple[Trigger, Callable[[Occasion], bool] | None]
_HANDLERS: dict[type[object], _Handler] = {
    OrderCompleted: ("order.completed", None),
    OrderReturned: ("order.returned", None),
    OrderVoided: ("order.voided", None),
    ActivityRecorded: ("activity.recorded", None),
    OfferIssued: ("offer.issued", open_offer),
    OfferViewed: ("offer.viewed", None),
    OfferActivated: ("offer.activated", None),
    MemberRegistered: ("member.registered", update_member),
    MemberUpdated: ("member.updated", update_member),
    MemberErased: ("member.updated", erase),
    CouponRedeemed: ("coupon.redeemed", redeem_coupon),
}
"""What the event is to promotions, and what it does by itself before, which tells whether they look at it."""

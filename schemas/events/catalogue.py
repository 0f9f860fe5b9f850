"""Each event type and the model of its data; `decode` turns an envelope into an event we act on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import ValidationError

from schemas.envelope import CloudEvent, EnvelopeError, Fault
from schemas.events.members import ActivityRecorded, MemberErased, MemberRegistered, MemberUpdated
from schemas.events.offers import CouponRedeemed, OfferActivated, OfferIssued, OfferViewed
from schemas.events.orders import OrderCompleted, OrderReturned, OrderVoided
from schemas.topics import APP, CHECKOUT, WEB

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

EventData = (
    OrderCompleted
    | OrderReturned
    | OrderVoided
    | ActivityRecorded
    | MemberRegistered
    | MemberUpdated
    | MemberErased
    | OfferIssued
    | OfferViewed
    | OfferActivated
    | CouponRedeemed
)

EVENT_TYPES: dict[str, type[EventData]] = {
    "unisono.order.completed.v1": OrderCompleted,
    "unisono.order.returned.v1": OrderReturned,
    "unisono.order.voided.v1": OrderVoided,
    "unisono.activity.recorded.v1": ActivityRecorded,
    "unisono.member.registered.v1": MemberRegistered,
    "unisono.member.updated.v1": MemberUpdated,
    "unisono.member.erased.v1": MemberErased,
    "unisono.offer.issued.v1": OfferIssued,
    "unisono.offer.viewed.v1": OfferViewed,
    "unisono.offer.activated.v1": OfferActivated,
    "unisono.coupon.redeemed.v1": CouponRedeemed,
}


@dataclass(slots=True)
class Event:
    """A valid event: who it is about, when it happened, and its typed data."""

    source: str
    id: str
    type: str
    occurred_at: datetime
    member_id: str
    data: EventData

    @property
    def cause(self) -> str:
        """How entries and wallets name this event: source and id, a space between."""
        return f"{self.source} {self.id}"


class UnknownType(Exception):
    """The event's type is none of ours: counted and skipped, never an error."""


def decode(envelope: CloudEvent) -> Event:
    """The event in an envelope.

    Raises UnknownType for a type we do not know and EnvelopeError with a dead-letter reason for data that is not valid.
    """
    model = EVENT_TYPES.get(envelope.type)
    if model is None:
        raise UnknownType(envelope.type)
    if envelope.data is None:
        raise EnvelopeError("missing_field", "the event has no data", "/data")
    try:
        data = model.model_validate_json(envelope.data)
    except ValidationError as error:
        raise _refusal(error) from None
    if envelope.subject is not None and envelope.subject != data.member_id:
        raise EnvelopeError(
            "key_mismatch", f"subject {envelope.subject!r} is not the member id {data.member_id!r}", "/subject"
        )
    return Event(envelope.source, envelope.id, envelope.type, envelope.time, data.member_id, data)


def same_content(one: Event, other: Event) -> bool:
    """Whether two events of one source and id say the same thing, whatever their spacing, field order or mode."""
    return one.type == other.type and one.occurred_at == other.occurred_at and one.data == other.data


def topic_for(event: Event) -> str:
    """The topic an event belongs on, by who produced it: its channel, else its source."""
    channel = getattr(event.data, "channel", None)
    if channel is None:
        channel = "pos" if event.source.startswith("/stores/") else "web" if event.source.startswith("/web") else "app"
    return {"pos": CHECKOUT, "web": WEB, "app": APP}[channel]


_REASONS = {"json_invalid": "not_json", "missing": "missing_field"}
_OWN = frozenset({"unknown_currency", "naive_time", "invalid_time"})
_UNIONS = {"quantity": 1, "attributes": 2, "preferences": 2}
"""Fields whose value may be of several types, and how many steps of a location name the value."""
_MONEY = frozenset({"amount", "total", "subtotal", "discount", "tax", "unit_price"})


def _refusal(error: ValidationError) -> EnvelopeError:
    told_once = {_place(problem["loc"]): problem for problem in reversed(error.errors(include_url=False)[:20])}
    faults = tuple(
        Fault(_reason(problem), pointer(place), _words(problem)) for place, problem in reversed(told_once.items())
    )
    told = "; ".join(f"{fault.pointer}: {fault.message}" for fault in faults)
    return EnvelopeError(faults[0].reason, told, faults[0].pointer, faults)


def _place(location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The place without what pydantic appends for each branch of a union: those are one fault."""
    for name, depth in _UNIONS.items():
        if name in location:
            return location[: location.index(name) + depth]
    return location


def _reason(problem: ErrorDetails) -> str:
    field = problem["loc"][-1] if problem["loc"] else ""
    if field in _MONEY and problem["type"] != "missing":
        return "invalid_amount"
    if "quantity" in problem["loc"] and problem["type"] != "missing":
        return "invalid_quantity"
    return _REASONS.get(problem["type"], problem["type"] if problem["type"] in _OWN else "wrong_type")


def _words(problem: ErrorDetails) -> str:
    if problem["type"] == "int_type" and _reason(problem) == "invalid_amount":
        return f"an amount is a whole number of minor units (1299 for 12.99 EUR), not {problem['input']!r:.60}"
    if _reason(problem) == "invalid_quantity":
        return f'a quantity is a whole number or a decimal string such as "0.482", not {problem["input"]!r:.60}'
    return problem["msg"]


def pointer(location: tuple[str | int, ...]) -> str:
    """The JSON pointer (RFC 6901) of a place inside the event's data."""
    return "/data" + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)

"""A small stage for engine tests: promotions and events of one member in a line or two each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.events.catalogue import EVENT_TYPES, Event
from schemas.promotions.document import Promotion
from schemas.promotions.programme import ProgrammeDocument
from services.engine.programme import Programme, PromotionVersion, compile_programme
from services.engine.terms import ProgrammeTerms, ProgrammeVersion

MEMBER = "m1"
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""Ten in the morning in Rome."""
TERMS = ProgrammeTerms(b"secret", "Europe/Rome", "EUR")


def promotion(**fields: Any) -> Promotion:
    """A promotion with an id, a title and ten points for reward unless told otherwise."""
    return Promotion.model_validate({"promotion": "p", "title": {"en": "P"}, "reward": [{"points": 10}], **fields})


def programme(*promotions: Promotion, programme_document: dict[str, Any] | None = None) -> Programme:
    """Promotions in force for ever, under the terms of a programme document."""
    document = ProgrammeDocument.model_validate({"programme": "main", **(programme_document or {})})
    terms = [ProgrammeVersion(document, 1, ALWAYS)]
    return compile_programme([PromotionVersion(p, 1, ALWAYS) for p in promotions], TERMS, terms)


def event(name: str, data: dict[str, Any], at: datetime = MONDAY, *, id: str = "", source: str = "/app") -> Event:
    """An event of the member; its id follows from its time unless given."""
    model = EVENT_TYPES[f"unisono.{name}.v1"]
    decoded = model.model_validate({"member_id": MEMBER, **data})
    return Event(source, id or f"{name} {at.isoformat()}", f"unisono.{name}.v1", at, MEMBER, decoded)


def line(amount: int, line_no: int = 1, **fields: Any) -> dict[str, Any]:
    """A line of one piece."""
    return {"line_no": line_no, "sku": "s", "quantity": 1, "amount": amount, **fields}


def order(
    total: int | None = None,
    at: datetime = MONDAY,
    *,
    lines: Sequence[dict[str, Any]] | None = None,
    **fields: Any,
) -> Event:
    """An order at a till of store 1; one line of the total unless told otherwise."""
    lines = lines if lines is not None else [line(total or 0)]
    total = total if total is not None else sum(each["amount"] for each in lines)
    data = {"order_id": f"o {at.isoformat()}", "channel": "pos", "store_id": "1", "currency": "EUR"}
    return event("order.completed", data | {"total": total, "lines": tuple(lines)} | fields, at)


def returned(of: Event, *lines: dict[str, Any], at: datetime, **fields: Any) -> Event:
    """A return of lines of an order."""
    backs = tuple({"line_no": 1, "quantity": 1, **each} for each in lines)
    total = sum(each["amount"] for each in backs)
    data = {"return_id": f"r {at.isoformat()}", "order_id": of.data.order_id, "lines": backs, "total": total}
    return event("order.returned", data | {"currency": "EUR"} | fields, at)


def voided(of: Event, at: datetime) -> Event:
    """A void of an order."""
    return event("order.voided", {"order_id": of.data.order_id}, at)


def days(count: float) -> timedelta:
    """So many days."""
    return timedelta(days=count)

"""One promotion, one currency: which one its amounts are in, and the conditions that follow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from schemas.promotions.document import Promotion
from schemas.promotions.written import Money
from services.engine.matching.condition import Condition
from services.engine.occasion import Occasion


def currency_of(promotion: Promotion) -> str | None:
    """The currency of the amounts that decide what a member gets, None when there are none."""
    parts = (promotion.where, promotion.goal, promotion.reward, promotion.variants)
    return next((money.currency for part in parts for money in _amounts(part)), None)


def _amounts(value: Any) -> Iterator[Money]:
    if isinstance(value, Money):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            if name != "value":  # what a reward costs the programme decides nothing for the member
                yield from _amounts(getattr(value, name))
    elif isinstance(value, tuple):
        for item in value:
            yield from _amounts(item)


def same_currency(currency: str) -> Condition:
    """An order, or a return, in another currency counts nothing; other events have none."""
    return Condition("currency", currency, lambda o: o.currency in (currency, ""), lambda o: o.currency or None)


def real_sale() -> Condition:
    """A receipt of a till in training counts nothing."""
    return Condition("order.training", False, _real, lambda o: not _real(o))


def _real(o: Occasion) -> bool:
    return o.order is None or not o.order.training

"""Orders, their returns and voids: what was bought, brought back or undone."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.values import AmountMinor, Attributes, Channel, Currency, ForeignId, MemberId, Quantity, Record


class OrderLine(Record):
    """One line of a receipt; `amount` is what it costs after line discounts, in minor units."""

    line_no: Annotated[int, Field(ge=0)]
    sku: ForeignId
    quantity: Quantity
    amount: AmountMinor
    unit: str | None = None
    unit_price: AmountMinor | None = None
    discount: AmountMinor | None = None
    gtin: str | None = None
    name: str | None = None
    category: str | None = None
    brand: str | None = None
    tags: tuple[str, ...] = ()
    coupon_id: ForeignId | None = None


class OrderCoupon(Record):
    """A coupon that the order used, by our id or by the code that was typed."""

    coupon_id: ForeignId | None = None
    code: str | None = None
    amount: AmountMinor | None = None


class OrderCompleted(Record):
    """`unisono.order.completed.v1`: paid for; `total` is what was paid."""

    order_id: ForeignId
    member_id: MemberId
    channel: Channel
    store_id: ForeignId | None = None
    till_id: ForeignId | None = None
    currency: Currency
    total: AmountMinor
    subtotal: AmountMinor | None = None
    discount: AmountMinor | None = None
    tax: AmountMinor | None = None
    lines: Annotated[tuple[OrderLine, ...], Field(max_length=2000)]
    coupons: tuple[OrderCoupon, ...] = ()
    payment_method: str | None = None
    business_date: str | None = None
    training: bool = False
    offline: bool = False
    attributes: Attributes = Field(default_factory=dict)


class ReturnLine(Record):
    """Quantity and amount of one line of the order that came back."""

    line_no: Annotated[int, Field(ge=0)]
    quantity: Quantity
    amount: AmountMinor


class OrderReturned(Record):
    """`unisono.order.returned.v1`: some lines or quantities of an order came back."""

    return_id: ForeignId
    order_id: ForeignId
    member_id: MemberId
    store_id: ForeignId | None = None
    lines: Annotated[tuple[ReturnLine, ...], Field(max_length=2000)]
    total: AmountMinor
    currency: Currency


class OrderVoided(Record):
    """`unisono.order.voided.v1`: the whole order never happened."""

    order_id: ForeignId
    member_id: MemberId
    store_id: ForeignId | None = None
    reason: str | None = None

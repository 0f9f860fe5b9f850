"""An occasion: one event, or one day that came by itself, as promotions look at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from schemas.events.members import ActivityRecorded
from schemas.events.offers import CouponRedeemed, OfferIssued, OfferViewed
from schemas.events.orders import OrderCompleted, OrderLine, OrderReturned
from schemas.promotions.conditions import Trigger
from services.engine.entries import Entry
from services.engine.orders import paid_per_line, spread
from services.engine.rewarding.grants import Grants
from services.engine.trace import Decision, Trace
from services.engine.wallet import Wallet

if TYPE_CHECKING:
    from services.engine.programme import Programme
    from services.engine.terms import Terms


@dataclass(slots=True)
class Desk:
    """What a decision works with besides the wallet: the programme, the books of shared limits, who asks why."""

    programme: Programme
    grants: Grants
    entries: list[Entry]
    trace: Trace | None = None


class Occasion:
    """One event of a member while it is decided, with the draft of the wallet that it changes.

    What several promotions ask of the event is worked out once. `places` are the lines that count for the promotion at
    hand (None: the whole order), `taken` those that an earlier one keeps for itself. `store` and `channel` are ""
    where the event names none; `name` is the activity, the tier that was reached or the promotion the event is about.
    `mark` tells apart in keys what several occasions of one cause give.
    """

    __slots__ = (
        "_clocks",
        "_counted",
        "cause",
        "channel",
        "currency",
        "data",
        "decision",
        "desk",
        "earned",
        "instant",
        "mark",
        "multiplied",
        "name",
        "occurred_at",
        "offer_id",
        "order",
        "places",
        "raised",
        "stamped",
        "store",
        "taken",
        "terms",
        "tier",
        "total",
        "trigger",
        "wallet",
    )

    def __init__(
        self,
        wallet: Wallet,
        desk: Desk,
        trigger: Trigger,
        cause: str,
        occurred_at: datetime,
        instant: int,
        data: object,
        name: str = "",
    ) -> None:
        self.wallet = wallet
        self.desk = desk
        self.trigger = trigger
        self.tier = wallet.tier
        """The member's tier before the occasion: one that it brings counts from the next on."""
        self.cause = self.mark = cause
        self.occurred_at = occurred_at
        self.instant = instant
        self.data = data
        self.name = name
        self.terms: Terms = desk.programme.terms_at(instant)
        self.order: OrderCompleted | None = None
        self.channel = self.store = self.offer_id = self.currency = ""
        self.total = 0
        self.places: list[int] | None = None
        self.taken: set[int] = set()
        self.raised: list[tuple[Trigger, str]] = []
        self.earned: dict[tuple[str, str], int] = {}
        """(promotion id, points currency) → points that this occasion gave, for multipliers."""
        self.multiplied: set[str] = set()
        """Promotions whose points are so many times what others gave."""
        self.stamped: list[tuple[str, int]] = []
        """Stamps given to cards on this occasion: (promotion id, how many)."""
        self.decision: Decision | None = None
        self._clocks: dict[str, datetime] = {}
        self._counted: list[int] | None = None
        self._describe(data)

    def _describe(self, data: object) -> None:
        if isinstance(data, OrderCompleted):
            self.order = data
            self.channel, self.store = data.channel, data.store_id or ""
            self.currency, self.total = data.currency, data.total
        elif isinstance(data, ActivityRecorded):
            self.name, self.channel, self.store = data.activity, data.channel or "", data.store_id or ""
        elif isinstance(data, OrderReturned):
            self.store, self.currency, self.total = data.store_id or "", data.currency, abs(data.total)
        elif isinstance(data, OfferViewed | OfferIssued):
            self.offer_id, self.channel = data.offer_id, data.channel or ""
            offer = self.wallet.offers.get(data.offer_id)
            issued = data.promotion_id if isinstance(data, OfferIssued) else ""
            self.name = offer.promotion_id if offer is not None else issued
        elif isinstance(data, CouponRedeemed):
            self.store, self.channel = data.store_id or "", "pos"
            coupon = self.wallet.coupons.get(data.coupon_id)
            self.name = coupon.promotion_id if coupon is not None else ""
        else:
            self.store = str(getattr(data, "store_id", "") or "")

    @property
    def programme(self) -> Programme:
        """The programme in which it is decided."""
        return self.desk.programme

    @property
    def entries(self) -> list[Entry]:
        """The ledger lines so far."""
        return self.desk.entries

    @property
    def trace(self) -> Trace | None:
        """Where decisions are told, if somebody asks why about this cause."""
        trace = self.desk.trace
        return trace if trace is None or trace.cause in (None, self.cause) else None

    def clock(self, zone: ZoneInfo) -> datetime:
        """The local time of the occasion."""
        clock = self._clocks.get(zone.key)
        if clock is None:
            clock = self._clocks[zone.key] = self.occurred_at.astimezone(zone)
        return clock

    def lines(self) -> tuple[OrderLine, ...]:
        """The lines of the order; none where it is something else."""
        return self.order.lines if self.order is not None else ()

    def earned_within_limits(self) -> int:
        """The points of this occasion that limits on points count: of all currencies but the one of tiers."""
        return sum([points for (_, currency), points in self.earned.items() if currency != "tier"])

    def counted(self) -> list[int]:
        """What each line of the order counts for, in minor units, as the programme's terms say."""
        if self._counted is None:
            self._counted = counted_per_line(self.order, self.terms) if self.order is not None else []
        return self._counted

    def base(self) -> int:
        """What counts for the promotion at hand, in minor units: the order's total, or what its lines count for."""
        order = self.order
        if order is None:
            return self.total
        if self.places is None:
            if not self.taken and (self.terms.plain_earning or not order.lines):
                return order.total if not self.terms.refuses_payment(order.payment_method) else 0
            counted = self.counted()
            return sum([amount for place, amount in enumerate(counted) if place not in self.taken])
        counted = self.counted()
        return sum([counted[place] for place in self.places])

    def counting(self) -> list[OrderLine]:
        """The lines that count for the promotion at hand."""
        lines = self.lines()
        if self.places is not None:
            return [lines[place] for place in self.places]
        return [line for place, line in enumerate(lines) if place not in self.taken]

    def counted_places(self) -> Sequence[int]:
        """The places of those lines."""
        if self.places is not None:
            return self.places
        return [place for place in range(len(self.lines())) if place not in self.taken]

    def pieces(self) -> int:
        """Pieces on the lines that count; weighed goods are one piece a line; an order without lines is one."""
        lines = self.counting()
        return sum([pieces_of(line) for line in lines]) if lines or self.lines() else 1


def pieces_of(line: OrderLine) -> int:
    """Pieces on a line: its quantity, or one where it was weighed."""
    quantity = line.quantity
    if isinstance(quantity, int):
        return quantity
    whole, _, part = quantity.partition(".")
    return 1 if part.strip("0") else int(whole)


def counted_per_line(order: OrderCompleted, terms: Terms) -> list[int]:
    """What each line counts for: before or after discounts, with or without tax, less the lines that never count."""
    if terms.plain_earning:
        return paid_per_line(order)
    if terms.refuses_payment(order.payment_method):
        return [0] * len(order.lines)
    earning = terms.document.earning
    if earning.amounts == "before_discounts":
        amounts = [line.amount + abs(line.discount or 0) for line in order.lines]
    else:
        amounts = paid_per_line(order)
    if earning.tax == "excluded" and order.tax:
        amounts = [amount - part for amount, part in zip(amounts, spread(abs(order.tax), amounts), strict=True)]
    never = terms.never_counts
    return [
        0 if never is not None and never(line) else amount for line, amount in zip(order.lines, amounts, strict=True)
    ]

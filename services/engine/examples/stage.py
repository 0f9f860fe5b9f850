"""The stage of an example: its steps become events on the promotion's clock.

What an example does not say is chosen so that it does not stand in the way: the first day and hour the schedule
allows; the first channel, store, payment method, attribute and kind of line the document names, and as much as it asks
for; a member of the first tier and segment, newly registered or long absent where the audience is. Offers are issued,
views, activations and redemptions happen, only where a step says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from schemas.events.catalogue import Event, EventData
from schemas.events.members import ActivityRecorded, MemberRegistered, MemberUpdated, SegmentChange
from schemas.events.offers import CouponRedeemed, OfferActivated, OfferIssued, OfferViewed
from schemas.events.orders import OrderCompleted, OrderCoupon, OrderReturned, OrderVoided, ReturnLine
from schemas.promotions.conditions import Where
from schemas.promotions.document import Promotion
from schemas.promotions.examples import ExampleActivity, ExampleMember, ExampleOffer, ExampleOrder, ExampleReturn, Step
from schemas.promotions.programme import ProgrammeDocument
from schemas.promotions.written import Duration
from services.engine.calendar.moments import last_instant, later_day, micros, moment_of
from services.engine.examples.setting import MemberSetting, Setting, first_moment, moment_on, shift_before

SOURCE = "/example"
Coupons = Callable[[Sequence[Event], datetime], Sequence[str]]
"""The ids of the coupons that some events have brought by a time, in the order in which they were given."""


class Unplayable(Exception):
    """A step refers to something the example does not have."""


class Stage:
    """One member, on whom the steps of one example are played; `now` is the local time after the last of them."""

    def __init__(
        self,
        promotion: Promotion,
        member_id: str,
        zone: ZoneInfo,
        currency: str,
        document: ProgrammeDocument | None,
        coupons: Coupons,
    ) -> None:
        self.now = first_moment(promotion.schedule, zone)
        self.events: list[Event] = []
        self._promotion, self._member, self._zone, self._currency = promotion, member_id, zone, currency
        self._document, self._coupons = document, coupons
        self._orders: list[OrderCompleted] = []
        self._offers: list[str] = []

    def play(self, steps: Sequence[Step]) -> None:
        """Let all steps happen, one after the other; raises Unplayable."""
        said = [found for step in steps for found in (step.member, step.registered) if found is not None]
        self._unsaid = MemberSetting(self._promotion, said, self._document)
        for number, step in enumerate(steps, 1):
            self._move_clock(step, first=number == 1)
            if number == 1:
                self._introduce(joins=any(each.registered is not None for each in steps), told=bool(said))
            data = self._data(step, number)
            if data is not None:
                self._add(f"{number:03}", data, self.now)

    def _add(self, name: str, data: EventData, at: datetime) -> None:
        moment = at.astimezone(UTC)
        self.events.append(Event(SOURCE, name, "example", moment, self._member, data))

    def _introduce(self, *, joins: bool, told: bool) -> None:
        """Before the first step the member is one the promotion is for, as far as the steps do not say who they are.

        Where such news would start the promotion, it comes with the steps' own news of the member instead.
        """
        audience = self._promotion.audience
        before = self.now - timedelta(minutes=1)
        if audience.lapsed is not None:
            long_ago = shift_before(before, audience.lapsed)
            self._add("earlier", self._order(ExampleOrder(), "order-0"), long_ago)
        if told and not {"member.registered", "member.updated"}.isdisjoint(self._promotion.on):
            return
        unsaid = self._unsaid.take()
        if audience.new is not None and not joins:
            self._add("joined", self._news(MemberRegistered, unsaid), before)
        elif unsaid.model_fields_set:
            self._add("member", self._news(MemberUpdated, unsaid), before)

    def _news(self, kind: type[MemberRegistered], who: ExampleMember) -> MemberRegistered:
        attributes = dict(who.attributes)
        if "tier" in who.model_fields_set:
            attributes["tier"] = who.tier
        return kind(member_id=self._member, attributes=attributes, segments=SegmentChange(add=who.segments or ()))

    def _move_clock(self, step: Step, *, first: bool) -> None:
        if step.at is not None:
            self.now = moment_on(self._promotion.schedule, step.at, self._zone)
        elif step.after is not None:
            self.now = self._later(step.after)
        elif not first:
            self.now += timedelta(minutes=1)

    def _later(self, length: Duration) -> datetime:
        if length.unit == "h":
            return (self.now.astimezone(UTC) + timedelta(hours=length.count)).astimezone(self._zone)
        return datetime.combine(later_day(self.now.date(), length), self.now.time(), self._zone)

    def _data(self, step: Step, number: int) -> EventData | None:
        """What happens in the step; None where only time passes."""
        if step.order is not None:
            order = self._order(step.order, f"order-{len(self._orders) + 1}")
            self._orders.append(order)
            return order
        if step.activity is not None:
            return self._activity(step.activity)
        if step.member is not None or step.registered is not None:
            return self._member_step(step)
        if step.offer is not None:
            return self._offer(step.offer, number)
        if step.viewed is not None or step.activated is not None:
            return self._offer_step(step)
        if step.redeemed is not None:
            return self._redeemed(step.redeemed, number)
        if step.returned is not None:
            return self._returned(step.returned, number)
        if step.voided is not None:
            order = self._earlier(step.voided)
            return OrderVoided(order_id=order.order_id, member_id=self._member, store_id=order.store_id)
        return None

    def _member_step(self, step: Step) -> MemberRegistered:
        who = step.registered if step.registered is not None else step.member
        assert who is not None
        unsaid = self._unsaid.take()
        fields = {name: getattr(who, name) for name in who.model_fields_set}
        if "tier" in unsaid.model_fields_set:
            fields.setdefault("tier", unsaid.tier)
        if unsaid.segments:
            fields.setdefault("segments", unsaid.segments)
        fields["attributes"] = {**unsaid.attributes, **who.attributes}
        return self._news(MemberUpdated if step.registered is None else MemberRegistered, ExampleMember(**fields))

    def _activity(self, activity: ExampleActivity) -> ActivityRecorded:
        setting = self._setting(activity.name)
        return ActivityRecorded(
            member_id=self._member,
            activity=activity.name,
            channel=activity.channel or setting.channel,
            store_id=activity.store or setting.store,
            attributes={**setting.attributes, **activity.attributes},
        )

    def _setting(self, activity: str | None = None) -> Setting:
        """What the document asks of an order, or of an activity of that name, beside what every event must be."""
        promotion = self._promotion
        wheres: list[Where] = [promotion.where]
        goal = promotion.goal
        if goal is not None:
            if goal.where is not None:
                wheres.append(goal.where)
            parts = (*(goal.all or ()), *(goal.any or ()), *(goal.steps or ()))
            named = [part for part in parts if activity is not None and activity in (part.activity or ())]
            wheres += [part.where for part in named if part.where is not None]
        return Setting(wheres, self._document, self._currency)

    def _order(self, order: ExampleOrder, order_id: str) -> OrderCompleted:
        setting = self._setting()
        total = order.total
        if total is None:
            total = setting.enough() if not order.lines else None
        lines = setting.written(order.lines) if order.lines else setting.lines(total)
        paid = total.minor if total is not None else sum(line.amount for line in lines)
        return OrderCompleted(
            order_id=order_id,
            member_id=self._member,
            channel=order.channel or setting.channel or "pos",
            store_id=order.store or setting.store,
            currency=total.currency if total is not None else order.lines[0].amount.currency,
            total=paid,
            subtotal=order.subtotal.minor if order.subtotal is not None else None,
            lines=lines,
            coupons=tuple(OrderCoupon(coupon_id=self._coupon(number)) for number in order.coupons),
            payment_method=order.payment_method or setting.payment_method,
            training=order.training,
            attributes={**setting.attributes, **order.attributes},
        )

    def _earlier(self, number: int) -> OrderCompleted:
        if number > len(self._orders):
            raise Unplayable(f"refers to order {number}, but only {len(self._orders)} came before")
        return self._orders[number - 1]

    def _returned(self, back: ExampleReturn, number: int) -> OrderReturned:
        order = self._earlier(back.order)
        return OrderReturned(
            return_id=f"return-{number}",
            order_id=order.order_id,
            member_id=self._member,
            store_id=order.store_id,
            lines=(ReturnLine(line_no=back.line, quantity=back.quantity, amount=back.amount.minor),),
            total=back.amount.minor,
            currency=back.amount.currency,
        )

    def _offer(self, offer: ExampleOffer, number: int) -> OfferIssued:
        until = None
        if offer.valid_for is not None:
            until = moment_of(last_instant(micros(self.now), offer.valid_for, self._zone))
        self._offers.append(f"offer-{number}")
        return OfferIssued(
            offer_id=self._offers[-1],
            promotion_id=offer.of or self._promotion.promotion,
            member_id=self._member,
            valid_until=until,
        )

    def _offer_step(self, step: Step) -> OfferViewed:
        number = step.viewed or step.activated or 1
        if number > len(self._offers):
            raise Unplayable(f"refers to offer {number}, but only {len(self._offers)} came before")
        kind = OfferViewed if step.viewed is not None else OfferActivated
        return kind(offer_id=self._offers[number - 1], member_id=self._member)

    def _coupon(self, number: int) -> str:
        given = self._coupons(self.events, self.now)
        if number > len(given):
            raise Unplayable(f"refers to coupon {number}, but only {len(given)} came before")
        return given[number - 1]

    def _redeemed(self, coupon: int, number: int) -> CouponRedeemed:
        """The coupon is used, on the order before where there is one."""
        order = self._orders[-1] if self._orders else None
        return CouponRedeemed(
            operation_id=f"redemption-{number}",
            member_id=self._member,
            coupon_id=self._coupon(coupon),
            store_id=order.store_id if order is not None else None,
            order_id=order.order_id if order is not None else None,
            offline=False,
        )

"""Running a document's examples: the events it gives, folded under this promotion alone, against what it expects.

What an example does not say is chosen so that it does not stand in the way: the first day and hour the schedule
allows, the first channel, store, tier, segment and line attributes the document names, a member outside the holdout.
An offer is issued only where a step says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schemas.events.catalogue import Event, EventData
from schemas.events.members import ActivityRecorded, MemberUpdated, SegmentChange
from schemas.events.offers import OfferIssued
from schemas.events.orders import OrderCompleted, OrderLine, OrderReturned, OrderVoided, ReturnLine
from schemas.promotions.document import Example, ExampleOrder, Expectation, Promotion, Step
from schemas.promotions.written import Duration, LocalMoment
from schemas.promotions.written import Progress as Written
from services.engine.conditions import in_holdout
from services.engine.fold import Outcome, fold
from services.engine.moments import last_instant, later_day, moment_of
from services.engine.moments import micros as instant_of
from services.engine.programme import ProgrammeTerms, PromotionVersion, compile_programme
from services.engine.simulation import ALWAYS
from services.engine.trace import Trace

_START = date(2026, 1, 5)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """One example run: `failures` is empty when everything came as expected; `why` tells what stood in the way."""

    number: int
    name: str
    failures: tuple[str, ...]
    why: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the promotion does what the example says."""
        return not self.failures


def run_examples(promotion: Promotion, terms: ProgrammeTerms) -> list[ExampleResult]:
    """Every example of the document, in its order."""
    return [_run(promotion, example, number, terms) for number, example in enumerate(promotion.examples)]


def _run(promotion: Promotion, example: Example, number: int, terms: ProgrammeTerms) -> ExampleResult:
    name = example.name or f"example {number + 1}"
    try:
        events = _Stage(promotion, terms).play(example.given)
    except Unplayable as error:
        return ExampleResult(number, name, (str(error),), ())
    programme = compile_programme([PromotionVersion(promotion, 1, ALWAYS)], terms)
    trace = Trace()
    outcome = fold(_member(promotion), events, programme, trace=trace)
    failures = tuple(_compare(example.expect, outcome))
    return ExampleResult(number, name, failures, tuple(_why(trace)) if failures else ())


class Unplayable(Exception):
    """A step refers to something the example does not have."""


def _member(promotion: Promotion) -> str:
    holdout = promotion.audience.holdout
    names = (f"member-{number}" for number in range(1, 1000))
    if holdout is None:
        return next(names)
    outside = (name for name in names if not in_holdout(promotion.promotion, name, holdout.basis_points))
    return next(outside, "member-1")


class _Stage:
    """Turns steps into events on the promotion's clock."""

    def __init__(self, promotion: Promotion, terms: ProgrammeTerms) -> None:
        self._promotion = promotion
        self._member = _member(promotion)
        self._zone = ZoneInfo(promotion.schedule.timezone or terms.timezone)
        self._now = self._first_moment()
        self._events: list[Event] = []
        self._orders: list[OrderCompleted] = []

    def play(self, steps: Sequence[Step]) -> list[Event]:
        """The events of all steps."""
        self._introduce(steps)
        for place, step in enumerate(steps):
            self._move_clock(step, first=place == 0)
            self._add(self._data(step))
        return self._events

    def _add(self, data: EventData) -> None:
        number = len(self._events) + 1
        moment = self._now.astimezone(UTC)
        self._events.append(Event("/example", f"{number:03}", "example", moment, self._member, data))

    def _introduce(self, steps: Sequence[Step]) -> None:
        """The member is one the promotion is for, unless the example says who they are."""
        audience = self._promotion.audience
        if any(step.member is not None for step in steps) or not (audience.tiers or audience.segments):
            return
        attributes: dict[str, str | int | bool | None] = {"tier": audience.tiers[0]} if audience.tiers else {}
        segments = SegmentChange(add=(audience.segments or ())[:1])
        self._add(MemberUpdated(member_id=self._member, attributes=attributes, segments=segments))

    def _first_moment(self) -> datetime:
        schedule = self._promotion.schedule
        day = schedule.from_.day if schedule.from_ else _START
        clock = schedule.from_.time if schedule.from_ and schedule.from_.time else self._opening()
        while schedule.days is not None and _DAYS[day.weekday()] not in schedule.days:
            day += timedelta(days=1)
        return datetime.combine(day, clock, self._zone)

    def _opening(self) -> time:
        hours = self._promotion.schedule.hours
        if hours is None or hours.start <= 600 < hours.end:
            return time(10)
        return time(hours.start // 60, hours.start % 60)

    def _move_clock(self, step: Step, *, first: bool) -> None:
        if step.at is not None:
            self._now = self._local(step.at)
        elif step.after is not None:
            self._now = self._later(step.after)
        elif not first:
            self._now += timedelta(minutes=1)

    def _local(self, moment: LocalMoment) -> datetime:
        return datetime.combine(moment.day, moment.time or self._opening(), self._zone)

    def _later(self, length: Duration) -> datetime:
        if length.unit == "h":
            return (self._now.astimezone(UTC) + timedelta(hours=length.count)).astimezone(self._zone)
        return datetime.combine(later_day(self._now.date(), length), self._now.time(), self._zone)

    def _data(self, step: Step) -> EventData:
        if step.order is not None:
            return self._order(step.order)
        if step.returned is not None:
            return self._returned(step)
        if step.voided is not None:
            return OrderVoided(order_id=self._earlier(step.voided).order_id, member_id=self._member)
        if step.offer is not None:
            return self._offer(step.offer.valid_for)
        if step.member is not None:
            segments = SegmentChange(add=step.member.segments or ())
            return MemberUpdated(member_id=self._member, attributes={"tier": step.member.tier}, segments=segments)
        where = self._promotion.where
        return ActivityRecorded(
            member_id=self._member,
            activity=step.activity or "",
            channel=where.channel[0] if where.channel else None,
            store_id=where.store[0] if where.store else None,
        )

    def _order(self, order: ExampleOrder) -> OrderCompleted:
        where = self._promotion.where
        lines = [
            OrderLine(
                line_no=place,
                sku=line.sku,
                quantity=line.quantity,
                amount=line.amount.minor,
                category=line.category,
                brand=line.brand,
                gtin=line.gtin,
                tags=line.tags,
            )
            for place, line in enumerate(order.lines, 1)
        ]
        total = order.total.minor if order.total is not None else sum(line.amount for line in lines)
        money = order.total or order.lines[0].amount
        completed = OrderCompleted(
            order_id=f"order-{len(self._orders) + 1}",
            member_id=self._member,
            channel=order.channel or (where.channel or ("pos",))[0],
            store_id=order.store or (where.store[0] if where.store else None),
            currency=money.currency,
            total=total,
            lines=tuple(lines) or (self._one_line(total),),
            training=order.training,
        )
        self._orders.append(completed)
        return completed

    def _one_line(self, total: int) -> OrderLine:
        """A line of the whole total with the first of everything the document asks of a line."""
        wanted = self._promotion.where.lines
        first = {name: names[0] for name, names in wanted.model_dump(exclude_none=True).items()} if wanted else {}
        return OrderLine(
            line_no=1,
            sku=first.get("sku", "any"),
            quantity=1,
            amount=total,
            category=first.get("category"),
            brand=first.get("brand"),
            gtin=first.get("gtin"),
            tags=(first["tag"],) if "tag" in first else (),
        )

    def _earlier(self, number: int) -> OrderCompleted:
        if number > len(self._orders):
            raise Unplayable(f"refers to order {number}, but only {len(self._orders)} came before")
        return self._orders[number - 1]

    def _returned(self, step: Step) -> OrderReturned:
        back = step.returned
        assert back is not None
        order = self._earlier(back.order)
        return OrderReturned(
            return_id=f"return-{len(self._events)}",
            order_id=order.order_id,
            member_id=self._member,
            lines=(ReturnLine(line_no=back.line, quantity=back.quantity, amount=back.amount.minor),),
            total=back.amount.minor,
            currency=back.amount.currency,
        )

    def _offer(self, valid_for: Duration | None) -> OfferIssued:
        until = None
        if valid_for is not None:
            until = moment_of(last_instant(instant_of(self._now), valid_for, self._zone))
        return OfferIssued(
            offer_id=f"offer-{len(self._events)}",
            promotion_id=self._promotion.promotion,
            member_id=self._member,
            valid_until=until,
        )


def _compare(expected: Expectation, outcome: Outcome) -> list[str]:
    wallet = outcome.wallet
    held = {
        "coupons": sum(entry.kind == "coupon.issued" for entry in outcome.entries),
        "points": sum(entry.amount for entry in outcome.entries if entry.kind == "points.earned"),
        "pending": wallet.points_pending,
        "completed": sum(entry.kind == "offer.completed" for entry in outcome.entries),
    }
    failures = [
        f"expected {name}: {wanted}, got {held[name]}"
        for name in held
        if (wanted := getattr(expected, name)) is not None and wanted != held[name]
    ]
    pursuit = next(iter((*wallet.offers.values(), *wallet.pursuits.values())), None)
    reached = Written(pursuit.progress, pursuit.currency) if pursuit is not None else Written(0)
    if expected.progress is not None and not _same_progress(expected.progress, reached):
        failures.append(f"expected progress: {expected.progress}, got {reached}")
    return failures


def _same_progress(expected: Written, reached: Written) -> bool:
    return expected.count == reached.count and (expected.currency == reached.currency or not expected.count)


def _why(trace: Trace) -> list[str]:
    """The first condition that stood in the way of each event."""
    told = []
    for decision in trace.decisions:
        failed = next((seen for seen in decision.observations if not seen.holds), None)
        if failed is not None:
            step = decision.cause.removeprefix("/example ").lstrip("0")
            told.append(f"event {step}: {failed.path} requires {failed.required}, found {failed.observed}")
    return told

"""The conditions of a promotion version on time and member, compiled to closures over an occasion.

`where` compiles those on the event itself. Every condition can be told: what it requires, what was there, how far off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from zoneinfo import ZoneInfo

from schemas.promotions.conditions import Audience, NthOrder, Schedule, Window
from schemas.promotions.fields import Day
from schemas.promotions.written import Hours, LocalMoment
from services.engine.calendar.moments import closing, first_instant_after, last_instant, micros, opening, text_of
from services.engine.matching.attributes import attribute_conditions
from services.engine.matching.condition import Condition, one_of
from services.engine.occasion import Occasion
from services.engine.trace import Miss

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def bucket(promotion_id: str, member_id: str, purpose: str = "") -> int:
    """A number from 0 to 9999 that a member has for ever in a promotion, and in each purpose another."""
    text = f"{promotion_id}\n{member_id}\n{purpose}" if purpose else f"{promotion_id}\n{member_id}"
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") % 10_000


def in_holdout(promotion_id: str, member_id: str, basis_points: int) -> bool:
    """Whether the member is left out of the promotion: the same ones for ever, and still out when the share grows."""
    return bucket(promotion_id, member_id) < basis_points


def campaign_conditions(schedule: Schedule, zone: ZoneInfo) -> list[Condition]:
    """The promotion is running."""
    found = []
    if schedule.from_ is not None:
        start = opening(schedule.from_, zone)
        found.append(
            Condition(
                "schedule.from",
                str(schedule.from_),
                lambda o: o.instant >= start,
                lambda o: _shown(o.clock(zone)),
                lambda _: Miss("instant", start),
            )
        )
    if schedule.until is not None:
        end = closing(schedule.until, zone)
        found.append(
            Condition(
                "schedule.until", str(schedule.until), lambda o: o.instant <= end, lambda o: _shown(o.clock(zone))
            )
        )
    return found


def calendar_conditions(schedule: Schedule, zone: ZoneInfo) -> list[Condition]:
    """It is one of the days and hours on which the promotion does not rest."""
    found = []
    day_of = _day_of(schedule.hours)
    if schedule.days is not None:
        days = _weekdays(schedule.days)
        found.append(
            Condition(
                "schedule.days",
                list(schedule.days),
                lambda o: day_of(o.clock(zone)).weekday() in days,
                lambda o: DAYS[day_of(o.clock(zone)).weekday()],
                lambda o: Miss("instant", _next_day(o.clock(zone), lambda day: day.weekday() in days)),
            )
        )
    if schedule.hours is not None:
        within = _within(schedule.hours)
        found.append(
            Condition(
                "schedule.hours",
                str(schedule.hours),
                lambda o: within(o.clock(zone)),
                lambda o: o.clock(zone).strftime("%H:%M"),
            )
        )
    if schedule.windows is not None:
        tests = [_window(window) for window in schedule.windows]
        found.append(
            Condition(
                "schedule.windows",
                [_window_text(window) for window in schedule.windows],
                lambda o: any(test(o.clock(zone)) for test in tests),
                lambda o: f"{DAYS[o.clock(zone).weekday()]} {o.clock(zone):%H:%M}",
            )
        )
    if schedule.month_days is not None:
        wanted = frozenset(schedule.month_days)
        found.append(
            Condition(
                "schedule.month_days",
                list(schedule.month_days),
                lambda o: _on_month_day(day_of(o.clock(zone)), wanted),
                lambda o: day_of(o.clock(zone)).day,
                lambda o: Miss("instant", _next_day(o.clock(zone), lambda day: _on_month_day(day, wanted))),
            )
        )
    if schedule.blackout is not None:
        found.append(_blackout(schedule, zone))
    return found


def _blackout(schedule: Schedule, zone: ZoneInfo) -> Condition:
    spans = [(opening(span.from_, zone), closing(span.until, zone)) for span in schedule.blackout or ()]
    texts = [_span_text(span.from_, span.until) for span in schedule.blackout or ()]
    return Condition(
        "schedule.blackout",
        texts,
        lambda o: not any(start <= o.instant <= end for start, end in spans),
        lambda o: _shown(o.clock(zone)),
    )


def _weekdays(days: Sequence[Day]) -> frozenset[int]:
    return frozenset([DAYS.index(day) for day in days])


def _within(hours: Hours) -> Callable[[datetime], bool]:
    start, end = hours.start, hours.end

    def holds(clock: datetime) -> bool:
        minute = clock.hour * 60 + clock.minute
        return start <= minute < end if start < end else minute >= start or minute < end

    return holds


def _day_of(hours: Hours | None) -> Callable[[datetime], datetime]:
    """The local day that a moment belongs to: hours that pass midnight belong to the day on which they began."""
    if hours is None or hours.start < hours.end:
        return lambda clock: clock
    end = hours.end
    return lambda clock: clock - timedelta(days=1) if clock.hour * 60 + clock.minute < end else clock


def _window(window: Window) -> Callable[[datetime], bool]:
    days = _weekdays(window.days) if window.days is not None else None
    hours = _within(window.hours) if window.hours is not None else None
    day_of = _day_of(window.hours)
    return lambda clock: (days is None or day_of(clock).weekday() in days) and (hours is None or hours(clock))


def _window_text(window: Window) -> str:
    return " ".join([",".join(window.days or ()), str(window.hours or "")]).strip()


def _span_text(start: LocalMoment, end: LocalMoment) -> str:
    return str(start) if start == end else f"{start} … {end}"


def _on_month_day(day: datetime, wanted: frozenset[int]) -> bool:
    length = ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day
    return day.day in wanted or day.day - length - 1 in wanted


def _next_day(clock: datetime, wanted: Callable[[datetime], bool]) -> int:
    """The first instant of the next local day that is wanted, within a year; else that of tomorrow."""
    midnight = clock.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    days = [midnight + timedelta(days=number) for number in range(1, 367)]
    found = next((day for day in days if wanted(day)), days[0])
    return micros(found.replace(tzinfo=clock.tzinfo))


def audience_conditions(audience: Audience, promotion_id: str, zone: ZoneInfo) -> list[Condition]:
    """The member belongs to the audience at the time of the event."""
    found: list[Condition] = []
    if audience.tiers is not None:
        found.append(one_of("audience.tiers", audience.tiers, lambda o: o.tier))
    if audience.segments is not None:
        segments = frozenset(audience.segments)
        found.append(
            Condition(
                "audience.segments",
                list(audience.segments),
                lambda o: not segments.isdisjoint(o.wallet.segments),
                lambda o: list(o.wallet.segments),
            )
        )
    if audience.outside is not None:
        outside = frozenset(audience.outside)
        found.append(
            Condition(
                "audience.outside",
                list(audience.outside),
                lambda o: outside.isdisjoint(o.wallet.segments),
                lambda o: sorted(outside & set(o.wallet.segments)),
            )
        )
    if audience.attributes is not None:
        found += attribute_conditions("audience.attributes", audience.attributes, lambda o: o.wallet.attributes)
    found += _home_conditions(audience)
    found += _history_conditions(audience, zone)
    if audience.holdout is not None:
        share = audience.holdout.basis_points
        found.append(
            Condition(
                "audience.holdout",
                str(audience.holdout),
                lambda o: not in_holdout(promotion_id, o.wallet.member_id, share),
                lambda o: in_holdout(promotion_id, o.wallet.member_id, share),
            )
        )
    return found


def home_of(o: Occasion) -> str:
    """The member's home store, `` for none."""
    return str(o.wallet.attributes.get("home_store", ""))


def _home_conditions(audience: Audience) -> list[Condition]:
    found = []
    if audience.home_store is not None:
        found.append(one_of("audience.home_store", audience.home_store, home_of))
    if audience.home_region is not None:
        regions = audience.home_region
        found.append(
            Condition(
                "audience.home_region", list(regions), lambda o: home_of(o) in o.terms.stores_of(regions), home_of
            )
        )
    return found


def _history_conditions(audience: Audience, zone: ZoneInfo) -> list[Condition]:
    found = []
    new, lapsed = audience.new, audience.lapsed
    if new is not None:
        found.append(
            Condition(
                "audience.new",
                str(new),
                lambda o: o.wallet.registered > 0 and o.instant <= last_instant(o.wallet.registered, new, zone),
                lambda o: text_of(o.wallet.registered) if o.wallet.registered else None,
            )
        )
    if lapsed is not None:
        found.append(
            Condition(
                "audience.lapsed",
                str(lapsed),
                lambda o: (
                    o.wallet.last_order > 0 and o.instant >= first_instant_after(o.wallet.last_order, lapsed, zone)
                ),
                lambda o: text_of(o.wallet.last_order) if o.wallet.last_order else None,
            )
        )
    if audience.order is not None:
        found.append(_nth_order(audience.order))
    if audience.holding is not None:
        wanted = frozenset(audience.holding)
        found.append(Condition("audience.holding", list(audience.holding), lambda o: _holds_any(o, wanted), _held))
    return found


def _nth_order(order: NthOrder) -> Condition:
    """On the order itself; on anything else, of the orders so far."""
    nth = frozenset(order.nth) if order.nth is not None else None
    every, most = order.every, order.at_most

    def number(o: Occasion) -> int:
        return o.wallet.orders + (o.trigger == "order.completed")

    def holds(o: Occasion) -> bool:
        count = number(o)
        return (
            (nth is None or count in nth)
            and (every is None or (count > 0 and count % every == 0))
            and (most is None or 0 < count <= most)
        )

    required = [*sorted(nth or ()), *([f"every {every}"] if every else []), *([f"first {most}"] if most else [])]
    return Condition("audience.order", required, holds, number)


def _holds_any(o: Occasion, wanted: frozenset[str]) -> bool:
    wallet = o.wallet
    return any(offer.promotion_id in wanted for offer in wallet.offers.values()) or any(
        coupon.promotion_id in wanted and coupon.status == "issued" for coupon in wallet.coupons.values()
    )


def _held(o: Occasion) -> list[str]:
    offers = {offer.promotion_id for offer in o.wallet.offers.values()}
    return sorted(offers | {c.promotion_id for c in o.wallet.coupons.values() if c.status == "issued"})


def _shown(clock: datetime) -> str:
    return clock.strftime("%Y-%m-%dT%H:%M")

"""The conditions of a promotion version, compiled to closures over an occasion (one event as promotions look at it)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from schemas.events.catalogue import Event
from schemas.events.members import ActivityRecorded
from schemas.events.orders import OrderCompleted, OrderLine
from schemas.promotions.document import Audience, LineMatch, Promotion, Schedule, Where
from services.engine.entries import Entry
from services.engine.moments import closing, opening, text_of
from services.engine.orders import paid_per_line
from services.engine.trace import Trace
from services.engine.wallet import Wallet

if TYPE_CHECKING:
    from services.engine.programme import Programme

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Occasion:
    """One event of a member while it is decided: the draft of the wallet, the entries so far, who asks why (`trace`).

    What several promotions ask of the event is worked out once. `base` is what counts for the promotion at hand, in
    minor units: the order's total, or what was paid for the lines that match. `store` and `channel` are "" where the
    event names none.
    """

    __slots__ = (
        "_clocks",
        "_paid",
        "base",
        "cause",
        "channel",
        "entries",
        "event",
        "instant",
        "name",
        "order",
        "programme",
        "store",
        "trace",
        "wallet",
    )

    def __init__(
        self,
        wallet: Wallet,
        event: Event,
        instant: int,
        data: object,
        programme: Programme,
        entries: list[Entry],
        trace: Trace | None,
    ) -> None:
        self.wallet = wallet
        self.programme = programme
        self.entries = entries
        self.trace = trace
        self.event = event
        self.instant = instant
        self.cause = event.cause
        self.order: OrderCompleted | None = None
        self.base = 0
        self.name = self.channel = self.store = ""
        if isinstance(data, OrderCompleted):
            self.order = data
            self.channel, self.store = data.channel, data.store_id or ""
        elif isinstance(data, ActivityRecorded):
            self.name, self.channel, self.store = data.activity, data.channel or "", data.store_id or ""
        self._clocks: dict[str, datetime] = {}
        self._paid: list[int] | None = None

    def clock(self, zone: ZoneInfo) -> datetime:
        """The local time of the event."""
        clock = self._clocks.get(zone.key)
        if clock is None:
            clock = self._clocks[zone.key] = self.event.occurred_at.astimezone(zone)
        return clock

    def paid(self) -> list[int]:
        """What was paid for each line of the order."""
        if self._paid is None:
            assert self.order is not None
            self._paid = paid_per_line(self.order)
        return self._paid


@dataclass(slots=True)
class Condition:
    """One condition: where the document states it, what it requires in words, and how to test and to observe it."""

    path: str
    required: str
    holds: Callable[[Occasion], bool]
    observe: Callable[[Occasion], object]


def in_holdout(promotion_id: str, member_id: str, basis_points: int) -> bool:
    """Whether the member is left out of the promotion: the same ones for ever, and still out when the share grows."""
    digest = blake2b(f"{promotion_id}\n{member_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 10_000 < basis_points


def campaign_conditions(schedule: Schedule, zone: ZoneInfo) -> list[Condition]:
    """The promotion is running."""
    found = []
    if schedule.from_ is not None:
        start = opening(schedule.from_, zone)
        found.append(Condition("schedule.from", f"not before {text_of(start)}", lambda o: o.instant >= start, _when))
    if schedule.until is not None:
        end = closing(schedule.until, zone)
        found.append(Condition("schedule.until", f"not after {text_of(end)}", lambda o: o.instant <= end, _when))
    return found


def hour_conditions(schedule: Schedule, zone: ZoneInfo) -> list[Condition]:
    """It is one of the days and hours."""
    found = []
    if schedule.days is not None:
        days = frozenset(_DAYS.index(day) for day in schedule.days)
        found.append(
            Condition(
                "schedule.days",
                "one of " + ", ".join(schedule.days),
                lambda o: o.clock(zone).weekday() in days,
                lambda o: _DAYS[o.clock(zone).weekday()],
            )
        )
    if schedule.hours is not None:
        start, end = schedule.hours.start, schedule.hours.end

        def within(o: Occasion) -> bool:
            clock = o.clock(zone)
            minute = clock.hour * 60 + clock.minute
            return start <= minute < end if start < end else minute >= start or minute < end

        found.append(
            Condition("schedule.hours", str(schedule.hours), within, lambda o: o.clock(zone).strftime("%H:%M"))
        )
    return found


def audience_conditions(audience: Audience, promotion_id: str) -> list[Condition]:
    """The member belongs to the audience at the time of the event."""
    found = []
    if audience.tiers is not None:
        tiers = frozenset(audience.tiers)
        found.append(
            Condition("audience.tiers", _one_of(audience.tiers), lambda o: o.wallet.tier in tiers, _tier),
        )
    if audience.segments is not None:
        segments = frozenset(audience.segments)
        found.append(
            Condition(
                "audience.segments",
                _one_of(audience.segments),
                lambda o: not segments.isdisjoint(o.wallet.segments),
                lambda o: list(o.wallet.segments),
            )
        )
    if audience.holdout is not None:
        share = audience.holdout.basis_points
        found.append(
            Condition(
                "audience.holdout",
                f"outside the {audience.holdout} left out",
                lambda o: not in_holdout(promotion_id, o.wallet.member_id, share),
                lambda o: in_holdout(promotion_id, o.wallet.member_id, share),
            )
        )
    return found


def event_conditions(promotion: Promotion, currency: str | None) -> list[Condition]:
    """The event is of the kind, at the place and of the size that the document names."""
    found = []
    if promotion.activity is not None:
        names = frozenset(promotion.activity)
        found.append(Condition("activity", _one_of(promotion.activity), lambda o: o.name in names, lambda o: o.name))
    where = promotion.where
    if where.channel is not None:
        channels = frozenset(where.channel)
        found.append(
            Condition("where.channel", _one_of(where.channel), lambda o: o.channel in channels, lambda o: o.channel)
        )
    if where.store is not None:
        stores = frozenset(where.store)
        found.append(Condition("where.store", _one_of(where.store), lambda o: o.store in stores, lambda o: o.store))
    return found + _order_conditions(where, currency) if promotion.on == "order.completed" else found


def _order_conditions(where: Where, currency: str | None) -> list[Condition]:
    found = [Condition("order.training", "a real sale", _real, lambda o: not _real(o))]
    if currency is not None:
        found.append(
            Condition(
                "currency",
                currency,
                lambda o: o.order is not None and o.order.currency == currency,
                lambda o: o.order and o.order.currency,
            )
        )
    if where.total is not None:
        low = where.total.at_least.minor if where.total.at_least else None
        high = where.total.at_most.minor if where.total.at_most else None
        if low is not None:
            found.append(
                Condition("where.total.at_least", str(where.total.at_least), lambda o: _total(o) >= low, _total)
            )
        if high is not None:
            found.append(
                Condition("where.total.at_most", str(where.total.at_most), lambda o: _total(o) <= high, _total)
            )
    if where.lines is not None:
        matches = _line_test(where.lines)

        def some_line(o: Occasion) -> bool:
            order = o.order
            if order is None:
                return False
            places = [place for place, line in enumerate(order.lines) if matches(line)]
            if not places:
                o.base = 0
                return False
            paid = o.paid()
            o.base = sum([paid[place] for place in places])
            return True

        found.append(Condition("where.lines", _lines_in_words(where.lines), some_line, lambda o: o.base))
    return found


def _line_test(wanted: LineMatch) -> Callable[[OrderLine], bool]:
    tests: list[Callable[[OrderLine], bool]] = []
    if wanted.sku is not None:
        skus = frozenset(wanted.sku)
        tests.append(lambda line: line.sku in skus)
    if wanted.gtin is not None:
        gtins = frozenset(wanted.gtin)
        tests.append(lambda line: line.gtin in gtins)
    if wanted.category is not None:
        categories = frozenset(wanted.category)
        tests.append(lambda line: line.category in categories)
    if wanted.brand is not None:
        brands = frozenset(wanted.brand)
        tests.append(lambda line: line.brand in brands)
    if wanted.tag is not None:
        tags = frozenset(wanted.tag)
        tests.append(lambda line: not tags.isdisjoint(line.tags))
    if len(tests) == 1:
        return tests[0]
    return lambda line: all(test(line) for test in tests)


def _lines_in_words(wanted: LineMatch) -> str:
    given = wanted.model_dump(exclude_none=True)
    return "a line with " + " and ".join(f"{field} {_one_of(names)}" for field, names in given.items())


def _one_of(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:5]) + (f" … ({len(names)} in all)" if len(names) > 5 else "")
    return shown if len(names) == 1 else f"one of {shown}"


def _real(o: Occasion) -> bool:
    return o.order is None or not o.order.training


def _total(o: Occasion) -> int:
    return o.order.total if o.order is not None else 0


def _when(o: Occasion) -> str:
    return text_of(o.instant)


def _tier(o: Occasion) -> str | None:
    return o.wallet.tier

"""What an example leaves open, chosen so that it does not stand in the way of the promotion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from schemas.events.orders import OrderLine
from schemas.promotions.conditions import AttributeMatch, AttributeValue, Schedule, Where
from schemas.promotions.document import Promotion
from schemas.promotions.examples import ExampleLine, ExampleMember
from schemas.promotions.programme import ProgrammeDocument
from schemas.promotions.written import Duration, Hours, LocalMoment, Money
from schemas.values import Channel
from services.engine.orders import spread

_START = date(2026, 1, 5)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_YEARS_LOOKED = 5
_PLENTY = 10
"""Where no amount is asked for, an order costs so many hundred of the currency's minor units."""


def first_moment(schedule: Schedule, zone: ZoneInfo) -> datetime:
    """The first moment at which the promotion runs, ten in the morning where that is one."""
    start = schedule.from_
    day = start.day if start is not None else _START
    clock = start.time if start is not None else None
    for passed in range(366 * _YEARS_LOOKED):
        found = day + timedelta(days=passed)
        if _runs_on(schedule, found):
            early = clock if not passed and clock is not None else None
            return datetime.combine(found, early or _opening(schedule, found), zone)
    return datetime.combine(day, clock or time(10), zone)


def moment_on(schedule: Schedule, moment: LocalMoment, zone: ZoneInfo) -> datetime:
    """The moment a step names; without a time, when the promotion runs on that day."""
    return datetime.combine(moment.day, moment.time or _opening(schedule, moment.day), zone)


def shift_before(moment: datetime, length: Duration) -> datetime:
    """A day more than the length before a moment; months and years at their longest."""
    days = {"h": 1, "d": 1, "w": 7, "mo": 31, "y": 366}[length.unit] * length.count
    return moment - timedelta(days=days + 1)


def _runs_on(schedule: Schedule, day: date) -> bool:
    weekday = _DAYS[day.weekday()]
    if schedule.days is not None and weekday not in schedule.days:
        return False
    if schedule.windows is not None and not any(each.days is None or weekday in each.days for each in schedule.windows):
        return False
    if schedule.month_days is not None:
        length = (date(day.year + day.month // 12, day.month % 12 + 1, 1) - timedelta(days=1)).day
        if day.day not in schedule.month_days and day.day - length - 1 not in schedule.month_days:
            return False
    return not any(span.from_.day <= day <= span.until.day for span in schedule.blackout or ())


def _opening(schedule: Schedule, day: date) -> time:
    weekday = _DAYS[day.weekday()]
    spans = [each.hours for each in schedule.windows or () if each.days is None or weekday in each.days]
    return _clock([schedule.hours, *spans])


def _clock(spans: Iterable[Hours | None]) -> time:
    """Ten in the morning, or when the first span of hours starts that does not hold it.

    What comes after midnight belongs to the day on which the span began, and so is not taken.
    """
    for hours in spans:
        if hours is not None and not (hours.start <= 600 and (hours.end > 600 or hours.end < hours.start)):
            return time(hours.start // 60, hours.start % 60)
    return time(10)


class MemberSetting:
    """Who the member is where the steps of an example do not say it; `take` tells it once."""

    def __init__(self, promotion: Promotion, said: Sequence[ExampleMember], document: ProgrammeDocument | None) -> None:
        fields: dict[str, object] = {}
        audience = promotion.audience
        if audience.tiers is not None:
            fields["tier"] = audience.tiers[0]
        if audience.segments is not None:
            fields["segments"] = audience.segments[:1]
        for who in said:
            for name in who.model_fields_set - {"attributes"}:
                fields.pop(name, None)
        told = {name for who in said for name in who.attributes}
        unsaid = {name: value for name, value in _attributes(promotion, document) if name not in told}
        if unsaid:
            fields["attributes"] = unsaid
        self._who = ExampleMember.model_validate(fields)

    def take(self) -> ExampleMember:
        """What was not told before."""
        who, self._who = self._who, ExampleMember()
        return who


def _attributes(promotion: Promotion, document: ProgrammeDocument | None) -> Iterator[tuple[str, AttributeValue]]:
    audience = promotion.audience
    for name, match in (audience.attributes or {}).items():
        value = _fitting(match)
        if value is not None:
            yield name, value
    store = audience.home_store[0] if audience.home_store is not None else _store_of(audience.home_region, document)
    if store is not None:
        yield "home_store", store


def _fitting(match: AttributeMatch) -> AttributeValue | None:
    """A value that fits; None where it fits that there is none."""
    unwanted = set(match.not_ or ())
    if match.is_ is not None:
        return next((value for value in match.is_ if value not in unwanted), match.is_[0])
    if match.at_least is not None:
        return next(number for number in count(match.at_least) if number not in unwanted)
    if match.at_most is not None:
        return next(number for number in count(match.at_most, -1) if number not in unwanted)
    return "yes" if match.present else None


def _store_of(regions: Sequence[str] | None, document: ProgrammeDocument | None) -> str | None:
    if regions is None or document is None:
        return None
    return next((stores[0] for region in regions if (stores := document.regions.get(region))), None)


class Setting:
    """What some conditions ask of an event, as one event that meets them."""

    def __init__(self, wheres: Sequence[Where], document: ProgrammeDocument | None, currency: str) -> None:
        self._wheres = [part for where in wheres for part in _parts(where)]
        self._lines = next((where.lines for where in self._wheres if where.lines is not None), None)
        self._document, self._currency = document, currency

    def _first(self, name: str) -> str | None:
        return next((names[0] for where in self._wheres if (names := getattr(where, name)) is not None), None)

    @property
    def channel(self) -> Channel | None:
        """The first channel that is asked for."""
        return next((where.channel[0] for where in self._wheres if where.channel is not None), None)

    @property
    def store(self) -> str | None:
        """The first store that is asked for, or the first of the region."""
        regions = next((where.region for where in self._wheres if where.region is not None), None)
        return self._first("store") or _store_of(regions, self._document)

    @property
    def payment_method(self) -> str | None:
        """The first payment method that is asked for."""
        return self._first("payment_method")

    @property
    def attributes(self) -> dict[str, AttributeValue | None]:
        """Attributes that fit."""
        matches = [pair for where in self._wheres for pair in (where.attributes or {}).items()]
        return {name: value for name, match in matches if (value := _fitting(match)) is not None}

    def enough(self) -> Money:
        """The highest amount that is asked for; where none is, ten units of the currency."""
        lines = self._lines
        bounds = [where.total for where in self._wheres] + [where.subtotal for where in self._wheres]
        bounds += [lines.amount, lines.each] if lines is not None else []
        asked = [each.at_least for each in bounds if each is not None and each.at_least is not None]
        return max(asked, key=lambda money: money.minor, default=Money(_PLENTY * 100, self._currency))

    def lines(self, total: Money | None) -> tuple[OrderLine, ...]:
        """Lines of the whole total, with the first of everything that is asked of a line, and as many."""
        wanted = self._lines
        first = {} if wanted is None else {name: getattr(wanted, name)[0] for name in _NAMES if getattr(wanted, name)}
        tags = (first.pop("tag"),) if "tag" in first else ()
        number = _low(wanted.count) if wanted is not None else 1
        pieces = max([number, *[_low(where.quantity) for where in self._wheres]])
        if wanted is not None:
            pieces = max(pieces, _low(wanted.quantity))
        amounts = spread(total.minor if total is not None else 0, [1] * number)
        return tuple(
            OrderLine(
                line_no=place,
                quantity=pieces - number + 1 if place == 1 else 1,
                amount=amount,
                tags=tags,
                **{"sku": "any", **first},
            )
            for place, amount in enumerate(amounts, 1)
        )

    @staticmethod
    def written(lines: Sequence[ExampleLine]) -> tuple[OrderLine, ...]:
        """Lines as the example writes them."""
        return tuple(
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
            for place, line in enumerate(lines, 1)
        )


_NAMES = ("sku", "gtin", "brand", "category", "tag")


def _low(bounds: object) -> int:
    return max(1, getattr(bounds, "at_least", None) or 1)


def _parts(where: Where) -> Iterator[Where]:
    """The condition, those all of which must hold, and the first of those any of which will do."""
    yield where
    for part in (*(where.all or ()), *(where.any or ())[:1]):
        yield from _parts(part)

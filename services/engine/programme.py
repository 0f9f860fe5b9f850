"""A programme: every promotion version, compiled once, with an index so that an event meets only what may match it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from zoneinfo import ZoneInfo

import orjson

from schemas.events.orders import OrderCompleted
from schemas.promotions.document import Goal, LineMatch, MemberLimit, Promotion
from schemas.promotions.written import Money
from services.engine.conditions import (
    Condition,
    audience_conditions,
    campaign_conditions,
    event_conditions,
    hour_conditions,
)
from services.engine.moments import closing, micros

_LINE_FIELDS = ("sku", "gtin", "brand", "category", "tag")
"""From the most to the least selective: a promotion is indexed by the first of these that it names."""
_GETTERS = {name: attrgetter(name) for name in _LINE_FIELDS}


@dataclass(frozen=True, slots=True)
class PromotionVersion:
    """One publication of a promotion: it decides for events from `effective_from` until withdrawn or replaced."""

    promotion: Promotion
    version: int
    effective_from: datetime
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProgrammeTerms:
    """What holds for the whole programme: the secret of its codes, its time zone, its currency."""

    secret: bytes
    timezone: str
    currency: str


@dataclass(slots=True)
class Compiled:
    """A promotion version ready to decide: conditions as closures, instants as microseconds.

    In force for `starts` ≤ t < `ends` (0: no end). `conditions` are tested on each event; `issue_conditions` on the
    issue of an offer, for promotions by offer. `campaign_ends` is the last instant of the schedule (0: no end).
    """

    promotion: Promotion = field(repr=False)
    promotion_id: str
    version: int
    starts: int
    ends: int
    zone: ZoneInfo = field(repr=False)
    campaign_ends: int
    conditions: tuple[Condition, ...] = field(repr=False)
    issue_conditions: tuple[Condition, ...] = field(repr=False)
    goal: Goal | None
    limit: MemberLimit | None
    title: str = field(repr=False)
    place: int = field(default=0, repr=False)

    def in_force(self, instant: int) -> bool:
        """Whether this version decides at that instant."""
        return self.starts <= instant and (not self.ends or instant < self.ends)


@dataclass(slots=True)
class Programme:
    """All versions by promotion id, and the index; built by `compile_programme`, never changed."""

    terms: ProgrammeTerms
    zone: ZoneInfo
    versions: dict[str, tuple[Compiled, ...]]
    open_to_orders: tuple[Compiled, ...] = field(default=(), repr=False)
    open_to_activities: tuple[Compiled, ...] = field(default=(), repr=False)
    any_activity: tuple[Compiled, ...] = field(default=(), repr=False)
    by_channel: dict[str, tuple[Compiled, ...]] = field(default_factory=dict, repr=False)
    by_store: dict[str, tuple[Compiled, ...]] = field(default_factory=dict, repr=False)
    by_line: tuple[tuple[str, dict[str, tuple[Compiled, ...]]], ...] = field(default=(), repr=False)
    by_activity: dict[str, tuple[Compiled, ...]] = field(default_factory=dict, repr=False)

    def version_at(self, promotion_id: str, instant: int) -> Compiled | None:
        """The version of a promotion that decides at that instant."""
        for compiled in self.versions.get(promotion_id, ()):
            if compiled.in_force(instant):
                return compiled
        return None

    def for_order(self, order: OrderCompleted) -> Sequence[Compiled]:
        """Open promotions that may match the order, in the order of their ids."""
        found = self.by_channel.get(order.channel, ())
        if not self.by_line and not self.by_store:
            return found
        some = {compiled.place: compiled for compiled in found}
        for compiled in self.by_store.get(order.store_id or "", ()):
            some[compiled.place] = compiled
        for name, index in self.by_line:
            for key in _keys(order, name) & index.keys():
                for compiled in index[key]:
                    some[compiled.place] = compiled
        return [some[place] for place in sorted(some)]

    def for_activity(self, name: str) -> tuple[Compiled, ...]:
        """Open promotions that may match the activity."""
        return self.by_activity.get(name, self.any_activity)


def _keys(order: OrderCompleted, name: str) -> set[str]:
    if name == "tag":
        return {tag for line in order.lines for tag in line.tags}
    return set(map(_GETTERS[name], order.lines))


def compile_programme(versions: Iterable[PromotionVersion], terms: ProgrammeTerms) -> Programme:
    """The programme of these versions, whatever their order."""
    by_id: defaultdict[str, list[PromotionVersion]] = defaultdict(list)
    for version in versions:
        by_id[version.promotion.promotion].append(version)
    compiled: dict[str, tuple[Compiled, ...]] = {}
    for promotion_id in sorted(by_id):
        series = sorted(by_id[promotion_id], key=lambda v: (v.effective_from, v.version))
        nexts = [v.effective_from for v in series[1:]] + [None]
        compiled[promotion_id] = tuple(
            _compile(version, following, terms) for version, following in zip(series, nexts, strict=True)
        )
    return _indexed(Programme(terms, ZoneInfo(terms.timezone), compiled))


def currency_of(promotion: Promotion) -> str | None:
    """The currency of a document's amounts of money, None when it names none."""
    amounts: list[Money | None] = [promotion.goal.spend if promotion.goal else None]
    if promotion.where.total is not None:
        amounts += [promotion.where.total.at_least, promotion.where.total.at_most]
    for reward in promotion.reward:
        amounts.append(reward.points.per if reward.points else None)
        amounts.append(reward.coupon.amount_off if reward.coupon else None)
    return next((amount.currency for amount in amounts if amount), None)


def _compile(version: PromotionVersion, following: datetime | None, terms: ProgrammeTerms) -> Compiled:
    promotion = version.promotion
    zone = ZoneInfo(promotion.schedule.timezone or terms.timezone)
    ends = min((micros(end) for end in (version.withdrawn_at, following) if end is not None), default=0)
    schedule = promotion.schedule
    joining = campaign_conditions(schedule, zone) + audience_conditions(promotion.audience, promotion.promotion)
    deciding = hour_conditions(schedule, zone) + event_conditions(promotion, currency_of(promotion))
    by_offer = promotion.by == "offer"
    return Compiled(
        promotion=promotion,
        promotion_id=promotion.promotion,
        version=version.version,
        starts=micros(version.effective_from),
        ends=ends,
        zone=zone,
        campaign_ends=closing(schedule.until, zone) if schedule.until else 0,
        conditions=tuple(deciding if by_offer else joining + deciding),
        issue_conditions=tuple(joining),
        goal=promotion.goal,
        limit=promotion.limits.per_member,
        title=orjson.dumps(dict(promotion.title)).decode(),
    )


def _indexed(programme: Programme) -> Programme:
    channels: defaultdict[str, list[Compiled]] = defaultdict(list)
    stores: defaultdict[str, list[Compiled]] = defaultdict(list)
    lines: dict[str, defaultdict[str, list[Compiled]]] = {name: defaultdict(list) for name in _LINE_FIELDS}
    activities: defaultdict[str, list[Compiled]] = defaultdict(list)
    orders, others = [], []
    everything = [compiled for series in programme.versions.values() for compiled in series]
    for place, compiled in enumerate(everything):
        compiled.place = place
        where = compiled.promotion.where
        if compiled.promotion.by == "offer":
            continue
        if compiled.promotion.on == "activity.recorded":
            others.append(compiled)
            continue
        orders.append(compiled)
        name = _most_selective(where.lines)
        if name is not None:
            _register(lines[name], getattr(where.lines, name), compiled)
        elif where.store is not None:
            _register(stores, where.store, compiled)
        else:
            _register(channels, where.channel or ("pos", "app", "web"), compiled)
    for compiled in others:
        for name in compiled.promotion.activity or ():
            activities[name].append(compiled)
    anything = [compiled for compiled in others if compiled.promotion.activity is None]
    for found in activities.values():
        found.extend(anything)
    programme.open_to_orders = tuple(orders)
    programme.open_to_activities = tuple(others)
    programme.any_activity = tuple(anything)
    programme.by_channel = _frozen(channels)
    programme.by_store = _frozen(stores)
    programme.by_line = tuple((name, _frozen(index)) for name, index in lines.items() if index)
    programme.by_activity = _frozen(activities)
    return programme


def _most_selective(lines: LineMatch | None) -> str | None:
    if lines is None:
        return None
    return next((name for name in _LINE_FIELDS if getattr(lines, name) is not None), None)


def _register(index: defaultdict[str, list[Compiled]], keys: Iterable[str], compiled: Compiled) -> None:
    for key in keys:
        index[key].append(compiled)


def _frozen(index: defaultdict[str, list[Compiled]]) -> dict[str, tuple[Compiled, ...]]:
    return {key: tuple(sorted(found, key=lambda c: c.place)) for key, found in index.items()}

"""A programme: every promotion version, compiled once, with an index so that an event meets only what may match it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import orjson

from schemas.promotions.conditions import Trigger
from schemas.promotions.document import Promotion
from schemas.promotions.goals import Goal
from schemas.promotions.limits import Mode
from schemas.promotions.rewards import Reward
from services.engine.calendar.moments import closing, micros, opening
from services.engine.matching.condition import Condition
from services.engine.matching.conditions import audience_conditions, bucket, calendar_conditions, campaign_conditions
from services.engine.matching.currency import currency_of, real_sale, same_currency
from services.engine.matching.index import Index
from services.engine.matching.where import where_conditions
from services.engine.meters import Meter, activity_condition, asks_for_itself, has_parts, meters_of
from services.engine.rewarding.contests import InstantWinTable, seed_of
from services.engine.rewarding.limits import Cap, SharedCap, member_caps, shared_caps
from services.engine.terms import ProgrammeTerms, ProgrammeVersion, Terms, compile_terms

if TYPE_CHECKING:
    from services.engine.rewarding.coupons import CouponPlan

TIMED: frozenset[Trigger] = frozenset({"birthday", "anniversary", "inactivity"})
Rank = tuple[bool, bool, int, str]


@dataclass(frozen=True, slots=True)
class PromotionVersion:
    """One publication of a promotion: it decides for events from `effective_from` until withdrawn or replaced.

    `codes` are the imported pools its coupons draw from, by the SHA-256 that the document states.
    """

    promotion: Promotion
    version: int
    effective_from: datetime
    withdrawn_at: datetime | None = None
    codes: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Compiled:
    """A promotion version ready to decide: conditions as closures, instants as microseconds.

    In force for `starts` ≤ t < `ends` (0: no end). `conditions` are tested on each event; `issue_conditions` on the
    issue of an offer, for promotions by offer. `campaign_ends` is the last instant of the schedule (0: no end).
    `unit`, `currency` and `target` are how progress towards its goal is shown.
    """

    promotion: Promotion = field(repr=False)
    promotion_id: str
    version: int
    starts: int
    ends: int
    zone: ZoneInfo = field(repr=False)
    campaign_starts: int
    campaign_ends: int
    triggers: frozenset[Trigger]
    conditions: tuple[Condition, ...] = field(repr=False)
    issue_conditions: tuple[Condition, ...] = field(repr=False)
    goal: Goal | None
    meters: tuple[Meter, ...] = field(repr=False)
    unit: str
    currency: str | None
    target: int
    caps: tuple[Cap, ...] = field(repr=False)
    shared: tuple[SharedCap, ...] = field(repr=False)
    group: str
    mode: Mode
    rank: Rank
    title: str = field(repr=False)
    codes: Mapping[str, Sequence[str]] = field(repr=False)
    instant_win: InstantWinTable | None = field(repr=False)
    arms: tuple[tuple[int, str, tuple[Reward, ...]], ...] = field(repr=False)
    """Variants: each up to a bucket, with its name and rewards."""
    coupons: dict[int, CouponPlan] = field(default_factory=dict, repr=False, compare=False)
    """What the coupons of a reward share, by the reward's identity: worked out when the first is given."""

    def in_force(self, instant: int) -> bool:
        """Whether this version decides at that instant."""
        return self.starts <= instant and (not self.ends or instant < self.ends)

    @property
    def by_offer(self) -> bool:
        """Whether only members with an offer of it pursue it."""
        return self.promotion.by == "offer"

    @property
    def limited_by_all(self) -> bool:
        """Whether the books of shared limits are asked for each reward."""
        return bool(self.shared) or self.promotion.limits.budget is not None

    def variant_of(self, member_id: str) -> str | None:
        """The variant a member is in, for ever while the weights stay; None where there are none."""
        return self._arm(member_id)[1] if self.arms else None

    def rewards_for(self, member_id: str) -> tuple[Reward, ...]:
        """What a member is given: the rewards of their variant, or the promotion's."""
        return self._arm(member_id)[2] if self.arms else self.promotion.reward

    def _arm(self, member_id: str) -> tuple[int, str, tuple[Reward, ...]]:
        place = bucket(self.promotion_id, member_id, "variant")
        return next(arm for arm in self.arms if place < arm[0])


@dataclass(slots=True)
class Programme:
    """All versions by promotion id, the terms, and what finds them; built by `compile_programme`, never changed."""

    terms: tuple[Terms, ...]
    versions: dict[str, tuple[Compiled, ...]]
    index: Index = field(repr=False)
    """The promotions open to everyone."""
    listeners: frozenset[Trigger]
    """What starts any promotion."""
    timed: tuple[Compiled, ...] = field(repr=False)
    """Promotions that a day of the member's starts."""
    chances: tuple[Compiled, ...] = field(repr=False)
    """Promotions that give a try at an instant win."""

    @property
    def zone(self) -> ZoneInfo:
        """The programme's time zone, which never changes."""
        return self.terms[0].zone

    def terms_at(self, instant: int) -> Terms:
        """The terms in force at that instant."""
        found = self.terms[0]
        for terms in self.terms[1:]:
            if terms.starts > instant:
                break
            found = terms
        return found

    def version_at(self, promotion_id: str, instant: int) -> Compiled | None:
        """The version of a promotion that decides at that instant."""
        for compiled in self.versions.get(promotion_id, ()):
            if compiled.in_force(instant):
                return compiled
        return None


def compile_programme(
    versions: Iterable[PromotionVersion], terms: ProgrammeTerms, programme_versions: Iterable[ProgrammeVersion] = ()
) -> Programme:
    """The programme of these versions, whatever their order, under the terms of these documents."""
    blank = Programme(compile_terms(programme_versions, terms), {}, Index(), frozenset(), (), ())
    return with_versions(blank, versions)


def with_versions(programme: Programme, versions: Iterable[PromotionVersion]) -> Programme:
    """The programme with these versions instead of those it had of the same promotions: name all of each.

    The cost grows with the versions named; what stays is copied, not compiled.
    """
    by_id: defaultdict[str, list[PromotionVersion]] = defaultdict(list)
    for version in versions:
        by_id[version.promotion.promotion].append(version)
    changed = {promotion_id: _series(by_id[promotion_id], programme.terms[0]) for promotion_id in sorted(by_id)}
    index = programme.index.copy()
    listeners = set(programme.listeners)
    timed = [each for each in programme.timed if each.promotion_id not in changed]
    chances = [each for each in programme.chances if each.promotion_id not in changed]
    for each in [each for series in changed.values() for each in series]:
        listeners |= each.triggers
        if each.by_offer:
            continue
        index.put(each)
        if each.triggers & TIMED:
            timed.append(each)
        if each.instant_win is not None:
            chances.append(each)
    timed.sort(key=lambda each: each.rank)
    chances.sort(key=lambda each: each.rank)
    return Programme(
        programme.terms,
        programme.versions | changed,
        index,
        frozenset(listeners),
        tuple(timed),
        tuple(chances),
    )


def _series(versions: Iterable[PromotionVersion], terms: Terms) -> tuple[Compiled, ...]:
    """The versions of one promotion, each in force until the next."""
    series = sorted(versions, key=lambda v: (v.effective_from, v.version))
    nexts = [v.effective_from for v in series[1:]] + [None]
    return tuple([compile_version(version, following, terms) for version, following in zip(series, nexts, strict=True)])


def compile_version(version: PromotionVersion, following: datetime | None, terms: Terms) -> Compiled:
    """One version; `following` is when the next one replaces it."""
    promotion = version.promotion
    zone = ZoneInfo(promotion.schedule.timezone) if promotion.schedule.timezone else terms.zone
    schedule, goal = promotion.schedule, promotion.goal
    joining = campaign_conditions(schedule, zone) + audience_conditions(promotion.audience, promotion.promotion, zone)
    meters = meters_of(promotion, zone)
    deciding = calendar_conditions(schedule, zone) + _event_conditions(promotion)
    by_offer = promotion.by == "offer"
    unit, currency, target = _shown(goal, meters)
    stacking = promotion.stacking
    ends = min([micros(end) for end in (version.withdrawn_at, following) if end is not None], default=0)
    return Compiled(
        promotion=promotion,
        promotion_id=promotion.promotion,
        version=version.version,
        starts=micros(version.effective_from),
        ends=ends,
        zone=zone,
        campaign_starts=opening(schedule.from_, zone) if schedule.from_ else 0,
        campaign_ends=closing(schedule.until, zone) if schedule.until else 0,
        triggers=frozenset().union(*[meter.triggers for meter in meters]) if meters else frozenset(promotion.on),
        conditions=tuple(deciding if by_offer else joining + deciding),
        issue_conditions=tuple(joining),
        goal=goal,
        meters=meters,
        unit=unit,
        currency=currency,
        target=target,
        caps=member_caps(promotion.limits, promotion.promotion),
        shared=shared_caps(promotion.limits),
        group=stacking.group,
        mode=stacking.mode,
        rank=(_multiplies(promotion), stacking.mode != "exclusive", -stacking.priority, promotion.promotion),
        title=orjson.dumps(dict(promotion.title)).decode(),
        codes=version.codes,
        instant_win=_instant_win(promotion, zone, terms.secret),
        arms=_arms(promotion),
    )


def _event_conditions(promotion: Promotion) -> list[Condition]:
    """What the promotion asks of every event; where the measures of its goal ask for themselves, they ask the rest."""
    found = [real_sale()]
    currency = currency_of(promotion)
    if currency is not None:
        found.append(same_currency(currency))
    if asks_for_itself(promotion.goal):
        return found
    if promotion.activity is not None:
        found.append(activity_condition("activity", promotion.activity))
    return found + where_conditions(promotion.where)


def _shown(goal: Goal | None, meters: tuple[Meter, ...]) -> tuple[str, str | None, int]:
    if goal is None:
        return "visits", None, 1
    if has_parts(goal):
        return "parts", None, 1 if goal.any is not None else len(meters)
    if goal.in_a_row is not None:
        return f"{goal.every}s", None, goal.in_a_row
    return meters[0].unit, meters[0].currency, meters[0].target


def _multiplies(promotion: Promotion) -> bool:
    """Whether it gives so many times what others gave: then it looks last."""
    rewards = [*promotion.reward, *[reward for arm in promotion.variants or () for reward in arm.reward]]
    return any(reward.points is not None and reward.points.times is not None for reward in rewards)


def _instant_win(promotion: Promotion, zone: ZoneInfo, secret: bytes) -> InstantWinTable | None:
    contest, schedule = promotion.contest, promotion.schedule
    if contest is None or contest.instant_win is None or schedule.from_ is None or schedule.until is None:
        return None
    seed = seed_of(secret, promotion.promotion)
    start, end = opening(schedule.from_, zone), closing(schedule.until, zone)
    return InstantWinTable.drawn(contest.instant_win.prizes, seed, start, end)


def _arms(promotion: Promotion) -> tuple[tuple[int, str, tuple[Reward, ...]], ...]:
    variants = promotion.variants or ()
    whole = sum([variant.weight for variant in variants])
    found, so_far = [], 0
    for variant in variants:
        so_far += variant.weight
        found.append((so_far * 10_000 // whole, variant.variant, variant.reward))
    return tuple(found)


def mode_of(compiled: Compiled, terms: Terms) -> Mode:
    """How the promotion shares an event with its group: as the programme says of the group, else as the document."""
    return terms.modes.get(compiled.group) or compiled.mode

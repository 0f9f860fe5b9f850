"""Where a promotion ends: what one member may still get, exactly, and what is asked of the books for all members."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from schemas.promotions.limits import Budget, Limit, Limits
from services.engine.calendar.periods import period_of
from services.engine.occasion import Occasion
from services.engine.rewarding.grants import Claim, Pool
from services.engine.rewarding.worth import is_only_points, points_in, points_worth, worth_of
from services.engine.trace import Observation
from services.engine.wallet import Counter

if TYPE_CHECKING:
    from services.engine.programme import Compiled
    from services.engine.rewarding.rewards import Grant


@dataclass(slots=True)
class Cap:
    """A limit of one member, counted in the wallet under `key`, by the promotion's clock or its own."""

    path: str
    key: str
    limit: Limit
    zone: ZoneInfo | None = None

    def left(self, occasion: Occasion, compiled: Compiled) -> int:
        """How many more rewards, or points, it allows at this moment."""
        counter = occasion.wallet.counters.get(self.key)
        allowed = _allowed(self.limit)
        if counter is None or counter.period != self._period(occasion, compiled):
            return allowed
        return max(0, allowed - counter.used)

    def use(self, occasion: Occasion, compiled: Compiled, amount: int) -> None:
        """Count what was given."""
        period = self._period(occasion, compiled)
        counter = occasion.wallet.counters.get(self.key)
        used = counter.used if counter is not None and counter.period == period else 0
        occasion.wallet.counters[self.key] = Counter(period, used + amount)

    def _period(self, occasion: Occasion, compiled: Compiled) -> int:
        return period_of(occasion.clock(self.zone or compiled.zone), self.limit.every)


def member_caps(limits: Limits, promotion_id: str) -> tuple[Cap, ...]:
    """The caps of a promotion on each member."""
    return _caps(limits.per_member or (), "limits.per_member", promotion_id)


def _caps(limits: Iterable[Limit], path: str, key: str, zone: ZoneInfo | None = None) -> tuple[Cap, ...]:
    """Counted by what each limits, not by its place: one that changes in a new version finds what was used up. Of two
    that count the same, the stricter holds."""
    strictest: dict[str, Cap] = {}
    for place, limit in enumerate(limits):
        cap = Cap(f"{path}[{place}]", f"{key} {_counts(limit)}", limit, zone)
        held = strictest.get(cap.key)
        if held is None or _allowed(limit) < _allowed(held.limit):
            strictest[cap.key] = cap
    return tuple(strictest.values())


def _counts(limit: Limit) -> str:
    return f"{'times' if limit.times is not None else 'points'} {limit.every}"


def _allowed(limit: Limit) -> int:
    return limit.times or limit.points or 0


def caps_of(compiled: Compiled, occasion: Occasion) -> Sequence[Cap]:
    """Every cap that holds: the promotion's; its group's and the programme's, which go by the programme's clock."""
    caps = compiled.caps
    if not occasion.terms.capped:
        return caps
    document, zone = occasion.terms.document, occasion.terms.zone
    group = document.groups.get(compiled.group)
    if group is not None and group.cap is not None:
        caps += _caps(group.cap, f"groups.{compiled.group}.cap", f"*group {compiled.group}", zone)
    return caps + _caps(document.cap, "cap", "*programme", zone) if document.cap is not None else caps


def times_left(caps: Iterable[Cap], compiled: Compiled, occasion: Occasion, at_most: int) -> int:
    """How many more rewards these caps allow; one of points that is used up allows none."""
    for cap in caps:
        left = cap.left(occasion, compiled)
        if cap.limit.times is not None or left == 0:
            at_most = min(at_most, left)
    return at_most


def points_left(caps: Iterable[Cap], compiled: Compiled, occasion: Occasion) -> int | None:
    """How many more points these caps allow; None: no end."""
    lefts = [cap.left(occasion, compiled) for cap in caps if cap.limit.points is not None]
    return min(lefts, default=None)


def observed_caps(caps: Iterable[Cap], compiled: Compiled, occasion: Occasion) -> list[Observation]:
    """The caps as an explanation tells them: what is allowed in each period, and what is left of it."""
    seen = []
    for cap in caps:
        left = cap.left(occasion, compiled)
        seen.append(Observation(cap.path, cap.limit.model_dump(exclude_none=True), left, left > 0))
    return seen


def use_caps(caps: Iterable[Cap], compiled: Compiled, occasion: Occasion, points: int) -> None:
    """Count one bundle of rewards with so many points in it."""
    for cap in caps:
        cap.use(occasion, compiled, points if cap.limit.points is not None else 1)
        if occasion.decision is not None:
            occasion.decision.used.append((cap.path, points if cap.limit.points is not None else 1))


@dataclass(slots=True)
class SharedCap:
    """A limit that members share, counted by the books: of a household, a store, a channel, or all."""

    path: str
    kind: str
    limit: Limit
    whose: Callable[[Occasion], str]


def shared_caps(limits: Limits) -> tuple[SharedCap, ...]:
    """The limits of a promotion that members share; of two that count the same, the stricter."""
    strictest: dict[tuple[str, str], SharedCap] = {}
    for name, kind, whose in _SHARED:
        for place, limit in enumerate(getattr(limits, name) or ()):
            held = strictest.get((kind, _counts(limit)))
            if held is None or _allowed(limit) < _allowed(held.limit):
                cap = SharedCap(f"limits.{name}[{place}]", kind, limit, whose)
                strictest[kind, _counts(limit)] = cap
    return tuple(strictest.values())


def _household(o: Occasion) -> str:
    """A member without a household is one by themselves."""
    return str(o.wallet.attributes.get("household", "")) or f"member {o.wallet.member_id}"


_SHARED: tuple[tuple[str, str, Callable[[Occasion], str]], ...] = (
    ("per_household", "household", _household),
    ("per_store", "store", lambda o: o.store),
    ("per_channel", "channel", lambda o: o.channel),
    ("total", "total", lambda _: ""),
)


def ask(grant: Grant) -> str | None:
    """Ask the books for one bundle of rewards; the path of the first limit that refuses, None when all granted.

    Cuts the points of the grant where a budget's last bit is given. What was granted before a refusal is released.
    """
    occasion = grant.occasion
    grants = occasion.desk.grants
    for path, claim in _claims(grant):
        granted = grants.take(claim)
        if granted.amount == 0 and claim.amount:
            for earlier in grant.claims:
                grants.release(earlier)
            grant.claims.clear()
            return path
        grant.claims.append(claim)
        if granted.amount < claim.amount:
            grant.points_left = _cut(grant, claim, granted.amount)
        if occasion.decision is not None:
            occasion.decision.used.append((path, granted.amount))
    return None


def _claims(grant: Grant) -> list[tuple[str, Claim]]:
    compiled, occasion = grant.compiled, grant.occasion
    found = []
    for cap in compiled.shared:
        points = cap.limit.points is not None
        amount = points_in(grant) if points else 1
        period = period_of(occasion.clock(compiled.zone), cap.limit.every)
        key = f"{_counts(cap.limit)} {cap.whose(occasion)}".rstrip()
        capacity = _allowed(cap.limit)
        found.append((cap.path, grant.claim(Pool(compiled.promotion_id, cap.kind, key, period), amount, capacity)))
    budget = compiled.promotion.limits.budget
    if budget is not None:
        amount, capacity = _spend(grant, budget)
        partial = budget.last == "partial" and is_only_points(grant)
        claim = grant.claim(Pool(compiled.promotion_id, "budget"), amount, capacity, partial=partial)
        found.append(("limits.budget", claim))
    return found


def _spend(grant: Grant, budget: Budget) -> tuple[int, int]:
    """What the bundle costs of the budget, and what the budget holds."""
    if budget.amount is not None:
        return worth_of(grant), budget.amount.minor
    if budget.points is not None:
        return points_in(grant), budget.points
    return 1, budget.pieces or 0


def _cut(grant: Grant, claim: Claim, granted: int) -> int:
    """The points that what was granted pays for."""
    budget = grant.compiled.promotion.limits.budget
    if claim.pool.kind == "budget" and budget is not None and budget.amount is not None:
        return points_worth(grant, granted)
    return granted

"""What promotions gave in a simulation, counted from the ledger entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields

from schemas.promotions.document import Promotion
from schemas.promotions.rewards import Reward
from services.engine.entries import Entry

_REACHING = frozenset({"points.earned", "coupon.issued", "reward.granted", "tier.changed", "offer.completed"})
"""The kinds of entry with which a promotion has reached a member."""


@dataclass(frozen=True, slots=True)
class Face:
    """What a coupon of a promotion is worth on its face, in minor units; None where only the basket will tell."""

    value: int | None
    currency: str = ""
    gift: bool = False


Faces = Mapping[tuple[str, int], tuple[Face, ...]]
"""By promotion and version: the coupons and gifts of one reward, in the order in which they are given."""

_UNTOLD = (Face(None),)


@dataclass(slots=True)
class Given:
    """What one promotion gave.

    `members` it reached, goals `completed`, occasions on which it `rewarded`. `points` and `spent` (what members paid
    in points) are by points currency, `value` of the coupons and gifts by currency in minor units, `unvalued` counts
    those without one. `other` is by unit: `entries`, `tries`, `message`, `tier_points`, `stamps:<card>`,
    `prize:<name>`.
    """

    members: int = 0
    completed: int = 0
    rewarded: int = 0
    coupons: int = 0
    gifts: int = 0
    unvalued: int = 0
    redeemed: int = 0
    expired: int = 0
    tiers: int = 0
    value: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    spent: Counter[str] = field(default_factory=Counter)
    other: Counter[str] = field(default_factory=Counter)

    @property
    def times(self) -> int:
        """How often it came true: its goal was reached, or, without a goal, something was given."""
        return self.completed or self.rewarded

    def add(self, more: Given) -> None:
        """Count what others were given as well."""
        for own in fields(self):
            mine, theirs = getattr(self, own.name), getattr(more, own.name)
            if isinstance(mine, Counter):
                mine.update(theirs)
            else:
                setattr(self, own.name, mine + theirs)


class Tally:
    """`Given` by promotion id, filled member by member."""

    def __init__(self) -> None:
        self.promotions: dict[str, Given] = {}

    def of(self, promotion_id: str) -> Given:
        """What that promotion gave so far."""
        given = self.promotions.get(promotion_id)
        if given is None:
            given = self.promotions[promotion_id] = Given()
        return given

    def add(self, more: Tally) -> None:
        """Count what other members were given as well."""
        for promotion_id, given in more.promotions.items():
            self.of(promotion_id).add(given)

    def total(self) -> Given:
        """All promotions together; `members` are counted once for each promotion that reached them."""
        total = Given()
        for given in self.promotions.values():
            total.add(given)
        return total

    def count(self, entries: Iterable[Entry], faces: Faces) -> None:
        """Count all entries of one member."""
        reached: set[str] = set()
        occasions: set[tuple[str, str | None, str]] = set()
        coupons: Counter[tuple[str, int, str | None, str]] = Counter()
        for entry in entries:
            promotion_id = entry.promotion_id
            if promotion_id is None:
                continue
            given = self.of(promotion_id)
            kind = entry.kind
            if kind in _REACHING:
                reached.add(promotion_id)
                if kind != "offer.completed":
                    occasions.add((promotion_id, entry.offer_id, entry.cause))
            if kind == "coupon.issued":
                version = (promotion_id, entry.promotion_version or 0)
                bundle = (*version, entry.offer_id, entry.cause)
                found = faces.get(version) or _UNTOLD
                _count_coupon(given, found[coupons[bundle] % len(found)])
                coupons[bundle] += 1
            else:
                _count_other(given, entry)
        for promotion_id in reached:
            self.promotions[promotion_id].members += 1
        for promotion_id, _, _ in occasions:
            self.promotions[promotion_id].rewarded += 1


def _count_coupon(given: Given, face: Face) -> None:
    if face.gift:
        given.gifts += 1
    else:
        given.coupons += 1
    if face.value is None:
        given.unvalued += 1
    else:
        given.value[face.currency] += face.value


def _count_other(given: Given, entry: Entry) -> None:
    match entry.kind:
        case "points.earned":
            given.points[entry.unit.partition(":")[2]] += entry.amount
        case "points.spent":
            given.spent[entry.unit.partition(":")[2]] += entry.amount
        case "offer.completed":
            given.completed += entry.amount
        case "coupon.redeemed":
            given.redeemed += entry.amount
        case "coupon.expired":
            given.expired += entry.amount
        case "tier.changed":
            given.tiers += 1
        case "reward.granted":
            given.other[entry.unit] += entry.amount


def faces_of(versions: Iterable[tuple[Promotion, int]]) -> Faces:
    """The face values of every promotion version's coupons."""
    return {(promotion.promotion, version): _faces(promotion) for promotion, version in versions}


def _faces(promotion: Promotion) -> tuple[Face, ...]:
    arms = [tuple(filter(None, map(_face, rewards))) for rewards in _bundles(promotion)]
    given = [faces for faces in arms if faces]
    # Arms that give different coupons cannot be told apart by their entries.
    return given[0] if given and all(faces == given[0] for faces in given) else _UNTOLD


def _bundles(promotion: Promotion) -> list[tuple[Reward, ...]]:
    if promotion.variants:
        return [variant.reward for variant in promotion.variants]
    return [promotion.reward]


def _face(reward: Reward) -> Face | None:
    if reward.coupon is None and reward.gift is None:
        return None
    worth = reward.value
    if worth is None and reward.coupon is not None:
        worth = reward.coupon.amount_off or reward.coupon.max_amount
    gift = reward.gift is not None
    return Face(worth.minor, worth.currency, gift) if worth is not None else Face(None, "", gift)

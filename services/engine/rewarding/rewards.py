"""Giving what a promotion promises: each kind of reward, and the grant that all of them belong to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas.promotions.rewards import Reward
from services.engine.entries import Entry, Kind, told
from services.engine.occasion import Occasion
from services.engine.rewarding.coupons import give_coupon, give_gift
from services.engine.rewarding.grants import Claim, Pool
from services.engine.rewarding.messages import give_message
from services.engine.rewarding.points import give_points
from services.engine.rewarding.tiers import add_tier_points, give_tier

if TYPE_CHECKING:
    from services.engine.programme import Compiled


@dataclass(slots=True)
class Grant:
    """One bundle of rewards about to be given: which promotion (or offer of it), on which occasion, counted by what.

    `mark` numbers it so that a refold finds it again: the how-manieth completion of the goal, or, without a goal, the
    event. `points_left` cuts the points of the bundle to what limits and budgets leave (None: no cut). `claims` are
    what the books of shared limits granted for it.
    """

    compiled: Compiled
    occasion: Occasion
    offer_id: str
    mark: str
    points_left: int | None = None
    claims: list[Claim] = field(default_factory=list)

    def post(
        self,
        key: str,
        kind: Kind,
        unit: str,
        accounts: tuple[str, str],
        amount: int,
        coupon_id: str | None = None,
        detail: dict[str, object] | None = None,
    ) -> None:
        """Append a ledger line of this grant; the key must hold whatever tells it from the member's other lines."""
        occasion, compiled = self.occasion, self.compiled
        occasion.entries.append(
            Entry(
                key,
                kind,
                unit,
                accounts[0],
                accounts[1],
                amount,
                compiled.promotion_id,
                compiled.version,
                self.offer_id or None,
                coupon_id,
                occasion.cause,
                occasion.occurred_at,
                detail or {},
            )
        )
        if occasion.decision is not None:
            occasion.decision.gave.append((told(occasion.entries[-1]), amount))

    def claim(self, pool: Pool, amount: int, capacity: int, *, mark: str | None = None, partial: bool = False) -> Claim:
        """A claim of this grant on something that members share; `mark` where it is about less than the bundle."""
        occasion = self.occasion
        named = mark if mark is not None else f"{self.offer_id} {self.mark}"
        return Claim(pool, amount, capacity, occasion.wallet.member_id, named, occasion.instant, partial)

    def key(self, *parts: object) -> str:
        """A key of this grant: its promotion, version, offer and mark between the kind and whatever else tells it."""
        kind, *rest = parts
        compiled = self.compiled
        head = f"{kind} {compiled.promotion_id} v{compiled.version} {self.offer_id} {self.mark}"
        return " ".join([head, *map(str, rest)])


def give(grant: Grant, rewards: tuple[Reward, ...]) -> None:
    """Put all of these rewards, once, into the draft of the wallet and among the entries."""
    for place, reward in enumerate(rewards):
        give_one(grant, str(place), reward)


def give_one(grant: Grant, place: str, reward: Reward) -> None:
    """One reward; `place` tells it from the others of the grant."""
    if reward.points is not None:
        give_points(grant, place, reward.points)
    elif reward.coupon is not None:
        give_coupon(grant, reward.coupon)
    elif reward.gift is not None:
        give_gift(grant, reward.gift)
    elif reward.stamps is not None:
        _give_stamps(grant, place, reward)
    elif reward.tier_points is not None:
        key = grant.key("reward.granted", place, "tier_points", reward.tier_points)
        accounts = ("programme:tier_points", "member:tier_points")
        grant.post(key, "reward.granted", "tier_points", accounts, reward.tier_points)
        add_tier_points(grant.occasion, reward.tier_points)
    elif reward.tier is not None:
        give_tier(grant, reward.tier)
    elif reward.entries is not None:
        key = grant.key("reward.granted", place, "entries", reward.entries)
        grant.post(key, "reward.granted", "entries", ("programme:entries", "member:entries"), reward.entries)
    elif reward.instant_win:
        _try_to_win(grant, place)
    elif reward.message is not None:
        give_message(grant, place, reward.message)


def _give_stamps(grant: Grant, place: str, reward: Reward) -> None:
    """Stamps on another promotion's card: that promotion counts them when its turn comes on this occasion."""
    stamps = reward.stamps
    assert stamps is not None
    key = grant.key("reward.granted", place, "stamps", stamps.card, stamps.give)
    accounts = ("programme:stamps", "member:stamps")
    grant.post(key, "reward.granted", f"stamps:{stamps.card}", accounts, stamps.give)
    grant.occasion.stamped.append((stamps.card, stamps.give))


def _try_to_win(grant: Grant, place: str) -> None:
    """A try: it wins when a winning moment has passed that nobody has won."""
    table = grant.compiled.instant_win
    assert table is not None
    occasion = grant.occasion
    key = grant.key("reward.granted", place, "tries")
    grant.post(key, "reward.granted", "tries", ("programme:tries", "member:tries"), 1)
    opened = table.opened(occasion.instant)
    if not opened:
        return
    # The place is part of the claim: two tries of one bundle are two.
    mark = f"{grant.offer_id} {grant.mark} {place}"
    pool = Pool(grant.compiled.promotion_id, "instant_win")
    granted = occasion.desk.grants.take(grant.claim(pool, 1, opened, mark=mark))
    # What was granted once stays granted: under a version with fewer moments it may be one of those that are gone.
    if not granted.amount or granted.before >= len(table):
        return
    prize = table.prize(granted.before)
    key = grant.key("reward.granted", place, "prize", prize.prize)
    accounts = ("programme:prizes", "member:prizes")
    grant.post(key, "reward.granted", f"prize:{prize.prize}", accounts, 1, None, {"moment": granted.before})
    if prize.reward is not None:
        give_one(grant, f"{place}.prize", prize.reward)

"""What rewards are worth: to choose the best of a group, and to charge a budget. Minor units, whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from schemas.promotions.rewards import CouponReward, Reward
from services.engine.occasion import Occasion
from services.engine.rewarding.points import counts_in_limits, points_of

if TYPE_CHECKING:
    from services.engine.programme import Compiled
    from services.engine.rewarding.rewards import Grant


def worth(rewards: Sequence[Reward], compiled: Compiled, occasion: Occasion, points_left: int | None = None) -> int:
    """What these rewards are worth on this occasion: the value stated, else the face of coupons and points' value.

    `points_left`: so many points a limit still allows (None: no end).
    """
    whole = 0
    for reward in rewards:
        if reward.value is not None:
            whole += reward.value.minor
        elif reward.points is not None:
            points = points_of(reward.points, compiled, occasion)
            if points_left is not None and counts_in_limits(reward.points.currency):
                points = min(points, points_left)
                points_left -= points
            whole += occasion.terms.worth(points, reward.points.currency)
        elif reward.coupon is not None:
            whole += _face(reward.coupon, occasion)
    return whole


def _face(coupon: CouponReward, occasion: Occasion) -> int:
    """An amount off is worth that; a percentage its cap, else that share of what counts now; others need a value."""
    if coupon.amount_off is not None:
        return coupon.amount_off.minor
    if coupon.percent_off is not None:
        if coupon.max_amount is not None:
            return coupon.max_amount.minor
        return occasion.base() * coupon.percent_off.percent // 100
    return 0


def gives_nothing(rewards: Sequence[Reward], compiled: Compiled, occasion: Occasion) -> bool:
    """Whether it is points and nothing else, and none on this occasion."""
    return all(each.points is not None and not points_of(each.points, compiled, occasion) for each in rewards)


def worth_of(grant: Grant) -> int:
    """What the grant's bundle is worth."""
    return worth(grant.compiled.rewards_for(grant.occasion.wallet.member_id), grant.compiled, grant.occasion)


def points_in(grant: Grant) -> int:
    """The points in the grant's bundle that limits count, as far as limits of the member leave them."""
    compiled, occasion = grant.compiled, grant.occasion
    found = [reward.points for reward in compiled.rewards_for(occasion.wallet.member_id) if reward.points is not None]
    points = sum([points_of(each, compiled, occasion) for each in found if counts_in_limits(each.currency)])
    return points if grant.points_left is None else min(points, grant.points_left)


def is_only_points(grant: Grant) -> bool:
    """Whether the bundle can be cut: it is points and nothing else."""
    rewards = grant.compiled.rewards_for(grant.occasion.wallet.member_id)
    return all(reward.points is not None and reward.value is None for reward in rewards)


def points_worth(grant: Grant, amount: int) -> int:
    """How many of the bundle's points an amount of money pays for, rounded down."""
    whole = worth_of(grant)
    return points_in(grant) * amount // whole if whole else 0

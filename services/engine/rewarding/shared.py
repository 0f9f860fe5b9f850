"""What of a promotion all members share: limits beyond one member, budgets, stocks, pools of codes, instant wins."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.promotions.document import Promotion
from schemas.promotions.rewards import Reward

_BEYOND_ONE_MEMBER = ("per_household", "per_store", "per_channel", "total", "budget")


def shared_limits(promotion: Promotion) -> list[str]:
    """The places in the document that need the books of shared limits, e.g. `limits.budget`; empty: none is needed.

    Without any of them the promotion asks `services.engine.rewarding.grants.Grants` for nothing.
    """
    paths = [f"limits.{name}" for name in _BEYOND_ONE_MEMBER if getattr(promotion.limits, name) is not None]
    for place, reward in _rewards(promotion):
        if reward.gift is not None:
            paths.append(f"{place}.gift.stock")
        if reward.coupon is not None and reward.coupon.codes is not None:
            paths.append(f"{place}.coupon.codes")
    if promotion.contest is not None and promotion.contest.instant_win is not None:
        paths.append("contest.instant_win")
    return paths


def _rewards(promotion: Promotion) -> Iterator[tuple[str, Reward]]:
    """Every reward the promotion may give, with its place."""
    for number, reward in enumerate(promotion.reward):
        yield f"reward[{number}]", reward
    for arm, variant in enumerate(promotion.variants or ()):
        for number, reward in enumerate(variant.reward):
            yield f"variants[{arm}].reward[{number}]", reward
    win = promotion.contest.instant_win if promotion.contest is not None else None
    for number, prize in enumerate(win.prizes if win is not None else ()):
        if prize.reward is not None:
            yield f"contest.instant_win.prizes[{number}].reward", prize.reward

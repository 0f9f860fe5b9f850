"""What is open-ended, costly or untold in one promotion."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.promotions.document import Promotion
from schemas.promotions.lint.remark import Remark
from schemas.promotions.loading import Loaded
from schemas.promotions.programme import ProgrammeDocument
from schemas.promotions.rewards import CouponReward, Reward
from schemas.promotions.source import Path
from schemas.values import Text

_ONCE = frozenset({"birthday", "anniversary", "inactivity", "member.registered", "tier.reached"})
"""They come to a member once, or once in a long time."""


def findings(document: Loaded, promotion: Promotion, programme: ProgrammeDocument | None) -> Iterator[Remark]:
    """No end, no budget, no example, a missing translation, a discount without a cap, a budget too small to give."""
    if promotion.schedule.until is None:
        yield Remark("no-end", ("schedule", "until"), "it has no last day", "write `schedule: {until: 2026-12-31}`")
    if not promotion.examples:
        message = "no example shows what it does"
        yield Remark("no-example", ("examples",), message, "write `examples`, `check` runs them")
    found = list(rewards_of(promotion))
    yield from _budget(promotion, found, programme)
    yield from _too_little(promotion, found)
    yield from _whole_only(promotion)
    for path, reward in found:
        if reward.coupon is not None:
            yield from _percent(reward.coupon, (*path, "coupon"))
    yield from _languages(promotion, found, document)


def rewards_of(promotion: Promotion) -> Iterator[tuple[Path, Reward]]:
    """Every reward with its place, those of the variants included."""
    for place, reward in enumerate(promotion.reward):
        yield ("reward", place), reward
    for arm, variant in enumerate(promotion.variants or ()):
        for place, reward in enumerate(variant.reward):
            yield ("variants", arm, "reward", place), reward


def _budget(
    promotion: Promotion, found: list[tuple[Path, Reward]], programme: ProgrammeDocument | None
) -> Iterator[Remark]:
    """Nothing bounds how often a member gets a coupon, or points that do not follow what was spent."""
    goal = promotion.goal
    once = goal is not None and not goal.repeat and goal.every is None
    nth = promotion.audience.order
    bounded = (
        promotion.limits.model_fields_set
        or once
        or promotion.by == "offer"
        or promotion.cost is not None
        or set(promotion.on) <= _ONCE
        or (nth is not None and (nth.nth is not None or nth.at_most is not None))
        or (programme is not None and programme.cap is not None)
    )
    if bounded:
        return
    for path, reward in found:
        points = reward.points
        fixed = points is not None and points.earn is not None and points.per is None and not points.per_piece
        if reward.coupon is not None or fixed:
            message = "nothing limits how often it is given"
            advice = "write `limits: {per_member: {times: 1, every: month}}`, or a `budget`"
            yield Remark("no-budget", path, message, advice)
            return


def _too_little(promotion: Promotion, found: list[tuple[Path, Reward]]) -> Iterator[Remark]:
    """A budget that is used up before the first reward."""
    budget = promotion.limits.budget
    if budget is None or budget.last == "partial":
        return
    for path, reward in found:
        points, coupon = reward.points, reward.coupon
        earned = points.earn if points is not None and points.per is None and points.currency == "base" else None
        if budget.points is not None and earned is not None and earned > budget.points:
            message = f"`limits.budget.points` of {budget.points} are less than one reward"
            yield Remark("never-given", (*path, "points"), message, "raise the budget")
        value = reward.value or (coupon.amount_off if coupon is not None else None)
        if budget.amount is not None and value is not None and value.minor > budget.amount.minor:
            name = "value" if reward.value is not None else "coupon"
            message = f"`limits.budget.amount` of {budget.amount} is less than one reward"
            yield Remark("never-given", (*path, name), message, "raise the budget")


def _whole_only(promotion: Promotion) -> Iterator[Remark]:
    """The last of a budget in part, where nothing that is given can be cut."""
    budget = promotion.limits.budget
    if budget is None or budget.last != "partial":
        return
    bundles = [arm.reward for arm in promotion.variants or ()] or [promotion.reward]
    if not any(all(each.points is not None and each.value is None for each in bundle) for bundle in bundles):
        message = "only points alone can be cut to what is left: this is given whole or not at all"
        yield Remark("no-effect", ("limits", "budget", "last"), message, "remove it")


def _percent(coupon: CouponReward, path: Path) -> Iterator[Remark]:
    share = coupon.percent_off
    narrow = coupon.category or coupon.brand or coupon.sku
    if share is None or narrow or coupon.max_amount is not None:
        return
    place = (*path, "percent_off")
    if share.percent == 100:
        message = "100 % off the whole basket, whatever it costs"
        yield Remark("percent", place, message, "write `max_amount: 50.00 EUR`, or a category, brand or sku")
    else:
        message = f"{share.percent} % off the whole basket without an upper end"
        yield Remark("percent", place, message, "write `max_amount: 50.00 EUR`")


def _languages(promotion: Promotion, found: list[tuple[Path, Reward]], document: Loaded) -> Iterator[Remark]:
    """What the member reads, in every language in which the member reads anything of it."""
    texts: list[tuple[Path, Text]] = [(("title",), promotion.title)]
    for path, reward in found:
        if reward.coupon is not None and reward.coupon.title is not None:
            texts.append(((*path, "coupon", "title"), reward.coupon.title))
        if reward.gift is not None and reward.gift.title is not None:
            texts.append(((*path, "gift", "title"), reward.gift.title))
        if reward.message is not None:
            texts.append(((*path, "message"), reward.message))
    if document.says(("description",)):
        texts.append((("description",), promotion.description))
    languages = {language for _, text in texts for language in text}
    for path, text in texts:
        missing = sorted(languages - text.keys())
        if missing:
            yield Remark("no-translation", path, f"other texts of it are in {', '.join(missing)} too", "translate it")

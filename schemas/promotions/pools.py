"""Imported codes, wherever a promotion gives them; and that no code is given twice, whichever lists are published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from schemas.promotions.document import Promotion
from schemas.promotions.rewards import Pool, Reward
from schemas.promotions.source import Path


def pools_of(promotion: Promotion) -> Iterator[tuple[Path, Pool]]:
    """The pools a promotion names, each as often as it does, with their places in the document."""
    yield from _pools(("reward",), promotion.reward)
    for number, arm in enumerate(promotion.variants or ()):
        yield from _pools(("variants", number, "reward"), arm.reward)
    instant_win = promotion.contest.instant_win if promotion.contest else None
    for number, prize in enumerate(instant_win.prizes if instant_win else ()):
        if prize.reward and prize.reward.coupon and prize.reward.coupon.codes:
            yield ("contest", "instant_win", "prizes", number, "reward", "coupon", "codes"), prize.reward.coupon.codes


def _pools(place: Path, rewards: Sequence[Reward]) -> Iterator[tuple[Path, Pool]]:
    for number, reward in enumerate(rewards):
        if reward.coupon and reward.coupon.codes:
            yield (*place, number, "coupon", "codes"), reward.coupon.codes


@dataclass(slots=True)
class HeldCodes:
    """Every code that is in some list already, so that none is given twice.

    A list is known by its promotion and its file. It may only grow at its end: places of codes that were given stay
    what they were. Codes that differ in nothing but upper and lower case are one, because somebody will type them.
    """

    _owners: dict[str, tuple[str, str]] = field(default_factory=dict)
    _lists: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def take(self, promotion_id: str, file: str, codes: Sequence[str]) -> str | None:
        """Why this list cannot be taken, as a sentence; None when it was."""
        own = (promotion_id, file)
        before = self._lists.get(own, ())
        for line, (was, now) in enumerate(zip(before, codes, strict=False), 1):
            if was != now:
                return f"line {line} of {file} was `{was}` before: new codes stand at the end, or in another file"
        if len(codes) < len(before):
            return f"{file} had {len(before)} codes before: none can be taken away"
        for line, code in enumerate(codes[len(before) :], len(before) + 1):
            owner = self._owners.get(code.upper())
            if owner is not None:
                return f"`{code}` (line {line}) is in {owner[1]} of the promotion {owner[0]} too"
        self._owners.update(dict.fromkeys(map(str.upper, codes), own))
        self._lists[own] = tuple(codes)
        return None

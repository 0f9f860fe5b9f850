"""Names that a document uses: those the programme must know, and the ids of other promotions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from schemas.promotions.advice import closest
from schemas.promotions.conditions import Where
from schemas.promotions.document import Promotion
from schemas.promotions.examples import Example
from schemas.promotions.lint.never import measures_of
from schemas.promotions.lint.remark import Remark
from schemas.promotions.lint.terms import rewards_of
from schemas.promotions.programme import ProgrammeDocument
from schemas.promotions.rewards import Reward
from schemas.promotions.source import Path

Used = tuple[Path, str]
_OFFERS = frozenset({"offer.issued", "offer.viewed", "offer.activated"})


def of_programme(promotion: Promotion, programme: ProgrammeDocument) -> Iterator[Remark]:
    """Tiers, segments, regions, points currencies and a currency that the programme document does not have."""
    if programme.tiers is not None:
        known = [level.tier for level in programme.tiers.levels]
        yield from _unknown("tier", _tiers(promotion), known)
    if programme.segments is not None:
        yield from _unknown("segment", _segments(promotion), programme.segments)
    yield from _unknown("region", _regions(promotion), programme.regions)
    currencies = dict.fromkeys(["base", "tier", *programme.points])
    yield from _unknown("points currency", _currencies(promotion), currencies)
    yield from _stores(promotion, programme)
    if programme.returns.period is None:
        for path, reward in all_rewards(promotion):
            if reward.points is not None and reward.points.pending_returns:
                message = "the programme does not say how long goods may come back"
                advice = "write `returns: {period: 14d}` in the programme document, or `pending_for: 14d` here"
                yield Remark("no-return-period", (*path, "points", "pending_returns"), message, advice)


def of_others(promotion: Promotion, others: Mapping[str, Promotion]) -> Iterator[Remark]:
    """Promotions named that are not among the documents of this check, or that cannot do what is asked of them."""
    for path, name in references(promotion):
        if name not in others:
            near = closest(name, others)
            advice = near if near.startswith("did you mean") else "check it together with the others"
            yield Remark("unknown-promotion", path, f"`{name}` is none of the promotions of this check", advice)
    for path, reward in all_rewards(promotion):
        card = others.get(reward.stamps.card) if reward.stamps is not None else None
        if card is not None and not any(measure.stamps for _, measure in measures_of(card.goal)):
            message = f"`{card.promotion}` has no card: its goal counts no stamps"
            yield Remark("never-given", (*path, "stamps", "card"), message, "write `goal: {stamps: 10}` there")
    if set(promotion.on) <= _OFFERS:
        for path, name in _promotions(promotion.where, ("where",)):
            other = others.get(name)
            if other is not None and other.by != "offer":
                message = f"no offers are issued of `{name}`"
                yield Remark("never-true", path, message, "write `by: offer` there")


def references(promotion: Promotion) -> Iterator[Used]:
    """Every other promotion that this one names, with the place; an example itself fails without its companions."""
    for name in promotion.audience.holding or ():
        yield ("audience", "holding"), name
    yield from _promotions(promotion.where, ("where",))
    for path, measure in measures_of(promotion.goal):
        if measure.where is not None:
            yield from _promotions(measure.where, (*path, "where"))
    for path, reward in all_rewards(promotion):
        if reward.points is not None:
            yield from (((*path, "points", "of"), name) for name in reward.points.of or ())
        if reward.stamps is not None:
            yield (*path, "stamps", "card"), reward.stamps.card
    for number, example in enumerate(promotion.examples):
        yield from _of_example(example, ("examples", number))


def _of_example(example: Example, path: Path) -> Iterator[Used]:
    for place, step in enumerate(example.given):
        if step.offer is not None and step.offer.of is not None:
            yield (*path, "given", place, "offer", "of"), step.offer.of


def _promotions(where: Where, path: Path) -> Iterator[Used]:
    for place, each in _wheres(where, path):
        yield from (((*place, "promotion"), name) for name in each.promotion or ())


def _wheres(where: Where, path: Path) -> Iterator[tuple[Path, Where]]:
    yield path, where
    for word in ("all", "any", "none"):
        for place, each in enumerate(getattr(where, word) or ()):
            yield from _wheres(each, (*path, word, place))


def _all_wheres(promotion: Promotion) -> Iterator[tuple[Path, Where]]:
    yield from _wheres(promotion.where, ("where",))
    for path, measure in measures_of(promotion.goal):
        if measure.where is not None:
            yield from _wheres(measure.where, (*path, "where"))


def all_rewards(promotion: Promotion) -> Iterator[tuple[Path, Reward]]:
    """Every reward with its place, the prizes of an instant win included."""
    yield from rewards_of(promotion)
    win = promotion.contest.instant_win if promotion.contest is not None else None
    for place, prize in enumerate(win.prizes if win is not None else ()):
        if prize.reward is not None:
            yield ("contest", "instant_win", "prizes", place, "reward"), prize.reward


def _tiers(promotion: Promotion) -> Iterator[Used]:
    yield from ((("audience", "tiers"), name) for name in promotion.audience.tiers or ())
    for path, where in _all_wheres(promotion):
        yield from (((*path, "tier"), name) for name in where.tier or ())
    for path, reward in all_rewards(promotion):
        if reward.tier is not None:
            yield (*path, "tier"), reward.tier.tier
    for number, example in enumerate(promotion.examples):
        expected = example.expect.tier
        if expected is not None and expected != "none":
            yield ("examples", number, "expect", "tier"), expected


def _segments(promotion: Promotion) -> Iterator[Used]:
    yield from ((("audience", "segments"), name) for name in promotion.audience.segments or ())
    yield from ((("audience", "outside"), name) for name in promotion.audience.outside or ())


def _regions(promotion: Promotion) -> Iterator[Used]:
    yield from ((("audience", "home_region"), name) for name in promotion.audience.home_region or ())
    for path, where in _all_wheres(promotion):
        yield from (((*path, "region"), name) for name in where.region or ())


def _currencies(promotion: Promotion) -> Iterator[Used]:
    if promotion.cost is not None:
        yield ("cost", "currency"), promotion.cost.currency
    for path, reward in all_rewards(promotion):
        if reward.points is not None:
            yield (*path, "points", "currency"), reward.points.currency
    for number, example in enumerate(promotion.examples):
        points = example.expect.points
        if isinstance(points, dict):
            yield from ((("examples", number, "expect", "points", name), name) for name in points)


def _unknown(what: str, used: Iterator[Used], known: Collection[str]) -> Iterator[Remark]:
    code = "unknown-" + what.rsplit(maxsplit=1)[-1]
    for path, name in used:
        if name not in known:
            advice = closest(name, known) or "write it in the programme document first"
            yield Remark(code, path, f"`{name}` is no {what} of the programme", advice, "error")


def _stores(promotion: Promotion, programme: ProgrammeDocument) -> Iterator[Remark]:
    """Stores named beside regions that do not hold any of them."""
    for path, where in _all_wheres(promotion):
        if where.store is None or where.region is None:
            continue
        inside = {store for region in where.region for store in programme.regions.get(region, ())}
        if inside and inside.isdisjoint(where.store):
            message = "none of these stores is in the regions beside it"
            yield Remark("never-true", (*path, "store"), message, "remove `store` or `region`")

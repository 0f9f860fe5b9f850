"""One field or value of a document on its own, in words: for differences, and wherever a phrase stands alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, get_args

from schemas.promotions.conditions import (
    AttributeMatch,
    Audience,
    Bounds,
    CountBounds,
    LineMatch,
    NthOrder,
    Schedule,
    Span,
    Trigger,
    When,
    Where,
    Window,
)
from schemas.promotions.document import Cost, Objective, Offline
from schemas.promotions.examples import Example
from schemas.promotions.fields import Day, Part
from schemas.promotions.goals import Distinct, Goal, Measure
from schemas.promotions.limits import Budget, Limit, Limits, Stacking
from schemas.promotions.programme import Expiry, Group, PointsCurrency, TierLevel, Tiers
from schemas.promotions.rewards import (
    BuyGet,
    Contest,
    CouponReward,
    Draw,
    DrawPrize,
    Factor,
    GiftReward,
    InstantPrize,
    InstantWin,
    PointsReward,
    Pool,
    Reward,
    Rung,
    StampReward,
    TierReward,
    Variant,
)
from schemas.promotions.written import Duration, Hours, LocalMoment, Money, Share
from services.words import goals, limits, occasions, programme, rewards
from services.words.events import channel, lines, money_range, trigger, where
from services.words.examples import example
from services.words.labels import CHOICES, CHOSEN, LABELS
from services.words.lines import flat, joined
from services.words.voice import Voice, sentence

Whole = TypeVar("Whole", bound=Part)
_DAYS = frozenset(get_args(Day))
_TRIGGERS = frozenset(get_args(Trigger))


def label(voice: Voice, part: Part | type[Part], field: str) -> str:
    """What a field is called; the field's own name where nobody named it."""
    for model in (part if isinstance(part, type) else type(part)).__mro__:
        found = LABELS.get(f"{model.__name__}.{field}")
        if found is not None:
            return voice.say(*found)
    return field.rstrip("_")


def alone(voice: Voice, part: Part, field: str, value: object) -> str:
    """A part that says nothing but this."""
    if isinstance(value, bool):
        return label(voice, part, field)
    match part:
        case Schedule():
            return joined(occasions.schedule(voice, _only(part, field, value)))
        case Audience():
            return voice.say("members ", "membri ") + joined(occasions.audience(voice, _only(part, field, value)))
        case When():
            return joined(occasions.when(voice, _only(part, field, value), ()))
        case Where():
            return flat(where(voice, _only(part, field, value)))
        case Limits():
            return joined(limits.limits(voice, _only(part, field, value)))
        case _:
            return f"{label(voice, part, field)}: {tell(voice, part, field, value)}"


def _only(part: Whole, field: str, value: object) -> Whole:
    return type(part)().model_copy(update={field: value})


def tell(voice: Voice, part: Part, field: str, value: object) -> str:
    """A value as one says it, given the field it stands in."""
    match value:
        case str():
            return _word(voice, part, field, value)
        case tuple():
            return voice.all_of([tell(voice, part, field, item) for item in value])
        case Mapping():
            told = [_entry(voice, part, field, key, item) for key, item in value.items()]
            return joined(told)
        case Part():
            return _part(voice, value)
        case _:
            return plain(voice, value)


def plain(voice: Voice, value: object) -> str:
    """A scalar."""
    match value:
        case None:
            return voice.say("nothing", "niente")
        case bool():
            return occasions.value(voice, value)
        case int():
            return voice.number(value)
        case Money():
            return voice.money(value)
        case Duration():
            return voice.length(value)
        case Share():
            return voice.share(value)
        case Factor():
            return voice.factor(value)
        case LocalMoment():
            return voice.moment(value)
        case Hours():
            return voice.hours(value)
        case _:
            return str(value)


def _word(voice: Voice, part: Part, field: str, value: str) -> str:
    names = {f"{model.__name__}.{field}" for model in type(part).__mro__}
    if names & CHOSEN and value in CHOICES:
        return voice.say(*CHOICES[value])
    if field in ("channel", "channels"):
        return channel(voice, value)
    if field == "on" and value in _TRIGGERS:
        return trigger(voice, value)  # type: ignore[arg-type]  # just looked up among the triggers
    if field == "days" and value in _DAYS:
        return voice.weekday(value)  # type: ignore[arg-type]  # just looked up among the days
    return value


def _entry(voice: Voice, part: Part, field: str, key: object, value: object) -> str:
    name = str(key)
    if isinstance(value, AttributeMatch):
        return occasions.attribute(voice, name, value)
    if isinstance(value, Group):
        return programme.group(voice, name, value)
    if isinstance(value, str):
        return f"“{value}” ({voice.language_name(name)})"
    return f"{name}: {tell(voice, part, field, value)}"


def _part(voice: Voice, part: Part) -> str:
    """A part of a document as one phrase."""
    match part:
        case Goal():
            return flat(goals.goal(voice, part))
        case Measure():
            return goals.measure(voice, part)
        case Where():
            return flat(where(voice, part))
        case LineMatch():
            return flat(lines(voice, part))
        case Bounds():
            return money_range(voice, part)
        case Variant():
            return flat(rewards.variants(voice, (part,))[1:])
        case Limit():
            return limits.limit(voice, part)
        case Budget():
            return limits.budget(voice, part)
        case Example():
            return example(voice, part)
        case _:
            return _condition(voice, part) or _given(voice, part) or _of_programme(voice, part)


def _condition(voice: Voice, part: Part) -> str:
    match part:
        case CountBounds():
            low = voice.number(part.at_least) if part.at_least is not None else None
            return voice.between(low, voice.number(part.at_most) if part.at_most is not None else None)
        case Window():
            return occasions.window(voice, part)
        case Span():
            return occasions.campaign(voice, part.from_, part.until)
        case NthOrder():
            return occasions.nth_order(voice, part)
        case Distinct():
            return goals.distinct(voice, part)
        case Cost():
            return limits.cost(voice, part)
        case Stacking():
            return joined(limits.stacking(voice, part))
        case Objective():
            return joined(limits.objective(voice, part))
        case Offline():
            return joined(limits.offline(voice, part))
        case _:
            return ""


def _given(voice: Voice, part: Part) -> str:
    match part:
        case Reward():
            return rewards.reward(voice, part)
        case PointsReward():
            return rewards.points(voice, part)
        case CouponReward():
            return rewards.coupon(voice, part)
        case StampReward():
            return rewards.stamps(voice, part)
        case TierReward():
            return rewards.tier(voice, part)
        case GiftReward():
            return rewards.gift(voice, part)
        case BuyGet():
            return rewards.buy_get(voice, part)
        case Contest():
            return flat(rewards.contest(voice, part))
        case _:
            return _by_fields(voice, part, (Draw, InstantWin, DrawPrize, InstantPrize, Pool, Rung))


def _of_programme(voice: Voice, part: Part) -> str:
    match part:
        case PointsCurrency():
            return joined(programme.currency(voice, part))
        case Expiry():
            return joined(programme.expiry(voice, part))
        case Tiers():
            return joined([sentence(line.text) for line in programme.tiers(voice, part)], "; ")
        case TierLevel():
            return joined([part.tier, voice.say("from ", "da ") + voice.number(part.from_)])
        case _:
            return _by_fields(voice, part, (Part,))


def _by_fields(voice: Voice, part: Part, models: tuple[type[Part], ...]) -> str:
    """Field by field, for parts that have no phrase of their own."""
    if not isinstance(part, models):
        return ""
    told = [(field, getattr(part, field)) for field in type(part).model_fields if field in part.model_fields_set]
    return joined(f"{label(voice, part, field)} {tell(voice, part, field, value)}" for field, value in told)

"""Random programmes over the whole language, small enough to collide often: few ids, few days, low numbers.

Every field of schemas.promotions.document is drawn that decides something, and what is drawn passes the checks a
document passes when it is loaded. `tests.property.streams` has the events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from hypothesis import assume, note
from hypothesis import strategies as st

from schemas.promotions.consistency import document as consistency
from schemas.promotions.consistency import programme as consistency_programme
from schemas.promotions.document import Promotion
from schemas.promotions.programme import ProgrammeDocument
from services.engine.programme import Programme, PromotionVersion, compile_programme
from services.engine.terms import ProgrammeTerms, ProgrammeVersion
from tests.property.parts import (
    LENGTHS,
    Plain,
    Told,
    audience,
    goal_of,
    limits,
    reward_of,
    schedule,
    stacking,
    variants_of,
    when_of,
    where_of,
)

MEMBER = "member-1"
START = datetime(2026, 3, 20, tzinfo=UTC)
"""Nine days before the clocks change in Rome."""
TERMS = ProgrammeTerms(b"test", "Europe/Rome", "EUR")
LETTERS = "pqrstu"
"""A programme's promotions are named by one of them and a number: so the member is in other variants and holdouts."""

_rarely = st.integers(0, 9)
_TRIGGERS: Sequence[tuple[str, ...]] = (
    *[("order.completed",)] * 9,
    ("order.completed", "activity.recorded"),
    ("activity.recorded",),
    ("activity.recorded",),
    ("member.registered",),
    ("member.updated",),
    ("member.updated", "member.registered"),
    ("offer.viewed",),
    ("offer.activated", "offer.issued"),
    ("coupon.redeemed",),
    ("coupon.redeemed", "order.completed"),
    ("order.returned",),
    ("order.voided",),
    ("birthday",),
    ("birthday", "anniversary", "inactivity"),
    ("anniversary",),
    ("inactivity",),
    ("inactivity", "order.completed"),
    ("tier.reached",),
    ("tier.reached", "member.registered"),
    ("promotion.completed",),
    ("promotion.completed",),
    ("promotion.completed", "order.completed"),
)
_OWN_DAYS = {"birthday", "anniversary", "inactivity"}
Theme = Literal["anything", "orders", "sharing", "doubling", "cards"]
_themes: st.SearchStrategy[Theme] = st.sampled_from(
    ["anything", "anything", "anything", "orders", "orders", "sharing", "doubling", "cards"]
)
"""What a programme is about: all there is; orders, which many promotions look at; one group that shares each order;
coupons that multiply points; stamps for one card."""
_firsts: Mapping[Theme, st.SearchStrategy[Plain]] = {
    "doubling": st.sampled_from(["1.5", "2"]).map(
        lambda factor: {"reward": [{"coupon": {"points_times": factor, "valid_for": "1w"}}, {"points": 3}]}
    ),
    "cards": st.fixed_dictionaries(
        {"goal": st.fixed_dictionaries({"stamps": st.integers(1, 4)}, optional={"repeat": st.just(True)})}
    ).map(lambda card: {**card, "reward": [{"coupon": {"amount_off": "1.00 EUR", "valid_for": "3d"}}]}),
}
"""The first promotion of a programme about these."""


@st.composite
def documents(draw: st.DrawFn, promotion_id: str, others: Sequence[str], theme: Theme) -> Plain:
    """A promotion document that the loader accepts; `others` are the ids of the whole programme, its own included."""
    if theme in _firsts and promotion_id == others[0]:
        return {"promotion": promotion_id, "title": {"en": promotion_id}, **draw(_firsts[theme])}
    on = draw(st.sampled_from(_TRIGGERS)) if theme == "anything" else ("order.completed",)
    currency = "USD" if draw(st.integers(0, 29)) == 29 else "EUR"
    foreign = tuple([each for each in others if each != promotion_id]) or ("elsewhere",)
    document: Plain = {
        "promotion": promotion_id,
        "title": {"en": promotion_id},
        **draw(_started(on, currency, foreign)),
    }
    if draw(_rarely) > 3:
        document["goal"] = draw(goal_of(on, currency, offer=document.get("by") == "offer"))
    goal = document.get("goal")
    if when := draw(when_of(_all_triggers(document, on))):
        document["when"] = when
    contest = None
    if draw(_rarely) > 8:
        contest = draw(_contest(on, currency))
        document |= {"contest": contest[0], "schedule": contest[1]}
    elif theme == "anything" and draw(_rarely) > 6:
        document["schedule"] = draw(schedule)
    if theme == "anything" and draw(_rarely) > 6:
        document["audience"] = draw(audience(tuple(others)))
    played = contest[2] if contest is not None else ()
    if draw(_rarely) > 8:
        document["variants"] = draw(variants_of(on, goal, currency, tuple(others), promotion_id, played))
    else:
        document["reward"] = draw(_rewards(on, goal, currency, others, promotion_id, played))
    document |= draw(_bounds(currency))
    if theme == "sharing":
        document["stacking"] = {"mode": "best", **document.get("stacking", {}), "group": "a"}
    if theme == "cards" and "reward" in document:
        document["reward"] = [*document["reward"], {"stamps": {"card": others[0], "give": draw(st.integers(1, 3))}}]
    assume(not list(consistency.findings(document)))
    return document


@st.composite
def _bounds(draw: st.DrawFn, currency: str) -> Plain:
    """What it costs, where it ends and how it stands beside others."""
    found: Plain = {}
    if draw(_rarely) > 7:
        cost = {"points": draw(st.integers(1, 20))}
        found["cost"] = cost if draw(st.booleans()) else cost | {"currency": "miles"}
    if draw(_rarely) > 4:
        found["limits"] = draw(limits(currency))
    if draw(_rarely) > 5:
        found["stacking"] = draw(stacking)
    return found


@st.composite
def _started(draw: st.DrawFn, on: tuple[str, ...], currency: str, foreign: tuple[str, ...]) -> Plain:
    """What starts it, and which of these events count."""
    found: Plain = {}
    if on != ("order.completed",) or draw(st.booleans()):
        found["on"] = on
    if _OWN_DAYS.isdisjoint(on) and draw(_rarely) > 6:
        found["by"] = "offer"
    if "activity.recorded" in on and draw(st.booleans()):
        found["activity"] = draw(st.sampled_from(["check_in", ("check_in", "survey")]))
    if draw(_rarely) > 4 and (where := draw(where_of(on, currency, foreign))):
        found["where"] = where
    if "promotion.completed" in on:
        waits = draw(st.lists(st.sampled_from(foreign), min_size=1, max_size=2, unique=True))
        found["where"] = {**found.get("where", {}), "promotion": waits}
    return found


def _all_triggers(document: Plain, on: Sequence[str]) -> frozenset[str]:
    goal = document.get("goal", {})
    measures = [goal, *goal.get("all", ()), *goal.get("any", ()), *goal.get("steps", ())]
    return frozenset([*on, *[each for measure in measures for each in measure.get("on", ())]])


@st.composite
def _rewards(
    draw: st.DrawFn, on: Sequence[str], goal: Plain | None, currency: str, others: Sequence[str], own: str, played: Any
) -> list[Plain]:
    one = reward_of(tuple(on), goal is not None, currency, tuple(others), own)
    return [*draw(st.lists(one, min_size=0 if played else 1, max_size=2)), *played]


@st.composite
def _contest(draw: st.DrawFn, on: Sequence[str], currency: str) -> tuple[Plain, Plain, list[Plain]]:
    """A contest, its schedule, and the rewards that take part in it."""
    contest: Plain = {"seed_sha256": "0" * 64}
    played: list[Plain] = []
    if draw(st.booleans()):
        contest["draw"] = {"at": "2026-05-01", "prizes": [{"prize": "bike"}]}
        played.append({"entries": draw(st.integers(1, 3))})
    if not played or draw(st.booleans()):
        prize = st.sampled_from([None, {"points": 7}, {"tier_points": 30}, {"message": {"en": "won"}}])
        winners = draw(st.lists(st.tuples(st.integers(1, 4), prize), min_size=1, max_size=2))
        prizes = [
            {"prize": f"prize-{place}", "winners": count} | ({"reward": reward} if reward is not None else {})
            for place, (count, reward) in enumerate(winners)
        ]
        contest["instant_win"] = {"prizes": prizes}
        played += [{"instant_win": True}] * draw(st.integers(1, 2))
    start = START + timedelta(days=draw(st.integers(-2, 5)))
    end = start + timedelta(days=draw(st.integers(0, 9)))
    days = {"from": f"{start:%Y-%m-%d}", "until": f"{end:%Y-%m-%d}", "timezone": "Europe/Rome"}
    return contest, days, played


# --- the programme document -------------------------------------------------------------------------------------------
_expiry: st.SearchStrategy[Plain] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"after": LENGTHS}),
    st.fixed_dictionaries({"inactive_for": LENGTHS}),
    st.fixed_dictionaries({"end_of": st.sampled_from(["month", "year"])}, optional={"plus": LENGTHS}),
)
_currency = st.fixed_dictionaries(
    {},
    optional={
        "value": st.just("2.00 EUR"),
        "rounding": st.sampled_from(["down", "up", "half_up"]),
        "pending_for": LENGTHS,
        "expires": _expiry,
        "spend": st.sampled_from(["earliest_expiry", "oldest"]),
    },
)
_LEVELS = [{"tier": "bronze", "from": 20}, {"tier": "silver", "from": 60}, {"tier": "gold", "from": 150}]
_tiers = st.fixed_dictionaries(
    {"levels": st.sampled_from([_LEVELS, _LEVELS[1:], [{"tier": "basic", "from": 0}, *_LEVELS]])},
    optional={
        "basis": st.sampled_from(["tier_points", "points", "spend"]),
        "period": st.sampled_from(["year", "3d", "1mo"]),
        "valid_for": st.sampled_from(["next_year_end", "30h", "5d"]),
        "grace": LENGTHS,
        "downgrade": st.sampled_from(["one_level", "to_earned"]),
    },
)
_cap = st.fixed_dictionaries(
    {"every": st.sampled_from(["order", "day", "week", "month", "campaign"])}, optional={"times": st.integers(1, 3)}
).map(lambda cap: cap if "times" in cap else cap | {"points": 25})
_group = st.one_of(
    st.fixed_dictionaries({"mode": st.sampled_from(["all", "best", "first", "exclusive"])}, optional={"cap": _cap}),
    st.fixed_dictionaries({"cap": _cap}),
)
_earning = st.fixed_dictionaries(
    {},
    optional={
        "amounts": st.just("before_discounts"),
        "tax": st.just("excluded"),
        "except_lines": st.just({"tag": "gift-card"}),
        "except_payment_methods": st.just("voucher"),
    },
)
programme_documents = st.fixed_dictionaries(
    {"programme": st.just("main"), "timezone": st.just("Europe/Rome"), "currency": st.just("EUR")},
    optional={
        "points": st.fixed_dictionaries({}, optional={"base": _currency, "miles": _currency}),
        "earning": _earning,
        "returns": st.fixed_dictionaries({}, optional={"period": LENGTHS, "coupons": st.just("stay_used")}),
        "tiers": _tiers,
        "regions": st.just({"north": ["1", "2"], "south": ["3"]}),
        "groups": st.dictionaries(st.sampled_from(["main", "a"]), _group, min_size=1),
        "cap": _cap,
    },
).filter(lambda document: not list(consistency_programme.findings(document)))


# --- the whole --------------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class Drawn:
    """A programme and what it was compiled from."""

    promotions: list[PromotionVersion]
    documents: list[ProgrammeVersion]
    ids: list[str]
    programme: Programme = field(init=False)

    def __post_init__(self) -> None:
        self.programme = compile_programme(self.promotions, TERMS, self.documents)


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    """One to four promotions, some in two versions or withdrawn, under up to two versions of a programme document."""
    letter, theme = draw(st.sampled_from(LETTERS)), draw(_themes)
    ids = [f"{letter}{number}" for number in range(draw(st.integers(1 if theme == "anything" else 2, 4)))]
    promotions = []
    for promotion_id in ids:
        withdrawn = START + timedelta(days=draw(st.integers(1, 12))) if draw(_rarely) == 9 else None
        starts = [START - timedelta(days=2)]
        if draw(_rarely) > 7:
            starts.append(START + timedelta(days=draw(st.integers(1, 10))))
        for version, start in enumerate(starts, 1):
            plain = draw(documents(promotion_id, ids, theme))
            note(Told(plain, f"--- version {version} from {start:%Y-%m-%d}, withdrawn {withdrawn}"))
            promotions.append(PromotionVersion(Promotion.model_validate(plain), version, start, withdrawn))
    instants = [datetime(1970, 1, 1, tzinfo=UTC), START + timedelta(days=draw(st.integers(1, 10)))]
    found = []
    for version, start in enumerate(instants[: draw(st.integers(0, 2))], 1):
        plain = draw(programme_documents)
        note(Told(plain, f"--- version {version} from {start:%Y-%m-%d}"))
        found.append(ProgrammeVersion(ProgrammeDocument.model_validate(plain), version, start))
    return Drawn(promotions, found, ids)

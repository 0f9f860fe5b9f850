"""The parts of random promotion documents: when and for whom, what counts, goals, rewards, limits.

What goes with what follows schemas.promotions.consistency.document, so that hardly a draw is thrown away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st
from typing_extensions import override

Plain = dict[str, Any]
Strategy = st.SearchStrategy[Any]
LENGTHS = st.sampled_from(["5h", "30h", "1d", "3d", "1w", "1mo"])
ORDER = frozenset({"order.completed"})
MONEY = frozenset({"order.completed", "order.returned"})
OFFERS = frozenset({"offer.issued", "offer.viewed", "offer.activated"})
RAISED = frozenset({"tier.reached", "promotion.completed"})
STORES = MONEY | RAISED | {"order.voided", "activity.recorded", "coupon.redeemed"}
CHANNELS = OFFERS | RAISED | {"order.completed", "activity.recorded", "coupon.redeemed"}
ATTRIBUTES = frozenset({"order.completed", "activity.recorded", "member.registered", "member.updated"})
ABOUT = OFFERS | {"coupon.redeemed", "promotion.completed"}
TIERS = ["bronze", "silver", "gold"]
SKU = "0" * 64
"""The SHA-256 of a pool of codes that nobody imported."""


class Told:
    """A text that is only made when hypothesis shows a failure."""

    def __init__(self, plain: Mapping[str, Any] | object, head: str = "") -> None:
        self._plain, self._head = plain, head

    @override
    def __repr__(self) -> str:
        if not isinstance(self._plain, Mapping):
            return f"{self._head}{self._plain}"
        return "\n".join([self._head, *[f"{name}: {flow(value)}" for name, value in self._plain.items()]])


def flow(value: object) -> str:
    """A value in YAML's flow style, as it may stand in a document."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {flow(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    text = str(value)
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][\w. %/-]*", text)
    return text if plain else json.dumps(value, default=str)


def some(**fields: Strategy) -> Strategy:
    """A part with any of these fields, or none."""
    return st.fixed_dictionaries({}, optional=fields)


@st.composite
def few(draw: st.DrawFn, most: int, fields: Mapping[str, Strategy]) -> Plain:
    """A part with one of many fields, or some more of them; far cheaper than `some` of many."""
    names = draw(st.lists(st.sampled_from(sorted(fields)), min_size=1, max_size=most, unique=True))
    return {name: draw(fields[name]) for name in names}


def either(*strategies: Strategy) -> Strategy:
    """One of them, each as likely: `one_of` would weigh those inside the inner ones."""
    return st.sampled_from(strategies).flatmap(lambda chosen: chosen)


def one_of_them(names: Sequence[str]) -> Strategy:
    return st.one_of(st.sampled_from(names), st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True))


def euros(low: int, high: int, currency: str = "EUR") -> Strategy:
    return st.integers(low, high).map(lambda amount: f"{amount}.00 {currency}")


# --- when and for whom ------------------------------------------------------------------------------------------------
_days = st.sampled_from(["2026-03-21", "2026-03-25", "2026-03-28", "2026-03-29", "2026-03-30", "2026-04-01"])
_hours = st.sampled_from(["00:00-03:00", "01:00-02:00", "02:00-03:00", "08:00-20:00", "22:00-02:00", "00:00-24:00"])
_weekdays = st.sampled_from(["sun", ["fri", "sat"], ["mon", "tue", "wed", "thu"]])
schedule = few(
    3,
    dict(
        **{"from": st.sampled_from(["2026-03-18", "2026-03-20", "2026-03-21T02:30"])},
        until=st.sampled_from(["2026-03-25", "2026-03-29", "2026-03-29T02:30", "2026-03-31", "2026-05-01"]),
        timezone=st.sampled_from(["Europe/Rome", "UTC", "America/New_York"]),
        days=_weekdays,
        hours=_hours,
        windows=st.one_of(
            st.fixed_dictionaries({"days": _weekdays}, optional={"hours": _hours}),
            st.lists(st.fixed_dictionaries({"hours": _hours}), min_size=1, max_size=2),
        ),
        month_days=st.sampled_from([-1, [1, 20, 21], [29, 30], [-3, 22]]),
        blackout=st.one_of(_days, st.just([{"from": "2026-03-24", "until": "2026-03-29T01:30"}])),
    ),
)
_nth = st.one_of(st.integers(1, 3), st.sampled_from([[1, 3], {"every": 2}, {"at_most": 2}, {"every": 2, "at_most": 4}]))
_match = st.sampled_from(["yes", 3, True, {"is": ["yes", 1]}, {"not": "no"}, {"at_least": 2}, {"present": False}])
_attributes = st.dictionaries(st.sampled_from(["vip", "visits"]), _match, min_size=1)


@cache
def audience(others: tuple[str, ...]) -> Strategy:
    fields = {
        "tiers": one_of_them(TIERS),
        "segments": one_of_them(["commuters", "parents"]),
        "outside": st.just("parents"),
        "attributes": _attributes,
        "home_store": one_of_them(["1", "3"]),
        "home_region": st.sampled_from(["north", "south"]),
        "new": LENGTHS,
        "lapsed": LENGTHS,
        "order": _nth,
        "holding": one_of_them(others),
        "holdout": st.sampled_from(["50 %", "5 %"]),
    }
    return few(2, fields)


def when_of(triggers: frozenset[str]) -> Strategy:
    days = bool(triggers & {"birthday", "anniversary"})
    wanted: Plain = {"inactive_for": LENGTHS} if "inactivity" in triggers else {}
    optional: Plain = {"before": st.sampled_from(["1d", "5h", "1w", "1mo"])} if days else {}
    if "anniversary" in triggers:
        optional["anniversary_of"] = st.just("joined")
    if "inactivity" in triggers:
        optional["never_ordered"] = st.just(True)
    return st.fixed_dictionaries(wanted, optional=optional)


# --- which events count -----------------------------------------------------------------------------------------------
def _bounds(low: int, high: int, currency: str) -> Strategy:
    return st.one_of(
        st.fixed_dictionaries({"at_least": euros(0, high, currency)}),
        st.fixed_dictionaries({"at_most": euros(low, high, currency)}),
        st.fixed_dictionaries({"at_least": euros(0, low, currency), "at_most": euros(low, high, currency)}),
    )


_count = st.one_of(st.integers(1, 3), st.fixed_dictionaries({"at_least": st.just(0), "at_most": st.integers(1, 3)}))


@cache
def _lines(currency: str) -> Strategy:
    names = {
        "category": one_of_them(["coffee", "milk"]),
        "brand": st.just("acme"),
        "sku": one_of_them(["s1", "s2"]),
        "gtin": st.just("g1"),
        "tag": st.just("organic"),
        "each": _bounds(3, 20, currency),
    }
    sums = {"amount": _bounds(3, 25, currency), "quantity": _count, "count": _count}
    excepted = {"except": few(1, names)}
    return few(3, {**names, **sums, **excepted})


@cache
def _asked(on: frozenset[str], currency: str, others: tuple[str, ...]) -> Strategy:
    """The fields of a `where` that these events have."""
    fields: dict[str, tuple[frozenset[str], Strategy]] = {
        "channel": (CHANNELS, one_of_them(["app", "pos"])),
        "store": (STORES, one_of_them(["1", "2", "3"])),
        "region": (STORES, one_of_them(["north", "south"])),
        "payment_method": (ORDER, one_of_them(["card", "voucher"])),
        "total": (MONEY, _bounds(5, 30, currency)),
        "subtotal": (ORDER, _bounds(5, 30, currency)),
        "quantity": (ORDER, _count),
        "lines": (ORDER, _lines(currency)),
        "attributes": (ATTRIBUTES, _attributes),
        "promotion": (ABOUT, one_of_them(others)),
        "tier": (frozenset({"tier.reached"}), one_of_them(TIERS)),
    }
    return few(2, {name: made for name, (have, made) in fields.items() if have & on} or {"all": st.just([{}])})


def where_of(on: Sequence[str], currency: str, others: tuple[str, ...]) -> Strategy:
    return _where(frozenset(on), currency, others)


@cache
def _where(on: frozenset[str], currency: str, others: tuple[str, ...]) -> Strategy:
    asked = _asked(on, currency, others)
    parts = st.lists(st.one_of(asked, asked.map(lambda inner: {"none": [inner]})), min_size=1, max_size=2)
    nested = st.fixed_dictionaries({}, optional={"all": parts, "any": parts, "none": parts})
    both = st.tuples(asked, nested).map(lambda found: found[0] | dict(list(found[1].items())[:1]))
    return either(asked, asked, both)


# --- what has to be reached -------------------------------------------------------------------------------------------
_STARTS = [
    ("order.completed",),
    ("order.completed",),
    ("activity.recorded",),
    ("offer.viewed",),
    ("offer.activated",),
    ("coupon.redeemed",),
    ("member.updated",),
    ("tier.reached",),
    ("order.completed", "activity.recorded"),
]


@cache
def _measures(on: frozenset[str], currency: str) -> Strategy:
    found: list[Strategy] = [
        st.fixed_dictionaries({"visits": st.integers(1, 3)}),
        st.fixed_dictionaries({"distinct": st.fixed_dictionaries({"of": st.just("day"), "count": st.integers(1, 3)})}),
        st.fixed_dictionaries({"stamps": st.integers(1, 4)}),
    ]
    kinds = [("store", STORES), ("channel", CHANNELS), ("activity", frozenset({"activity.recorded"}))]
    if on & MONEY:
        found += [st.fixed_dictionaries({"spend": euros(1, 40, currency)})] * 3
    if on & ORDER:
        pay = st.one_of(st.just("piece"), euros(2, 9, currency))
        found.append(st.fixed_dictionaries({"quantity": st.integers(1, 6)}))
        found.append(st.fixed_dictionaries({"stamps": st.integers(1, 5), "stamp_for": pay}))
        kinds += [("product", ORDER), ("category", ORDER), ("brand", ORDER)]
    if "activity.recorded" in on:
        found.append(st.fixed_dictionaries({"activities": st.integers(1, 3)}))
    wanted = st.sampled_from([kind for kind, have in kinds if have & on] or ["day"])
    found.append(st.fixed_dictionaries({"distinct": st.fixed_dictionaries({"of": wanted, "count": st.integers(1, 3)})}))
    return st.one_of(found)


@st.composite
def _measure(draw: st.DrawFn, on: Sequence[str], currency: str, *, own: bool) -> Plain:
    """One measure; `own`: it may say itself which events count."""
    found: Plain = {}
    if own and draw(st.booleans()):
        on = draw(st.sampled_from(_STARTS))
        found["on"] = on
    if own and "activity.recorded" in on and draw(st.booleans()):
        found["activity"] = draw(st.sampled_from(["check_in", "survey"]))
    if own and draw(st.booleans()):
        found["where"] = draw(_where(frozenset(on), currency, ("elsewhere",)))
    return {**found, **draw(_measures(frozenset(on), currency))}


_windows: Strategy = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"within": LENGTHS}, optional={"rolling": st.just(True)}),
    st.fixed_dictionaries({"every": st.sampled_from(["day", "week", "month", "quarter", "year", "order"])}),
    st.fixed_dictionaries({"every": st.sampled_from(["day", "week"]), "in_a_row": st.integers(2, 3)}),
)


@st.composite
def goal_of(draw: st.DrawFn, on: Sequence[str], currency: str, *, offer: bool) -> Plain:
    window = dict(draw(_windows))
    if offer:
        window.pop("in_a_row", None)
    kind = draw(st.sampled_from(["one", "one", "one", "own", "all", "any", "steps"]))
    if kind in ("one", "own"):
        goal = draw(_measure(on, currency, own=kind == "own"))
    else:
        number = draw(st.integers(2, 3))
        goal = {kind: [draw(_measure(on, currency, own=True)) for _ in range(number)]}
        for name in ("rolling", "in_a_row"):
            window.pop(name, None)
    goal |= window
    if draw(st.integers(0, 2)):
        goal["repeat"] = True
    if draw(st.integers(0, 3)) == 3:
        goal["carry_over"] = False
    return goal


# --- what is given ----------------------------------------------------------------------------------------------------
_life = st.one_of(
    some(pending_for=LENGTHS, expires_after=LENGTHS),
    st.sampled_from(
        [
            {},
            {"pending_until": "2026-03-29"},
            {"pending_until": "2026-03-26T02:30", "expires_on": "2026-03-29"},
            {"expires_on": "2026-03-30"},
            {"pending_returns": True},
        ]
    ),
)
_money_in = st.sampled_from(["base", "base", "base", "miles", "tier"])


@cache
def _points(on: frozenset[str], goal: bool, currency: str, others: tuple[str, ...]) -> Strategy:
    found: list[Strategy] = [st.fixed_dictionaries({"earn": st.integers(1, 60)})]
    if on & MONEY and not goal:
        per = {"earn": st.integers(1, 3), "per": euros(1, 9, currency)}
        rounding = {"rounding": st.sampled_from(["down", "up", "half_up"])}
        rungs = [{"from": f"2.00 {currency}", "earn": 5}, {"from": f"15.00 {currency}", "earn": 20}]
        found += [st.fixed_dictionaries(per, optional=rounding)] * 2
        found.append(st.just({"ladder": rungs}))
    if on & ORDER and not goal:
        found.append(st.fixed_dictionaries({"earn": st.integers(1, 3), "per_piece": st.just(True)}))
    if not goal:
        factor = st.sampled_from(["1", "1.5", "2", "3.33"])
        found.append(st.fixed_dictionaries({"times": factor}, optional={"of": one_of_them(others)}))
    whole = st.tuples(st.one_of(found), _life, _money_in).map(
        lambda drawn: drawn[0] | drawn[1] | {"currency": drawn[2]}
    )
    return either(st.integers(1, 60), whole)


_benefits = [
    {"amount_off": "5.00 EUR"},
    {"amount_off": "5.00 EUR", "min_total": "9.00 EUR", "category": "coffee"},
    {"percent_off": "20 %", "max_amount": "8.00 EUR"},
    {"percent_off": "50 %"},
    {"free_item": ["s1", "s2"]},
    {"cheapest_free": True, "brand": "acme"},
    {"fixed_price": "1.00 EUR", "sku": "s1"},
    {"buy_get": {"buy": 2, "get": 1}},
    {"free_shipping": True, "channels": "web"},
    {"points_times": "2"},
    {"points_times": "1"},
    {"points_times": "1.5", "stores": ["1", "2"], "min_total": "5.00 EUR"},
]
_validity = st.one_of(
    st.fixed_dictionaries({"valid_for": LENGTHS}, optional={"usable_after": LENGTHS}),
    st.sampled_from(
        [
            {"valid_until": "2026-03-29"},
            {"valid_until": "2026-03-29T02:30", "valid_for": "1w"},
            {"valid_for": "3d", "valid_from": "2026-03-28"},
        ]
    ),
)
_codes = st.sampled_from([{}, {}, {"code": "SHARED"}, {"codes": {"file": "codes.txt", "count": 2, "sha256": SKU}}])


@cache
def _coupons(currency: str) -> Strategy:
    benefits = [_in(benefit, currency) for benefit in _benefits]
    return st.tuples(st.sampled_from(benefits), _validity, _codes).map(lambda drawn: drawn[0] | drawn[1] | drawn[2])


def _in(plain: Any, currency: str) -> Any:
    if isinstance(plain, dict):
        return {name: _in(each, currency) for name, each in plain.items()}
    return plain.replace("EUR", currency) if isinstance(plain, str) else plain


@cache
def reward_of(on: tuple[str, ...], goal: bool, currency: str, others: tuple[str, ...], own: str) -> Strategy:
    points = st.fixed_dictionaries({"points": _points(frozenset(on), goal, currency, others)})
    coupon = st.fixed_dictionaries({"coupon": _coupons(currency)})
    cards = [other for other in others if other != own] or ["elsewhere"]
    given = st.fixed_dictionaries({"card": st.sampled_from(cards), "give": st.integers(1, 3)})
    tier = st.fixed_dictionaries({"tier": st.sampled_from([*TIERS, "staff"])}, optional={"for": LENGTHS})
    gift = st.fixed_dictionaries(
        {"item": st.sampled_from(["mug", "bag"]), "stock": st.integers(1, 2), "valid_for": LENGTHS}
    )
    rest = st.one_of(
        st.fixed_dictionaries({"stamps": given}),
        st.fixed_dictionaries({"tier_points": st.integers(1, 60)}),
        st.fixed_dictionaries({"tier": tier}),
        st.fixed_dictionaries({"gift": gift}),
        st.just({"message": {"en": "thank you"}}),
    )
    found = either(points, points, coupon, coupon, rest, rest)
    value = {"value": f"3.00 {currency}"}
    return either(found, found, found, found.map(lambda reward: reward | value))


@st.composite
def variants_of(
    draw: st.DrawFn, on: tuple[str, ...], goal: Any, currency: str, others: tuple[str, ...], own: str, played: Any
) -> list[Plain]:
    one = [draw(reward_of(on, goal is not None, currency, others, own)), *played]
    other = draw(st.lists(reward_of(on, goal is not None, currency, others, own), max_size=1))
    return [{"variant": "a", "weight": 2, "reward": one}, {"variant": "b", "reward": other}]


# --- where it ends ----------------------------------------------------------------------------------------------------
_every = st.sampled_from(["order", "day", "week", "month", "quarter", "year", "campaign"])
_limit = st.one_of(
    st.fixed_dictionaries({"times": st.integers(1, 3)}, optional={"every": _every}),
    st.fixed_dictionaries({"times": st.integers(1, 3)}, optional={"every": _every}),
    st.fixed_dictionaries({"points": st.integers(1, 50)}, optional={"every": _every}),
)
_some_limits = st.one_of(_limit, st.lists(_limit, min_size=1, max_size=2))


@cache
def limits(currency: str) -> Strategy:
    budget = st.one_of(
        st.fixed_dictionaries({"amount": euros(1, 20, currency)}, optional={"last": st.just("partial")}),
        st.fixed_dictionaries({"points": st.integers(1, 60)}, optional={"last": st.just("partial")}),
        st.fixed_dictionaries({"pieces": st.integers(1, 3)}),
    )
    shared = dict.fromkeys(("per_household", "per_store", "per_channel", "total"), _some_limits)
    found = few(2, {"per_member": _some_limits, **shared, "budget": budget})
    mine = st.fixed_dictionaries({"per_member": _some_limits})
    return either(mine, mine, found)


stacking = some(
    group=st.sampled_from(["main", "a", "b"]),
    mode=st.sampled_from(["all", "best", "best", "first", "exclusive"]),
    priority=st.sampled_from([-1, 0, 5]),
    takes_lines=st.just(True),
)

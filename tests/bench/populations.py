"""Three populations of promotions of any size, of which an order meets always the same five.

`narrow`: each promotion names skus of its own. `popular`: all name some of a few hundred skus and categories that most
orders hold, and differ in what else they ask for. `broad`: no products at all.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.envelope import CloudEvent
from schemas.events.orders import OrderCompleted, OrderLine
from schemas.promotions.document import Promotion
from schemas.promotions.programme import ProgrammeDocument
from services.engine.calendar.moments import DAY, micros
from services.engine.programme import Programme, PromotionVersion, compile_programme
from services.engine.terms import ProgrammeTerms, ProgrammeVersion
from services.engine.wallet import Coupon, Lot, Pursuit, Wallet

NOW = datetime(2026, 6, 16, 9, 30, tzinfo=UTC)
"""A Tuesday, half past eleven in Rome."""
MATCHES = 5
LINES = 10
MEMBER = "m-00042"
STORE = "17"
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
TERMS = ProgrammeTerms(b"secret", "Europe/Rome", "EUR")
_SKUS_EACH = 20
_POPULAR_SKUS, _POPULAR_CATEGORIES = 270, 30
_STORES = 300
_Says = dict[str, Any]

DOCUMENT = ProgrammeDocument.model_validate(
    {
        "programme": "main",
        "points": {"base": {"expires": {"after": "1y"}}},
        "regions": {f"r{region}": [str(store) for store in range(region, _STORES, 20)] for region in range(20)},
    }
)

REWARDED: tuple[_Says, ...] = (
    {"reward": [{"points": {"earn": 1, "per": "1.00 EUR"}}]},
    {
        "goal": {"spend": "99.00 EUR", "within": "30d", "repeat": True},
        "reward": [{"coupon": {"amount_off": "5.00 EUR"}}],
    },
    {"goal": {"stamps": 10, "repeat": True}, "reward": [{"coupon": {"percent_off": "20 %", "valid_for": "30d"}}]},
    {"reward": [{"points": 20}], "limits": {"per_member": {"times": 3, "every": "day"}}},
    {"goal": {"quantity": 30, "every": "month"}, "reward": [{"points": 200}]},
)
"""What the five are for: two give on every order, three count."""


def narrow(number: int, _: random.Random) -> _Says:
    """Twenty skus that no other promotion names."""
    return {"where": {"lines": {"sku": [_own(number, place) for place in range(_SKUS_EACH)]}}}


def popular(number: int, chance: random.Random) -> _Says:
    """Eight of the popular skus and two of the popular categories; the five take everything popular."""
    if number < MATCHES:
        return {"where": {"lines": {"category": [f"c{place}" for place in range(_POPULAR_CATEGORIES)]}}}
    by_sku = {"sku": [f"p{chance.randrange(_POPULAR_SKUS)}" for _ in range(8)]}
    by_category = {"category": [f"c{chance.randrange(_POPULAR_CATEGORIES)}" for _ in range(2)]}
    return _merged({"where": {"lines": chance.choice((by_sku, by_category))}}, _others(number, chance))


def broad(number: int, chance: random.Random) -> _Says:
    """Nothing about products; the five take every order."""
    return {} if number < MATCHES else _others(number, chance)


POPULATIONS: dict[str, Callable[[int, random.Random], _Says]] = {"narrow": narrow, "popular": popular, "broad": broad}


def promotion(population: str, number: int) -> Promotion:
    """The n-th of a population, the same in every run; the first five are those that orders meet."""
    chance = random.Random(f"{population} {number}")
    says = POPULATIONS[population](number, chance)
    gives = REWARDED[number % len(REWARDED)]
    document = {"promotion": f"p{number:05}", "title": {"en": "Something nice", "it": "Qualcosa di bello"}}
    return Promotion.model_validate({**document, **_merged(says, gives)})


def versions(population: str, count: int) -> list[PromotionVersion]:
    """The first so many of a population, in force from the beginning of time."""
    return [PromotionVersion(promotion(population, number), 1, ALWAYS) for number in range(count)]


def programme(published: list[PromotionVersion]) -> Programme:
    """These, compiled under the terms of the benchmark."""
    return compile_programme(published, TERMS, [ProgrammeVersion(DOCUMENT, 1, ALWAYS)])


def order(number: int) -> CloudEvent:
    """An order of ten lines at some minute after NOW, which meets the five promotions of any population."""
    chance = random.Random(number)
    lines = [
        OrderLine(
            line_no=place + 1,
            sku=_own(place, chance.randrange(_SKUS_EACH)) if place < MATCHES else f"p{chance.randrange(_POPULAR_SKUS)}",
            quantity=1 + chance.randrange(3),
            amount=80 + chance.randrange(600),
            category=f"c{chance.randrange(_POPULAR_CATEGORIES)}",
            brand=f"b{chance.randrange(50)}",
        )
        for place in range(LINES)
    ]
    made = OrderCompleted(
        order_id=f"o{number}",
        member_id=MEMBER,
        channel="pos",
        store_id=STORE,
        till_id="3",
        currency="EUR",
        total=sum(line.amount for line in lines),
        lines=tuple(lines),
        payment_method="card",
    )
    body = made.model_dump_json(exclude_unset=True).encode()
    moment = NOW + timedelta(seconds=30 * number)
    return CloudEvent(f"o{number}", f"/stores/{STORE}/tills/3", "unisono.order.completed.v1", moment, MEMBER, body)


def typical() -> Wallet:
    """A member with ten pursuits, five coupons and twenty lots of points, gold, in two segments."""
    wallet = Wallet.empty(MEMBER)
    instant = micros(NOW)
    wallet.registered, wallet.orders, wallet.last_order = instant - 400 * DAY, 60, instant - 3 * DAY
    wallet.attributes = {"home_store": STORE, "birth_month": 5, "household": "h-7"}
    wallet.segments, wallet.tier, wallet.tier_since = ("coffee-lovers", "families"), "gold", instant - 90 * DAY
    wallet.lots = tuple(
        [Lot(35 + day, 0, instant + (20 + 17 * day) * DAY, f"2026-{7 + day // 4:02}-11") for day in range(20)]
    )
    titles = '{"en":"Something nice","it":"Qualcosa di bello"}'
    for number in range(10):
        key = f"q{number}"
        wallet.pursuits[key] = Pursuit(key, "", "visits", None, 6, 3, 2, 0, instant + 40 * DAY, titles)
        shown = f'"promotion_id":"{key}","promotion_version":1,"code":"XJ4K9P2M7QTC"'
        valid = '"valid_from":"2026-06-16T09:00:00.000Z","valid_until":"2026-07-16T21:59:59.999Z"'
        gives = f'"benefit":{{"type":"percent_off","percent":20}},"title":{titles}'
        text = f'{{"coupon_id":"c{number}",{shown},{valid},{gives}}}'
        if number < 5:
            wallet.coupons[f"c{number}"] = Coupon(key, 1, "issued", instant + 30 * DAY, text)
    return wallet


def _own(number: int, place: int) -> str:
    return f"s{number * _SKUS_EACH + place}"


def _others(number: int, chance: random.Random) -> _Says:
    """Three things that a promotion may ask for, one of which at least no order and member of the benchmark meets."""
    misses = _misses(chance)
    meets = _meets(chance)
    missed = chance.choice(list(misses))
    said = misses[missed]
    for name in chance.sample([name for name in meets if name != missed], 2):
        said = _merged(said, meets[name])
    return said


def _misses(chance: random.Random) -> dict[str, _Says]:
    stores = [str(chance.randrange(100, _STORES)) for _ in range(1 + chance.randrange(20))]
    return {
        "store": {"where": {"store": stores}},
        "region": {"where": {"region": f"r{chance.randrange(15)}"}},
        "channel": {"where": {"channel": chance.choice(("web", "app"))}},
        "total": {"where": {"total": {"at_least": f"{chance.choice((150, 200, 500))}.00 EUR"}}},
        "payment": {"where": {"payment_method": chance.choice(("cash", "voucher", "invoice"))}},
        "tier": {"audience": {"tiers": chance.choice((["silver"], ["platinum"], ["silver", "bronze"]))}},
        "segment": {"audience": {"segments": f"segment-{chance.randrange(40)}"}},
        "home": {"audience": {"home_store": stores}},
        "dates": {"schedule": chance.choice(({"until": "2026-05-31"}, {"from": "2026-07-01", "until": "2026-08-31"}))},
        "days": {"schedule": {"days": chance.choice((["sat", "sun"], ["wed"], ["mon", "fri"]))}},
    }


def _meets(chance: random.Random) -> dict[str, _Says]:
    stores = sorted({STORE, *[str(chance.randrange(_STORES)) for _ in range(1 + chance.randrange(20))]})
    return {
        "store": {"where": {"store": stores}},
        "region": {"where": {"region": "r17"}},
        "channel": {"where": {"channel": ["pos", "web"]}},
        "total": {"where": {"total": {"at_least": "5.00 EUR"}}},
        "payment": {"where": {"payment_method": "card"}},
        "tier": {"audience": {"tiers": ["gold", "platinum"]}},
        "segment": {"audience": {"segments": ["families", "students"]}},
        "home": {"audience": {"home_store": stores}},
        "dates": {"schedule": {"from": "2026-03-01", "until": "2026-11-30"}},
        "days": {"schedule": {"days": ["mon", "tue", "wed", "thu"]}},
    }


def _merged(one: _Says, other: _Says) -> _Says:
    said = dict(one)
    for name, value in other.items():
        both = name in said and isinstance(value, dict)
        said[name] = {**said[name], **value} if both else value
    return said

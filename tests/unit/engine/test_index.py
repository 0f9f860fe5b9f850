"""What the index finds: never less than what matches, and few beside it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.promotions.programme import ProgrammeDocument
from services.engine.calendar.moments import micros
from services.engine.fold import apply
from services.engine.matching.index import Index
from services.engine.occasion import Desk, Occasion
from services.engine.programme import Compiled, Programme, PromotionVersion, compile_programme, with_versions
from services.engine.rewarding.grants import UNLIMITED
from services.engine.terms import ProgrammeVersion
from services.engine.wallet import Wallet
from tests.unit.engine.stage import ALWAYS, MEMBER, MONDAY, TERMS, days, event, line, order, programme, promotion

REGIONS = {"regions": {"lazio": ["1", "2"], "veneto": ["3"]}}


def occasion(made: Programme, given, wallet: Wallet | None = None) -> Occasion:
    """The event as promotions look at it."""
    trigger = given.type.removeprefix("unisono.").removesuffix(".v1")
    desk = Desk(made, UNLIMITED, [])
    held = wallet or Wallet.empty(MEMBER)
    return Occasion(held, desk, trigger, given.cause, given.occurred_at, micros(given.occurred_at), given.data)


def found(made: Programme, given, wallet: Wallet | None = None) -> list[str]:
    return sorted(c.promotion_id for c in made.index.find(occasion(made, given, wallet)))


def member(**fields: Any) -> Wallet:
    wallet = Wallet.empty(MEMBER)
    for name, value in fields.items():
        setattr(wallet, name, value)
    return wallet


COFFEE = order(lines=[line(300, category="coffee", brand="B", sku="s1", gtin="80", tags=("fair",))])
GOLD = {"tier": "gold", "segments": ("families",), "attributes": {"home_store": "2"}}

NARROWED = [
    # what the document says, an event that may match it, one that cannot
    ({"on": "activity.recorded"}, event("activity.recorded", {"activity": "survey"}), order(100)),
    ({"where": {"channel": ["app", "web"]}}, order(100, channel="app"), order(100)),
    ({"where": {"store": [1, 2]}}, order(100), order(100, store_id="3")),
    ({"where": {"store": 1}}, order(100), order(100, store_id=None)),
    ({"where": {"region": "lazio"}}, order(100, store_id="2"), order(100, store_id="3")),
    ({"where": {"region": "lazio"}}, order(100), order(100, store_id=None)),
    ({"where": {"payment_method": "card"}}, order(100, payment_method="card"), order(100)),
    ({"where": {"total": {"at_least": "10.00 EUR"}}}, order(1000), order(500)),
    ({"where": {"lines": {"sku": "s1"}}}, COFFEE, order(100)),
    ({"where": {"lines": {"gtin": "80"}}}, COFFEE, order(100)),
    ({"where": {"lines": {"brand": "B"}}}, COFFEE, order(100)),
    ({"where": {"lines": {"category": "coffee"}}}, COFFEE, order(100)),
    ({"where": {"lines": {"tag": "fair"}}}, COFFEE, order(100)),
    ({"where": {"lines": {"sku": "s1"}}}, COFFEE, order(100, lines=[])),
    ({"schedule": {"from": "2026-03-04"}}, order(100, MONDAY + days(2)), order(100)),
    ({"schedule": {"until": "2026-03-03"}}, order(100), order(100, MONDAY + days(2))),
    ({"schedule": {"days": ["mon", "tue"]}}, order(100), order(100, MONDAY + days(2))),
    ({"schedule": {"hours": "10:00-10:30"}}, order(100), order(100, MONDAY + timedelta(hours=1))),
    ({"schedule": {"hours": "22:00-02:00"}}, order(100, MONDAY - timedelta(hours=9)), order(100)),
    ({"schedule": {"windows": [{"days": "mon", "hours": "08:00-12:00"}]}}, order(100), order(100, MONDAY + days(1))),
    (
        {"schedule": {"windows": [{"days": "mon"}, {"hours": "08:00-12:00"}]}},
        order(100, MONDAY + days(1)),
        None,
    ),
    (
        {"on": "activity.recorded", "activity": "survey"},
        event("activity.recorded", {"activity": "survey"}),
        event("activity.recorded", {"activity": "game"}),
    ),
]


@pytest.mark.parametrize(("says", "meets", "misses"), NARROWED)
def test_each_thing_a_document_asks_of_an_event_narrows(says, meets, misses):
    made = programme(promotion(**says), promotion(promotion="any"), programme_document=REGIONS)
    assert "p" in found(made, meets)
    assert misses is None or "p" not in found(made, misses)


@pytest.mark.parametrize(
    "audience", [{"tiers": "gold"}, {"segments": ["families", "students"]}, {"home_store": 2}, {"home_region": "lazio"}]
)
def test_each_thing_a_document_asks_of_the_member_narrows(audience):
    made = programme(promotion(audience=audience), promotion(promotion="any"), programme_document=REGIONS)
    assert found(made, order(100), member(**GOLD)) == ["any", "p"]
    assert found(made, order(100)) == ["any"]


def test_the_regions_are_those_of_the_terms_in_force_then():
    """A store changes its region: what was bought before still counts for the old one."""
    later = MONDAY + days(10)
    made = compile_programme(
        [PromotionVersion(promotion(where={"region": "lazio"}), 1, ALWAYS)],
        TERMS,
        [
            ProgrammeVersion(programme_document(REGIONS), 1, ALWAYS),
            ProgrammeVersion(programme_document({"regions": {"lazio": ["3"], "veneto": ["1", "2"]}}), 2, later),
        ],
    )
    assert found(made, order(100)) == ["p"]
    assert found(made, order(100, later + days(1))) == []
    assert found(made, order(100, later + days(1), store_id="3")) == ["p"]


def programme_document(says: dict[str, Any]) -> ProgrammeDocument:
    return ProgrammeDocument.model_validate({"programme": "main", **says})


def test_a_store_of_two_regions_is_in_both():
    regions = {"regions": {"lazio": ["1"], "centre": ["1", "4"]}}
    by_region = [promotion(promotion=name, where={"region": name}) for name in ("lazio", "centre")]
    assert found(programme(*by_region, programme_document=regions), order(100)) == ["centre", "lazio"]


def test_days_and_hours_are_those_of_the_promotion():
    """Eleven in the evening of Monday in Rome is Tuesday in Tokyo, and still Monday afternoon in New York."""
    zones = {"rome": "Europe/Rome", "tokyo": "Asia/Tokyo", "york": "America/New_York"}
    mondays = [
        promotion(promotion=name, schedule={"days": "mon", "timezone": zone, "hours": "12:00-24:00"})
        for name, zone in zones.items()
    ]
    assert found(programme(*mondays), order(100, datetime(2026, 3, 2, 22, tzinfo=UTC))) == ["rome", "york"]


def test_an_hour_that_the_clock_skips_or_repeats():
    """On the 29th of March two becomes three in the night; on the 25th of October three becomes two."""
    made = programme(promotion(schedule={"hours": "02:00-03:00"}))
    assert found(made, order(100, datetime(2026, 3, 29, 0, 59, tzinfo=UTC))) == []
    assert found(made, order(100, datetime(2026, 3, 29, 1, 0, tzinfo=UTC))) == []
    assert found(made, order(100, datetime(2026, 10, 25, 0, 30, tzinfo=UTC))) == ["p"]
    assert found(made, order(100, datetime(2026, 10, 25, 1, 30, tzinfo=UTC))) == ["p"]


def test_what_the_parts_of_a_goal_ask_for_themselves_does_not_narrow():
    parts = [{"visits": 1, "where": {"store": 1}}, {"visits": 1, "where": {"store": 2}}]
    made = programme(promotion(where={"channel": "app"}, goal={"all": parts}))
    assert found(made, order(100)) == ["p"]


def test_a_trigger_of_one_part_of_a_goal_is_enough():
    steps = [{"activities": 1, "on": "activity.recorded", "activity": "survey"}, {"visits": 1}]
    made = programme(promotion(goal={"steps": steps}))
    assert found(made, event("activity.recorded", {"activity": "survey"})) == ["p"]
    assert found(made, order(100)) == ["p"]


def test_which_order_of_the_member_it_is_does_not_narrow():
    """The condition decides: the index knows no counts."""
    made = programme(promotion(audience={"order": 2}))
    assert found(made, order(100)) == ["p"]
    first = apply(Wallet.empty(MEMBER), order(100), made)
    assert first.wallet.points_active == 0
    assert apply(first.wallet, order(100, MONDAY + days(1)), made).wallet.points_active == 10


def test_offers_are_not_found():
    """Only who was issued one pursues it."""
    assert found(programme(promotion(by="offer", goal={"visits": 2})), order(100)) == []


def test_an_empty_programme_finds_nothing():
    made = programme()
    assert found(made, order(100)) == []
    assert list(Index().started_by("order.completed")) == []


def test_a_name_said_twice_is_one():
    made = programme(
        promotion(promotion="a", where={"lines": {"sku": ["s1", "s2"]}}),
        promotion(promotion="b", where={"lines": {"sku": ["s1", "s3", "s1", "s2", "s2"]}}),
    )
    for sku, names in (("s1", ["a", "b"]), ("s2", ["a", "b"]), ("s3", ["b"]), ("s4", [])):
        assert found(made, order(lines=[line(100, sku=sku)])) == names


def test_a_new_version_takes_over_and_the_old_programme_stays_as_it_was():
    """The old version is found until the new one begins; who holds the older programme sees nothing of it."""
    old = PromotionVersion(promotion(where={"store": 1}), 1, ALWAYS)
    other = PromotionVersion(promotion(promotion="other"), 1, ALWAYS)
    made = compile_programme([old, other], TERMS)
    later = MONDAY + days(10)
    new = PromotionVersion(promotion(where={"store": 7}), 2, later)
    changed = with_versions(made, [old, new])
    after = order(100, later + days(1), store_id="7")
    assert found(made, after) == ["other"]
    assert found(changed, after) == ["other", "p"]
    assert [c.version for c in changed.index.find(occasion(changed, order(100))) if c.promotion_id == "p"] == [1]
    assert found(changed, order(100, later + days(1))) == ["other"]
    assert found(made, order(100, later + days(1))) == ["other", "p"]


def test_a_programme_brought_up_to_date_finds_what_one_compiled_at_once_finds():
    chance = random.Random(4)
    held = [PromotionVersion(_some(number, chance), 1, ALWAYS) for number in range(60)]
    news = [PromotionVersion(_some(number, chance), 2, MONDAY) for number in range(0, 60, 7)]
    old = {version.promotion.promotion: version for version in held}
    replaced = [version for new in news for version in (old[new.promotion.promotion], new)]
    grown, whole = with_versions(_programme(held), replaced), _programme([*held, *news])
    for number in range(200):
        given, wallet = _event(chance, number), _wallet(chance)
        assert _in_force(grown, given, wallet) == _in_force(whole, given, wallet)


@pytest.mark.parametrize("seed", range(20))
def test_nothing_that_matches_is_missed(seed: int):
    """Over random programmes and events: whatever every condition of a promotion allows, the index finds."""
    chance = random.Random(seed)
    made = _programme([PromotionVersion(_some(number, chance), 1, ALWAYS) for number in range(80)])
    matched = 0
    for number in range(60):
        given, wallet = _event(chance, number), _wallet(chance)
        at = occasion(made, given, wallet)
        matching = {c.promotion_id for series in made.versions.values() for c in series if _matches(c, at)}
        assert matching <= set(found(made, given, wallet))
        matched += len(matching)
    assert matched > 60


def _matches(compiled: Compiled, at: Occasion) -> bool:
    at.places = None
    return at.trigger in compiled.triggers and all(each.holds(at) for each in compiled.conditions)


def _in_force(made: Programme, given, wallet: Wallet) -> list[tuple[str, int]]:
    instant = micros(given.occurred_at)
    looking = [c for c in made.index.find(occasion(made, given, wallet)) if c.in_force(instant)]
    return sorted((c.promotion_id, c.version) for c in looking)


def _programme(versions: list[PromotionVersion]) -> Programme:
    return compile_programme(versions, TERMS, [ProgrammeVersion(programme_document(REGIONS), 1, ALWAYS)])


def _some(number: int, chance: random.Random):
    """A promotion that asks for a few things at random."""

    def some(*names: str) -> list[str]:
        return chance.sample(names, chance.randint(1, len(names)))

    where = {
        "channel": some("pos", "web", "app"),
        "store": some("1", "2", "3", "4"),
        "region": some("lazio", "veneto"),
        "payment_method": some("card", "cash"),
        "total": {"at_least": f"{chance.randrange(30)}.50 EUR"},
        "lines": {chance.choice(["sku", "gtin", "brand", "category", "tag"]): some("x", "y", "z")},
    }
    audience = {
        "tiers": some("gold", "silver"),
        "segments": some("families", "students"),
        "home_store": some("1", "2", "3"),
        "home_region": some("lazio", "veneto"),
    }
    schedule = {
        "from": f"2026-03-{chance.randrange(1, 20):02}",
        "until": f"2026-03-{chance.randrange(20, 29):02}",
        "days": some("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
        "hours": chance.choice(["06:00-12:30", "11:15-18:00", "20:00-04:00"]),
        "windows": [{"days": some("mon", "wed", "fri")}, {"hours": "09:00-13:00"}],
        "month_days": [chance.randrange(1, 29), -1],
    }

    def few(says: dict[str, Any], at_most: int) -> dict[str, Any]:
        return {name: says[name] for name in chance.sample(list(says), chance.randint(0, at_most))}

    zone = {"timezone": chance.choice(["Europe/Rome", "Asia/Tokyo", "America/New_York"])}
    says: dict[str, Any] = {"where": few(where, 2), "audience": few(audience, 1), "schedule": few(schedule, 1) | zone}
    if chance.random() < 0.3:
        says["on"] = some("order.completed", "activity.recorded")
        says["activity"] = some("survey", "game")
        says["where"] = few({"channel": where["channel"], "store": where["store"]}, 1)
    return promotion(promotion=f"p{number}", **says)


def _event(chance: random.Random, number: int):
    at = MONDAY + timedelta(minutes=37 * chance.randrange(1000), seconds=number)
    store = chance.choice(["1", "2", "3", "9", None])
    channel = chance.choice(["pos", "web", "app"])
    if chance.random() < 0.2:
        told = {"activity": chance.choice(["survey", "game"]), "channel": channel, "store_id": store}
        return event("activity.recorded", told, at)
    lines = [
        line(
            chance.randrange(2000),
            place,
            sku=chance.choice("xyw"),
            gtin=chance.choice("xw"),
            brand=chance.choice("yw"),
            category=chance.choice("zw"),
            tags=tuple(chance.sample("xyzw", chance.randrange(3))),
        )
        for place in range(chance.randrange(4))
    ]
    return order(at=at, lines=lines, store_id=store, channel=channel, payment_method=chance.choice(["card", None]))


def _wallet(chance: random.Random) -> Wallet:
    segments = tuple(sorted(chance.sample(["families", "students", "others"], chance.randrange(3))))
    home = chance.choice([{}, {"home_store": "1"}, {"home_store": "3"}, {"home_store": 2}])
    return member(tier=chance.choice(["gold", "bronze", None]), segments=segments, attributes=home)

"""What `lint` warns of: each code by a document that deserves it and, beside it, one that does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.promotions.lint.documents import lint
from schemas.promotions.loading import Loaded, LoadedProgramme, load_document, load_programme, load_promotion
from schemas.promotions.programme import ProgrammeDocument
from schemas.promotions.source import Problem

ROOT = Path(__file__).parents[2]
GOOD = """
promotion: {name}
title: {{en: "Coffee"}}
schedule: {{from: 2026-03-01, until: 2026-05-31}}
{more}
limits: {{per_member: {{times: 3, every: month}}}}
examples: {{given: {{order: {{total: 5.00 EUR}}}}, expect: {{coupons: 1}}}}
"""
COUPON = "reward: {coupon: {amount_off: 1.00 EUR, valid_for: 30d}}"
POINTS = "reward: {points: 5}"
PROGRAMME = """
programme: main
tiers: {levels: [{tier: silver, from: 0}, {tier: gold, from: 1000}]}
regions: {lazio: [114, 115], toscana: [201]}
segments: [commuters, families]
points: {sun: {}}
groups: {coffee: {mode: best}}
"""


def load(more: str, name: str = "coffee") -> Loaded:
    return load_text(GOOD.format(name=name, more=more), f"{name}.yaml")


def load_text(text: str, file: str = "p.yaml") -> Loaded:
    loaded = load_promotion(text.lstrip(), file)
    assert [str(problem) for problem in loaded.problems] == []
    return loaded


def programme(text: str = PROGRAMME) -> ProgrammeDocument:
    loaded = load_programme(text, "programme.yaml")
    assert loaded.problems == ()
    assert loaded.programme is not None
    return loaded.programme


def told(problems: list[Problem]) -> list[str]:
    return [f"{problem.code} {problem.path}" for problem in problems]


def test_a_document_without_anything_odd_gets_no_warning():
    assert lint([load(COUPON)]) == []
    assert lint([load(COUPON)], programme()) == []


def test_a_warning_has_a_place_a_code_and_a_suggestion():
    [warning] = lint([load(COUPON + "\naudience: {holdout: 0 %}")])
    assert str(warning) == (
        "coffee.yaml:5:12: warning[always-true]: audience.holdout: nobody is left out (remove it, or write `10 %`)"
    )
    assert warning.severity == "warning"


BARE = "promotion: a\ntitle: {en: A}\n"
ODD = [
    # what stands beside the good parts, or a whole document, and what is told of it
    (BARE + "reward: {points: {per: 1.00 EUR, earn: 1}}", ["no-end schedule.until", "no-example examples"]),
    (
        BARE + "schedule: {until: 2026-12-31}\n" + COUPON,
        ["no-example examples", "no-budget reward"],
    ),
    (BARE + "schedule: {until: 2026-12-31}\n" + POINTS, ["no-example examples", "no-budget reward"]),
    (BARE + "schedule: {until: 2026-12-31}\ngoal: {visits: 3}\n" + COUPON, ["no-example examples"]),
    (BARE + "schedule: {until: 2026-12-31}\nby: offer\n" + COUPON, ["no-example examples"]),
    (BARE + "schedule: {until: 2026-12-31}\non: birthday\n" + COUPON, ["no-example examples"]),
    (
        BARE + "limits: {budget: {amount: 50.00 EUR, last: partial}}\n" + COUPON,
        ["no-end schedule.until", "no-example examples", "no-effect limits.budget.last"],
    ),
    (
        BARE + "limits: {budget: {points: 50, last: partial}}\n" + POINTS,
        ["no-end schedule.until", "no-example examples"],
    ),
    (BARE + "schedule: {until: 2026-12-31}\ncost: {points: 100}\n" + COUPON, ["no-example examples"]),
    ("reward: {coupon: {percent_off: 100 %, valid_for: 30d}}", ["percent reward.coupon.percent_off"]),
    ("reward: {coupon: {percent_off: 20 %, valid_for: 30d}}", ["percent reward.coupon.percent_off"]),
    ("reward: {coupon: {percent_off: 20 %, max_amount: 10.00 EUR, valid_for: 30d}}", []),
    ("reward: {coupon: {percent_off: 100 %, category: coffee, valid_for: 30d}}", []),
    ("reward: [{points: 5}, {message: {it: Ciao}}]", ["no-translation title", "no-translation reward[1].message"]),
    ("reward: {coupon: {amount_off: 1.00 EUR, valid_until: 2026-01-31}}", ["never-given reward.coupon.valid_until"]),
    ("reward: {points: {earn: 5, expires_on: 2026-01-31}}", ["never-given reward.points.expires_on"]),
    (POINTS + "\naudience: {segments: a, outside: [a, b]}", ["never-true audience.outside"]),
    (POINTS + "\naudience: {holdout: 100 %}", ["never-true audience.holdout"]),
    (POINTS + "\naudience: {new: 30d, lapsed: 2mo}", ["never-true audience.lapsed"]),
    (POINTS + "\naudience: {new: 1y, lapsed: 2mo}", []),
    (POINTS + "\naudience: {order: 1, lapsed: 2mo}", ["never-true audience.lapsed"]),
    (POINTS + "\naudience: {order: {nth: [5, 7], at_most: 3}}", ["never-true audience.order.nth"]),
    (POINTS + "\naudience: {order: {nth: [5, 6], every: 3}}", []),
    (POINTS + "\naudience: {order: {every: 5, at_most: 3}}", ["never-true audience.order.every"]),
    (POINTS + "\naudience: {order: {every: 1}}", ["always-true audience.order.every"]),
    (POINTS + "\naudience: {attributes: {age: {is: [3, 4], at_least: 18}}}", ["never-true audience.attributes.age"]),
    (
        POINTS + "\naudience: {attributes: {pet: {is: cat, not: [cat, dog]}}}",
        ["never-true audience.attributes.pet.not"],
    ),
    (
        POINTS + "\naudience: {attributes: {pet: {is: cat, present: false}}}",
        ["never-true audience.attributes.pet.present"],
    ),
    (POINTS + "\nwhere: {channel: [pos, app, web]}", ["always-true where.channel"]),
    (POINTS + "\non: activity.recorded\nwhere: {channel: [pos, app, web]}", []),
    (POINTS + "\nwhere: {channel: pos, all: [{channel: [app, web]}]}", ["never-true where.all[0].channel"]),
    (POINTS + "\nwhere: {channel: pos, any: [{channel: app}, {store: 1}]}", ["never-true where.any[0].channel"]),
    (POINTS + "\nwhere: {channel: pos, none: [{channel: [pos, app]}]}", ["never-true where.none[0].channel"]),
    (POINTS + "\nwhere: {none: [{channel: [pos, app, web]}]}", ["never-true where.none[0].channel"]),
    (POINTS + "\nwhere: {channel: pos, none: [{channel: app}]}", []),
    (POINTS + "\nwhere: {any: [{}, {channel: pos}]}", ["always-true where.any[0]"]),
    (POINTS + "\nwhere: {none: [{}]}", ["never-true where.none[0]"]),
    (
        POINTS + "\nwhere: {total: {at_least: 50.00 EUR}, all: [{total: {at_most: 20.00 EUR}}]}",
        ["never-true where.all[0].total"],
    ),
    (POINTS + "\nwhere: {total: {at_least: 0.00 EUR}}", ["always-true where.total"]),
    (POINTS + "\nwhere: {quantity: 0}", ["always-true where.quantity"]),
    (
        POINTS + "\nwhere: {total: {at_most: 9.00 EUR}, lines: {category: wine, amount: {at_least: 10.00 EUR}}}",
        ["never-true where.lines.amount"],
    ),
    (
        POINTS + "\nwhere: {total: {at_least: 10.00 EUR}, subtotal: {at_most: 9.00 EUR}}",
        ["never-true where.total.at_least"],
    ),
    (POINTS + "\nwhere: {lines: {}}", ["always-true where.lines"]),
    (POINTS + "\nwhere: {lines: {category: wine, count: 1}}", ["always-true where.lines.count"]),
    (POINTS + "\nwhere: {lines: {category: wine, count: {at_most: 0}}}", ["never-true where.lines.count"]),
    (
        POINTS + "\nwhere: {lines: {category: wine, except: {category: [wine, beer]}}}",
        ["never-true where.lines.except.category"],
    ),
    (POINTS + "\nwhere: {lines: {category: wine, except: {brand: x}}}", []),
    (
        POINTS + "\nwhere: {lines: {category: [a, b]}}\ngoal: {distinct: {of: category, count: 3}}",
        ["never-true goal.distinct.count"],
    ),
    (POINTS + "\ngoal: {distinct: {of: channel, count: 4}}", ["never-true goal.distinct.count"]),
    (POINTS + "\ngoal: {visits: 2, every: order}", ["never-true goal.visits"]),
    (POINTS + "\ngoal: {distinct: {of: store, count: 2}, every: order}", ["never-true goal.distinct"]),
    (
        POINTS + "\nwhere: {total: {at_most: 20.00 EUR}}\ngoal: {spend: 50.00 EUR, every: order}",
        ["never-true goal.spend"],
    ),
]


@pytest.mark.parametrize(("more", "codes"), ODD)
def test_what_is_hardly_meant_is_told(more: str, codes: list[str]):
    loaded = load_text(more) if more.startswith("promotion:") else load(more)
    assert sorted(told(lint([loaded]))) == sorted(codes)


SCHEDULES = [
    ("days: [mon, tue, wed, thu, fri, sat, sun]", ["always-true schedule.days"]),
    ('hours: "00:00-24:00"', ["always-true schedule.hours"]),
    ("from: 2026-03-02, until: 2026-03-06, days: [sat, sun]", ["never-true schedule.days"]),
    ("from: 2026-03-02, until: 2026-03-07, days: [sat, sun]", []),
    ("from: 2026-04-01, until: 2026-04-30, month_days: 31", ["never-true schedule.month_days"]),
    ("from: 2026-04-01, until: 2026-04-30, month_days: -1", []),
    ("from: 2026-04-01, until: 2026-04-30, month_days: 15, days: [mon, tue]", ["never-true schedule.days"]),
    ('from: 2026-04-01T20:00, until: 2026-04-01T22:00, hours: "08:00-12:00"', ["never-true schedule.hours"]),
    ('from: 2026-04-01T20:00, until: 2026-04-01T22:00, hours: "21:00-02:00"', []),
    ("from: 2026-04-01, until: 2026-04-03, blackout: {from: 2026-03-30, until: 2026-04-03}", None),
    ("from: 2026-04-01, until: 2026-04-03, blackout: [2026-04-01, 2026-04-02]", []),
    ("until: 2026-04-03, days: mon, windows: [{days: tue}, {days: mon}]", ["never-true schedule.windows[0].days"]),
    (
        'until: 2026-04-03, hours: "08:00-12:00", windows: {hours: "13:00-14:00"}',
        ["never-true schedule.windows.hours"],
    ),
]


@pytest.mark.parametrize(("schedule", "codes"), SCHEDULES)
def test_schedules_that_are_never_open_or_always(schedule: str, codes: list[str] | None):
    end = "" if "until" in schedule else ", until: 2026-12-31"
    text = GOOD.format(name="a", more=POINTS).replace("{from: 2026-03-01, until: 2026-05-31}", f"{{{schedule}{end}}}")
    assert told(lint([load_text(text)])) == (["never-true schedule.blackout"] if codes is None else codes)


def test_a_budget_that_is_less_than_one_reward_never_gives():
    text = GOOD.format(name="a", more=COUPON).replace("limits: {per_member: {times: 3, every: month}}", "limits: {%s}")
    assert told(lint([load_text(text % "budget: {amount: 0.50 EUR}")])) == ["never-given reward.coupon"]
    assert lint([load_text(text % "budget: {amount: 1.00 EUR}")]) == []
    text = text.replace(COUPON, POINTS)
    assert told(lint([load_text(text % "budget: {points: 4}")])) == ["never-given reward.points"]
    assert lint([load_text(text % "budget: {points: 4, last: partial}")]) == []


UNKNOWN = [
    ("audience: {tiers: [gold, sliver]}", "unknown-tier audience.tiers", "did you mean `silver`?"),
    ("audience: {segments: comuters}", "unknown-segment audience.segments", "did you mean `commuters`?"),
    ("audience: {outside: families2}", "unknown-segment audience.outside", "did you mean `families`?"),
    ("audience: {home_region: latium}", "unknown-region audience.home_region", "known here: lazio, toscana"),
    ("where: {any: [{region: tuscana}]}", "unknown-region where.any[0].region", "did you mean `toscana`?"),
    ("cost: {points: 5, currency: sum}", "unknown-currency cost.currency", "did you mean `sun`?"),
    ("stacking: {group: coffee, mode: first}", "group-mode stacking.mode", "write `mode: best`, or remove it"),
    ("on: tier.reached\nwhere: {tier: platinum}", "unknown-tier where.tier", "known here: silver, gold"),
]


@pytest.mark.parametrize(("more", "code", "suggestion"), UNKNOWN)
def test_names_that_the_programme_does_not_have_are_mistakes(more: str, code: str, suggestion: str):
    loaded = load(f"{POINTS}\n{more}")
    assert lint([loaded]) == []
    [problem] = lint([loaded], programme())
    assert told([problem]) == [code]
    assert problem.severity == "error"
    assert problem.suggestion == suggestion
    assert "warning" not in str(problem)


def test_points_until_returns_are_over_need_the_length_of_returns():
    loaded = load("reward: {points: {earn: 5, pending_returns: true}}")
    assert told(lint([loaded], programme())) == ["no-return-period reward.points.pending_returns"]
    assert lint([loaded], programme(PROGRAMME + "returns: {period: 30d}")) == []


def test_stores_outside_the_regions_beside_them():
    loaded = load(POINTS + "\nwhere: {store: 201, region: lazio}")
    assert told(lint([loaded], programme())) == ["never-true where.store"]


def test_two_coupons_for_the_same_goods_at_the_same_time():
    one = load(COUPON, "one")
    [warning] = lint([one, load(COUPON, "two")])
    assert (warning.file, warning.code) == ("two.yaml", "overlap")
    assert "`one`" in warning.message
    apart = [
        "\nwhere: {lines: {category: tea}}",
        "\nwhere: {channel: app}",
        "\naudience: {segments: a}",
        "\nby: offer",
        "\non: member.registered",
    ]
    for more in apart:
        other = load(COUPON + more, "two")
        first = load(COUPON + more.replace("app", "web").replace("segments: a", "segments: b"), "one")
        assert lint([first, other]) == [] or more in apart[:1] + apart[3:]
    assert lint([one, load(COUPON + "\nwhere: {lines: {category: tea}}", "two")]) == []
    assert lint([one, load(POINTS, "two")]) == []
    later = GOOD.format(name="two", more=COUPON).replace("2026-03-01", "2026-06-01").replace("2026-05-31", "2026-06-30")
    assert lint([one, load_text(later)]) == []


def test_coupons_that_share_a_group_may_overlap():
    shared = COUPON + "\nstacking: {group: coffee, mode: best}"
    assert lint([load(shared, "one"), load(shared, "two")]) == []


def test_a_group_whose_promotions_disagree_on_the_mode():
    one, two = (load(f"{POINTS}\nstacking: {{group: x, mode: {mode}}}", mode) for mode in ("best", "first"))
    assert told(lint([one, two])) == ["group-mode stacking.mode"]


def completing(name: str, after: str) -> Loaded:
    return load(f"{POINTS}\non: promotion.completed\nwhere: {{promotion: {after}}}", name)


def test_promotions_that_start_each_other():
    circle = [completing("a", "b"), completing("b", "c"), completing("c", "a")]
    problems = lint(circle)
    assert told(problems) == ["cycle where.promotion"] * 3
    assert {problem.severity for problem in problems} == {"error"}
    assert "`a` → `c` → `b` → `a`" in problems[0].message or "`a` → `b` → `c` → `a`" in problems[0].message
    assert lint([completing("a", "b"), completing("b", "c"), load(POINTS, "c")]) == []


NAMED = [
    ("reward: {points: {times: 2, of: cofee}}", "reward.points.of", "did you mean `coffee`?"),
    ("reward: {stamps: {card: tea}}", "reward.stamps.card", "check it together with the others"),
    (POINTS + "\naudience: {holding: tea}", "audience.holding", "check it together with the others"),
    (POINTS + "\non: coupon.redeemed\nwhere: {promotion: tea}", "where.promotion", "check it together with the others"),
]


@pytest.mark.parametrize(("more", "path", "suggestion"), NAMED)
def test_promotions_that_are_not_among_the_documents(more: str, path: str, suggestion: str):
    [warning] = lint([load(more, "asks"), load(POINTS)])
    assert (warning.code, warning.path, warning.suggestion) == ("unknown-promotion", path, suggestion)


def test_promotions_that_cannot_do_what_another_asks():
    problems = lint([load("reward: {stamps: {card: coffee}}", "asks"), load(POINTS)])
    assert told(problems) == ["never-given reward.stamps.card"]
    problems = lint([load(POINTS + "\non: offer.viewed\nwhere: {promotion: coffee}", "asks"), load(POINTS)])
    assert told(problems) == ["never-true where.promotion"]


def test_the_promotions_of_the_cookbook_and_the_demo_contain_nothing_impossible():
    for folder in ("docs/cookbook", "services/demo/promotions"):
        found = [load_document(path.read_bytes(), str(path)) for path in sorted((ROOT / folder).glob("*.yaml"))]
        promotions = [loaded for loaded in found if isinstance(loaded, Loaded)]
        programmes = [loaded.programme for loaded in found if isinstance(loaded, LoadedProgramme)]
        codes = {problem.code for problem in lint(promotions, programmes[0] if programmes else None)}
        assert codes <= {"no-end", "overlap", "no-budget", "no-translation", "percent"}

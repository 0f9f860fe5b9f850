"""What does not go together in a promotion or a programme document: told at its place, beside all other mistakes."""

from __future__ import annotations

import pytest

from schemas.promotions.loading import Loaded, kind_of, load_document, load_programme, load_promotion

SMALL = "promotion: small\ntitle: {en: Small}\n"
FIELDS = [
    # a document with this beside what it needs, and what is told
    ("goal: {stamps: 5, stamp_for: vist}", "goal.stamp_for: `vist` is none of visit, piece (did you mean `visit`?)"),
    ("goal: {stamps: 5, stamp_for: 5}", "goal.stamp_for: `5` lacks its currency (write `5 EUR`)"),
    (
        "goal: {stamps: 5, stamp_for: [5]}",
        "goal.stamp_for: expected one of visit, piece or text such as `10.00 EUR`, found a list",
    ),
    (
        "on: birthday\nwhen: {before: 13mo}",
        "when.before: 13mo is longer than the year from one such day to the next (write `before: 7d`)",
    ),
    (
        "audience: {attributes: {city: ~}}",
        "audience.attributes.city: nothing is asked of `city` (write a value, or `{present: true}`)",
    ),
    ("goal: 3", "goal: expected fields, found `3` (write `{visits: 3}`)"),
    (
        "goal: {}",
        (
            "goal: a goal needs one of spend, visits, quantity, distinct, activities, stamps, all, any, steps "
            "(write `goal: {visits: 3}`)"
        ),
    ),
    ("goal: {all: [{visits: 1}]}", "goal.all: at least 2 are needed here"),
    (
        "goal: {any: [{visits: 1, spend: 5.00 EUR}, {}]}",
        (
            "goal.any[1]: a part of a goal needs one of spend, visits, quantity, distinct, activities, stamps "
            "(write `{visits: 1}`)"
        ),
    ),
    (
        "goal: {any: [{visits: 1}, {visits: 2}], where: {channel: app}}",
        "goal.where: with `any` each part says which events count (write it in the parts)",
    ),
    (
        "goal: {visits: 2, rolling: true}",
        "goal.rolling: `rolling` means nothing without `within` (write `within` too, or remove it)",
    ),
    (
        "goal: {visits: 2, in_a_row: 3}",
        "goal.in_a_row: `in_a_row` means nothing without `every` (write `every` too, or remove it)",
    ),
    (
        "goal: {visits: 2, within: 30d, every: week}",
        "goal.every: a goal has one window: `within` or `every` (remove one of them)",
    ),
    (
        "goal: {any: [{visits: 1}, {visits: 2}], within: 30d, rolling: true}",
        "goal.rolling: `rolling` goes with one measure, not with `any` (remove `rolling`)",
    ),
    (
        "goal: {visits: 1, stamp_for: piece}",
        "goal.stamp_for: `stamp_for` means nothing without `stamps` (write `stamps` too, or remove it)",
    ),
    (
        "audience: {order: first}",
        "audience.order: expected a whole number or fields, found `first` (nth, every, at_most)",
    ),
    (
        "audience: {order: {}}",
        "audience.order: `order` needs one of nth, every, at_most (write `order: 1` for the first order)",
    ),
    (
        "audience: {attributes: {a: [{}]}}",
        "audience.attributes.a[0]: expected text, a whole number or true or false, found fields",
    ),
    ("schedule: {blackout: [2026-13-01]}", "schedule.blackout[0]: `2026-13-01` does not exist: month must be in 1..12"),
    (
        "schedule: {blackout: [{from: 2026-05-01, until: 2026-04-01}]}",
        "schedule.blackout[0].until: ends on 2026-04-01, before it starts on 2026-05-01",
    ),
    ("schedule: {month_days: [0]}", "schedule.month_days: `0` is no day of a month (write `-1` for its last day)"),
    (
        "schedule: {windows: {}}",
        "schedule.windows: a window needs days, hours or both (write `{days: tue, hours: 08:00-12:00}`)",
    ),
    ("budget: {amount: 100}", "budget: unknown field `budget` (it stands in `limits`)"),
    ("prioritty: 5", "prioritty: unknown field `prioritty` (did you mean `priority`, in `stacking`?)"),
    ("limits: {per_member: 3}", "limits.per_member: expected fields, found `3` (write `{times: 3}`)"),
    (
        "limits: {budget: 100.00 EUR}",
        "limits.budget: expected fields, found `100.00 EUR` (write `{amount: 100.00 EUR}`)",
    ),
    (
        "limits: {total: {times: 1, points: 5}}",
        "limits.total.points: a limit is one of times, points, not several (remove `points`)",
    ),
    (
        "limits: {budget: {last: partial}}",
        "limits.budget: a budget needs one of amount, points, pieces (write `budget: {amount: 10000.00 EUR}`)",
    ),
    (
        "stacking: {group: My Group}",
        "stacking.group: `My Group` is no id: lower-case letters, digits and dashes (write `my-group`)",
    ),
    ("on: []", "on: at least one is needed here (remove it, or name one)"),
    ("on: inactivity", "on: how long is a long absence? (write `when: {inactive_for: 60d}`)"),
    (
        "when: {before: 3d}",
        "when.before: `before` goes with birthday or anniversary (write `on: birthday`, or remove it)",
    ),
    (
        "by: offer\non: birthday",
        "on: an offer waits for events, `birthday` comes by itself (write `by: everyone`, or another trigger)",
    ),
    (
        "on: birthday\nwhere: {channel: app}",
        "where.channel: `birthday` has no channel (write `on: order.completed`, or remove it)",
    ),
    (
        "on: offer.viewed\nwhere: {any: [{lines: {brand: a}}]}",
        "where.any[0].lines: `offer.viewed` has no lines (write `on: order.completed`, or remove it)",
    ),
    ("where: {tier: gold}", "where.tier: `order.completed` has no tier (write `on: tier.reached`, or remove it)"),
    (
        "goal: {activities: 3}",
        "goal.activities: `order.completed` has no activities (write `on: activity.recorded`, or count visits)",
    ),
    ("goal: {activities: 3, on: activity.recorded}", ""),
    (
        "goal: {distinct: {of: brand, count: 2}, on: activity.recorded}",
        "goal.distinct: `activity.recorded` has no brand to count (write `on: order.completed`, or count visits)",
    ),
    (
        "on: promotion.completed",
        (
            "on: every promotion completed would start it, itself included (name them: `where: {promotion: "
            "[five-for-fifty]}`)"
        ),
    ),
    (
        "on: promotion.completed\nwhere: {promotion: small}",
        "where.promotion: completing it would start it again, without end (remove `small`)",
    ),
    (
        "where: {lines: {quantity: {at_least: 5, at_most: 3}}}",
        "where.lines.quantity.at_most: 3 is less than at_least, 5: nothing ever matches",
    ),
    (
        "where: {lines: {category: a, except: {sku: b, count: 2}}}",
        "where.lines.except.count: `except` names lines, `count` sums them up (remove `count`)",
    ),
    (
        "limits: {budget: {amount: 5.00 USD}}\nwhere: {total: {at_least: 5.00 EUR}}",
        "where.total.at_least: EUR here, USD in limits.budget.amount: one promotion, one currency",
    ),
    (
        "contest: {seed_sha256: abc, draw: {at: 2026-01-01, prizes: {prize: a}}}",
        "contest.seed_sha256: `abc` is no SHA-256: 64 digits and letters a to f",
    ),
    (
        "contest: {seed_sha256: abc, draw: {at: 2026-01-01, prizes: {prize: a}}}",
        "contest.draw: nobody can take part (write `reward: {entries: 1}`)",
    ),
    (
        "examples: {given: {order: {total: 5}}, expect: {points: x}}",
        "examples.given.order.total: `5` lacks its currency (write `5 EUR`)",
    ),
    (
        "examples: {given: {wait: true, after: 1d}, expect: {points: {base: -1}}}",
        "examples.expect.points.base: expected at least 0, found `-1`",
    ),
    (
        "examples: {given: {viewed: 1}, expect: {points: 1}}",
        "examples.given.viewed: no offer stands before this step (write an `offer` step before it)",
    ),
    (
        "examples: {given: [{order: {total: 5.00 EUR}}, {voided: 2}], expect: {points: 1}}",
        "examples.given[1].voided: there is only 1 order before this step (write an `order` step before it)",
    ),
    (
        "examples: {given: {wait: true}, expect: {points: 1}}",
        "examples.given.wait: how long? (write `{wait: true, after: 30d}`)",
    ),
    (
        "examples: {variant: b, given: {wait: true, after: 1d}, expect: {points: 1}}",
        "examples.variant: there is no variant `b` (name one of `variants`)",
    ),
]


@pytest.mark.parametrize(("more", "told"), FIELDS)
def test_what_does_not_go_together_is_told_beside_the_rest(more: str, told: str):
    text = f"{SMALL}reward: {{points: 5}}\n{more}\n"
    problems = [str(problem).split(": ", 1)[1] for problem in load_promotion(text, "p.yaml").problems]
    assert told in problems if told else problems == []
    assert len(problems) == len(set(problems))


REWARDS = [
    ("reward: []", "reward: the promotion gives nothing (write `reward: [{points: 50}]`)"),
    ("reward: {points: 5.00 EUR}", "reward.points: expected a whole number or fields, found `5.00 EUR` (earn, per,"),
    ("reward: {points: '5'}", "reward.points: expected a whole number or fields, found `5` (write `5`)"),
    ("reward: {points: {per: 1, earn: '2'}}", "reward.points.per: `1` lacks its currency (write `1 EUR`)"),
    ("reward: {points: {per: 1, earn: '2'}}", "reward.points.earn: expected a whole number, found `2` (write `2`)"),
    ("reward: {points: {per: 1.00 EUR}}", "reward.points.earn: how many points? (write `earn: 1`)"),
    (
        "reward: {points: {times: 2, earn: 1}}",
        "reward.points.earn: with `times` the number of points is no other (remove `earn`)",
    ),
    ("reward: {points: {earn: 5, of: a}}", "reward.points.of: `of` means nothing without `times` (write `times` too"),
    (
        "reward: {points: {per: 1.00 EUR, per_piece: true, earn: 1}}",
        "reward.points.per_piece: points is one of per, per_piece, ladder, times, not several (remove `per_piece`)",
    ),
    (
        "reward: {points: {ladder: [{from: 20.00 EUR, earn: 5}, {from: 10.00 EUR, earn: 9}]}}",
        "reward.points.ladder[1].from: a ladder rises: 10.00 EUR stands after 20.00 EUR (sort the rungs, each higher)",
    ),
    (
        "goal: {visits: 2}\nreward: {points: {times: 2}}",
        "reward.points.times: a multiplier goes with every order, a goal with a fixed reward (give a fixed number",
    ),
    (
        "on: activity.recorded\nreward: {points: {per_piece: true, earn: 1}}",
        "reward.points.per_piece: `activity.recorded` has no pieces (give a fixed number of points, or write",
    ),
    (
        "reward: {points: {earn: 1, pending_for: 3d, pending_returns: true}}",
        "reward.points.pending_returns: waiting is one of pending_for, pending_until, pending_returns, not several",
    ),
    ("reward: {points: 5, coupon: {free_shipping: true}}", "reward.coupon: a reward is one of points, coupon, stamps,"),
    ("reward: {message: hello}", 'reward.message: expected fields, found `hello` (write `{en: "hello"}`)'),
    ("reward: {message: {}}", 'reward.message: a message in no language (write `{en: "…"}`)'),
    ("reward: {tier: [gold]}", "reward.tier: expected the tier's name or fields, found a list (tier, for)"),
    ("reward: {entries: 1}", "reward.entries: there is no contest with a draw (write `contest: {draw: …}`)"),
    ("reward: {instant_win: true}", "reward.instant_win: there is no contest with an instant win (write `contest:"),
    ("reward: {coupon: {valid_for: 30d}}", "reward.coupon: a coupon needs one of amount_off, percent_off, free_item,"),
    (
        "reward: {coupon: {free_shipping: true, max_amount: 5.00 EUR, valid_for: 1d}}",
        "reward.coupon.max_amount: `max_amount` means nothing without `percent_off` (write `percent_off` too, or",
    ),
    (
        "reward: {coupon: {free_shipping: true, valid_for: 1d, valid_until: 2026-01-01}}",
        "reward.coupon.valid_until: the end of a coupon is one of valid_for, valid_until, not several (remove",
    ),
    (
        "reward: {coupon: {free_shipping: true, valid_for: 1d, code: summer 25}}",
        "reward.coupon.code: `summer 25` is no code: capital letters, digits and dashes (write `SUMMER-25`)",
    ),
    (
        "reward: {points: 5}\nvariants: [{variant: a, reward: []}, {variant: a, reward: {points: 1}}]",
        "reward: each variant has its own reward, the promotion beside them none (move it into the variants, or",
    ),
    (
        "variants: [{variant: a, reward: []}, {variant: a, reward: {points: 1}}]",
        "variants[1].variant: `a` is another variant's name too",
    ),
    ("variants: [{variant: a, reward: []}, {variant: b, reward: []}]", "variants: no variant gives anything (write"),
    (
        "goal: {stamps: 3}\nreward: {stamps: {card: small, give: 3}}",
        "reward.stamps.give: the card would fill itself again, without end (give less than 3)",
    ),
]


@pytest.mark.parametrize(("text", "told"), REWARDS)
def test_rewards_that_are_nothing_or_two_things_are_told(text: str, told: str):
    loaded = load_promotion(f"{SMALL}{text}\n", "p.yaml")
    problems = [str(problem).split(": ", 1)[1] for problem in loaded.problems]
    assert any(problem.startswith(told) for problem in problems), problems


PROGRAMME = """
programme: main
currency: EUR
points: {base: {value: 0.01 EUR, expires: {after: 1y}}}
tiers: {levels: [{tier: silver, from: 0}, {tier: gold, from: 1000}]}
regions: {lazio: [114, "007"]}
groups: {coffee: {mode: best}}
cap: {points: 1000, every: day}
"""
PROGRAMMES = [
    (
        "expires: {after: 1y}",
        "expires: {after: 1y, end_of: year}",
        "points.base.expires.end_of: expiry is one of after,",
    ),
    ("expires: {after: 1y}", "expires: {plus: 1y}", "points.base.expires.plus: `plus` means nothing without `end_of`"),
    ("from: 1000", "from: 0", "tiers.levels[1].from: tiers rise: 0 stands after 0 (sort them from the lowest"),
    ("tier: gold", "tier: silver", "tiers.levels[1].tier: `silver` is another tier's name too"),
    ("0.01 EUR", "0.01 USD", "points.base.value: USD here, EUR in currency: one programme, one currency"),
    ("currency: EUR", "currency: EURO", "currency: "),
    ("currency: EUR", "currency: EUU", "currency: `EUU` is no ISO 4217 currency"),
    ("{mode: best}", "{}", "groups.coffee: nothing is said of the group (write its `mode`, its `cap` or both)"),
    ("cap: {points: 1000", "cap: {points: 1, times: 1", "cap.points: a limit is one of times, points, not several"),
    ("regions:", "region:", "region: unknown field `region` (did you mean `regions`?)"),
    ('[114, "007"]', "[]", "regions.lazio: at least one is needed here"),
]


def test_a_programme_document_is_read_and_told_apart():
    loaded = load_document(PROGRAMME, "programme.yaml")
    assert loaded == load_programme(PROGRAMME, "programme.yaml")
    assert loaded.problems == ()
    assert kind_of(PROGRAMME) == "programme"
    assert kind_of(SMALL) == kind_of("") == kind_of("{") == "promotion"
    assert isinstance(load_document(SMALL, "p.yaml"), Loaded)


@pytest.mark.parametrize(("old", "new", "told"), PROGRAMMES)
def test_a_mistake_of_a_programme_is_told_like_one_of_a_promotion(old: str, new: str, told: str):
    assert old in PROGRAMME
    loaded = load_document(PROGRAMME.replace(old, new), "programme.yaml")
    problems = [str(problem).split(": ", 1)[1] for problem in loaded.problems]
    assert any(problem.startswith(told) for problem in problems), problems

"""Every mistake of a promotion document: told at its line and column, with what to write instead, all in one run."""

from __future__ import annotations

import json
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.promotions import source
from schemas.promotions.document import Promotion
from schemas.promotions.fields import NAMES_MAX
from schemas.promotions.loading import PROBLEMS_MAX, Loaded, load_promotion

GOOD = """
promotion: five-for-fifty
title: {en: "5 € for every 50 €", it: "5 € ogni 50 €"}
staff_hint: {it: "Il buono è già nel portafoglio del cliente"}
objective: {metric: repeat_visits, change: "+8 %", by: 2026-12-31}
schedule: {from: 2026-11-01, until: 2026-12-31, timezone: Europe/Rome, days: [mon, tue], hours: "07:00-22:00"}
audience: {tiers: [silver, gold], segments: commuters, holdout: 5 %}
on: order.completed
where: {channel: [pos, app], store: [114, "007"], lines: {category: coffee}, total: {at_least: 10.00 EUR}}
goal: {spend: 50.00 EUR, within: 30d, repeat: true}
reward: [{coupon: {amount_off: 5.00 EUR, valid_for: 30d}}, {points: 50}]
limits: {per_member: {times: 3, every: month}}
offline: {redeem: replicated, max_value: 5.00 EUR}
examples:
  - given: [{order: {total: 60.00 EUR, lines: [{category: coffee, amount: 60.00 EUR}]}}]
    expect: {coupons: 1, points: 50}
"""
SMALL = {"promotion": "small", "title": {"en": "Small"}, "reward": {"points": 5}}


def load(text: str) -> Loaded:
    return load_promotion(textwrap.dedent(text), "p.yaml")


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new).lstrip("\n")


def test_a_good_document_becomes_a_promotion_and_its_json_the_same_again():
    loaded = load(GOOD)
    assert loaded.problems == ()
    assert loaded.promotion is not None
    assert loaded.promotion.where.store == ("114", "007")
    assert loaded.promotion.goal is not None
    assert loaded.promotion.goal.spend is not None
    assert loaded.promotion.goal.spend.minor == 5000
    body = loaded.promotion.model_dump_json(exclude_defaults=True)
    assert Promotion.model_validate_json(body) == loaded.promotion
    assert load_promotion(body, "p.json").promotion == loaded.promotion


MISTAKES = [
    # what should have been, what was written, where it is told, path: words (suggestion)
    (
        "staff_hint:",
        "staf_hint:",
        'staf_hint: {it: "Il buono è già nel portafoglio del cliente"',
        "staf_hint: unknown field `staf_hint` (did you mean `staff_hint`?)",
    ),
    (
        "category: coffee}",
        "categori: coffee}",
        "categori: coffee",
        "where.lines.categori: unknown field `categori` (did you mean `category`?)",
    ),
    (
        "five-for-fifty",
        "Five for Fifty",
        "promotion: Five for Fifty",
        "promotion: `Five for Fifty` is no id: lower-case letters, digits and dashes (write `five-for-fifty`)",
    ),
    (
        "on: order.completed",
        "on: order.complete",
        "on: order.complete",
        "on: `order.complete` is not known here (did you mean `order.completed`?)",
    ),
    (
        "on: order.completed",
        "on: unisono.order.completed.v1",
        "on: unisono.order.completed.v1",
        "on: `unisono.order.completed.v1` is written without `unisono.` and `.v1` here (write `order.completed`)",
    ),
    (
        "spend: 50.00 EUR",
        "spend: 50",
        "spend: 50",
        "goal.spend: `50` lacks its currency (write `50 EUR`)",
    ),
    (
        "spend: 50.00 EUR",
        "spend: 50.000 EUR",
        "spend: 50.000 EUR",
        "goal.spend: EUR has 2 decimals, `50.000 EUR` has 3",
    ),
    (
        "spend: 50.00 EUR",
        "spend: 50.00 EURO",
        "spend: 50.00 EURO",
        "goal.spend: `50.00 EURO` is no amount of money (write `10.00 EUR`)",
    ),
    (
        "spend: 50.00 EUR",
        "spend: 50.00 eur",
        "spend: 50.00 eur",
        "goal.spend: `eur` is no ISO 4217 currency (write `50.00 EUR`)",
    ),
    (
        "spend: 50.00 EUR",
        "spend: 0.00 EUR",
        "spend: 0.00 EUR",
        "goal.spend: `0.00 EUR`: more than nothing is needed here",
    ),
    (
        "spend: 50.00 EUR",
        "spend: [50.00 EUR]",
        "spend: [50.00 EUR",
        "goal.spend: expected text such as `10.00 EUR` (write `10.00 EUR`)",
    ),
    (
        "within: 30d",
        "within: 30",
        "within: 30",
        "goal.within: `30` is no length of time (write `30d`)",
    ),
    (
        "within: 30d",
        "within: 30 days",
        "within: 30 days",
        "goal.within: `days` is no unit of time: h, d, w, mo or y (write `30d`)",
    ),
    (
        "repeat: true",
        "repeat: yes",
        "repeat: yes",
        "goal.repeat: expected true or false, found `yes` (write `true`)",
    ),
    (
        "holdout: 5 %",
        "holdout: 5",
        "holdout: 5",
        "audience.holdout: `5` is no percentage (write `5 %`)",
    ),
    (
        "holdout: 5 %",
        "holdout: 150 %",
        "holdout: 150 %",
        "audience.holdout: `150 %` is more than 100 %",
    ),
    (
        "2026-11-01",
        "2026-11-31",
        "from: 2026-11-31",
        "schedule.from: `2026-11-31` does not exist: day is out of range for month",
    ),
    (
        "2026-11-01",
        "1.11.2026",
        "from: 1.11.2026",
        "schedule.from: `1.11.2026` is no day (or day and time) (write `2026-11-01` or `2026-11-01T08:00`)",
    ),
    (
        "2026-11-01",
        "2027-11-01",
        "until: 2026-12-31",
        "schedule.until: ends on 2026-12-31, before it starts on 2027-11-01",
    ),
    (
        "Europe/Rome",
        "Europe/Rom",
        "timezone: Europe/Rom",
        "schedule.timezone: `Europe/Rom` is no time zone of the IANA database (write `Europe/Rome`)",
    ),
    (
        "[mon, tue]",
        "[mon, tus]",
        "tus",
        "schedule.days[1]: `tus` is none of mon, tue, wed, thu, fri, sat, sun (did you mean `tue`?)",
    ),
    (
        "07:00-22:00",
        "7-22",
        'hours: "7-22"',
        "schedule.hours: `7-22` is no span of hours (write `07:00-22:00`)",
    ),
    (
        "channel: [pos, app]",
        "channel: shop",
        "channel: shop",
        "where.channel: `shop` is none of pos, app, web (known here: pos, app, web)",
    ),
    (
        "total: {at_least: 10.00 EUR}",
        "total: 10.00 EUR",
        "total: 10.00 EUR",
        "where.total: expected fields, found `10.00 EUR` (write `{at_least: 10.00 EUR}`)",
    ),
    (
        "at_least: 10.00 EUR",
        "at_least: 10.00 EUR, at_most: 5.00 EUR",
        "at_most: 5.00 EUR",
        "where.total.at_most: 5.00 EUR is less than at_least, 10.00 EUR: nothing ever matches",
    ),
    (
        "amount_off: 5.00 EUR",
        "amount_off: 5.00 USD",
        "amount_off: 5.00 USD",
        "reward[0].coupon.amount_off: USD here, EUR in where.total.at_least: one promotion, one currency",
    ),
    (
        "amount_off: 5.00 EUR",
        "amount_off: 5.00 EUR, percent_off: 5 %",
        "percent_off: 5 %",
        (
            "reward[0].coupon.percent_off: a coupon is one of amount_off, percent_off, free_item, cheapest_free, "
            "fixed_price, buy_get, free_shipping, points_times, not several (remove `percent_off`)"
        ),
    ),
    (
        "amount_off: 5.00 EUR",
        "percent_off: 12.5 %",
        "percent_off: 12.5 %",
        "reward[0].coupon.percent_off: `12.5 %`: a discount is a whole percentage from 1 % to 100 % (write `20 %`)",
    ),
    (
        ", valid_for: 30d",
        "",
        "coupon: {amount_off: 5.00 EUR",
        "reward[0].coupon.valid_for: how long is the coupon valid? (write `valid_for: 30d`)",
    ),
    (
        "{points: 50}",
        "{points: 50.5}",
        "points: 50.5",
        (
            "reward[1].points: expected a whole number or fields, found `50.5` (earn, per, per_piece, ladder, "
            "times, of, currency, rounding, pending_for, pending_until, pending_returns, expires_after, expires_on)"
        ),
    ),
    (
        "{points: 50}",
        "{pints: 50}",
        "pints: 50",
        "reward[1].pints: unknown field `pints` (did you mean `points`?)",
    ),
    (
        "{points: 50}",
        "{points: {per: 1.00 EUR, earn: 1}}",
        "per: 1.00 EUR",
        (
            "reward[1].points.per: points per amount go with every order, a goal with a fixed reward (give "
            "a fixed number of points, or remove the goal)"
        ),
    ),
    (
        "{times: 3",
        "{times: 0",
        "times: 0",
        "limits.per_member.times: expected at least 1, found `0`",
    ),
    (
        "every: month",
        "every: mont",
        "every: mont",
        (
            "limits.per_member.every: `mont` is none of order, day, week, month, quarter, year, campaign "
            "(did you mean `month`?)"
        ),
    ),
    (
        "on: order.completed",
        "activity: app.check_in",
        "activity: app.check_in",
        "activity: only activities have a name (write `on: activity.recorded`)",
    ),
    (
        "on: order.completed",
        "on: activity.recorded",
        "spend: 50.00 EUR",
        "goal.spend: `activity.recorded` has no amount (write `on: order.completed`, or count visits)",
    ),
    (
        "goal: {spend: 50.00 EUR, ",
        "goal: {spend: 50.00 EUR, visits: 3, ",
        "visits: 3",
        (
            "goal.visits: a goal is one of spend, visits, quantity, distinct, activities, stamps, all, any, steps, "
            "not several (remove `visits`)"
        ),
    ),
    (
        '{en: "5 € for every',
        '{de: "5 € for every',
        'de: "5 € for every 50 €"',
        "title.de: `de` is none of en, it, el (known here: en, it, el)",
    ),
    (
        "coupons: 1, points",
        "coupon: 1, points",
        "coupon: 1",
        "examples[0].expect.coupon: unknown field `coupon` (did you mean `coupons`?)",
    ),
    (
        "{coupons: 1, points: 50}",
        "{}",
        "expect: {",
        "examples[0].expect: expects nothing at all (write `{coupons: 0}` for no coupon)",
    ),
    (
        "{order: {total: 60.00 EUR,",
        "{offer: {}, order: {total: 60.00 EUR,",
        "offer: {",
        (
            "examples[0].given[0].offer: a step is one of order, activity, registered, member, offer, viewed, "
            "activated, redeemed, returned, voided, wait, not several (remove `offer`)"
        ),
    ),
]


def position(text: str, at: str) -> str:
    """Line and column, from 1, at which a piece of the text first stands."""
    before = text[: text.index(at)]
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


@pytest.mark.parametrize(("old", "new", "at", "told"), MISTAKES)
def test_a_mistake_is_told_at_its_place_with_what_to_write(old: str, new: str, at: str, told: str):
    text = changed(old, new)
    loaded = load_promotion(text, "p.yaml")
    assert loaded.promotion is None
    assert f"p.yaml:{position(text, at)}: {told}" in [str(problem) for problem in loaded.problems]


def test_all_mistakes_are_listed_at_once_in_the_order_of_the_text():
    text = changed("five-for-fifty", "Five").replace("tue]", "tus]").replace("repeat: true", "repaet: true")
    text = text.replace("valid_for: 30d", "valid_for: 3x").replace("times: 3", "times: many") + "extra: 1\n"
    lines = [problem.line for problem in load_promotion(text, "p.yaml").problems]
    assert lines == [1, 5, 9, 10, 11, 16]


FORMS = [
    ("a: 1\nb: 2\na: 3", "3:1: a: `a` is given twice, first in line 1 (keep one of them)"),
    ("promotion: &x a", "1:12: promotion: anchors are not allowed (remove &x)"),
    ("promotion: a\ntitle: *x", "2:8: title: aliases are not allowed (write the value out)"),
    (
        "promotion: !!python/object:os.system a",
        "1:12: promotion: tags are not allowed (remove !!python/object:os.system)",
    ),
    ("a: b: c", '1:5: not YAML: mapping values are not allowed here (put the text in quotes, it holds a ": ")'),
    ("\ta: 1", "1:1: not YAML: found character '\\t' that cannot start any token (indent with spaces, not tabs)"),
    ("a: [1,", "1:7: not YAML: expected the node content, but found '<stream end>'"),
    ("- 1", "1:1: a promotion document is a mapping of fields (start with `promotion: my-promotion`)"),
    ("", "1:1: a promotion document is a mapping of fields (start with `promotion: my-promotion`)"),
    ("a: 1\n---\nb: 2", "2:1: a second document: one promotion a file"),
    ("? [a]\n: 1", "1:3: a key must be a plain word"),
    ("a: \x01", "1:4: not YAML: character #x0001 is not allowed"),
    (b"a: 1\nb: \xff", "2:4: not UTF-8 text"),
    ("a: 1\n".encode("utf-16"), "1:1: not UTF-8 text (save it as UTF-8)"),
    ("a: 1\nb: 'x\ud800'", "2:6: not YAML: character #xd800 is not allowed"),
    ("a: 1\r\nb: \x00", "2:4: not YAML: character #x0000 is not allowed"),
    ('a: "\\ud800"', "1:4: a: character #xd800 is not allowed in a text (remove it)"),
    ('a: "x\\0"', "1:4: a: character #x0000 is not allowed in a text (remove it)"),
    ('"\\x1b": 1', "1:1: character #x001b is not allowed in a text (remove it)"),
    ('a: "\\UFFFFFFFF"', "1:1: not YAML: "),
    ("a: !<" + "x" * 5000 + ">", "1:4: `!` and 4000 characters without a space (put spaces behind commas)"),
    ("x" * 500 + ": 1", f"1:1: {'x' * 199}…: unknown field `{'x' * 199}…`"),
]


@pytest.mark.parametrize(("text", "told"), FORMS)
def test_the_form_of_the_text(text: str | bytes, told: str):
    problems = [str(problem) for problem in load_promotion(text, "p.yaml").problems]
    assert any(problem.startswith(f"p.yaml:{told}") for problem in problems), problems


def test_a_byte_order_mark_and_line_ends_of_two_characters_are_no_mistakes():
    body = GOOD.lstrip("\n").replace("\n", "\r\n").encode("utf-8-sig")
    assert load_promotion(body, "p.yaml").problems == ()
    [problem] = load_promotion(body.replace(b"repeat: true", b"repeat: yes"), "p.yaml").problems
    assert (problem.line, problem.path) == (9, "goal.repeat")


def test_a_character_that_json_writes_as_two_escapes_is_one():
    promotion = load_promotion(json.dumps({**SMALL, "title": {"en": "🎁"}}), "p.json").promotion
    assert promotion is not None
    assert promotion.title == {"en": "🎁"}


def test_ten_thousand_skus_are_read_and_one_more_is_refused():
    skus = [f"sku-{number:06}" for number in range(NAMES_MAX + 1)]
    for names, expected in ((skus[1:], 0), (skus, 1)):
        body = json.dumps({**SMALL, "where": {"lines": {"sku": names}}})
        assert len(load_promotion(body, "p.json").problems) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a" * (source.BYTES_MAX + 1),
        "[" * 100_000,
        "{a: " * 100_000,
        "a: [" + "x," * 300_000,
        "a: &a [x,x]\n" + "".join(f"b{n}: &b{n} [*a,*a]\n" for n in range(1000)),
        "a: " + "1" * 100_000,
        "a: &" + "x" * 500_000 + " 1",
        "a: !<" + "x" * 500_000 + ">",
        "where: " + "{all: " * 100_000,
        "".join(f"k{n}: 1\n" for n in range(100_000)),
        "".join(f"k{n}: 1\n" for n in range(20_000)),
        "a: 1\n" * 20_000,
        "promotion: a\nreward:\n" + "- {points: x}\n" * 10_000,
        b"a: 1\n" * 10_000_000,
        b"\x00" * 100_000,
    ],
)
def test_a_bomb_is_refused_before_it_goes_off(text: str | bytes):
    loaded = load_promotion(text, "p.yaml")
    assert loaded.promotion is None
    assert 1 <= len(loaded.problems) <= PROBLEMS_MAX + 1
    assert all(len(str(problem)) < 2000 for problem in loaded.problems)


def test_what_is_missing_is_told_where_it_should_stand():
    assert [str(problem) for problem in load("description: {en: x}").problems] == [
        "p.yaml:1:1: promotion: `promotion` is missing (write `promotion: my-promotion`)",
        "p.yaml:1:1: reward: `reward` is missing (write `reward: [{points: 50}]`)",
        'p.yaml:1:1: title: `title` is missing (write `title: {en: "…"}`)',
    ]


_words = st.sampled_from(
    [*GOOD.replace(",", " , ").replace(":", " : ").split(), "&a", "*a", "!x", "\n", "  ", "\t", "null"]
)


@settings(deadline=None)
@given(st.lists(_words, max_size=40).map(" ".join))
def test_any_soup_of_words_gets_an_answer(text: str):
    loaded = load_promotion(text, "p.yaml")
    assert (loaded.promotion is None) == bool(loaded.problems)


@settings(deadline=None)
@given(st.data())
def test_any_value_in_any_place_gets_an_answer(data: st.DataObject):
    lines = GOOD.strip().splitlines()
    number = data.draw(st.integers(0, len(lines) - 1))
    key = lines[number].split(":")[0]
    value = data.draw(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text("ab€ -%:0", max_size=6),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["spend", "points", "a"]), inner)
            ),
            max_leaves=6,
        )
    )
    lines[number] = f"{key}: {json.dumps(value)}"
    loaded = load_promotion("\n".join(lines[: number + 1]), "p.yaml")
    assert (loaded.promotion is None) == bool(loaded.problems)


def test_the_place_of_a_path_is_that_of_its_nearest_part():
    loaded = load_promotion(GOOD.lstrip("\n"), "p.yaml")
    assert loaded.place(("examples", 0)) == (14, 5)
    assert loaded.place(("examples", 7)) == (13, 1)

"""Decisions in words: the sentences people ask for, and that none contradicts its decision."""

from __future__ import annotations

import itertools

import pytest

from schemas.promotions.document import Promotion
from schemas.values import Text
from services.cli.explanations import explained
from services.engine.examples.examples import InTheWay
from services.engine.trace import Decision, Miss, Observation
from services.words.decisions import explain, in_the_way
from services.words.voice import LANGUAGES, Voice

TITLES: dict[str, Text] = {"coffee": {"en": "The fifth coffee is free", "it": "Il quinto caffè è gratis"}}
TODAY = Observation("schedule.from", "2026-03-02", "2026-03-02T10:00", holds=True)


def refused(*observations: Observation) -> Decision:
    return Decision("/till order-1", "coffee", 3, None, observations=list(observations))


SHORT = Observation("where.total.at_least", "20.00 EUR", "16.80 EUR", holds=False, miss=Miss("money", 320, "EUR"))
REFUSALS = [
    (SHORT, "No: the order was €3.20 short of €20.00", "No: l'acquisto: mancano 3,20 € a 20,00 €"),
    (
        Observation("schedule.from", "2026-03-02", "2026-02-27T10:00", holds=False),
        "Not yet: it starts on Monday 2 March 2026",
        "Non ancora: comincia lunedì 2 marzo 2026",
    ),
    (
        Observation("schedule.days", ["tue", "thu"], "wed", holds=False),
        "No: only on Tuesdays and Thursdays; it was Wednesday, the next one is Thursday",
        "No: solo il martedì e il giovedì; era mercoledì, il prossimo è giovedì",
    ),
    (
        Observation("audience.segments", ["commuters"], ["families"], holds=False),
        "No: the member is not in the segment commuters",
        "No: il membro non è nel segmento commuters",
    ),
    (
        Observation("audience.segments", ["commuters", "students"], [], holds=False),
        "No: the member is in none of these segments: commuters or students",
        "No: il membro non è in nessuno di questi segmenti: commuters o students",
    ),
    (
        Observation("audience.order", ["every 3"], 2, holds=False),
        "No: only at order number 3, 6, 9 and so on; this is number 2",
        "No: solo all'acquisto numero 3, 6, 9 e così via; questo è il numero 2",
    ),
    (
        Observation("limits.per_member[0]", {"times": 3, "every": "month"}, 0, holds=False),
        "No: the limit for each member is used up (3 times a month)",
        "No: il limite per ogni membro è esaurito (3 volte al mese)",
    ),
    (
        Observation("goal.all[1].where.lines.amount.at_least", "5 EUR", "3 EUR", False, Miss("money", 200, "EUR")),
        "No: the amount of the lines was €2.00 short of €5.00 (part 2 of the goal)",
        "No: l'importo delle righe: mancano 2,00 € a 5,00 € (parte 2 dell'obiettivo)",
    ),
    (
        Observation("where.attributes.delivery", {"is": ["collect"]}, None, holds=False),
        "No: needed: the event's delivery is “collect”; found: not known",
        "No: serve: il dato dell'evento delivery è “collect”; trovato: ignoto",
    ),
    (
        Observation("something.new", "a", "b", holds=False),
        "No: something.new: a needed, b found",
        "No: something.new: serve a, c'è b",
    ),
]


@pytest.mark.parametrize(("seen", "english", "italian"), REFUSALS, ids=[case[0].path for case in REFUSALS])
def test_a_refusal_says_what_was_missing(seen, english, italian):
    decision = refused(seen)
    told = [explain(decision, language, TITLES).headline.replace("\N{NO-BREAK SPACE}", " ") for language in LANGUAGES]
    assert told == [english, italian]


def test_the_title_and_every_condition_are_told():
    told = explain(refused(TODAY, SHORT), "en", TITLES)
    assert (told.title, told.promotion_version, told.result) == ("The fifth coffee is free", 3, "refused")
    assert [(line.mark, line.path) for line in told.lines] == [("✓", "schedule.from"), ("✗", "where.total.at_least")]
    assert told.lines[0].text == "The start: 2 March 2026"


def test_the_nearest_miss_is_told_where_one_thing_was_missing():
    assert explain(refused(TODAY, SHORT), "en", TITLES).nearest == "€3.20 more would have been enough"
    other = Observation("where.channel", ["app"], "pos", holds=False)
    assert explain(refused(SHORT, other), "en", TITLES).nearest is None


def test_a_reward_names_what_was_given_and_the_limits_used():
    limit = Observation("limits.per_member[0]", {"times": 3, "every": "month"}, 2, holds=True)
    decision = refused(TODAY, limit)
    decision.result, decision.gave, decision.used = "rewarded", [("coupon.issued", 1)], [("limits.per_member[0]", 1)]
    assert explain(decision, "en", TITLES).headline == "Yes: 1 coupon issued; limits: 2 of 3 a month used"
    assert explain(decision, "it", TITLES).headline == "Sì: 1 buono emesso; limiti usati: 2 di 3 al mese"


def test_points_of_several_currencies_are_never_added_up():
    decision = refused()
    decision.result = "rewarded"
    decision.gave = [("points.earned", 30), ("points.earned:tier", 30), ("points.earned", 10), ("tier_points", 10)]
    assert explain(decision, "en", TITLES).headline == "Yes: 40 points and 40 tier points"
    decision.gave = [("points.earned", 1), ("points.spent:miles", 7)]
    assert explain(decision, "it", TITLES).headline == "Sì: 1 punto e 7 punti (miles) tolti dal saldo"


def test_why_an_example_failed_is_told_in_words_with_its_place():
    own, other = InTheWay("event 1", "coffee", SHORT), InTheWay("event 2", "tea", SHORT)
    told = [in_the_way(Voice("en"), reason, "coffee") for reason in (own, other)]
    assert told == [
        "event 1: the order was €3.20 short of €20.00 (where.total.at_least)",
        "event 2 (tea): the order was €3.20 short of €20.00 (where.total.at_least)",
    ]


def test_progress_towards_an_amount_is_money_where_the_promotion_is_known():
    promotion = Promotion.model_validate({"promotion": "coffee", "title": {"en": "x"}, "goal": {"spend": "50.00 EUR"}})
    decision = refused(Observation("goal", 5000, 1500, holds=True))
    decision.result = "counted"
    assert (
        explain(decision, "en", TITLES, promotion).headline == "Counted: it counts towards the goal, €15.00 of €50.00"
    )


ODD = [None, "", [], {}, {"is": 3}, {"times": True}, "not a date", "99.99.99", 7, True, ["x", None], object()]


@pytest.mark.parametrize(
    "path",
    [
        "schedule.from", "schedule.until", "schedule.days", "schedule.hours", "schedule.windows", "schedule.month_days",
        "schedule.blackout", "audience.tiers", "audience.attributes.x", "audience.new", "audience.lapsed",
        "audience.order", "audience.holdout", "activity", "where.channel", "where.lines", "where.lines.amount.at_least",
        "where.total.at_most", "where.any", "where.all[0].store", "goal", "goal.steps[2].activity",
        "limits.per_member[0]", "limits.budget", "cap[0]", "groups.x.cap[0]", "cost", "stacking", "offer",
        "offer.valid_until", "reward",
        "currency", "order.training",
        "", ".",
    ],
)  # fmt: skip
def test_odd_values_never_stop_an_explanation(path):
    """A trace may be of another version of the engine: what cannot be read is told as it stands."""
    for odd, holds, language in itertools.product(ODD, (True, False), LANGUAGES):
        told = explain(refused(Observation(path, odd, odd, holds=holds)), language, {})
        assert told.headline
        assert told.lines[0].text


def test_a_promotion_that_waits_for_another_is_told_once():
    """One event completes two goals: it looks at both, and one of them is none of its business."""
    elsewhere = Observation("where.promotion", ["tea"], "milk", holds=False)
    waits = [refused(elsewhere), refused(elsewhere)]
    assert len(explained(waits, {}, "en")) == 1
    given = refused(Observation("where.promotion", ["tea"], "tea", holds=True))
    given.result, given.gave = "rewarded", [("points.earned", 5)]
    assert [each.result for each in explained([*waits, given], {}, "en")] == ["rewarded"]


def test_a_region_is_told_with_the_store_that_is_in_it():
    seen = Observation("audience.home_region", ["lazio"], "rm-01", holds=True)
    assert "store rm-01, which is in lazio" in explain(refused(seen), "en", {}).lines[0].text

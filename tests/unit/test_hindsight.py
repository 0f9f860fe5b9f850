"""Looking back at an event without a database: what came between, what is no longer, who did not look at it and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from schemas.events.catalogue import EVENT_TYPES, Event
from schemas.promotions.loading import load_promotion
from schemas.promotions.programme import ProgrammeDocument
from services.cli.hindsight import Hindsight
from services.engine.entries import Entry
from services.engine.fold import fold
from services.engine.programme import PromotionVersion, compile_programme
from services.engine.simulation import ALWAYS
from services.engine.terms import ProgrammeVersion
from services.ledger.explain import Past, Recorded, look_back, why_absent
from services.ledger.ports import Published, Standing
from services.settings import Settings
from services.terms import programme_terms
from services.words import hindsight as words
from services.words.voice import LANGUAGES, Voice

NOON = datetime.fromisoformat("2026-11-03T12:00:00+00:00")
SECOND = """
promotion: second
title: {en: "Every second order"}
goal: {visits: 2, repeat: true}
reward: [{points: 50}]
"""


def version(text: str, number: int = 1, since: datetime = ALWAYS, until: datetime | None = None) -> PromotionVersion:
    promotion = load_promotion(text, "p.yaml").promotion
    assert promotion is not None
    return PromotionVersion(promotion, number, since, until)


def order(number: int, hour: int) -> Event:
    told = {"order_id": f"o{number}", "channel": "web", "currency": "EUR", "total": 100, "lines": ()}
    return event(number, hour, "order.completed", **told)


def event(number: int, hour: int, name: str, **told: object) -> Event:
    kind = f"unisono.{name}.v1"
    data = EVENT_TYPES[kind].model_validate({"member_id": "anna", **told})
    return Event("/web", f"e{number}", kind, NOON + timedelta(hours=hour), "anna", data)


def past(arrived: Sequence[Event], entries: Sequence[Entry]) -> Past:
    """These events recorded in this order, and these lines in the books."""
    history = [Recorded(each, NOON + timedelta(days=1, seconds=place)) for place, each in enumerate(arrived)]
    wallet = fold("anna", arrived, compile_programme([version(SECOND)], programme_terms(Settings()))).wallet
    return Past(history, wallet, {entry.key: Standing(entry.key, 0, entry) for entry in entries})


def test_a_late_event_takes_the_place_of_another_and_both_say_so():
    """Two orders reached the goal; one that came late and lay before them makes the first of these the second."""
    programme = compile_programme([version(SECOND)], programme_terms(Settings()))
    first, second, late = order(1, 1), order(2, 2), order(3, 0)
    held = fold("anna", [first, second], programme).entries
    known = past([first, second, late], held)
    published = Published([version(SECOND)])
    looked = {each.id: look_back(known, each.cause, programme) for each in (first, second, late)}
    assert [other for _, other in looked["e1"].books.before] == ["/web e2"] * 2
    assert [other for _, other in looked["e2"].books.later] == ["/web e1"] * 2
    assert looked["e3"].circumstances.overtaken == 2
    assert all(each.books.agrees for each in looked.values())
    told = list(Hindsight.of(known, published, "/web e1", known.find(("/web", "e1")), ()).lines("en"))
    assert (
        "In the books since /web e2: 50 points (second v1). That event came first; today this one would bring it."
        in told
    )


def test_books_that_hold_something_else_are_told():
    programme = compile_programme([version(SECOND)], programme_terms(Settings()))
    events = [order(1, 1), order(2, 2)]
    lines = fold("anna", events, programme).entries
    lacking = look_back(past(events, lines[:1]), "/web e2", programme).books
    assert (len(lacking.missing), len(lacking.held), lacking.agrees) == (1, 1, False)
    beyond = look_back(past(events[1:], lines), "/web e2", programme).books
    assert (len(beyond.surplus), beyond.agrees) == (2, False)


def test_what_is_left_of_an_order_and_of_a_coupon():
    terms = programme_terms(Settings())
    keeps = ProgrammeVersion(
        ProgrammeDocument.model_validate({"programme": "p", "returns": {"coupons": "stay_used"}}), 1, ALWAYS
    )
    programme, keeping = (compile_programme([version(SECOND)], terms, each) for each in ((), (keeps,)))
    used = event(2, 1, "coupon.redeemed", operation_id="op", coupon_id="c", order_id="o1")
    void = event(3, 2, "order.voided", order_id="o1")
    known = past([order(1, 1), used, void], ())
    found = {each: look_back(known, f"/web {each}", programme).circumstances for each in ("e1", "e2", "e3")}
    assert (found["e1"].left, found["e1"].undone_by) == ("nothing", 1)
    assert found["e2"].left == "nothing"
    assert look_back(known, "/web e2", keeping).circumstances.left == "all"
    assert found["e3"].order_known


@pytest.mark.parametrize(
    ("hour", "trigger", "why"),
    [
        (-1, "order.completed", "unpublished"),
        (1, "birthday", "other_trigger"),
        (1, "order.completed", "no_offer"),
        (9, "order.completed", "withdrawn"),
    ],
)
def test_why_a_promotion_did_not_look(hour: int, trigger: str, why: str):
    text = SECOND.replace("goal:", "by: offer\ngoal:")
    series = [version(text, 1, NOON, NOON + timedelta(hours=5))]
    programme = compile_programme(series, programme_terms(Settings()))
    found, compiled = why_absent(programme, "second", trigger, NOON + timedelta(hours=hour))
    assert (found, compiled.version) == (why, 1)
    said = {words.absent(Voice(each), why, "second", when="then", starts=compiled.triggers) for each in LANGUAGES}
    assert len(said) == len(LANGUAGES)

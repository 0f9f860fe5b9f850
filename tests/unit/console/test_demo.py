"""The demo's parts: figures from instants, panes from streams, events from stories."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from schemas.envelope import from_structured, to_structured
from schemas.events.catalogue import decode, topic_for
from schemas.events.orders import OrderCompleted, OrderReturned
from schemas.topics import APP, CHECKOUT
from services.console.demo.figures import KEPT, Figure, Figures
from services.console.demo.panes import Pane
from services.console.demo.stories import STORIES, NothingToReturn, Storyteller
from tests.unit.console.samples import rich_wallet

NOW = datetime(2026, 11, 22, 9, 42, 5, tzinfo=UTC)


def _after(milliseconds: float) -> datetime:
    return NOW + timedelta(milliseconds=milliseconds)


def test_figures_are_last_median_and_worst_of_twenty():
    figures = Figures()
    assert figures.propagation("app") is None
    for version in range(1, 31):
        figures.arrived("app", version, NOW, _after(version))
    assert figures.propagation("app") == Figure(last=30, median=20.5, worst=30, count=KEPT)
    assert figures.skew is None, "one touchpoint has no skew"


def test_skew_is_from_the_first_to_the_last_touchpoint_of_a_version():
    figures = Figures()
    for version, (app, till, web) in enumerate([(10, 12, 11), (10, 40, 30)], 1):
        for pane, at in (("till", till), ("app", app), ("web", web)):
            figures.arrived(pane, version, NOW, _after(at))
    assert figures.skew == Figure(last=30, median=16, worst=30, count=2)


def test_a_version_counts_once_a_touchpoint_and_clocks_never_run_backwards():
    figures = Figures()
    figures.arrived("web", 1, NOW, _after(-5))
    figures.arrived("web", 1, NOW, _after(500))
    assert figures.propagation("web") == Figure(0, 0, 0, 1)


def test_a_pane_shows_newer_versions_only_and_measures_what_is_new():
    pane, figures = Pane("app"), Figures()
    pane.take(rich_wallet("m1", 3, now=NOW), _after(7), figures, old=True)
    assert (pane.milliseconds, figures.propagation("app")) == (None, None)
    pane.take(rich_wallet("m1", 4, now=NOW), _after(9), figures, old=False)
    pane.take(rich_wallet("m1", 2, now=NOW), _after(99), figures, old=False)
    assert pane.record is not None
    assert (pane.record.version, pane.milliseconds) == (4, 9)


@pytest.mark.parametrize("currency", ["EUR", "USD", "JPY", "KWD"])
def test_every_story_is_an_event_that_intake_accepts(currency: str):
    teller = Storyteller(currency)
    topics = {}
    for number, story in enumerate(STORIES):
        event = decode(from_structured(to_structured(teller.tell(story, "m1", "114", NOW, f"e{number}"))))
        assert (event.member_id, event.occurred_at) == ("m1", NOW)
        topics[story] = topic_for(event)
        if isinstance(event.data, OrderCompleted):
            assert event.data.total == sum(line.amount for line in event.data.lines) == teller.total(story) > 0
    assert topics == {"coffee": CHECKOUT, "groceries": CHECKOUT, "checkin": APP, "return": CHECKOUT}


def test_a_return_brings_the_last_order_back_once():
    teller = Storyteller("EUR")
    with pytest.raises(NothingToReturn):
        teller.tell("return", "m1", "114", NOW, "e1")
    bought = decode(teller.tell("coffee", "m1", "114", NOW, "e2")).data
    with pytest.raises(NothingToReturn):
        teller.tell("return", "m2", "114", NOW, "e3")
    brought_back = decode(teller.tell("return", "m1", "114", NOW, "e4")).data
    assert isinstance(bought, OrderCompleted)
    assert isinstance(brought_back, OrderReturned)
    assert (brought_back.order_id, brought_back.total) == (bought.order_id, bought.total)
    with pytest.raises(NothingToReturn):
        teller.tell("return", "m1", "114", NOW, "e5")

"""The Complete Journey adapter: what it says of the data is true, and what it makes up is stated and stable."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import to_structured
from schemas.events.catalogue import Event, decode, topic_for
from schemas.events.members import ActivityRecorded, MemberRegistered
from schemas.events.offers import OfferIssued
from schemas.events.orders import OrderCompleted
from schemas.topics import APP, CHECKOUT, WEB
from services.adapters.complete_journey import OFFER_PROMOTION, journey_events, spread

FIRST, LAST = date(2017, 10, 28), date(2017, 11, 24)
TOPIC_OF_CHANNEL = {"pos": CHECKOUT, "web": WEB, "app": APP}


@pytest.fixture(scope="module")
def month() -> list[Event]:
    """Four weeks of 300 households, every event through the schemas."""
    return [decode(envelope) for envelope in journey_events(members=300, since=FIRST, until=LAST)]


def bought(events: list[Event], order_id: str | None = None) -> list[OrderCompleted]:
    orders = [event.data for event in events if isinstance(event.data, OrderCompleted)]
    return [order for order in orders if order_id in {None, order.order_id}]


@pytest.fixture(scope="module")
def orders(month: list[Event]) -> list[OrderCompleted]:
    return bought(month)


def test_events_come_in_event_time_order_with_ids_of_their_own(month):
    assert [event.occurred_at for event in month] == sorted(event.occurred_at for event in month)
    assert len({(event.source, event.id) for event in month}) == len(month) > 2000


def test_the_parts_of_an_order_sum_to_the_whole(orders):
    for order in orders:
        assert order.total == sum(line.amount for line in order.lines)
        assert order.discount == sum(line.discount or 0 for line in order.lines)
        assert order.subtotal == order.total + order.discount
        for line in order.lines:
            assert line.amount >= 0
            assert line.discount is not None
            assert line.discount >= 0
            if line.unit_price is not None:
                assert line.unit_price * Decimal(line.quantity) == line.amount + line.discount


def test_a_known_basket_is_told_as_the_table_has_it():
    """Household 906's first basket of the year, read by hand from the transactions table."""
    day = [decode(event) for event in journey_events(since=date(2017, 1, 1), until=date(2017, 1, 1))]
    moment, order = next((event.occurred_at, order) for event in day for order in bought([event], "31198705046"))
    assert moment == datetime(2017, 1, 1, 12, 30, 27, tzinfo=UTC)
    assert (order.member_id, order.store_id, order.currency) == ("m906", "319", "USD")
    first, second = order.lines[:2]
    assert (first.sku, first.quantity, first.amount, first.discount) == ("1020156", 1, 150, 29)
    assert (second.sku, second.quantity, second.amount, second.discount) == ("1053875", 2, 278, 80)


def test_totals_are_those_of_the_table(orders):
    """What members paid is sales less coupons, summed by pyarrow without our reader."""
    from pyarrow import parquet  # type: ignore[import-untyped]  # ships no types

    from services.adapters.journey_tables import folder

    table = parquet.read_table(folder() / "transactions.parquet", columns=["basket_id", "sales_value", "coupon_disc"])
    wanted = {int(order.order_id) for order in orders}
    paid: Counter[int] = Counter()
    for basket, sales, coupon in zip(*(column.to_pylist() for column in table.columns), strict=True):
        if basket in wanted:
            paid[basket] += round(sales * 100) - round(coupon * 100)
    assert {int(order.order_id): order.total for order in orders} == {basket: max(0, paid[basket]) for basket in wanted}


def test_every_event_lies_on_the_topic_of_its_producer(month):
    for event in month:
        topic = topic_for(event)
        if isinstance(event.data, OrderCompleted):
            assert topic == TOPIC_OF_CHANNEL[event.data.channel]
            assert (event.data.till_id is not None) == (event.data.channel == "pos")
        else:
            assert topic == APP


def test_a_member_registers_before_anything_else_happens(month):
    seen: set[str] = set()
    for event in month:
        assert isinstance(event.data, MemberRegistered) == (event.member_id not in seen)
        seen.add(event.member_id)
    assert len(seen) == 300


def test_a_check_in_is_followed_by_an_order_in_that_store(month):
    visits = {
        (event.member_id, event.data.store_id, event.occurred_at)
        for event in month
        if isinstance(event.data, OrderCompleted)
    }
    check_ins = [event for event in month if isinstance(event.data, ActivityRecorded)]
    for event in check_ins:
        assert isinstance(event.data, ActivityRecorded)
        assert (event.member_id, event.data.store_id, event.occurred_at + timedelta(minutes=4)) in visits
    assert len(check_ins) > 100


def test_mailings_become_offers_that_end_after_they_begin(month):
    offers = [(event.occurred_at, event.data) for event in month if isinstance(event.data, OfferIssued)]
    assert {offer.promotion_id for _, offer in offers} == {OFFER_PROMOTION}
    assert all(offer.valid_until is not None and offer.valid_until > issued for issued, offer in offers)
    assert len(offers) > 100


def test_the_shares_that_are_made_up_are_those_stated(month):
    """Six of ten with the app, 120 of 1,000 of their baskets; 80 of 1,000 web; within what the hash of 300 allows."""
    channels = Counter(event.data.channel for event in month if isinstance(event.data, OrderCompleted))
    total = channels.total()
    assert 0.05 < channels["app"] / total < 0.10
    assert 0.06 < channels["web"] / total < 0.10


def test_training_orders_are_few_and_only_at_tills():
    found = bought([decode(event) for event in journey_events(since=date(2017, 5, 1), until=date(2017, 5, 7))])
    flagged = [order for order in found if order.training]
    assert 0 < len(flagged) < 40
    assert {order.channel for order in flagged} == {"pos"}


def test_redeemed_coupons_are_on_orders_with_a_coupon_discount():
    found = bought([decode(event) for event in journey_events(since=date(2017, 11, 1), until=date(2017, 11, 14))])
    with_coupons = [order for order in found if order.coupons]
    assert len(with_coupons) > 20
    for order in with_coupons:
        assert sum(coupon.amount or 0 for coupon in order.coupons) <= (order.discount or 0)


def test_the_same_arguments_give_the_same_bytes():
    again = [to_structured(event) for event in journey_events(members=20, since=FIRST, until=LAST)]
    assert again == [to_structured(event) for event in journey_events(members=20, since=FIRST, until=LAST)]


def test_a_limit_keeps_the_first_and_an_end_moves_them_all():
    end = datetime(2026, 11, 22, 10, tzinfo=UTC)
    plain = list(journey_events(members=50, since=FIRST, until=LAST, limit=100))
    moved = list(journey_events(members=50, since=FIRST, until=LAST, limit=100, ending_at=end))
    assert len(plain) == len(moved) == 100
    assert moved[-1].time == end
    assert {late.time - early.time for early, late in zip(plain, moved, strict=True)} == {end - plain[-1].time}
    assert [event.id for event in plain] == [event.id for event in moved]


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="one or more"):
        next(journey_events(members=0))
    with pytest.raises(ValueError, match="after the last"):
        next(journey_events(since=LAST, until=FIRST))
    with pytest.raises(ValueError, match="offset"):
        next(journey_events(ending_at=datetime(2026, 1, 1)))  # noqa: DTZ001  that it is naive is the point


def test_pandas_is_never_imported():
    """pandas costs a second and 100 MB; one innocent call of pyarrow brings it in."""
    program = (
        "import sys; from datetime import date; from services.adapters.complete_journey import journey_events;"
        "next(journey_events(members=1, since=date(2017, 3, 1), until=date(2017, 3, 2)));"
        "sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


@given(st.lists(st.integers(0, 10_000), max_size=20), st.data())
def test_a_spread_sums_to_the_whole_and_exceeds_no_part(weights, data):
    whole = data.draw(st.integers(0, sum(weights)))
    parts = spread(whole, weights)
    assert sum(parts) == whole
    assert all(0 <= part <= weight for part, weight in zip(parts, weights, strict=True))

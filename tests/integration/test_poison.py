"""P6: whatever bytes lie on an event topic, each record ends applied, absorbed, refused or skipped; nothing raises."""

from __future__ import annotations

import json
import os
import random
from datetime import UTC, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.events.catalogue import EVENT_TYPES
from schemas.topics import APP
from schemas.values import rfc3339
from services.clock import utc_now
from services.ledger.apply_batch import BatchApplier
from services.ledger.ports import Accepted, Refused, SourceRecord
from services.ledger.validate import TimeWindow, validate
from services.store.books import Books
from services.store.ledger import PostgresLedger
from services.store.migrate import migrate
from services.store.relay import RelaySession
from streams.publish import dead_letter_message, journal_message, wallet_message
from tests.integration.test_store import TERMS, WINDOW

EXAMPLES = int(os.environ.get("UNISONO_EXAMPLES", "60"))
ENDS = {"applied", "duplicate", "dead_letter", "skipped"}
UPDATED, ISSUED, COMPLETED, REDEEMED = (
    f"unisono.{name}.v1" for name in ("member.updated", "offer.issued", "order.completed", "coupon.redeemed")
)
ORDER: dict[str, Any] = {
    "order_id": "o",
    "member_id": "m1",
    "channel": "pos",
    "currency": "EUR",
    "total": 6000,
    "lines": [{"line_no": 1, "sku": "s", "quantity": 1, "amount": 6000}],
}
OFFER = {"offer_id": "f", "promotion_id": "p", "member_id": "m1"}


def varied(length: int) -> str:
    """A text of four bytes a character that PostgreSQL cannot compress: an index row of it is as long as it gets."""
    chance = random.Random(length)
    return "".join(chr(chance.randrange(0x10000, 0x110000)) for _ in range(length))


VARIED = varied(128)


def record(
    data: object,
    type_: str = COMPLETED,
    *,
    number: object = 1,
    source: str = "/s",
    member: str = "m1",
    structured: bool = False,
    headers: list[tuple[str, Any]] | None = None,
) -> SourceRecord:
    """A record whose envelope is right; `data` as JSON, or these bytes."""
    body = data if isinstance(data, bytes) else orjson.dumps(data)
    now = rfc3339(utc_now())
    if structured:
        attributes = {"specversion": "1.0", "id": str(number), "source": source, "type": type_, "time": now}
        value = orjson.dumps(attributes)[:-1] + b',"data":' + body + b"}"
        return SourceRecord(APP, 0, 0, member.encode(), value, [("content-type", b"application/cloudevents+json")])
    named = {"specversion": "1.0", "id": str(number), "source": source, "type": type_, "time": now}
    told = [(f"ce_{name}", value.encode()) for name, value in named.items()]
    return SourceRecord(APP, 0, 0, member.encode(), body, [*told, *(headers or [])])


def deep(levels: int) -> bytes:
    """An order with so many brackets in its attributes."""
    return orjson.dumps(ORDER)[:-1] + b',"attributes":{"a":' + b"[" * levels + b"]" * levels + b"}}"


NASTY = {
    "tombstone": SourceRecord(APP, 0, 0, b"m1", None, record(ORDER).headers),
    "no_key": SourceRecord(APP, 0, 0, None, b"{}", []),
    "key_not_utf8": SourceRecord(APP, 0, 0, b"\xff\xfe", orjson.dumps(ORDER), record(ORDER).headers),
    "header_not_utf8": record(ORDER, headers=[("ce_subject", b"\xff")]),
    "header_name_with_nul": SourceRecord(APP, 0, 0, b"m1", b"", [("a\x00b", b"\x00"), ("n", None)]),  # type: ignore[list-item]
    "header_without_value": record({}, headers=[("ce_x", None)]),
    "nul_in_source": record(ORDER, source="/s\x00"),
    "nul_in_tier": record({"member_id": "m1", "attributes": {"tier": "go\x00ld"}}, UPDATED),
    "nul_in_segment": record({"member_id": "m1", "segments": {"add": ["a\x00"]}}, UPDATED),
    "nul_in_activity": record({"member_id": "m1", "activity": "a\x00"}, "unisono.activity.recorded.v1"),
    "long_tier": record({"member_id": "m1", "attributes": {"tier": varied(768)}}, UPDATED),
    "longest_everything": record(
        {"member_id": VARIED, "attributes": {"tier": varied(1024)}},
        UPDATED,
        source=varied(256),
        member=VARIED,
        number=VARIED,
    ),
    "huge_tier": record(b'{"member_id":"m1","attributes":{"tier":%s}}' % (b"9" * 4000), UPDATED),
    "huge_numbers": record(orjson.dumps(ORDER).replace(b'"quantity":1', b'"quantity":' + b"9" * 4000)),
    "huge_line_number": record(orjson.dumps(ORDER).replace(b'"line_no":1', b'"line_no":' + b"9" * 4000)),
    "number_beyond_python": record(orjson.dumps(ORDER).replace(b"6000", b"9" * 5000)),
    "infinite": record(orjson.dumps(ORDER).replace(b"6000", b"1e999")),
    "deep": record(deep(300)),
    "deep_structured": record(deep(300), structured=True),
    "too_deep": record(b"[" * 100_000, structured=True),
    "lone_surrogate": record(orjson.dumps(ORDER).replace(b'"o"', b'"\\ud800"')),
    "cesu_8": record(orjson.dumps(ORDER).replace(b'"o"', b'"\xed\xa0\x80"')),
    "before_the_calendar": record({**OFFER, "valid_until": "0001-01-01T00:00:00+14:00"}, ISSUED),
    "after_the_calendar": record({**OFFER, "valid_until": "9999-12-31T23:59:59-14:00"}, ISSUED),
    "first_moment": record({**OFFER, "valid_until": "0001-01-01T00:00:00Z"}, ISSUED),
    "last_moment": record({**OFFER, "valid_until": "9999-12-31T23:59:59.999999Z"}, ISSUED),
    "most_money": record({**ORDER, "total": 10**15, "lines": []}),
    "least_money": record({**ORDER, "total": -(10**15)}),
    "giant": record(b'{"a":"' + b"x" * 3_000_000 + b'"}'),
    "empty": SourceRecord(APP, 0, 0, b"", b"", []),
}


class Partition:
    """Hands records to the commit path, each at the next offset."""

    def __init__(self, applier: BatchApplier) -> None:
        self._applier = applier
        self._offset = 0

    async def take(self, *records: SourceRecord) -> list[str]:
        """What became of them, sorted; the batch is then below the cursor."""
        placed = [
            SourceRecord(r.topic, r.partition, self._offset + n, r.key, r.value, r.headers)
            for n, r in enumerate(records)
        ]
        self._offset += len(records)
        result = await self._applier.apply(0, placed)
        assert result.next_offsets == {APP: self._offset}
        ends = sorted(outcome for (_, outcome), count in result.outcomes.items() for _ in range(count))
        assert len(ends) == len(records)
        assert set(ends) <= ENDS
        return ends


@pytest.fixture
async def partition(database: str):  # an async generator fixture
    """A migrated database, and one partition that is applied to it."""
    await migrate(database)
    async with PostgresLedger.open(database, lock_lease_s=5) as ledger:
        await ledger.next_offset(APP, 0)
        yield Partition(BatchApplier(ledger, TERMS, WINDOW, 1, utc_now))


@pytest.mark.parametrize("name", NASTY)
async def test_a_nasty_record_ends_somewhere_and_the_next_one_counts(partition: Partition, name: str) -> None:
    """Alone, with a good one in its batch, and once more."""
    nasty = NASTY[name]
    await partition.take(nasty)
    assert "applied" in await partition.take(nasty, record({**ORDER, "order_id": "good"}, number="good"))


async def test_everything_nasty_in_one_batch_can_be_published(partition: Partition, database: str) -> None:
    """The relay finds a message for every mark, and ops can list every dead letter."""
    await partition.take(*NASTY.values())
    async with RelaySession.open(database, 0, lock_lease_s=5) as outbox, Books.open(database) as reads:
        marks = await outbox.read(1000)
        assert [wallet_message(mark, 0, "/u") for mark in marks.wallets]
        assert [journal_message(entry, 0, "/u") for entry in marks.entries]
        letters = [dead_letter_message(letter) for letter in marks.letters]
        assert len(letters) == len(await reads.dead_letters(letters_max=1000))


async def test_a_redemption_or_an_offer_told_again_under_another_id_stops_nobody(partition: Partition) -> None:
    """A till that uploads one operation three times, a campaign that issues one offer three times: each key once."""
    operation = {"operation_id": "op", "member_id": "m1", "coupon_id": "c"}
    for number in range(4):
        await partition.take(
            record(operation, REDEEMED, number=f"r{number}"), record(OFFER, ISSUED, number=f"i{number}")
        )
    await partition.take(*[record(operation, REDEEMED, number=f"s{number}") for number in range(3)])


texts = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(["\x00", VARIED, "m1", "EUR", "1", ""])
numbers = st.integers() | st.sampled_from([2**63, -(2**63), 10**15, 10**16, 10**400]) | st.floats()
values = st.recursive(
    texts | numbers | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
moments = st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.isoformat()) | texts


@st.composite
def nearly_right(draw: st.DrawFn) -> SourceRecord:
    """An event of a known type with fields that fit, a few of them replaced by something else."""
    type_ = draw(st.sampled_from([*EVENT_TYPES, "unisono.unknown.v1"]))
    data: dict[str, Any] = {**ORDER, **OFFER, "coupon_id": "c", "operation_id": "p", "return_id": "r", "activity": "a"}
    data |= {"attributes": draw(st.dictionaries(st.just("tier") | texts, values, max_size=2))}
    data |= {"segments": {"add": draw(st.lists(texts, max_size=3)), "remove": []}, "valid_until": draw(moments)}
    for name in draw(st.sets(st.sampled_from(sorted(data)), max_size=2)):
        data[name] = draw(values)
    body = json.dumps(data).encode()  # not orjson: numbers beyond 64 bits, NaN and lone surrogates must come through
    structured = draw(st.booleans())
    number, source = draw(texts) or "1", draw(texts) or "/s"
    made = record(body, type_, number=number, source=source, structured=structured)
    if draw(st.integers(0, 3)) == 0:
        headers = [*made.headers, draw(st.tuples(texts, st.binary(max_size=5) | st.none()))]
        key = draw(st.none() | st.binary(max_size=5))
        return SourceRecord(APP, 0, 0, key, draw(st.none() | st.binary(max_size=20)), headers)  # type: ignore[arg-type]
    return made


@settings(max_examples=EXAMPLES * 5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nearly_right())
def test_validation_answers_whatever_it_is_given(made: SourceRecord) -> None:
    """An event, a refusal with a sentence, or an unknown type; never an exception."""
    checked = validate(made, utc_now(), TimeWindow(timedelta(days=30), timedelta(days=1)))
    assert checked is None or isinstance(checked, Accepted) or (isinstance(checked, Refused) and checked.message)


@settings(
    max_examples=max(5, EXAMPLES // 4),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.lists(nearly_right(), min_size=1, max_size=30))
async def test_the_books_take_whatever_validation_lets_through(partition: Partition, batch: list[SourceRecord]) -> None:
    """Every record of every batch ends somewhere, on a real PostgreSQL."""
    await partition.take(*batch)

"""The store against a real PostgreSQL: migrations, statements, publication, and the outcomes of one batch."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path

import asyncpg
import orjson
import pytest
from pydantic import SecretStr

from schemas.envelope import CloudEvent, to_kafka
from schemas.promotions.loading import load_promotion
from schemas.promotions.programme import ProgrammeDocument
from schemas.topics import CHECKOUT
from services.cli.publish import publish_paths, told
from services.clock import utc_now
from services.engine.fold import fold
from services.engine.programme import compile_programme, with_versions
from services.engine.terms import ProgrammeTerms
from services.ledger.apply_batch import BatchApplier, BatchResult
from services.ledger.ports import Published, SourceRecord
from services.ledger.validate import TimeWindow
from services.settings import Settings
from services.store.books import Books
from services.store.ledger import PostgresLedger
from services.store.migrate import migrate, migrations
from services.store.promotions import PromotionStore
from services.store.queries import QUERIES
from tests.integration.oracle import PROMOTIONS

TERMS = ProgrammeTerms(b"secret", "Europe/Rome", "EUR")
WINDOW = TimeWindow(timedelta(days=30), timedelta(days=1))
PROGRAMME = {
    "programme": "caffe",
    "title": {"en": "Coffee"},
    "points": {"base": {"value": "1.00 EUR", "value_points": 100, "expires": {"end_of": "year", "plus": "3mo"}}},
    "earning": {"except_lines": {"category": "gift-cards"}, "except_payment_methods": ["points"]},
    "returns": {"period": "30d"},
    "tiers": {"grace": "30d", "levels": [{"tier": "base", "from": 0}, {"tier": "gold", "from": 1000}]},
    "regions": {"lazio": [114, 115]},
    "groups": {"coffee": {"mode": "best", "cap": {"points": 500, "every": "day"}}},
    "cap": {"points": 5000, "every": "month"},
}


def order(number: int, member: str = "m1", total: int = 6000, age: timedelta = timedelta(0)) -> CloudEvent:
    """An order of so many minor units, so long ago."""
    lines = [{"line_no": 1, "sku": "s", "quantity": 1, "amount": total}]
    data = {"order_id": f"o{number}", "member_id": member, "channel": "pos", "currency": "EUR", "total": total}
    return CloudEvent(
        f"e{number}",
        "/stores/1/tills/1",
        "unisono.order.completed.v1",
        utc_now() - age,
        member,
        orjson.dumps({**data, "lines": lines}),
    )


class Intake:
    """Hands events to the commit path as one partition would, offset after offset."""

    def __init__(self, ledger: PostgresLedger) -> None:
        self.applier = BatchApplier(ledger, TERMS, WINDOW, 4, utc_now)
        self.offset = 0

    async def take(self, *events: CloudEvent, key: str | None = None) -> BatchResult:
        """Apply these events as one batch."""
        records = []
        for event in events:
            headers, value = to_kafka(event)
            records.append(
                SourceRecord(CHECKOUT, 0, self.offset, (key or event.subject or "").encode(), value, headers)
            )
            self.offset += 1
        return await self.applier.apply(0, records)


@pytest.fixture
async def books(database: str, tmp_path: Path):  # an async generator fixture
    """A migrated database with the oracle's promotions, long in force: reads, intake and a plain connection."""
    await migrate(database)
    promotions = [load_promotion(text, name).promotion for name, text in PROMOTIONS.items()]
    async with PromotionStore.open(database) as store:
        await store.publish([promotion for promotion in promotions if promotion])
    db = await asyncpg.connect(database)
    await db.execute("UPDATE promotion_version SET effective_from = effective_from - interval '20 days'")
    async with PostgresLedger.open(database, lock_lease_s=5) as ledger, Books.open(database) as reads:
        await ledger.next_offset(CHECKOUT, 0)
        yield reads, Intake(ledger), db
    await db.close()


async def test_migrations_apply_once(database: str) -> None:
    """The second call finds nothing to do."""
    assert await migrate(database) == [name for name, _ in migrations()]
    assert await migrate(database) == []


async def test_every_named_statement_fits_the_schema(database: str) -> None:
    """PostgreSQL can plan each of them."""
    await migrate(database)
    db = await asyncpg.connect(database)
    for name, text in QUERIES.items():
        if name != "begin_unit":  # two statements, sent without parameters
            await db.prepare(text, name=name)
    await db.close()


async def test_publishing_the_same_text_again_makes_no_version(database: str) -> None:
    """A changed text makes the next version; both stay on file."""
    await migrate(database)
    promotion = load_promotion(PROMOTIONS["points.yaml"], "points.yaml").promotion
    assert promotion is not None
    changed = promotion.model_copy(update={"title": {"en": "Another title"}})
    async with PromotionStore.open(database) as store:
        assert [v.version for v in (await store.publish([promotion])).promotions] == [1]
        assert await store.publish([promotion]) == Published([], [])
        assert [v.version for v in (await store.publish([changed])).promotions] == [2]
        assert [(v.version, v.promotion) for v in await store.versions()] == [(1, promotion), (2, changed)]


async def test_a_programme_document_is_published_beside_promotions(database: str) -> None:
    """Its versions count on their own; one publication is in force from one instant, and raises the revision once."""
    await migrate(database)
    promotion = load_promotion(PROMOTIONS["points.yaml"], "points.yaml").promotion
    assert promotion is not None
    first, second = ProgrammeDocument.model_validate(PROGRAMME), ProgrammeDocument(programme="caffe")
    db = await asyncpg.connect(database)
    revision = await db.fetchval("SELECT revision FROM programme")
    async with PromotionStore.open(database) as store:
        made = await store.publish([promotion], first)
        assert [(v.version, v.document) for v in made.documents] == [(1, first)]
        assert {v.effective_from for v in made.documents} == {v.effective_from for v in made.promotions}
        assert await store.publish([promotion], first) == Published([], [])
        assert [v.version for v in (await store.publish([], second)).documents] == [2]
        assert [(v.version, v.document) for v in await store.programme_versions()] == [(1, first), (2, second)]
    assert await db.fetchval("SELECT revision FROM programme") == revision + 2
    assert [row["ref"] for row in await db.fetch("SELECT ref FROM outbox")] == ["a-point-a-euro@1"]
    await db.close()


async def test_a_folder_with_its_programme_document_is_published_in_one_go(database: str, tmp_path: Path) -> None:
    """As `unisono promotions publish` and `unisono up` do; a second time there is nothing to publish."""
    await migrate(database)
    (tmp_path / "programme.yaml").write_text("programme: caffe\npoints: {base: {rounding: up}}\n")
    for name, text in PROMOTIONS.items():
        (tmp_path / name).write_text(text)
    settings = Settings(database_url=SecretStr(database))
    assert told(await publish_paths(settings, [tmp_path])) == [
        "programme caffe: version 1 is in force",
        "five-for-fifty: version 1 is in force",
        "a-point-a-euro: version 1 is in force",
    ]
    assert told(await publish_paths(settings, [tmp_path]))[0].startswith("Nothing to publish")


async def test_what_is_published_begins_after_the_clock_of_every_batch_so_far(books, database: str) -> None:
    """Even where a worker's clock is ahead of the database's: its batches were decided without the new version."""
    _, intake, db = books
    await intake.take(order(1))
    later = "UPDATE partition_cursor SET updated_at = now() + interval '1 minute' RETURNING updated_at"
    ahead = await db.fetchval(later)
    promotion = load_promotion(PROMOTIONS["points.yaml"], "points.yaml").promotion
    assert promotion is not None
    async with PromotionStore.open(database) as store:
        made = await store.publish([promotion.model_copy(update={"title": {"en": "Another title"}})])
    assert made.promotions[0].effective_from > ahead


async def test_a_worker_takes_up_what_is_published_while_it_runs(books, database: str) -> None:
    """A promotion alone, beside the others it knows; then a programme document, whose terms hold for all of them."""
    reads, intake, _ = books
    await intake.take(order(1))
    promotion = load_promotion(PROMOTIONS["points.yaml"].replace("earn: 1", "earn: 3"), "points.yaml").promotion
    assert promotion is not None
    async with PromotionStore.open(database) as store:
        await store.publish([promotion])
        assert await points_after(reads, intake, order(2)) == 60 + 3 * 60
        await store.publish(
            [], ProgrammeDocument.model_validate({**PROGRAMME, "earning": {"except_lines": {"sku": "s"}}})
        )
        assert await points_after(reads, intake, order(3)) == 60 + 3 * 60
    wallet = await reads.wallet("m1")
    assert wallet is not None
    assert len(orjson.loads(wallet.record)["coupons"]) == 2, "as for the points: of 180 euro, 120 were earned before"


async def test_what_is_new_is_read_alone(books, database: str) -> None:
    """All versions of the promotion that changed and none of the others; with them ours is the whole programme."""
    _, intake, _ = books
    await intake.take(order(1))
    async with PostgresLedger.open(database, lock_lease_s=5) as ledger, PromotionStore.open(database) as store:
        async with ledger.unit() as unit:
            _, known = await unit.lock_cursors([CHECKOUT], 0)
            held = await unit.programme()
            assert (await unit.programme(since=known)).promotions == []
        changed = load_promotion(PROMOTIONS["points.yaml"].replace("earn: 1", "earn: 3"), "points.yaml").promotion
        assert changed is not None
        await store.publish([changed])
        async with ledger.unit() as unit:
            _, revision = await unit.lock_cursors([CHECKOUT], 0)
            news, everything = await unit.programme(since=known), await unit.programme()
    assert revision == known + 1
    assert [(each.promotion.promotion, each.version) for each in news.promotions] == [
        (changed.promotion, 1),
        (changed.promotion, 2),
    ]
    assert not news.documents
    assert len(everything.promotions) == len(held.promotions) + 1
    grown = with_versions(compile_programme(held.promotions, TERMS), news.promotions)
    whole = compile_programme(everything.promotions, TERMS)
    assert {name: [(c.version, c.starts, c.ends) for c in series] for name, series in grown.versions.items()} == {
        name: [(c.version, c.starts, c.ends) for c in series] for name, series in whole.versions.items()
    }


async def points_after(reads: Books, intake: Intake, event: CloudEvent) -> int:
    """What the member has once this event was applied."""
    await intake.take(event)
    wallet = await reads.wallet("m1")
    assert wallet is not None
    return int(orjson.loads(wallet.record)["points"]["base"]["active"])


async def test_a_repeated_event_counts_once_and_another_under_its_id_is_refused(books) -> None:
    """In the same batch and in a later one; the conflict is a dead letter with the original bytes."""
    reads, intake, _ = books
    first, same_id = order(1), order(1, total=9999)
    same_id.time = first.time
    assert (await intake.take(first, first)).outcomes[CHECKOUT, "duplicate"] == 1
    result = await intake.take(first, same_id)
    assert (result.outcomes[CHECKOUT, "duplicate"], result.outcomes[CHECKOUT, "dead_letter"]) == (1, 1)
    letters = await reads.dead_letters()
    assert [letter.letter.reason for letter in letters] == ["id_conflict"]
    assert letters[0].value == same_id.data
    wallet = await reads.wallet("m1")
    assert wallet is not None
    assert orjson.loads(wallet.record)["points"]["base"]["active"] == 60


@pytest.mark.parametrize(
    ("event", "key", "reason"),
    [
        (order(1, age=-timedelta(days=2)), None, "too_far_in_future"),
        (order(1, age=timedelta(days=31)), None, "too_late"),
        (order(1), "m2", "key_mismatch"),
        (dataclasses.replace(order(1), data=b"{"), None, "not_json"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_bad_record_is_a_dead_letter_and_the_rest_goes_on(books, event, key, reason) -> None:
    """The reason is one of the catalogue's; the next event counts."""
    reads, intake, _ = books
    await intake.take(event, key=key)
    await intake.take(order(2))
    assert await reads.dead_letters_by_reason() == {reason: 1}
    assert await reads.wallet("m1") is not None


async def test_a_time_slightly_ahead_is_held_to_the_moment_of_recording(books) -> None:
    """Till clocks are wrong: the event counts now, and what was stated is kept, so that a copy is still a duplicate."""
    _, intake, db = books
    early = order(1, age=-timedelta(hours=3))
    await intake.take(early)
    assert await db.fetchval("SELECT stated_at > occurred_at AND occurred_at = recorded_at FROM inbox")
    assert (await intake.take(early)).outcomes[CHECKOUT, "duplicate"] == 1


async def test_what_a_replaced_owner_still_holds_is_a_no_op(books) -> None:
    """A batch below the cursor, whoever brings it, changes nothing."""
    reads, intake, db = books
    await intake.take(order(1), order(2))
    before = await db.fetch("TABLE entry")
    intake.offset = 0
    result = await intake.take(order(3), order(4))
    assert (result.outcomes[CHECKOUT, "replayed"], result.next_offsets) == (2, {CHECKOUT: 2})
    assert await db.fetch("TABLE entry") == before
    assert (await reads.wallet("m1")).version == 1


async def test_late_events_and_returns_leave_wallet_and_books_as_the_fold_says(books) -> None:
    """A late order moves the coupon's cause, a void takes it back, and the lines net out to the fold's entries."""
    reads, intake, db = books
    newest, late = order(1, total=6000), order(2, total=4500, age=timedelta(days=3))
    await intake.take(newest)
    await intake.take(late)
    void = dataclasses.replace(
        order(3),
        type="unisono.order.voided.v1",
        data=orjson.dumps({"order_id": "o1", "member_id": "m1"}),
    )
    await intake.take(void)
    await intake.take(order(4, total=700))
    async with reads._pool.acquire() as connection:
        from services.store.ledger import PostgresUnit

        unit = PostgresUnit(connection)
        history = (await unit.histories(["m1"]))["m1"]
        published = await unit.programme()
        programme = compile_programme(published.promotions, TERMS, published.documents)
    outcome = fold("m1", history, programme)
    assert await db.fetchval("SELECT state FROM wallet") == outcome.wallet.to_json()
    net = await db.fetch(
        "SELECT entry_key FROM entry GROUP BY entry_key HAVING sum(CASE WHEN reverses IS NULL THEN 1 ELSE -1 END) = 1"
    )
    assert {row["entry_key"] for row in net} == {entry.key for entry in outcome.entries}
    assert await db.fetchval("SELECT status FROM coupon ORDER BY updated_at DESC LIMIT 1") in {"issued", "cancelled"}
    active = {row["coupon_id"] for row in await db.fetch("SELECT coupon_id FROM coupon WHERE status = 'issued'")}
    assert active == {key for key, coupon in outcome.wallet.coupons.items() if coupon.shown["status"] == "issued"}

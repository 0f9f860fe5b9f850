"""The explanation of an event equals what stands in the ledger, for every event of a run; the command that tells it.

The run has everything that moves what was decided: duplicates, late events, returns and voids, a promotion changed
midway. It lies in the coming days, because the applier is given a clock of its own.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import asyncpg
import orjson
from pydantic import SecretStr

from schemas.envelope import CloudEvent, to_kafka
from schemas.promotions.document import Promotion
from schemas.promotions.loading import load_promotion
from schemas.promotions.programme import ProgrammeDocument
from schemas.topics import CHECKOUT
from services.clock import utc_now
from services.engine.entries import told as named
from services.engine.programme import compile_programme
from services.ledger.apply_batch import BatchApplier
from services.ledger.explain import LookedBack, look_back
from services.ledger.ports import SourceRecord
from services.settings import Settings
from services.store.ledger import PostgresLedger
from services.store.migrate import migrate
from services.store.presence import PresenceBooks
from services.store.promotions import PromotionStore
from services.terms import programme_terms
from tests.integration.conftest import environment
from tests.integration.test_store import WINDOW

MEMBERS = 12
ORDERS_EACH = 26
DAYS = 9.0
PUNCTUAL = frozenset({"m0", "m1"})
"""Members whose events come in order and stay as they are."""
PROMOTIONS = """
promotion: a-point-a-euro
title: {en: "A point for every euro", it: "Un punto per ogni euro"}
reward: [{points: {per: 1.00 EUR, earn: 1}}]
---
promotion: fifty
title: {en: "5 € for every 50 €"}
goal: {spend: 50.00 EUR, within: 3d, repeat: true}
reward: [{coupon: {amount_off: 5.00 EUR, valid_for: 30d}}]
limits: {per_member: {times: 2, every: week}}
---
promotion: third-coffee
title: {en: "Every third coffee"}
where: {lines: {category: coffee}}
goal: {visits: 3, repeat: true}
reward: [{points: 30}, {stamps: {card: card, give: 1}}]
stacking: {group: coffee, mode: best}
---
promotion: big-coffee
title: {en: "A big coffee order"}
where: {lines: {category: coffee}, total: {at_least: 40.00 EUR}}
reward: [{points: 40}]
stacking: {group: coffee, mode: best}
---
promotion: card
title: {en: "A card of four"}
goal: {stamps: 4, stamp_for: visit, repeat: true}
on: activity.recorded
activity: check_in
reward: [{coupon: {amount_off: 2.00 EUR, valid_for: 10d}}, {message: {en: "Well done"}}]
---
promotion: yours
title: {en: "An offer of yours"}
by: offer
goal: {spend: 30.00 EUR, within: 4d}
reward: [{points: {earn: 100, pending_for: 1d}}]
---
promotion: pay-with-points
title: {en: "A survey for points"}
on: activity.recorded
activity: survey
cost: {points: 40}
reward: [{coupon: {percent_off: 10 %, valid_for: 10d}}]
---
promotion: risen
title: {en: "Welcome higher up"}
on: tier.reached
reward: [{points: 25}]
---
promotion: birthday
title: {en: "Happy birthday"}
on: birthday
reward: [{points: 50}]
"""
PROGRAMME = ProgrammeDocument.model_validate(
    {
        "programme": "caffe",
        "returns": {"coupons": "come_back"},
        "tiers": {"basis": "spend", "levels": [{"tier": "base", "from": 0}, {"tier": "gold", "from": 20000}]},
    }
)
NOT_PROMISED = ("offer.completed", "coupon.redeemed", "coupon.conflict", "coupon.expired")
"""Lines that name a promotion and are no reward of it."""


def documents() -> list[Promotion]:
    loaded = [load_promotion(text, f"{number}.yaml") for number, text in enumerate(PROMOTIONS.split("---\n"))]
    assert [problem for each in loaded for problem in each.problems] == []
    return [each.promotion for each in loaded if each.promotion is not None]


@dataclass
class Cluster:
    """A database with its commit path, whose clock goes along with the events; and what was published in it."""

    settings: Settings
    applier: BatchApplier
    now: datetime
    offset: int = 0

    async def take(self, *events: CloudEvent, ahead: bool = False) -> Counter[tuple[str, str]]:
        """Apply these events as one batch, a second after the newest of them; or before, by a clock that is ahead."""
        times = [event.time for event in events if event.time is not None and not ahead]
        self.now = max([self.now, *times]) + timedelta(seconds=1)
        records = []
        for event in events:
            headers, value = to_kafka(event)
            records.append(SourceRecord(CHECKOUT, 0, self.offset, (event.subject or "").encode(), value, headers))
            self.offset += 1
        return (await self.applier.apply(0, records)).outcomes

    async def publish(self, promotions: Sequence[Promotion], programme: ProgrammeDocument | None = None) -> datetime:
        """Publish, and return from when it is in force."""
        async with PromotionStore.open(self.settings.dsn) as store:
            return (await store.publish(promotions, programme)).promotions[0].effective_from


@asynccontextmanager
async def opened(database: str) -> AsyncIterator[Cluster]:
    await migrate(database)
    settings = Settings(database_url=SecretStr(database), kafka_bootstrap_servers="127.0.0.1:9")
    async with PostgresLedger.open(database, lock_lease_s=5) as ledger:
        await ledger.next_offset(CHECKOUT, 0)
        start = utc_now() + timedelta(hours=1)
        cluster = Cluster(
            settings, BatchApplier(ledger, programme_terms(settings), WINDOW, 4, lambda: cluster.now), start
        )
        await cluster.publish(documents(), PROGRAMME)
        yield cluster


# Every event of a run -------------------------------------------------------------------------------------------------


def event(number: int, member: str, moment: datetime, name: str, **data: Any) -> CloudEvent:
    body = orjson.dumps({"member_id": member, **data})
    return CloudEvent(f"e{number}", f"/tills/{number % 5}", f"unisono.{name}.v1", moment, member, body)


def order(number: int, member: str, moment: datetime, total: int, category: str = "milk") -> CloudEvent:
    line = {"line_no": 1, "sku": "s", "quantity": 2, "amount": total, "category": category}
    told = {"order_id": f"o{number}", "channel": "pos", "store_id": "1", "currency": "EUR", "total": total}
    return event(number, member, moment, "order.completed", **told, lines=[line])


def stream(seed: random.Random, start: datetime) -> Iterator[CloudEvent]:
    """All events in order of time, member by member."""
    number = 0
    for member in [f"m{number}" for number in range(MEMBERS)]:
        birthday = (start + timedelta(days=seed.uniform(1, DAYS))).strftime("1990-%m-%d")
        moments = sorted(start + timedelta(days=seed.uniform(0.01, DAYS)) for _ in range(ORDERS_EACH))
        yield event(number := number + 1, member, start, "member.registered", attributes={"birthday": birthday})
        for moment in moments:
            number += 1
            yield order(number, member, moment, seed.randrange(300, 6000), seed.choice(["coffee", "milk"]))
            after, of = moment + timedelta(hours=seed.uniform(0, 20)), f"o{number}"
            match 99 if member in PUNCTUAL else seed.randrange(12):
                case 0:
                    back = {"return_id": f"r{number}", "order_id": of, "total": 200, "currency": "EUR"}
                    lines = [{"line_no": 1, "quantity": 1, "amount": 200}]
                    yield event(number := number + 1, member, after, "order.returned", **back, lines=lines)
                case 1:
                    yield event(number := number + 1, member, after, "order.voided", order_id=of)
            match seed.randrange(8):
                case 0 | 1:
                    activity = seed.choice(["check_in", "survey"])
                    yield event(number := number + 1, member, after, "activity.recorded", activity=activity)
                case 2:
                    offer = {"offer_id": f"offer-{number}", "promotion_id": "yours"}
                    yield event(number := number + 1, member, after, "offer.issued", **offer)
                case 3:
                    used = {"operation_id": f"op{number}", "coupon_id": f"c{number}", "order_id": of}
                    yield event(number := number + 1, member, after, "coupon.redeemed", **used)


def arriving(seed: random.Random, events: Sequence[CloudEvent]) -> list[CloudEvent]:
    """As they come in: some late by up to two days, one in ten twice."""

    def comes(event: CloudEvent) -> datetime:
        assert event.time is not None
        late = event.subject not in PUNCTUAL and seed.randrange(4) == 0
        return event.time + timedelta(days=seed.uniform(0, 2) if late else 0)

    keyed = [(comes(each), each) for each in events]
    keyed += [(moment + timedelta(hours=3), each) for moment, each in seed.sample(keyed, len(keyed) // 10)]
    return [each for _, each in sorted(keyed, key=lambda pair: pair[0])]


async def ledger(database: str) -> dict[str, dict[str, asyncpg.Record]]:
    """Member → entry key → its line, of all lines that stand: posted once more than they were taken back."""
    db = await asyncpg.connect(database)
    newest: dict[str, dict[str, asyncpg.Record]] = {f"m{number}": {} for number in range(MEMBERS)}
    for row in await db.fetch("SELECT * FROM entry ORDER BY turn"):
        newest[row["member_id"]][row["entry_key"]] = row
    await db.close()
    return {m: {key: row for key, row in rows.items() if not row["reverses"]} for m, rows in newest.items()}


Gift = tuple[str, int, str | None, str, int]


def promised(looked: LookedBack) -> Counter[Gift]:
    """What the decisions on a cause say was given."""
    return Counter(
        (told.promotion_id, told.promotion_version, told.offer_id, kind, amount)
        for told in looked.decisions
        for kind, amount in told.gave
    )


def rewards(rows: Sequence[Any]) -> Counter[Gift]:
    """The same of ledger lines, whether from the database or the engine."""
    found: Counter[Gift] = Counter()
    for row in rows:
        line: Any = SimpleNamespace(**row) if isinstance(row, asyncpg.Record) else row
        if line.promotion_id is not None and line.kind not in NOT_PROMISED:
            found[line.promotion_id, line.promotion_version, line.offer_id, named(line), line.amount] += 1
    return found


async def test_the_explanation_of_every_event_is_what_stands_in_the_ledger(database: str) -> None:
    """What a late event or a return moved from one event to another is told of both; nothing else may differ."""
    seed = random.Random(20261122)
    async with opened(database) as cluster:
        events = list(stream(seed, cluster.now))
        coming = arriving(seed, events)
        half = len(coming) // 2
        await run(cluster, seed, coming[:half])
        changed = [p for p in documents() if p.promotion in ("a-point-a-euro", "fifty")]
        doubled = load_promotion(PROMOTIONS.partition("---\n")[0].replace("earn: 1", "earn: 2"), "new.yaml").promotion
        assert doubled is not None
        since = await cluster.publish([doubled, changed[1].model_copy(update={"limits": documents()[0].limits})])
        await run(cluster, seed, coming[half:])
    seen = await explained(database, {each.subject or "": each for each in events}.keys())
    assert len(seen.events) == len(events) > 350
    assert min(seen.versions) < 2 <= max(seen.versions)
    assert {e.time < since for e in events if e.time is not None} == {True, False}
    assert seen.results.keys() == {"rewarded", "counted", "refused"}
    assert min(seen.late, seen.partly, seen.undone, seen.taken_back, seen.by_time) > 10
    assert 0 < seen.moved < len(events) // 4


async def run(cluster: Cluster, seed: random.Random, coming: Sequence[CloudEvent]) -> None:
    """Apply them in batches of any size."""
    place = 0
    while place < len(coming):
        size = seed.randrange(1, 12)
        outcomes = await cluster.take(*coming[place : place + size])
        assert outcomes.keys() <= {(CHECKOUT, "applied"), (CHECKOUT, "duplicate")}
        place += size


@dataclass
class Seen:
    """What the explanations of a run had to tell."""

    events: list[str]
    versions: set[int]
    results: Counter[str]
    late: int = 0
    partly: int = 0
    undone: int = 0
    taken_back: int = 0
    moved: int = 0
    by_time: int = 0


async def explained(database: str, members: Any) -> Seen:
    """Look back at every cause of every member: each explanation equals the ledger, and all of them are all of it."""
    seen, standing = Seen([], set(), Counter()), await ledger(database)
    async with PresenceBooks.watch(database) as books:
        for member in members:
            past, published = await books.past(member)
            programme = compile_programme(published.promotions, programme_terms(Settings()), published.documents)
            told: list[str] = []
            timed = {row["caused_by"] for row in standing[member].values() if row["caused_by"].startswith("time ")}
            for cause in [*[each.event.cause for each in past.history], *sorted(timed)]:
                looked = look_back(past, cause, programme)
                check(looked, standing[member], member)
                told += [entry.key for entry in looked.entries]
                note(seen, looked)
            assert sorted(told) == sorted(standing[member]), "the explanations together are the ledger"
            seen.events += [each.event.cause for each in past.history]
            seen.by_time += len(timed)
    return seen


def check(looked: LookedBack, standing: dict[str, asyncpg.Record], member: str) -> None:
    """One explanation: its decisions give what its lines say, and the ledger holds those lines."""
    here = [row for row in standing.values() if row["caused_by"] == looked.cause]
    assert looked.books.agrees, looked.cause
    assert promised(looked) == rewards(looked.entries), looked.cause
    came, went = [e for e, _ in looked.books.before], [e for e, _ in looked.books.later]
    assert promised(looked) + rewards(went) == rewards(here) + rewards(came), looked.cause
    for entry, other in looked.books.before:
        assert standing[entry.key]["caused_by"] == other
    if member in PUNCTUAL:
        assert promised(looked) == rewards(here), looked.cause
        assert not came
        assert not went
    given = {(d.promotion_id, d.offer_id) for d in looked.decisions if d.result == "rewarded"}
    assert given >= {(d.promotion_id, d.offer_id) for d in looked.decisions if d.gave}


def note(seen: Seen, looked: LookedBack) -> None:
    circumstances = looked.circumstances
    seen.versions |= {decision.promotion_version for decision in looked.decisions}
    seen.results.update(decision.result for decision in looked.decisions)
    seen.late += circumstances.overtaken > 0
    seen.partly += circumstances.left == "part"
    seen.undone += circumstances.left == "nothing"
    seen.taken_back += bool(looked.taken_back)
    seen.moved += bool(looked.books.before or looked.books.later)


# The command ----------------------------------------------------------------------------------------------------------


async def unisono(settings: Settings, *arguments: str) -> tuple[int, str, str]:
    """Run the command line against this database: exit code, stdout, stderr."""
    command = [sys.executable, "-m", "services.cli.main", *arguments]
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(*command, env=environment(settings), stdout=pipe, stderr=pipe)
    out, err = await child.communicate()
    return child.returncode or 0, out.decode(), err.decode()


async def told(cluster: Cluster, code: int, *arguments: str) -> str:
    """What the command says, on stdout, or on stderr where it says nothing there; it ends with that code."""
    found, out, err = await unisono(cluster.settings, "explain", *arguments)
    assert found == code, out + err
    assert "Traceback" not in err
    return out or err


async def test_why_a_member_got_it_or_did_not(database: str) -> None:
    """Version, conditions, limits, nearest miss; the books agree. In Italian, and for one promotion, too."""
    async with opened(database) as cluster:
        await cluster.take(order(1, "anna", cluster.now, 5500, "coffee"), order(2, "anna", cluster.now, 3000, "coffee"))
    first = await told(cluster, 0, "e1")
    assert first.startswith("Order of member anna, ")
    assert "\nA point for every euro (a-point-a-euro v1)\nYes: 55 points\n" in first
    assert "Yes: 1 coupon issued; limits: 1 of 2 a week used\n" in first
    assert "\nEvery third coffee (third-coffee v1)\n" in first
    assert first.endswith("The books hold exactly this: 6 lines.\n")
    assert "Besides: a new tier.\n" in first
    missed = await told(cluster, 0, "/tills/2 e2", "--promotion", "big-coffee", "--language", "it")
    assert "Bastava 10,00\u00a0€ in più" in missed
    assert "a-point-a-euro" not in missed
    assert "Un punto per ogni euro" in await told(cluster, 0, "e2", "--source", "/tills/2", "--language", "it")
    other = await told(cluster, 0, "e2", "--promotion", "yours")
    assert "yours is for those with an offer: the member held none of it then." in other
    assert "birthday does not look at events of this kind" in await told(cluster, 0, "e2", "--promotion", "birthday")
    assert "no promotion big was ever published" in await told(cluster, 2, "e2", "--promotion", "big")


async def test_an_event_that_came_late_or_went_back_says_so(database: str) -> None:
    """And so does a moment at which nothing but time passed."""
    async with opened(database) as cluster:
        start = cluster.now
        hours = [start + timedelta(hours=number) for number in range(9)]
        attributes = {"birthday": (start + timedelta(days=2)).strftime("1990-%m-%d")}
        await cluster.take(event(1, "anna", start, "member.registered", attributes=attributes))
        await cluster.take(order(2, "anna", hours[2], 3000))
        await cluster.take(order(3, "anna", hours[1], 4000), replace(order(3, "bea", hours[1], 1000), source="/web"))
        await cluster.take(event(4, "anna", hours[3], "order.voided", order_id="o3"))
        await cluster.take(event(5, "anna", hours[3], "order.voided", order_id="o99"))
        await cluster.take(order(6, "anna", start + timedelta(days=3), 1000))
        await cluster.take(order(7, "anna", cluster.now + timedelta(hours=1), 1000), ahead=True)
    listed = await told(cluster, 2, "e3")
    assert "--source /tills/3   member anna\n  --source /web   member bea" in listed
    late = await told(cluster, 0, "e3", "--source", "/tills/3")
    assert "It came late: when it was recorded, on " in late
    assert "All of the order was undone (1 return or void): nothing of it counts." in late
    assert "So no promotion looks at it." in late
    void = await told(cluster, 0, "e4")
    assert "What came back is taken out of the order o3" in void
    assert "It took back: " in void
    assert "40 points (a-point-a-euro v1)" in void
    assert "The order o99 has not reached us" in await told(cluster, 0, "e5")
    assert "Its source stated " in await told(cluster, 0, "e7")
    day = orjson.loads(await told(cluster, 0, "e6", "--json"))
    assert day["event"]["source"] == "/tills/1"
    assert day["books"] == {"agree": True, "missing": [], "surplus": [], "before": [], "later": []}
    db = await asyncpg.connect(database)
    caused = await db.fetchval("SELECT caused_by FROM entry WHERE promotion_id = 'birthday'")
    await db.execute("DELETE FROM entry WHERE caused_by = '/tills/1 e6' AND kind = 'points.earned'")
    await db.close()
    birthday = await told(cluster, 0, "--member", "anna", "--at", caused.removeprefix("time "))
    assert "Happy birthday (birthday v1)\nYes: 50 points" in birthday
    assert "decided nothing" in await told(cluster, 1, "--member", "anna", "--at", "2026-01-01T00:00:00Z")
    assert "The books differ: they lack 10 points (a-point-a-euro v1)." in await told(cluster, 1, "e6")


async def test_an_event_that_is_not_in_the_books(database: str) -> None:
    """A hint at the dead letter, by its header or within a structured record; else where it may be."""
    async with opened(database) as cluster:
        good = order(1, "anna", cluster.now, 5000)
        await cluster.take(good)
        await cluster.take(replace(good, data=good.data.replace(b"5000", b"6000") if good.data else b""))
        await cluster.take(replace(order(2, "anna", cluster.now, 5000), data=b"{"))
        headers, value = [("content-type", b"application/cloudevents+json")], b'{"specversion":"1.0","id": "e8"}'
        await cluster.applier.apply(0, [SourceRecord(CHECKOUT, 0, cluster.offset, b"anna", value, headers)])
    assert "Records with this id and other content were refused: dead letter 1." in await told(cluster, 0, "e1")
    for number, name in ((2, "e2"), (3, "e8")):
        shown = await told(cluster, 1, name)
        assert shown.startswith(f"There is no event {name} in the books.\nA record with this id was refused (")
        assert f"`unisono dead-letters show {number}`" in shown
    assert "`unisono lag` tells whether everything was applied" in await told(cluster, 1, "e9")
    assert "name an event by its id" in await told(cluster, 2)
    assert "a moment is written" in await told(cluster, 2, "--member", "anna", "--at", "tomorrow")

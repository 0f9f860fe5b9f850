"""The demo itself, on a stack that runs: send, watch, wait until all has arrived, compare."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import httpx
from prometheus_client.parser import text_string_to_metric_families

from schemas.envelope import CloudEvent
from schemas.journal import JournalEntry
from services.clock import utc_now
from services.demo.compare import BOOKKEEPING, Difference, Folded, first_difference, fold_all
from services.demo.figures import milliseconds, propagation, skew, spread
from services.demo.findings import Findings, books_of_fold, books_of_journal, rewards_by_promotion
from services.demo.moment import NICKNAME, Moment, find_moment
from services.demo.plan import Step, expected_letters, plan
from services.demo.send import Sent, send
from services.demo.settle import caught_up, drained, journal, until
from services.demo.story import Story, appearances, coupon_in_words, deed, other_stories
from services.demo.teller import Teller
from services.demo.touchpoints import App, Touchpoint, followed, wallets_of_app
from services.engine.programme import Programme, compile_programme
from services.settings import Settings
from services.store.books import Books
from services.store.promotions import PromotionStore
from services.terms import programme_terms

_SHOWN_WITHIN_S = 10.0
_ARRIVED_WITHIN_S = 30.0


class NothingToShow(Exception):
    """The events are too few for anybody to earn a coupon in the app."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the running stack answers."""

    gateway_url: str
    console_url: str
    till_urls: Mapping[str, str]
    worker_metrics_url: str


@dataclass(frozen=True, slots=True)
class Stage:
    """What a run works with while it lasts."""

    settings: Settings
    places: Places
    client: httpx.AsyncClient
    books: Books
    touchpoints: Sequence[Touchpoint]
    programme: Programme


async def run(
    settings: Settings, places: Places, events: Sequence[CloudEvent], teller: Teller, *, rate: float, seed: int
) -> Findings:
    """Send the events, tell what happened, and find out whether everybody agrees.

    Raises NothingToShow, NotSettled, DeliveryError and httpx.HTTPError.
    """
    async with _stage(settings, places) as stage:
        moment = find_moment(events, stage.programme, utc_now())
        if moment is None:
            raise NothingToShow(f"among {len(events)} events nobody earns a coupon in the app: take more")
        steps = plan(events, seed, moment.member_id)
        sent = await _send(stage, steps, moment, teller, rate)
        records = await _everything_arrived(stage)
        entries = await journal(settings.brokers)
        for story in other_stories(entries, sent.events, stage.touchpoints, records, moment.member_id):
            teller.tell(story)
        return await _find(stage, steps, sent, records, entries)


@asynccontextmanager
async def _stage(settings: Settings, places: Places) -> AsyncIterator[Stage]:
    terms = programme_terms(settings)
    async with PromotionStore.open(settings.dsn) as store:
        programme = compile_programme(await store.versions(), terms, await store.programme_versions())
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client, Books.open(settings.dsn) as books:
        touchpoints = [Touchpoint(f"till {store}", "till", url, client) for store, url in places.till_urls.items()]
        touchpoints.append(Touchpoint("web account", "web", places.console_url, client))
        yield Stage(settings, places, client, books, touchpoints, programme)


async def _send(stage: Stage, steps: Sequence[Step], moment: Moment, teller: Teller, rate: float) -> Sent:
    """Everything has been sent, and the moment has been told."""
    app = App(stage.places.gateway_url, moment.member_id, stage.client)
    witness: asyncio.Task[None] | None = None

    async def witnessed(happened_at: datetime) -> None:
        teller.tell(await _witness(stage, app, moment, happened_at))

    async def in_app(event: CloudEvent) -> None:
        nonlocal witness
        await app.send(event)
        if event.id != moment.event.id:
            return
        witness = asyncio.create_task(witnessed(event.time))

    async with followed(stage.touchpoints), app.open():
        with teller.sending(len(steps)) as advanced:
            sent = await send(steps, stage.settings, rate=rate, in_app=in_app, advanced=advanced)
        assert witness is not None, "the moment is one of the steps"
        await witness
    return sent


async def _witness(stage: Stage, app: App, moment: Moment, happened_at: datetime) -> Story:
    """What the member's phone, the tills and the web account themselves say of the coupon."""
    shown = await app.coupon(moment.coupon_id, seconds=_SHOWN_WITHIN_S)
    places: list[tuple[str, float]] = []

    async def missing() -> str | None:
        nonlocal places
        places = appearances(stage.touchpoints, moment.member_id, happened_at)
        return None if len(places) == len(stage.touchpoints) else f"{NICKNAME}'s coupon is only at {places}"

    await until(missing, _SHOWN_WITHIN_S)
    return Story(
        at=happened_at,
        who=NICKNAME,
        did=deed(moment.decoded),
        got=coupon_in_words(shown.wallet.model_dump_json().encode(), moment.coupon_id),
        appeared=[("her phone", milliseconds(happened_at, shown.applied_at)), *places],
    )


async def _everything_arrived(stage: Stage) -> dict[str, bytes]:
    """The wallets of the database, once every event is applied and every touchpoint has the newest of them."""
    await drained(stage.settings.brokers, stage.books, seconds=_ARRIVED_WITHIN_S)
    stored = await stage.books.wallets()
    versions = {wallet.member_id: wallet.version for wallet in stored}
    for touchpoint in stage.touchpoints:
        await caught_up(touchpoint, versions, seconds=_ARRIVED_WITHIN_S)
    return {wallet.member_id: wallet.record for wallet in stored}


async def _find(
    stage: Stage, steps: Sequence[Step], sent: Sent, records: dict[str, bytes], entries: Sequence[JournalEntry]
) -> Findings:
    touchpoints = stage.touchpoints
    web = next(touchpoint for touchpoint in touchpoints if touchpoint.kind == "web")
    tills = [touchpoint for touchpoint in touchpoints if touchpoint.kind == "till"]
    measured = {touchpoint.name: propagation(touchpoint.applied, sent.began) for touchpoint in touchpoints}
    of_tills = [ms for till in tills for ms in measured[till.name]]
    return Findings(
        events=len(sent.events),
        members=len(records),
        repeats=sent.repeats,
        duplicates=await _absorbed(stage.client, stage.places.worker_metrics_url),
        letters=dict(sorted((await stage.books.dead_letters_by_reason()).items())),
        letters_expected=expected_letters(steps),
        rewards=rewards_by_promotion(entries),
        spreads={name: spread(of_one) for name, of_one in measured.items()},
        by_kind={"till": spread(of_tills), "web": spread(measured[web.name])},
        skew=spread([ms for till in tills for ms in skew(web.applied, till.applied, sent.began)]),
        touchpoint_differences=await _of_touchpoints(stage, records),
        fold_differences=of_fold(fold_all(sent.events, stage.programme), records, entries),
    )


async def _of_touchpoints(stage: Stage, records: dict[str, bytes]) -> list[Difference]:
    """The first difference of each touchpoint from the database, versions included."""
    held = {touchpoint.name: await touchpoint.held() for touchpoint in stage.touchpoints}
    held["the app"] = await wallets_of_app(stage.places.gateway_url, records, stage.client)
    found = (first_difference(name, records, wallets) for name, wallets in held.items())
    return [difference for difference in found if difference is not None]


def of_fold(folded: Folded, records: dict[str, bytes], entries: Sequence[JournalEntry]) -> list[Difference]:
    """The first difference of the database's wallets, and of the journal, from what the pure fold says."""
    found = (
        first_difference("the database", folded.wallets, records, ignored=BOOKKEEPING),
        first_difference("the journal", books_of_fold(folded.entries), books_of_journal(entries)),
    )
    return [difference for difference in found if difference is not None]


async def _absorbed(client: httpx.AsyncClient, metrics_url: str) -> int:
    """Duplicates that the worker counted since it started."""
    response = await client.get(metrics_url)
    response.raise_for_status()
    return int(
        sum(
            sample.value
            for family in text_string_to_metric_families(response.text)
            for sample in family.samples
            if sample.name == "unisono_events_total" and sample.labels["outcome"] == "duplicate"
        )
    )

"""The life of points and tiers under random programme documents that change over time: the fold and the books agree."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import given, note
from hypothesis import strategies as st

from schemas.events.catalogue import Event
from schemas.promotions.document import Promotion
from schemas.promotions.programme import ProgrammeDocument
from services.engine.entries import Entry
from services.engine.fold import advance, fold
from services.engine.programme import Programme, PromotionVersion, compile_programme
from services.engine.rewarding.points import leftovers
from services.engine.terms import ProgrammeVersion
from services.engine.wallet import Wallet
from tests.property.programmes import MEMBER, START, TERMS
from tests.property.runs import arrive, many
from tests.property.streams import events

LATER = START + timedelta(days=200)
LEVELS = [{"tier": "bronze", "from": 20}, {"tier": "silver", "from": 60}, {"tier": "gold", "from": 150}]
length = st.sampled_from(["5h", "30h", "1d", "3d", "2w", "1mo"])
expiry: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"after": length}),
    st.fixed_dictionaries({"inactive_for": length}),
    st.fixed_dictionaries({"end_of": st.sampled_from(["month", "year"])}, optional={"plus": length}),
)
currency = st.fixed_dictionaries(
    {},
    optional={
        "rounding": st.sampled_from(["down", "up", "half_up"]),
        "pending_for": length,
        "expires": expiry,
        "spend": st.sampled_from(["earliest_expiry", "oldest"]),
    },
)
tiers = st.fixed_dictionaries(
    {"levels": st.sampled_from([LEVELS, LEVELS[1:], [{"tier": "basic", "from": 0}, *LEVELS]])},
    optional={
        "basis": st.sampled_from(["tier_points", "points", "spend"]),
        "period": st.sampled_from(["year", "ever", "3d", "1mo"]),
        "valid_for": st.sampled_from(["next_year_end", "30h", "5d"]),
        "grace": length,
        "downgrade": st.sampled_from(["one_level", "to_earned"]),
    },
)
programme_documents = st.fixed_dictionaries(
    {"programme": st.just("main"), "timezone": st.just("Europe/Rome"), "currency": st.just("EUR")},
    optional={
        "points": st.fixed_dictionaries({}, optional={"base": currency, "miles": currency}),
        "returns": st.fixed_dictionaries({"period": length}),
        "tiers": tiers,
    },
)
per = {"earn": 1, "per": "1.00 EUR"}
points: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.sampled_from([per, per | {"currency": "miles"}, {"earn": 2, "per_piece": True}, {"earn": 30}]),
    st.sampled_from(
        [{"earn": 30, "currency": "tier"}, {"ladder": [{"from": "5.00 EUR", "earn": 25}]}, {"times": "1.5"}]
    ),
)
life: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries({}, optional={"pending_for": length, "expires_after": length}),
    st.sampled_from([{"pending_until": "2026-03-29"}, {"expires_on": "2026-03-30"}, {"pending_returns": True}]),
)
reward = st.one_of(
    st.tuples(points, life).map(lambda both: {"points": both[0] | both[1]}),
    st.integers(1, 60).map(lambda count: {"tier_points": count}),
    st.fixed_dictionaries({"tier": st.sampled_from(["silver", "gold", "staff"])}).map(lambda tier: {"tier": tier}),
    st.fixed_dictionaries({"tier": st.sampled_from(["silver", "gold"]), "for": length}).map(
        lambda tier: {"tier": tier}
    ),
)


@st.composite
def promotions(draw: st.DrawFn, promotion_id: str) -> Promotion:
    """What gives points and tiers on orders, sometimes for points, and sometimes when a tier is reached."""
    document: dict[str, Any] = {"promotion": promotion_id, "title": {"en": promotion_id}}
    if draw(st.integers(0, 4)) == 0:
        document |= {"on": "tier.reached", "reward": [{"points": {"earn": 3} | draw(life)}]}
    else:
        document["reward"] = draw(st.lists(reward, min_size=1, max_size=3))
    if draw(st.integers(0, 3)) == 0:
        document["cost"] = {"points": draw(st.integers(1, 20)), "currency": draw(st.sampled_from(["base", "miles"]))}
    return Promotion.model_validate(document)


@st.composite
def programmes(draw: st.DrawFn) -> Programme:
    """One to three promotions under a programme document of one or two versions."""
    found = [draw(promotions(f"p{number}")) for number in range(draw(st.integers(1, 3)))]
    days = draw(st.lists(st.integers(1, 20), max_size=1))
    instants = [START - timedelta(days=9), *[START + timedelta(days=day) for day in days]]
    versions = [
        ProgrammeVersion(ProgrammeDocument.model_validate(draw(programme_documents)), number, instant)
        for number, instant in enumerate(instants, 1)
    ]
    for version in versions:
        note(f"{version.effective_from} {version.document.model_dump_json(exclude_defaults=True)}")
    for promotion in found:
        note(promotion.model_dump_json(exclude_defaults=True))
    return compile_programme([PromotionVersion(each, 1, START) for each in found], TERMS, versions)


def balances(entries: list[Entry]) -> Counter[tuple[str, str]]:
    """What each account holds in each unit."""
    held = Counter[tuple[str, str]]()
    for entry in entries:
        held[entry.credit, entry.unit] += entry.amount
        held[entry.debit, entry.unit] -= entry.amount
    return held


def check(wallet: Wallet, entries: list[Entry]) -> None:
    """The wallet holds what the entries say."""
    held = balances(entries)
    for unit in ("base", "miles", "tier"):
        left = {name: points for currency, name, points in leftovers(wallet) if currency == unit}
        suffix = "" if unit == "base" else f":{unit}"
        for name in (f"active{suffix}", f"pending{suffix}"):
            assert held[f"member:points_{name}", f"points:{unit}"] == left.get(name, 0)
    assert all(lot.points > 0 for lot in wallet.lots)
    assert set(wallet.stirred) <= {lot.currency for lot in wallet.lots if not lot.active_from}
    worn = {account for (account, unit), amount in held.items() if unit == "tier" and amount > 0}
    assert worn == ({f"tier:{wallet.tier}"} if wallet.tier is not None else set())


@many
@given(programmes(), events(["unknown"]), st.integers(0, 5000))
def test_the_wallet_holds_what_the_entries_say(programme: Programme, stream: list[Event], hours: int):
    outcome = fold(MEMBER, stream, programme, START + timedelta(hours=hours))
    check(outcome.wallet, outcome.entries)
    keys = Counter(entry.key for entry in outcome.entries)
    assert [key for key, times in keys.items() if times > 1] == []


@many
@given(programmes(), events(["unknown"]), st.lists(st.integers(0, 5000), max_size=6))
def test_many_steps_of_time_are_one(programme: Programme, stream: list[Event], hours: list[int]):
    start = fold(MEMBER, stream, programme)
    wallet, entries = start.wallet, list(start.entries)
    newest = max(event.occurred_at for event in stream)
    for step in sorted(hours):
        outcome = advance(wallet, newest + timedelta(hours=step), programme)
        wallet = outcome.wallet
        entries += outcome.entries
    last = advance(wallet, LATER, programme)
    whole = fold(MEMBER, stream, programme, LATER)
    assert last.wallet.to_json() == whole.wallet.to_json()
    assert [entry.key for entry in entries + last.entries] == [entry.key for entry in whole.entries]


@many
@given(programmes(), events(["unknown"]), st.randoms(use_true_random=False))
def test_any_order_of_arrival(programme: Programme, stream: list[Event], chance: Any):
    arrival = list(stream)
    chance.shuffle(arrival)
    wallet, posted = arrive(arrival, programme)
    expected = fold(MEMBER, stream, programme)
    assert wallet.to_json() == expected.wallet.to_json()
    assert posted == Counter(entry.key for entry in expected.entries)


@many
@given(programmes(), events(["unknown"]), st.data())
def test_equal_keys_are_equal_lines(programme: Programme, stream: list[Event], data: st.DataObject):
    """A fold of fewer events may share keys with the fold of all of them: then the books need not be touched."""
    fewer = data.draw(st.lists(st.sampled_from(stream), unique_by=lambda event: event.id))
    lines = {entry.key: line_of(entry) for entry in fold(MEMBER, stream, programme, LATER).entries}
    for entry in fold(MEMBER, fewer, programme, LATER).entries:
        assert lines.get(entry.key, line_of(entry)) == line_of(entry)


def line_of(entry: Entry) -> tuple[object, ...]:
    return entry.kind, entry.unit, entry.debit, entry.credit, entry.amount

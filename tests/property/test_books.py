"""The ledger and the wallet say the same, and no limit of a member is ever exceeded: recounted from what was given."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from schemas.events.members import MemberErased
from schemas.promotions.limits import Limit
from services.engine.calendar.moments import micros
from services.engine.entries import Entry
from services.engine.entries import told as named
from services.engine.fold import fold
from services.engine.programme import Compiled
from services.engine.rewarding.points import leftovers
from services.engine.trace import Decision, Trace
from services.engine.wallet import Wallet
from tests.property.programmes import MEMBER
from tests.property.runs import balances, many
from tests.property.streams import Case, cases

hours = st.one_of(st.just(0), st.integers(0, 400), st.integers(0, 15_000))
_NOT_GIVEN = ("offer.completed", "coupon.expired", "coupon.redeemed", "coupon.conflict")


@many
@given(cases(), hours)
def test_the_wallet_holds_what_the_entries_say(case: Case, step: int):
    outcome = fold(MEMBER, case.stream, case.programme, case.newest + timedelta(hours=step))
    wallet, held = outcome.wallet, balances(outcome.entries)
    for currency in ("base", "miles", "tier"):
        left = {name: points for of, name, points in leftovers(wallet) if of == currency}
        suffix = "" if currency == "base" else f":{currency}"
        for name in (f"active{suffix}", f"pending{suffix}"):
            assert held[f"member:points_{name}", f"points:{currency}"] == left.get(name, 0)
    assert all(lot.points > 0 for lot in wallet.lots)
    assert all(entry.amount > 0 for entry in outcome.entries)
    worn = {account for (account, unit), amount in held.items() if unit == "tier" and amount > 0}
    assert worn == ({f"tier:{wallet.tier}"} if wallet.tier is not None else set())
    check_coupons(wallet, outcome.entries)


def check_coupons(wallet: Wallet, entries: Sequence[Entry]) -> None:
    """Each coupon is held by the member while it may be used, and left them once."""
    held = Counter[str]()
    for entry in entries:
        if entry.unit == "coupon" and entry.coupon_id is not None:
            held[entry.coupon_id] += (entry.credit == "member:coupons") - (entry.debit == "member:coupons")
    for made, coupon in wallet.coupons.items():
        assert held[made] == (coupon.status == "issued"), (made, coupon.status)
    assert all(count <= 0 for made, count in held.items() if made not in wallet.coupons)


@many
@given(cases(), hours)
def test_the_explanation_of_a_decision_is_the_decision(case: Case, step: int):
    trace = Trace()
    outcome = fold(MEMBER, case.stream, case.programme, case.newest + timedelta(hours=step), trace=trace)
    given_, told = defaultdict[object, Counter[object]](Counter), defaultdict[object, Counter[object]](Counter)
    for entry in outcome.entries:
        which = (entry.cause, entry.promotion_id, entry.promotion_version, entry.offer_id)
        if entry.promotion_id is None or entry.kind in _NOT_GIVEN:
            continue
        given_[which][named(entry), entry.amount] += 1
    completed, ends = Counter[object](), Counter[object]()
    for entry in outcome.entries:
        if entry.kind == "offer.completed":
            offer = entry.offer_id if entry.offer_id != entry.promotion_id else None
            ends[entry.cause, entry.promotion_id, entry.promotion_version, offer] += 1
    for decision in trace.decisions:
        assert (decision.failed is None) == (decision.result != "refused"), decision
        which = (decision.cause, decision.promotion_id, decision.promotion_version, decision.offer_id)
        if decision.gave:
            told[which].update(decision.gave)
        compiled = version_of(case, decision)
        if compiled.goal is not None or decision.offer_id is not None:
            completed[which] += decision.completed
            assert (decision.result == "rewarded") == bool(decision.completed or decision.gave), decision
        elif not any(reward.tier for reward in compiled.rewards_for(MEMBER)):  # a tier may only last longer
            assert (decision.result == "rewarded") == bool(decision.gave), decision
    assert told == given_
    assert +completed == ends


@many
@given(cases(), hours)
def test_no_limit_of_a_member_is_exceeded(case: Case, step: int):
    trace = Trace()
    fold(MEMBER, case.stream, case.programme, case.newest + timedelta(hours=step), trace=trace)
    moments = {event.cause: event.occurred_at for event in case.stream}
    erased = [event.occurred_at for event in case.stream if isinstance(event.data, MemberErased)]
    used, most = Counter[object](), dict[object, int]()
    for decision in trace.decisions:
        moment = moments.get(decision.cause) or datetime.fromisoformat(decision.cause.removeprefix("time "))
        life = sum(each < moment for each in erased)
        for name, zone, limit in caps_of(case, decision, moment):
            key = (life, name, str(limit), period(moment.astimezone(zone), limit.every))
            points = sum(amount for kind, amount in decision.gave if _limited(kind))
            used[key] += decision.completed if limit.times is not None else points
            most[key] = limit.times or limit.points or 0
    assert {key: (count, most[key]) for key, count in used.items() if count > most[key]} == {}


def _limited(kind: str) -> bool:
    """Whether limits on points count it: earned, in any currency but the one of tiers."""
    return kind.startswith("points.earned") and kind != "points.earned:tier"


def caps_of(case: Case, decision: Decision, moment: datetime) -> Iterator[tuple[object, ZoneInfo, Limit]]:
    """Every limit on what one member gets that held for a decision: its name, its clock and itself."""
    compiled = version_of(case, decision)
    terms = case.programme.terms_at(micros(moment))
    for limit in compiled.promotion.limits.per_member or ():
        yield (compiled.promotion_id, compiled.version), compiled.zone, limit
    group = terms.document.groups.get(compiled.promotion.stacking.group)
    for limit in (group.cap or ()) if group is not None else ():
        yield ("group", compiled.promotion.stacking.group, terms.starts), case.programme.zone, limit
    for limit in terms.document.cap or ():
        yield ("programme", terms.starts), case.programme.zone, limit


def version_of(case: Case, decision: Decision) -> Compiled:
    series = case.programme.versions[decision.promotion_id]
    return next(each for each in series if each.version == decision.promotion_version)


def period(clock: datetime, every: str) -> object:
    """Which period of a local clock a moment is in."""
    return {
        "order": clock.isoformat(),
        "day": clock.date(),
        "week": clock.isocalendar()[:2],
        "month": (clock.year, clock.month),
        "quarter": (clock.year, (clock.month - 1) // 3),
        "year": clock.year,
        "campaign": None,
    }[every]

"""Shared limits are facts of the books: a refold changes nothing, nothing is overdrawn or left of what was refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.events.members import MemberErased
from services.engine.fold import apply, fold, needs_refold, refold
from services.engine.rewarding.grants import Claim, Granted, Pool
from services.engine.trace import Trace
from services.engine.wallet import Wallet
from tests.property.parts import Plain
from tests.property.programmes import MEMBER
from tests.property.runs import fewer, keys, many
from tests.property.streams import Case, cases

FAR = timedelta(days=300)
Fact = tuple[Pool, str, str]


class Facts:
    """The books: each claim is answered once and for ever, until it is released; no pool gives more than it holds."""

    def __init__(self, spoilt: int = 0) -> None:
        self.granted: dict[Fact, Granted] = {}
        self.pools: Counter[Pool] = Counter()
        self.claims: dict[Fact, Claim] = {}
        self.asked = 0
        self._spoilt = spoilt
        """Others have taken so much of every pool."""

    def take(self, claim: Claim) -> Granted:
        assert claim.amount >= 0
        assert claim.capacity > 0
        self.asked += 1
        key = (claim.pool, claim.member_id, claim.mark)
        if key not in self.granted:
            before = self.pools[claim.pool] + self._spoilt
            left = max(0, claim.capacity - before)
            amount = claim.amount if claim.amount <= left else left if claim.partial else 0
            if not amount and claim.amount:
                return Granted(0, before)
            self.pools[claim.pool] += amount
            assert self.pools[claim.pool] + self._spoilt <= max(claim.capacity, before)
            self.granted[key], self.claims[key] = Granted(amount, before), claim
        return self.granted[key]

    def release(self, claim: Claim) -> None:
        key = (claim.pool, claim.member_id, claim.mark)
        self.pools[claim.pool] -= self.granted.pop(key).amount


@st.composite
def shared(draw: st.DrawFn) -> Case:
    """A case in which more is shared than in most."""
    case: Case = draw(cases())
    limit: st.SearchStrategy[Plain] = st.sampled_from(
        [
            {"total": ({"times": 2},)},
            {"total": ({"points": 40, "every": "week"},)},
            {"budget": {"pieces": 2}},
            {"budget": {"points": 30, "last": "partial"}},
            {"budget": {"amount": "9.00 EUR", "last": "partial"}},
            {"budget": {"amount": "9.00 EUR"}, "per_store": ({"times": 1, "every": "day"},)},
            {"per_household": ({"times": 2},), "per_channel": ({"points": 25},)},
        ]
    )
    for place, version in enumerate(case.drawn.promotions):
        if version.promotion.limits.model_fields_set <= {"per_member"}:
            told: Plain = version.promotion.model_dump(exclude_unset=True, by_alias=True)
            told["limits"] = {**told.get("limits", {}), **draw(limit)}
            promotion = type(version.promotion).model_validate(told)
            case.drawn.promotions[place] = replace(version, promotion=promotion)
    case.drawn.__post_init__()
    return case


@many
@given(shared(), st.integers(0, 2))
def test_a_refold_with_the_same_facts_changes_nothing(case: Case, spoilt: int):
    books = Facts(spoilt)
    until = case.newest + FAR
    first = fold(MEMBER, case.stream, case.programme, until, grants=books)
    facts, pools = dict(books.granted), +books.pools
    second = fold(MEMBER, case.stream, case.programme, until, grants=books)
    assert keys(second.entries) == keys(first.entries)
    assert second.wallet.to_json() == first.wallet.to_json()
    assert books.granted == facts
    assert +books.pools == pools


@fewer
@given(shared(), st.randoms(use_true_random=False))
def test_whatever_the_order_of_arrival_nothing_is_overdrawn_and_refolds_agree(case: Case, chance: Any):
    """A late event may find that something is gone; once all have come, folding them again changes nothing."""
    books = Facts()
    arrival = list(case.stream)
    chance.shuffle(arrival)
    wallet, history = Wallet.empty(MEMBER), []
    for event in arrival:
        history.append(event)
        late = needs_refold(wallet, event)
        folded = refold(wallet, history, case.programme, grants=books) if late else None
        outcome = folded or apply(wallet, event, case.programme, grants=books)
        wallet = outcome.wallet
    once = refold(wallet, history, case.programme, grants=books)
    again = refold(once.wallet, history, case.programme, grants=books)
    assert keys(again.entries) == keys(once.entries)
    assert again.wallet.to_json() == once.wallet.to_json()


@many
@given(shared(), st.integers(0, 2))
def test_the_books_hold_what_was_given_and_no_more(case: Case, spoilt: int):
    """Each claim the books keep is of a reward that the member has: nothing is left of what was refused."""
    books, trace = Facts(spoilt), Trace()
    outcome = fold(MEMBER, case.stream, case.programme, case.newest + FAR, trace=trace, grants=books)
    rewards, points, bundles = Counter[str](), Counter[str](), Counter[object]()
    for decision in trace.decisions:
        rewards[decision.promotion_id] += decision.completed
    for entry in outcome.entries:
        if entry.kind == "points.earned" and entry.promotion_id is not None:
            points[entry.promotion_id] += entry.amount
        if entry.kind == "coupon.issued":
            bundles[entry.coupon_id] += 1
    tries = sum(pool.kind == "instant_win" for pool, _, _ in books.granted)
    assert sum(entry.unit.startswith("prize:") for entry in outcome.entries) == tries
    held = Counter[tuple[str, str, str]]()
    for (pool, _, mark), granted in books.granted.items():
        limit = " ".join(pool.key.split(" ")[:2])  # what it counts, and in which period; the rest says whose it is
        held[pool.promotion_id, pool.kind, limit] += 1
        if pool.kind in ("stock", "codes"):
            assert bundles[mark] == 1
            assert granted.amount == 1
    for (promotion_id, kind, _), count in held.items():
        if kind in ("total", "budget", "household", "store", "channel"):
            assert count <= rewards[promotion_id], (promotion_id, kind)
    if not any(isinstance(event.data, MemberErased) for event in case.stream):
        _check_limits(case, rewards, held)


def _check_limits(case: Case, rewards: Counter[str], held: Counter[tuple[str, str, str]]) -> None:
    """Where one version of a promotion decided, its books saw every reward."""
    versions = Counter(version.promotion.promotion for version in case.drawn.promotions)
    for version in case.drawn.promotions:
        limits, promotion_id = version.promotion.limits, version.promotion.promotion
        if versions[promotion_id] == 1 and limits.budget is not None and limits.budget.pieces is not None:
            assert held[promotion_id, "budget", ""] == rewards[promotion_id]
            assert rewards[promotion_id] <= limits.budget.pieces

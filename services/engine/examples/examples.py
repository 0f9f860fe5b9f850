"""Running a document's examples: the events it gives, folded under this promotion, against what it expects.

The promotion stands alone, or `together` with others of the same check, under the terms of the programme document.
`stage` plays the steps; what they do not say does not stand in the way of this promotion (of the others it may).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from schemas.events.catalogue import Event
from schemas.promotions.document import Promotion
from schemas.promotions.examples import Example, Expectation
from schemas.promotions.programme import ProgrammeDocument
from schemas.promotions.written import Progress as Written
from services.engine.entries import Entry
from services.engine.examples.stage import SOURCE, Stage, Unplayable
from services.engine.fold import Outcome, fold
from services.engine.matching.conditions import in_holdout
from services.engine.programme import Programme, PromotionVersion, compile_programme
from services.engine.rewarding.grants import Claim, Granted, Pool
from services.engine.simulation import ALWAYS
from services.engine.terms import ProgrammeTerms, ProgrammeVersion
from services.engine.trace import Observation, Trace
from services.engine.wallet import Wallet

_CANDIDATES = 10_000


@dataclass(frozen=True, slots=True)
class InTheWay:
    """The first condition of a promotion that an event (`event 2`, or a moment) did not meet."""

    event: str
    promotion_id: str
    seen: Observation


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """One example run: `failures` is empty when everything came as expected.

    `why` is what stood in the way where it failed: of the promotion itself first, then of those it is together with.
    """

    number: int
    name: str
    failures: tuple[str, ...]
    why: tuple[InTheWay, ...]

    @property
    def passed(self) -> bool:
        """Whether the promotion does what the example says."""
        return not self.failures


_NO_OTHERS: Mapping[str, Promotion] = {}


def run_examples(
    promotion: Promotion,
    terms: ProgrammeTerms,
    programme_document: ProgrammeDocument | None = None,
    others: Mapping[str, Promotion] = _NO_OTHERS,
) -> list[ExampleResult]:
    """Every example of the document, in its order; `others` are the promotions that `together` may name, by id."""
    return [
        _run(promotion, example, number, terms, programme_document, others)
        for number, example in enumerate(promotion.examples)
    ]


def _run(
    promotion: Promotion,
    example: Example,
    number: int,
    terms: ProgrammeTerms,
    document: ProgrammeDocument | None,
    others: Mapping[str, Promotion],
) -> ExampleResult:
    name = example.name or f"example {number + 1}"
    try:
        programme = _programme(promotion, example, terms, document, others)
        member = _member(programme, promotion, example.variant)
        books = _Books()
        stage = _stage(promotion, programme, member, document, books)
        stage.play(example.given)
    except Unplayable as error:
        return ExampleResult(number, name, (str(error),), ())
    trace = Trace()
    outcome = fold(member, stage.events, programme, until=stage.now, trace=trace, grants=books)
    failures = tuple(_compare(example.expect, promotion, outcome, books))
    concerned = (promotion.promotion, *(example.together or ()))
    why = [reason for promotion_id in concerned for reason in _why(trace, promotion_id)] if failures else []
    return ExampleResult(number, name, failures, tuple(why))


def _programme(
    promotion: Promotion,
    example: Example,
    terms: ProgrammeTerms,
    document: ProgrammeDocument | None,
    others: Mapping[str, Promotion],
) -> Programme:
    cast = [promotion]
    for other in example.together or ():
        if other not in others:
            raise Unplayable(f"stands together with `{other}`, which is not among the documents of this check")
        cast.append(others[other])
    versions = [ProgrammeVersion(document, 1, ALWAYS)] if document is not None else []
    return compile_programme([PromotionVersion(each, 1, ALWAYS) for each in cast], terms, versions)


def _member(programme: Programme, promotion: Promotion, variant: str | None) -> str:
    """A member outside every holdout, in the variant that is asked for, else in the first one."""
    arms = promotion.variants or ()
    names = [arm.variant for arm in arms]
    if variant is not None and variant not in names:
        raise Unplayable(f"`{variant}` is none of the variants {', '.join(names) or '(there are none)'}")
    wanted = variant or (names[0] if names else None)
    series = [versions[0] for versions in programme.versions.values()]
    compiled = programme.versions[promotion.promotion][0]
    for number in range(1, _CANDIDATES):
        member = f"member-{number}"
        shares = [(each.promotion_id, each.promotion.audience.holdout) for each in series]
        if any(share is not None and in_holdout(named, member, share.basis_points) for named, share in shares):
            continue
        if compiled.variant_of(member) == wanted:
            return member
    return "member-1"


def _stage(
    promotion: Promotion, programme: Programme, member: str, document: ProgrammeDocument | None, books: _Books
) -> Stage:
    def coupons(events: Sequence[Event], until: datetime) -> Sequence[str]:
        entries = fold(member, events, programme, until=until, grants=books).entries
        return [entry.coupon_id for entry in entries if entry.kind == "coupon.issued" and entry.coupon_id is not None]

    compiled = programme.versions[promotion.promotion][0]
    return Stage(promotion, member, compiled.zone, programme.terms[0].currency, document, coupons)


class _Books:
    """The books of what members share, while an example is played: nobody else takes anything out."""

    def __init__(self) -> None:
        self._given: dict[tuple[Pool, str, str], Granted] = {}
        self._taken: dict[Pool, int] = {}

    def take(self, claim: Claim) -> Granted:
        """What is left, once for each claim."""
        key = (claim.pool, claim.member_id, claim.mark)
        known = self._given.get(key)
        if known is not None:
            return known
        before = self._taken.get(claim.pool, 0)
        left = max(0, claim.capacity - before)
        amount = claim.amount if claim.amount <= left else left if claim.partial else 0
        self._taken[claim.pool] = before + amount
        granted = Granted(amount, before)
        if amount:
            self._given[key] = granted
        return granted

    def release(self, claim: Claim) -> None:
        """Put back what was granted."""
        granted = self._given.pop((claim.pool, claim.member_id, claim.mark), None)
        if granted is not None:
            self._taken[claim.pool] -= granted.amount

    def gifts(self) -> set[str]:
        """The coupons that are for a thing from a stock."""
        return {mark for pool, _, mark in self._given if pool.kind == "stock"}


def _compare(expected: Expectation, promotion: Promotion, outcome: Outcome, books: _Books) -> list[str]:
    own = [entry for entry in outcome.entries if entry.promotion_id == promotion.promotion]
    held = _held(own, outcome, promotion, books)
    failures = [
        f"expected {name}: {wanted}, got {held[name]}"
        for name in held
        if (wanted := getattr(expected, name)) is not None and wanted != held[name]
    ]
    for name, count in (
        ("points", partial(_earned, own)),
        ("pending", partial(_pending, outcome.wallet)),
        ("balance", outcome.wallet.points_usable),
    ):
        failures += _points(name, getattr(expected, name), count)
    reached = _progress(promotion, outcome)
    if expected.progress is not None and not _same_progress(expected.progress, reached):
        failures.append(f"expected progress: {expected.progress}, got {reached}")
    return failures


def _points(name: str, expected: int | dict[str, int] | None, count: Callable[[str], int]) -> Iterator[str]:
    """What is not as expected of points: of the base currency, or of each that is named."""
    if isinstance(expected, int):
        if expected != (got := count("base")):
            yield f"expected {name}: {expected}, got {got}"
        return
    for currency, wanted in (expected or {}).items():
        if wanted != (got := count(currency)):
            yield f"expected {name}: {{{currency}: {wanted}}}, got {got}"


def _earned(own: Sequence[Entry], currency: str) -> int:
    """Points that were earned; those towards tiers, whichever reward they came from."""
    granted = _sum(own, "reward.granted", "tier_points") if currency == "tier" else 0
    return granted + _sum(own, "points.earned", f"points:{currency}")


def _pending(wallet: Wallet, currency: str) -> int:
    return sum(lot.points for lot in wallet.lots if lot.active_from and lot.currency == currency)


def _held(own: Sequence[Entry], outcome: Outcome, promotion: Promotion, books: _Books) -> dict[str, int | str]:
    """What an example may expect by one name each."""
    wallet = outcome.wallet
    issued = [entry.coupon_id for entry in own if entry.kind == "coupon.issued"]
    gifts = books.gifts()
    card = next((reward.stamps.card for reward in promotion.reward if reward.stamps is not None), promotion.promotion)
    pursued = wallet.pursuits.get(card)
    return {
        "coupons": sum(made not in gifts for made in issued),
        "gifts": sum(made in gifts for made in issued),
        "completed": sum(entry.kind == "offer.completed" for entry in own),
        "stamps": pursued.progress if pursued is not None else 0,
        "entries": _sum(own, "reward.granted", "entries"),
        "wins": sum(entry.unit.startswith("prize:") for entry in own if entry.kind == "reward.granted"),
        "messages": _sum(own, "reward.granted", "message"),
        "tier": wallet.tier or "none",
    }


def _sum(entries: Sequence[Entry], kind: str, unit: str) -> int:
    return sum(entry.amount for entry in entries if entry.kind == kind and entry.unit == unit)


def _progress(promotion: Promotion, outcome: Outcome) -> Written:
    wallet = outcome.wallet
    offers = [offer for offer in wallet.offers.values() if offer.promotion_id == promotion.promotion]
    pursuit = offers[0] if offers else wallet.pursuits.get(promotion.promotion)
    return Written(pursuit.progress, pursuit.currency) if pursuit is not None else Written(0)


def _same_progress(expected: Written, reached: Written) -> bool:
    return expected.count == reached.count and (expected.currency == reached.currency or not expected.count)


def _why(trace: Trace, promotion_id: str) -> Iterator[InTheWay]:
    """The first condition of a promotion that stood in the way of each event."""
    for decision in trace.decisions:
        failed = decision.obstacle
        if failed is None or decision.promotion_id != promotion_id:
            continue
        source, _, name = decision.cause.partition(" ")
        yield InTheWay(f"event {name.lstrip('0')}" if source == SOURCE else decision.cause, promotion_id, failed)

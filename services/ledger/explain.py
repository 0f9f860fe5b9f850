"""Looking back at one event: the member's history decided once more with somebody asking why, beside the books.

A cause is `<source> <id>` of an event, or `time <instant>` of a moment at which time alone decided something.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from schemas.events.catalogue import Event
from schemas.events.offers import CouponRedeemed
from schemas.events.orders import OrderCompleted, OrderReturned, OrderVoided
from services.engine.calendar.moments import micros
from services.engine.entries import Entry
from services.engine.fold import place, refold
from services.engine.programme import Compiled, Programme
from services.engine.trace import Decision, Trace
from services.engine.wallet import Wallet
from services.ledger.ports import EventKey, Standing


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as the books have it. `stated_at`: the time its source stated, where that was still to come."""

    event: Event
    recorded_at: datetime
    stated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """All that the books hold of one member at one moment: history, wallet, the newest turn of every entry key."""

    history: Sequence[Recorded]
    wallet: Wallet
    standing: Mapping[str, Standing]

    def find(self, key: EventKey) -> Recorded | None:
        """The event of this source and id."""
        return next((each for each in self.history if (each.event.source, each.event.id) == key), None)


Left = Literal["all", "part", "nothing"]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What became of an event apart from any promotion.

    `overtaken`: how many newer events of the member were recorded before it; more than none: it came late. `left` of
    the order (or of the use of a coupon) after returns and voids, which are `undone_by` so many events. `order_known`:
    False for a return or void whose order has not reached us.
    """

    overtaken: int = 0
    left: Left = "all"
    undone_by: int = 0
    order_known: bool = True


@dataclass(slots=True)
class Comparison:
    """The lines that the refold gives for a cause, against those that stand in the books.

    `held` stand under this cause. `missing` do not stand at all, `surplus` stand and would not be given: of these there
    are none unless the books are wrong. `before` stand under an earlier cause, with that cause; `later` stand under
    this cause, and the refold gives them to another, which is named: an event that came late, or went, moved the line
    that a goal was reached by, and what had been given was left as it was.
    """

    held: list[Entry] = field(default_factory=list)
    missing: list[Entry] = field(default_factory=list)
    surplus: list[Entry] = field(default_factory=list)
    before: list[tuple[Entry, str]] = field(default_factory=list)
    later: list[tuple[Entry, str]] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether the books hold exactly what the history gives."""
        return not self.missing and not self.surplus


@dataclass(frozen=True, slots=True)
class LookedBack:
    """Why a cause led to what it led to.

    `entries` are the lines that the refold gives for it, `taken_back` those it took back from the books when it came.
    """

    cause: str
    decisions: Sequence[Decision]
    entries: Sequence[Entry]
    taken_back: Sequence[Entry]
    books: Comparison
    circumstances: Circumstances = Circumstances()


def look_back(past: Past, cause: str, programme: Programme) -> LookedBack:
    """Decide the member's history again, and tell what concerns the cause; nothing is changed."""
    trace = Trace(cause=cause)
    outcome = refold(past.wallet, [each.event for each in past.history], programme, trace)
    given = {entry.key: entry for entry in outcome.entries}
    turned = [held.entry for held in past.standing.values() if held.turn % 2 == 1 and held.entry.cause == cause]
    return LookedBack(
        cause,
        trace.decisions,
        [entry for entry in given.values() if entry.cause == cause],
        turned,
        _compare(cause, given, {key: held.entry for key, held in past.standing.items() if held.turn % 2 == 0}),
        _circumstances(past, cause, programme, outcome.wallet.undone),
    )


def _compare(cause: str, given: Mapping[str, Entry], stand: Mapping[str, Entry]) -> Comparison:
    found = Comparison()
    for key, entry in given.items():
        if entry.cause != cause:
            continue
        held = stand.get(key)
        if held is None:
            found.missing.append(entry)
        elif held.cause == cause:
            found.held.append(entry)
        else:
            found.before.append((entry, held.cause))
    for key, entry in stand.items():
        if entry.cause != cause:
            continue
        wanted = given.get(key)
        if wanted is None:
            found.surplus.append(entry)
        elif wanted.cause != cause:
            found.later.append((entry, wanted.cause))
    return found


def _circumstances(past: Past, cause: str, programme: Programme, undone: Sequence[str]) -> Circumstances:
    found = next((each for each in past.history if each.event.cause == cause), None)
    if found is None:
        return Circumstances()
    at, data = place(found.event), found.event.data
    overtaken = sum(place(each.event) > at and each.recorded_at < found.recorded_at for each in past.history)
    if isinstance(data, OrderReturned | OrderVoided):
        return Circumstances(overtaken, order_known=_order(past, data.order_id) is not None)
    if not isinstance(data, OrderCompleted | CouponRedeemed) or data.order_id is None:
        return Circumstances(overtaken)
    undoing = sum(
        isinstance(e.event.data, OrderReturned | OrderVoided) and e.event.data.order_id == data.order_id
        for e in past.history
    )
    gone = data.order_id in undone
    if isinstance(data, CouponRedeemed):
        back = programme.terms_at(micros(found.event.occurred_at)).document.returns.coupons == "come_back"
        return Circumstances(overtaken, "nothing" if gone and back else "all", undoing)
    if not undoing or _order(past, data.order_id) is not found.event:
        return Circumstances(overtaken)
    return Circumstances(overtaken, "nothing" if gone else "part", undoing)


def _order(past: Past, order_id: str) -> Event | None:
    """The order that returns and voids of this id mean: the first."""
    orders = [
        e.event for e in past.history if isinstance(e.event.data, OrderCompleted) and e.event.data.order_id == order_id
    ]
    return min(orders, key=place, default=None)


Absence = Literal["unpublished", "withdrawn", "other_trigger", "no_offer", "unseen"]


def why_absent(programme: Programme, promotion_id: str, trigger: str, moment: datetime) -> tuple[Absence, Compiled]:
    """Why a promotion that was published at some time did not look at an event at all; with the version that tells."""
    instant = micros(moment)
    series = programme.versions[promotion_id]
    compiled = programme.version_at(promotion_id, instant)
    if compiled is None:
        before = [each for each in series if each.starts <= instant]
        return ("withdrawn", before[-1]) if before else ("unpublished", series[0])
    if trigger not in compiled.triggers:
        return "other_trigger", compiled
    return ("no_offer", compiled) if compiled.by_offer else ("unseen", compiled)

"""The moment the demo is about: something a member does in the app, in mid-stream, that earns a coupon.

It is found, not staged: the events are real, and the pure fold says which of them will earn what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.envelope import CloudEvent
from schemas.events.catalogue import Event, decode
from schemas.events.members import ActivityRecorded
from services.adapters.stamping import stamped
from services.demo.plan import STORES
from services.engine.fold import apply, needs_refold
from services.engine.programme import Programme
from services.engine.wallet import Wallet

NICKNAME = "Giulia"
"""Made up: households have numbers."""
_FROM, _UNTIL = 0.3, 0.9
_STEP = timedelta(milliseconds=4)


@dataclass(frozen=True, slots=True)
class Moment:
    """The event that is left to the member's app, and the coupon it will earn."""

    event: CloudEvent
    decoded: Event
    coupon_id: str
    promotion_id: str

    @property
    def member_id(self) -> str:
        """Who it is about."""
        return self.decoded.member_id

    @property
    def store_id(self) -> str | None:
        """The store the member was in, when the app knew."""
        return getattr(self.decoded.data, "store_id", None)


def find_moment(events: Sequence[CloudEvent], programme: Programme, now: datetime) -> Moment | None:
    """An event of the app, from a third of the stream on, whose fold issues a coupon; None without one.

    The first that happened in a store with a till of ours, else the first.
    """
    wallets: dict[str, Wallet] = {}
    elsewhere: Moment | None = None
    for place, event in enumerate(events[: round(_UNTIL * len(events))]):
        decoded = decode(stamped(event, now + place * _STEP))
        wallet = wallets.get(decoded.member_id) or Wallet.empty(decoded.member_id)
        if needs_refold(wallet, decoded):
            continue
        outcome = apply(wallet, decoded, programme)
        wallets[decoded.member_id] = outcome.wallet
        if place < _FROM * len(events) or event.source != "/app":
            continue
        for entry in outcome.entries:
            if entry.kind == "coupon.issued" and entry.coupon_id and entry.promotion_id:
                found = Moment(event, decoded, entry.coupon_id, entry.promotion_id)
                if found.store_id in STORES and isinstance(decoded.data, ActivityRecorded):
                    return found
                elsewhere = elsewhere or found
    return elsewhere

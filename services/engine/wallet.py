"""The wallet: everything the fold remembers of one member, private progress and counters included.

Plain dataclasses and orjson, because the worker reads and writes one a member and batch. A wallet is a value: nobody
changes one after it left the engine. `draft()` copies its containers; what they hold is replaced, never changed.
Instants are whole microseconds since 1970, 0 meaning none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from schemas.values import rfc3339
from services.engine.moments import moment_of, text_of

FORMAT = 1
EXPIRING_SHOWN = 12
"""The sync record names so many of the next days on which points expire, and no more: a year has 365 of them."""
Place = tuple[datetime, int, str, str]
"""Where an event stands among its member's: event time; who the member is and what they were offered before what they
did, returns and voids after; then source and id."""


class UnknownFormat(ValueError):
    """The bytes were written by another version of the engine: refold the member from its history."""


@dataclass(slots=True)
class Lot:
    """Points that become usable and expire together. `active_from` 0: usable now; `expires` 0: never.

    `expires` is the first instant at which they are gone, `on` the last local day on which they can be used.
    """

    points: int
    active_from: int
    expires: int
    on: str


@dataclass(slots=True)
class Coupon:
    """A coupon: what may change, and the rest as touchpoints see it.

    `due` is when it expires while it is issued, and when it leaves the wallet once it is redeemed or expired. `text` is
    schemas.wallet.WalletCoupon less its status, as JSON: written once, copied into every record, read by nobody here.
    """

    promotion_id: str
    promotion_version: int
    status: str
    due: int
    text: str

    @property
    def shown(self) -> dict[str, Any]:
        """All of it as touchpoints see it."""
        return {**orjson.loads(self.text), "status": self.status}

    def turned(self, status: str, due: int) -> Coupon:
        """The same coupon in another status."""
        return Coupon(self.promotion_id, self.promotion_version, status, due, self.text)


@dataclass(slots=True)
class Pursuit:
    """How far the member is in one promotion (`offer_id` empty), or in one offer of it (schemas.wallet.WalletOffer).

    `closes` is the last instant of the window that is open, else of the campaign (0: no end); `coupons` counts those an
    offer gave, which numbers the next one.
    """

    promotion_id: str
    offer_id: str
    unit: str
    currency: str | None
    target: int
    progress: int
    completed: int
    coupons: int
    closes: int
    title: str
    """Its texts by language, as JSON: written once, copied into every record."""


@dataclass(slots=True)
class Tally:
    """How often a promotion rewarded the member: `times` in the present `period` of its limit; and ever, its goal
    `completed` and `coupons` given (those of issued offers are counted with the offer)."""

    period: int
    times: int
    completed: int
    coupons: int


@dataclass(slots=True)
class Wallet:
    """The state of the fold for one member; equal states have equal `to_json`."""

    member_id: str
    newest: Place | None = None
    life: int = 0
    """How often the member was erased: what is numbered from one again afterwards is told apart by this."""
    moved_at: int = 0
    """The latest instant at which time alone changed something; an event older than that takes the refold path."""
    tier: str | None = None
    tier_since: int = 0
    segments: tuple[str, ...] = ()
    lots: tuple[Lot, ...] = ()
    coupons: dict[str, Coupon] = field(default_factory=dict)
    pursuits: dict[str, Pursuit] = field(default_factory=dict)
    """By promotion id, for promotions open to everyone that have a goal."""
    offers: dict[str, Pursuit] = field(default_factory=dict)
    """By offer id, for issued offers."""
    tallies: dict[str, Tally] = field(default_factory=dict)
    redeemed: dict[str, int] = field(default_factory=dict)
    """Redemptions of coupons this wallet does not hold (yet), and when to forget them."""
    closed: dict[str, int] = field(default_factory=dict)
    """Offers whose window is over, and when to forget them: an id opens one offer, once."""
    awaiting: tuple[str, ...] = ()
    """Orders that were returned or voided before we heard of them: when they come, the member is refolded."""

    @classmethod
    def empty(cls, member_id: str) -> Wallet:
        """The wallet of a member of whom nothing is known."""
        return cls(member_id)

    def draft(self) -> Wallet:
        """A copy whose containers may be changed."""
        return Wallet(
            self.member_id,
            self.newest,
            self.life,
            self.moved_at,
            self.tier,
            self.tier_since,
            self.segments,
            self.lots,
            self.coupons.copy(),
            self.pursuits.copy(),
            self.offers.copy(),
            self.tallies.copy(),
            self.redeemed.copy(),
            self.closed.copy(),
            self.awaiting,
        )

    @property
    def due(self) -> datetime | None:
        """When time alone will change this wallet next: a scheduler sends it through `advance` then."""
        instant = self.next_due()
        return moment_of(instant) if instant else None

    def numbered(self, number: int) -> str:
        """A number that counts something of this member, told apart from those before an erasure."""
        return f"{number}.{self.life}" if self.life else str(number)

    def next_due(self) -> int:
        """The same as an instant; 0 for never."""
        dues = [coupon.due for coupon in self.coupons.values()]
        dues += _lots_due(self.lots)
        dues += [pursuit.closes + 1 for pursuit in self.pursuits.values() if pursuit.closes]
        dues += [offer.closes + 1 for offer in self.offers.values() if offer.closes]
        dues += self.redeemed.values()
        dues += self.closed.values()
        return min(dues, default=0)

    @property
    def points_active(self) -> int:
        """Points usable now."""
        return sum(lot.points for lot in self.lots if not lot.active_from)

    @property
    def points_pending(self) -> int:
        """Points earned and not yet usable."""
        return sum(lot.points for lot in self.lots if lot.active_from)

    def to_json(self) -> bytes:
        """The whole state, private parts included; `from_json` reads it back equal."""
        newest = self.newest
        return orjson.dumps(
            {
                "format": FORMAT,
                "member_id": self.member_id,
                "newest": newest and (newest[0].isoformat(), newest[1], newest[2], newest[3]),
                "life": self.life,
                "moved_at": self.moved_at,
                "tier": self.tier,
                "tier_since": self.tier_since,
                "segments": self.segments,
                "lots": [(x.points, x.active_from, x.expires, x.on) for x in self.lots],
                "coupons": {
                    key: (x.promotion_id, x.promotion_version, x.status, x.due, x.text)
                    for key, x in self.coupons.items()
                },
                "pursuits": {key: _row(x) for key, x in self.pursuits.items()},
                "offers": {key: _row(x) for key, x in self.offers.items()},
                "tallies": {key: (x.period, x.times, x.completed, x.coupons) for key, x in self.tallies.items()},
                "redeemed": self.redeemed,
                "closed": self.closed,
                "awaiting": self.awaiting,
            }
        )

    @classmethod
    def from_json(cls, body: bytes) -> Wallet:
        """The wallet that `to_json` wrote; UnknownFormat when another version of the engine did."""
        state = orjson.loads(body)
        if state.get("format") != FORMAT:
            raise UnknownFormat(f"wallet format {state.get('format')!r}")
        newest = state["newest"]
        return cls(
            state["member_id"],
            newest and (datetime.fromisoformat(newest[0]), newest[1], newest[2], newest[3]),
            state["life"],
            state["moved_at"],
            state["tier"],
            state["tier_since"],
            tuple(state["segments"]),
            tuple([Lot(*row) for row in state["lots"]]),
            {key: Coupon(*row) for key, row in state["coupons"].items()},
            {key: Pursuit(*row) for key, row in state["pursuits"].items()},
            {key: Pursuit(*row) for key, row in state["offers"].items()},
            {key: Tally(*row) for key, row in state["tallies"].items()},
            state["redeemed"],
            state["closed"],
            tuple(state["awaiting"]),
        )


def _lots_due(lots: tuple[Lot, ...]) -> list[int]:
    """The next expiry and the next activation; lots are sorted: usable ones first, those that never expire before all.

    Looks at both ends only: a wallet may hold a lot for every day of a year, and this runs for every event.
    """
    dues = [lot.expires for lot in lots[:2] if lot.expires and not lot.active_from]
    for place in range(len(lots) - 1, -1, -1):
        if not lots[place].active_from:
            break
        dues.append(lots[place].active_from)
    return dues


def _row(pursuit: Pursuit) -> tuple[object, ...]:
    return (
        pursuit.promotion_id,
        pursuit.offer_id,
        pursuit.unit,
        pursuit.currency,
        pursuit.target,
        pursuit.progress,
        pursuit.completed,
        pursuit.coupons,
        pursuit.closes,
        pursuit.title,
    )


def wallet_record(
    wallet: Wallet, *, version: int, as_of: datetime, caused_by: Sequence[str], occurred_at: datetime
) -> bytes:
    """The sync record, JSON of schemas.wallet.WalletRecord: the state of the fold and these four arguments, no more."""
    record: dict[str, object] = {
        "member_id": wallet.member_id,
        "version": version,
        "as_of": rfc3339(as_of),
        "caused_by": caused_by,
        "occurred_at": rfc3339(occurred_at),
        "points": {"base": _balance(wallet)},
        "coupons": [
            orjson.Fragment(f'{coupon.text[:-1]},"status":"{coupon.status}"}}') for coupon in wallet.coupons.values()
        ],
        "offers": [_shown(x) for x in (*wallet.offers.values(), *wallet.pursuits.values()) if _showing(x)],
    }
    if wallet.tier is not None:
        record["tier"] = {"id": wallet.tier, "since": text_of(wallet.tier_since)}
    return orjson.dumps(record)


def _balance(wallet: Wallet) -> dict[str, object]:
    active = pending = 0
    expiring: list[dict[str, object]] = []
    for lot in wallet.lots:
        if lot.active_from:
            pending += lot.points
            continue
        active += lot.points
        if lot.expires and len(expiring) < EXPIRING_SHOWN:
            expiring.append({"on": lot.on, "points": lot.points})
    return {"active": active, "pending": pending, "expiring": expiring}


def _showing(pursuit: Pursuit) -> bool:
    return bool(pursuit.offer_id or pursuit.progress or pursuit.completed)


def _shown(pursuit: Pursuit) -> dict[str, object]:
    return {
        "offer_id": pursuit.offer_id or pursuit.promotion_id,
        "promotion_id": pursuit.promotion_id,
        "progress": pursuit.progress,
        "target": pursuit.target,
        "unit": pursuit.unit,
        "currency": pursuit.currency,
        "valid_until": text_of(pursuit.closes) if pursuit.closes else None,
        "completed": pursuit.completed,
        "title": orjson.Fragment(pursuit.title),
    }

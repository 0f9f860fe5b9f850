"""The wallet: everything the fold remembers of one member, private progress and counters included.

Plain dataclasses and orjson, because the worker reads and writes one a member and batch. A wallet is a value: nobody
changes one after it left the engine. `draft()` copies its containers; what they hold is replaced, never changed.
Instants are whole microseconds since 1970, 0 meaning none. `record` makes of it what touchpoints see.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

import orjson

FORMAT = 2
Place = tuple[datetime, int, str, str]
"""Where an event stands among its member's: event time; who the member is and what they were offered before what they
did, returns and voids after; then source and id."""
AttributeValue = str | int | bool


class UnknownFormat(ValueError):
    """The bytes were written by another version of the engine: refold the member from its history."""


@dataclass(slots=True)
class Lot:
    """Points that become usable and expire together. `active_from` 0: usable now; `expires` 0: never.

    `expires` is the first instant at which they are gone, `on` the last local day on which they can be used. `since`
    is when they were earned, 0 where the currency's spending order does not ask.
    """

    points: int
    active_from: int
    expires: int
    on: str
    currency: str = "base"
    since: int = 0


@dataclass(slots=True)
class Coupon:
    """A coupon: what may change, and the rest as touchpoints see it.

    `due` is when it expires while it is issued, and when it leaves the wallet once it is redeemed or expired. `text` is
    schemas.wallet.WalletCoupon less its status, as JSON: written once, copied into every record.
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
class Message:
    """A message to the member: schemas.wallet.WalletMessage as JSON, and when it leaves the wallet."""

    due: int
    text: str


Mark = tuple[Any, ...]


@dataclass(slots=True)
class Pursuit:
    """How far the member is in one promotion (`offer_id` empty), or in one offer of it (schemas.wallet.WalletOffer).

    `closes` is the last instant of the window that is open, else of the campaign (0: no end); `coupons` counts those an
    offer gave, which numbers the next one. `marks` is what the kind of goal remembers beside the progress, see goals.
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
    marks: Mark = ()


@dataclass(slots=True)
class Tally:
    """How often a promotion rewarded the member, ever: its goal `completed` and `coupons` given (those of issued
    offers are counted with the offer)."""

    completed: int
    coupons: int


@dataclass(slots=True)
class Counter:
    """What a limit of this member has used up in its present period."""

    period: int
    used: int


@dataclass(slots=True)
class Wallet:
    """The state of the fold for one member; equal states have equal `to_json`."""

    member_id: str
    newest: Place | None = None
    life: int = 0
    """How often the member was erased: what is numbered from one again afterwards is told apart by this."""
    moved_at: int = 0
    """The latest instant at which time alone changed something; an event older than that takes the refold path."""
    attributes: dict[str, AttributeValue] = field(default_factory=dict)
    segments: tuple[str, ...] = ()
    registered: int = 0
    orders: int = 0
    """Orders that count: real sales of which something is left."""
    last_order: int = 0
    tier: str | None = None
    tier_since: int = 0
    tier_until: int = 0
    """The last instant of a tier that was earned or given for a time; 0: no end."""
    tier_floor: str | None = None
    """A tier given by hand: the member does not fall below it."""
    tier_marks: tuple[tuple[int, int], ...] = ()
    """What counts towards tiers: (period, or the instant at which it stops counting; amount)."""
    lots: tuple[Lot, ...] = ()
    stirred: dict[str, int] = field(default_factory=dict)
    """By points currency that expires with inactivity: when what is usable is gone, if nothing moves until then."""
    coupons: dict[str, Coupon] = field(default_factory=dict)
    pursuits: dict[str, Pursuit] = field(default_factory=dict)
    """By promotion id, for promotions open to everyone that have a goal."""
    offers: dict[str, Pursuit] = field(default_factory=dict)
    """By offer id, for issued offers."""
    tallies: dict[str, Tally] = field(default_factory=dict)
    counters: dict[str, Counter] = field(default_factory=dict)
    """By limit: see limits."""
    messages: tuple[Message, ...] = ()
    redeemed: dict[str, int] = field(default_factory=dict)
    """Redemptions of coupons this wallet does not hold (yet), and when to forget them."""
    closed: dict[str, int] = field(default_factory=dict)
    """Offers whose window is over, and when to forget them: an id opens one offer, once."""
    awaiting: tuple[str, ...] = ()
    """Orders that were returned or voided before we heard of them: when they come, the member is refolded."""
    undone: tuple[str, ...] = ()
    """Orders that were voided or came back as a whole: a coupon used on one refolds the member when we hear of it."""

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
            self.attributes.copy(),
            self.segments,
            self.registered,
            self.orders,
            self.last_order,
            self.tier,
            self.tier_since,
            self.tier_until,
            self.tier_floor,
            self.tier_marks,
            self.lots,
            self.stirred.copy(),
            self.coupons.copy(),
            self.pursuits.copy(),
            self.offers.copy(),
            self.tallies.copy(),
            self.counters.copy(),
            self.messages,
            self.redeemed.copy(),
            self.closed.copy(),
            self.awaiting,
            self.undone,
        )

    def numbered(self, number: int) -> str:
        """A number that counts something of this member, told apart from those before an erasure."""
        return f"{number}.{self.life}" if self.life else str(number)

    def points_usable(self, currency: str = "base") -> int:
        """Points of a currency that can be used now."""
        return sum([lot.points for lot in self.lots if not lot.active_from and lot.currency == currency])

    @property
    def points_active(self) -> int:
        """Base points usable now."""
        return self.points_usable()

    @property
    def points_pending(self) -> int:
        """Base points earned and not yet usable."""
        return sum([lot.points for lot in self.lots if lot.active_from and lot.currency == "base"])

    def to_json(self) -> bytes:
        """The whole state, private parts included; `from_json` reads it back equal.

        A row of values in the order of the fields: names would cost more than the values.
        """
        newest = self.newest
        return orjson.dumps(
            (
                FORMAT,
                self.member_id,
                newest and (newest[0].isoformat(), newest[1], newest[2], newest[3]),
                self.life,
                self.moved_at,
                self.attributes,
                self.segments,
                self.registered,
                self.orders,
                self.last_order,
                self.tier,
                self.tier_since,
                self.tier_until,
                self.tier_floor,
                self.tier_marks,
                [(x.points, x.active_from, x.expires, x.on, x.currency, x.since) for x in self.lots],
                self.stirred,
                {k: (x.promotion_id, x.promotion_version, x.status, x.due, x.text) for k, x in self.coupons.items()},
                {key: _row(x) for key, x in self.pursuits.items()},
                {key: _row(x) for key, x in self.offers.items()},
                {key: (x.completed, x.coupons) for key, x in self.tallies.items()},
                {key: (x.period, x.used) for key, x in self.counters.items()},
                [(x.due, x.text) for x in self.messages],
                self.redeemed,
                self.closed,
                self.awaiting,
                self.undone,
            )
        )

    @classmethod
    def from_json(cls, body: bytes) -> Wallet:
        """The wallet that `to_json` wrote; UnknownFormat when another version of the engine did."""
        state = orjson.loads(body)
        if not isinstance(state, list) or state[0] != FORMAT:
            raise UnknownFormat(f"wallet format {state[0] if isinstance(state, list) else state.get('format')!r}")
        newest = state[2]
        return cls(
            state[1],
            newest and (datetime.fromisoformat(newest[0]), newest[1], newest[2], newest[3]),
            state[3],
            state[4],
            state[5],
            tuple(state[6]),
            state[7],
            state[8],
            state[9],
            state[10],
            state[11],
            state[12],
            state[13],
            tuple([(row[0], row[1]) for row in state[14]]),
            tuple([Lot(*row) for row in state[15]]),
            state[16],
            {key: Coupon(*row) for key, row in state[17].items()},
            {key: _pursuit(row) for key, row in state[18].items()},
            {key: _pursuit(row) for key, row in state[19].items()},
            {key: Tally(*row) for key, row in state[20].items()},
            {key: Counter(*row) for key, row in state[21].items()},
            tuple([Message(*row) for row in state[22]]),
            state[23],
            state[24],
            tuple(state[25]),
            tuple(state[26]),
        )


FIELDS = tuple([each.name for each in fields(Wallet)])


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
        pursuit.marks,
    )


def _pursuit(row: list[Any]) -> Pursuit:
    row[10] = _tuples(row[10]) if row[10] else ()
    return Pursuit(*row)


def _tuples(value: Any) -> Any:
    return tuple([_tuples(each) for each in value]) if isinstance(value, list) else value

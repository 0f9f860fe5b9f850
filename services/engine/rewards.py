"""Giving rewards: points into lots, coupons with an identity and a code that any refold makes again."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256

import orjson

from schemas.codes import code_of
from schemas.promotions.document import CouponReward, PointsReward
from services.engine.conditions import Occasion
from services.engine.entries import COUPON, POINTS, Entry
from services.engine.goals import with_coupon
from services.engine.moments import DAY, first_instant_after, last_instant, last_of, local, text_of
from services.engine.programme import Compiled
from services.engine.wallet import Coupon, Lot

KEPT_AFTER_USE = 30 * DAY
"""A redeemed or expired coupon leaves the wallet after so much event time."""
FACT_KEPT = 400 * DAY
"""A redemption of a coupon the wallet does not hold is remembered so long, in case the coupon is given after all."""


@dataclass(slots=True)
class Grant:
    """One reward about to be given: which promotion (or offer of it), for which event, counted by what.

    `mark` numbers the reward so that a refold finds it again: the how-manieth completion of the goal, or, without a
    goal, the event.
    """

    compiled: Compiled
    occasion: Occasion
    offer_id: str
    mark: str

    def entry(
        self, key: str, kind: str, unit: str, accounts: tuple[str, str], amount: int, coupon: str | None
    ) -> Entry:
        """An entry of this grant."""
        event = self.occasion.event
        return Entry(
            key,
            kind,  # type: ignore[arg-type]  # callers pass literals
            unit,
            accounts[0],
            accounts[1],
            amount,
            self.compiled.promotion_id,
            self.compiled.version,
            self.offer_id or None,
            coupon,
            self.occasion.cause,
            event.occurred_at,
        )


def give(grant: Grant) -> None:
    """Put all rewards of the promotion, once, into the draft of the wallet and among the entries."""
    for place, reward in enumerate(grant.compiled.promotion.reward):
        if reward.points is not None:
            _give_points(grant, place, reward.points)
        if reward.coupon is not None:
            _give_coupon(grant, reward.coupon)


def _give_points(grant: Grant, place: int, reward: PointsReward) -> None:
    occasion, wallet = grant.occasion, grant.occasion.wallet
    points = reward.earn
    if reward.per is not None:
        points *= occasion.base // reward.per.minor
    if points <= 0:
        return
    lot = _lot(points, reward, occasion)
    wallet.lots = merged(wallet.lots, lot)
    account = "member:points_pending" if lot.active_from else "member:points_active"
    compiled = grant.compiled
    key = f"points.earned {compiled.promotion_id} v{compiled.version} {grant.offer_id} {grant.mark} {place} {points}"
    occasion.entries.append(
        grant.entry(key, "points.earned", POINTS, ("programme:points_granted", account), points, None)
    )


def _lot(points: int, reward: PointsReward, occasion: Occasion) -> Lot:
    instant, zone = occasion.instant, occasion.programme.zone
    usable = first_instant_after(instant, reward.pending_for, zone) if reward.pending_for else 0
    if reward.expires_after is None:
        return Lot(points, usable, 0, "")
    if reward.expires_after.unit == "h":
        last = last_instant(usable or instant, reward.expires_after, zone)
        return Lot(points, usable, last + 1, local(last, zone).date().isoformat())
    day = local(usable, zone).date() if usable else occasion.clock(zone).date()
    last, on = last_of(day, reward.expires_after, zone)
    return Lot(points, usable, last + 1, on)


def merged(lots: tuple[Lot, ...], lot: Lot) -> tuple[Lot, ...]:
    """The lots with one more: those that become usable and expire together are one; sorted, so that equal is equal."""
    place = len(lots)
    while place and (lots[place - 1].active_from, lots[place - 1].expires) > (lot.active_from, lot.expires):
        place -= 1
    if place:
        other = lots[place - 1]
        if other.active_from == lot.active_from and other.expires == lot.expires:
            grown = Lot(other.points + lot.points, lot.active_from, lot.expires, lot.on)
            return (*lots[: place - 1], grown, *lots[place:])
    return (*lots[:place], lot, *lots[place:])


def coupon_id(promotion_id: str, member_id: str, offer_id: str, number: str) -> str:
    """The id of the n-th coupon a promotion, or an offer of it, gives a member: a UUID made from these four (v8)."""
    # JSON, not a join: ids are foreign, and no character of theirs may make two coupons one.
    hexed = sha256(orjson.dumps((promotion_id, member_id, offer_id, number))).hexdigest()
    variant = "89ab"[int(hexed[16], 16) & 3]
    return f"{hexed[:8]}-{hexed[8:12]}-8{hexed[13:16]}-{variant}{hexed[17:20]}-{hexed[20:32]}"


def _give_coupon(grant: Grant, reward: CouponReward) -> None:
    compiled, occasion, wallet = grant.compiled, grant.occasion, grant.occasion.wallet
    number = wallet.numbered(with_coupon(wallet, compiled, grant.offer_id))
    made = coupon_id(compiled.promotion_id, wallet.member_id, grant.offer_id, number)
    start = occasion.instant
    last = last_instant(start, reward.valid_for, compiled.zone)
    shown = {
        "coupon_id": made,
        "promotion_id": compiled.promotion_id,
        "promotion_version": compiled.version,
        "code": code_of(hmac.digest(occasion.programme.terms.secret, made.encode(), "sha256")),
        "benefit": _benefit(reward),
        "valid_from": text_of(start),
        "valid_until": text_of(last),
        "title": dict(reward.title) if reward.title else orjson.Fragment(compiled.title),
        "staff_hint": dict(compiled.promotion.staff_hint),
    }
    status, due = "issued", last + 1
    if wallet.redeemed.pop(made, 0):
        status, due = "redeemed", start + KEPT_AFTER_USE
    text = orjson.dumps(shown).decode()
    wallet.coupons[made] = Coupon(compiled.promotion_id, compiled.version, status, due, text)
    key = f"coupon.issued {made} v{compiled.version}"
    accounts = ("programme:coupons_issued", "member:coupons")
    occasion.entries.append(grant.entry(key, "coupon.issued", COUPON, accounts, 1, made))


def _benefit(reward: CouponReward) -> dict[str, object]:
    category = list(reward.category) if reward.category else []
    if reward.amount_off is not None:
        amount = reward.amount_off
        return {"type": "amount_off", "amount": amount.minor, "currency": amount.currency, "category": category}
    assert reward.percent_off is not None
    return {"type": "percent_off", "percent": reward.percent_off.percent, "category": category}

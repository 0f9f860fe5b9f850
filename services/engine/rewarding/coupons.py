"""Coupons and gifts: their identity, code, validity and benefit; their end; and the one that multiplies points.

A coupon's id follows from its promotion, member, offer and number, so that any refold makes the same one again; so do
its code, and its place in a pool of codes or in a stock.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

import orjson

from schemas.codes import code_of
from schemas.promotions.rewards import CouponReward, GiftReward
from schemas.promotions.written import Duration
from services.engine.calendar.moments import (
    DAY,
    LAST_DAY,
    closing,
    first_instant_after,
    last_instant,
    midnight,
    moment_of,
    opening,
    text_of,
)
from services.engine.entries import COUPON, Entry
from services.engine.rewarding.grants import Pool
from services.engine.wallet import Coupon, Tally, Wallet

if TYPE_CHECKING:
    from services.engine.programme import Compiled
    from services.engine.rewarding.rewards import Grant

KEPT_AFTER_USE = 30 * DAY
"""A redeemed or expired coupon leaves the wallet after so much event time."""
FACT_KEPT = 400 * DAY
"""A redemption of a coupon the wallet does not hold is remembered so long, in case the coupon is given after all."""
_ISSUED = ("programme:coupons_issued", "member:coupons")
_EXPIRED = ("member:coupons", "programme:coupons_expired")


@dataclass(frozen=True, slots=True)
class CouponPlan:
    """What all coupons of one reward share: `head` and `tail` are JSON around what is a member's own.

    `opens` and `closes` are the instants of a fixed validity (0: none).
    """

    head: str
    tail: str
    opens: int
    closes: int
    valid_for: Duration | None
    usable_after: Duration | None
    code: str
    pool: tuple[str, int] | None
    """A pool of codes: (its file, how many). A list that is lengthened is another one with the same name: places in it
    go on where they were."""
    codes: str
    """Its SHA-256."""
    stock: tuple[str, int] | None
    """A stock of gifts: (the item, how many)."""


def compile_coupon(compiled: Compiled, reward: CouponReward | GiftReward) -> CouponPlan:
    """Everything of the reward's coupons that does not depend on the member."""
    promotion, zone = compiled.promotion, compiled.zone
    shown: dict[str, object] = {
        "benefit": benefit_of(reward),
        "title": dict(reward.title) if reward.title else orjson.Fragment(compiled.title),
        "staff_hint": dict(promotion.staff_hint),
    }
    if isinstance(reward, CouponReward):
        shown |= {name: found for name in ("channels", "stores") if (found := getattr(reward, name))}
    head = {"promotion_id": compiled.promotion_id, "promotion_version": compiled.version}
    written = (orjson.dumps(head).decode()[1:-1], orjson.dumps(shown).decode()[1:])
    if isinstance(reward, GiftReward):
        return CouponPlan(*written, 0, 0, reward.valid_for, None, "", None, "", (reward.item, reward.stock))
    closes = closing(reward.valid_until, zone) if reward.valid_until is not None else 0
    if not closes and reward.valid_for is None:
        closes = midnight(LAST_DAY, zone)
    return CouponPlan(
        *written,
        opening(reward.valid_from, zone) if reward.valid_from is not None else 0,
        closes,
        reward.valid_for,
        reward.usable_after,
        reward.code or "",
        (reward.codes.file, reward.codes.count) if reward.codes is not None else None,
        reward.codes.sha256 if reward.codes is not None else "",
        None,
    )


def benefit_of(reward: CouponReward | GiftReward) -> dict[str, object]:
    """The benefit as touchpoints see it: schemas.wallet.Benefit, less what does not apply."""
    if isinstance(reward, GiftReward):
        return {"type": "gift", "item": reward.item}
    benefit = _kind_of(reward)
    for name in ("category", "brand", "sku"):
        if names := getattr(reward, name):
            benefit[name] = list(names)
    if reward.min_total is not None:
        benefit |= {"min_total": reward.min_total.minor, "currency": reward.min_total.currency}
    return benefit


def _kind_of(reward: CouponReward) -> dict[str, object]:
    for name in ("amount_off", "fixed_price"):
        if (money := getattr(reward, name)) is not None:
            return {"type": name, "amount": money.minor, "currency": money.currency}
    if reward.percent_off is not None:
        cap = reward.max_amount
        capped = {} if cap is None else {"max_amount": cap.minor, "currency": cap.currency}
        return {"type": "percent_off", "percent": reward.percent_off.percent, **capped}
    if reward.free_item is not None:
        return {"type": "free_item", "sku": list(reward.free_item)}
    if reward.buy_get is not None:
        deal = reward.buy_get
        return {"type": "buy_get", "buy": deal.buy, "get": deal.get, "percent": deal.percent_off.percent}
    if reward.points_times is not None:
        return {"type": "points_times", "factor": str(reward.points_times)}
    return {"type": "free_shipping" if reward.free_shipping else "cheapest_free"}


def coupon_id(promotion_id: str, member_id: str, offer_id: str, number: str) -> str:
    """The id of the n-th coupon a promotion, or an offer of it, gives a member: a UUID made from these four (v8)."""
    return made_id(promotion_id, member_id, offer_id, number)


def made_id(*parts: str) -> str:
    """A UUID (v8) made from these texts: the same for the same ones."""
    # JSON, not a join: ids are foreign, and no character of theirs may make two coupons one.
    hexed = sha256(orjson.dumps(parts)).hexdigest()
    variant = "89ab"[int(hexed[16], 16) & 3]
    return f"{hexed[:8]}-{hexed[8:12]}-8{hexed[13:16]}-{variant}{hexed[17:20]}-{hexed[20:32]}"


def give_coupon(grant: Grant, reward: CouponReward) -> None:
    """One coupon; none where its pool of codes is used up, or where it could never be used."""
    _give(grant, _plan(grant.compiled, reward))


def give_gift(grant: Grant, gift: GiftReward) -> None:
    """A coupon for a thing that is handed out; none when its stock is used up."""
    _give(grant, _plan(grant.compiled, gift))


def _plan(compiled: Compiled, reward: CouponReward | GiftReward) -> CouponPlan:
    # By identity: the promotion keeps its rewards alive as long as its plans, and comparing them would cost too much.
    plan = compiled.coupons.get(id(reward))
    if plan is None:
        plan = compiled.coupons[id(reward)] = compile_coupon(compiled, reward)
    return plan


def _give(grant: Grant, plan: CouponPlan) -> None:
    compiled, occasion, wallet = grant.compiled, grant.occasion, grant.occasion.wallet
    first, last = _validity(plan, compiled, occasion.instant)
    if last < first:
        return
    number = wallet.numbered(coupons_given(wallet, compiled, grant.offer_id) + 1)
    made = coupon_id(compiled.promotion_id, wallet.member_id, grant.offer_id, number)
    code = _code(grant, plan, made)
    if code is None:
        return
    with_coupon(wallet, compiled, grant.offer_id)
    text = (
        f'{{"coupon_id":"{made}",{plan.head},"code":{code},'
        f'"valid_from":"{text_of(first)}","valid_until":"{text_of(last)}",{plan.tail}'
    )
    status, due = "issued", last + 1
    if wallet.redeemed.pop(made, 0):
        status, due = "redeemed", occasion.instant + KEPT_AFTER_USE
    wallet.coupons[made] = Coupon(compiled.promotion_id, compiled.version, status, due, text)
    grant.post(f"coupon.issued {made} v{compiled.version}", "coupon.issued", COUPON, _ISSUED, 1, made)


def _validity(plan: CouponPlan, compiled: Compiled, instant: int) -> tuple[int, int]:
    """The first and the last instant; the end that comes first where both a length and a day are given."""
    zone = compiled.zone
    start = instant if plan.usable_after is None else first_instant_after(instant, plan.usable_after, zone)
    first = max(start, plan.opens)
    if plan.valid_for is None:
        return first, plan.closes
    last = last_instant(first, plan.valid_for, zone)
    return first, min(last, plan.closes) if plan.closes else last


def _code(grant: Grant, plan: CouponPlan, made: str) -> str | None:
    """The coupon's code as JSON; None when the pool of codes or the stock has nothing left."""
    if plan.stock is not None and _claim(grant, "stock", plan.stock, made) is None:
        return None
    if plan.code:
        return f'"{plan.code}"'
    if plan.pool is not None:
        place = _claim(grant, "codes", plan.pool, made)
        if place is None:
            return None
        codes = grant.compiled.codes.get(plan.codes, ())
        if place < len(codes):
            return orjson.dumps(codes[place]).decode()
    return f'"{code_of(hmac.digest(grant.occasion.terms.secret, made.encode(), "sha256"))}"'


def _claim(grant: Grant, kind: str, pool: tuple[str, int], made: str) -> int | None:
    """The place in the pool that this coupon has; None when nothing is left. The coupon names the claim: it keeps its
    place whichever event turns out to have brought it, and two of one bundle have two."""
    key, capacity = pool
    occasion = grant.occasion
    of = Pool(grant.compiled.promotion_id, kind, key)
    granted = occasion.desk.grants.take(grant.claim(of, 1, capacity, mark=made))
    if occasion.decision is not None:
        occasion.decision.used.append((f"{kind} {key}", granted.amount))
    return granted.before if granted.amount else None


def coupons_given(wallet: Wallet, compiled: Compiled, offer_id: str) -> int:
    """How many coupons the promotion (or that offer of it) gave the member so far."""
    if offer_id:
        return wallet.offers[offer_id].coupons
    tally = wallet.tallies.get(compiled.promotion_id)
    return tally.coupons if tally is not None else 0


def with_coupon(wallet: Wallet, compiled: Compiled, offer_id: str) -> int:
    """Count one more coupon of the promotion (or of that offer of it) in a draft; returns its number, from 1."""
    number = coupons_given(wallet, compiled, offer_id) + 1
    if offer_id:
        wallet.offers[offer_id] = replace(wallet.offers[offer_id], coupons=number)
        return number
    tally = wallet.tallies.get(compiled.promotion_id)
    wallet.tallies[compiled.promotion_id] = Tally(tally.completed if tally is not None else 0, number)
    return number


def coupons_due(wallet: Wallet) -> int:
    """When the next coupon expires, or leaves the wallet; 0 for never."""
    return min([coupon.due for coupon in wallet.coupons.values()], default=0)


def end_coupons(wallet: Wallet, due: int, entries: list[Entry]) -> None:
    """What was due until then: issued coupons expire, the others leave the wallet."""
    for made, coupon in [(made, coupon) for made, coupon in wallet.coupons.items() if coupon.due <= due]:
        if coupon.status != "issued":
            del wallet.coupons[made]
            wallet.counters.pop(used_on(made), None)
            continue
        wallet.coupons[made] = coupon.turned("expired", due + KEPT_AFTER_USE)
        at = moment_of(due)
        entries.append(coupon_expired(made, coupon, f"time {at.isoformat()}", due))


def coupon_expired(made: str, coupon: Coupon, cause: str, instant: int) -> Entry:
    """The ledger line of a coupon that is gone unused."""
    promotion_id, version = coupon.promotion_id, coupon.promotion_version
    key, at = f"coupon.expired {made}", moment_of(instant)
    return Entry(key, "coupon.expired", COUPON, *_EXPIRED, 1, promotion_id, version, None, made, cause, at)


def used_on(made: str) -> str:
    """The counter of the orders on which a coupon multiplied the points: one, then no more."""
    return f"coupon {made}"

"""Coupons that multiply the points of the order they are used on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from schemas.codes import read_code
from schemas.events.orders import OrderCoupon, OrderLine
from schemas.promotions.fields import Rounding
from schemas.promotions.rewards import Factor, PointsReward
from services.engine.calendar.moments import DAY, text_of
from services.engine.look import Look, told
from services.engine.occasion import Occasion
from services.engine.programme import Compiled
from services.engine.rewarding.coupons import KEPT_AFTER_USE, used_on
from services.engine.rewarding.limits import caps_of, points_left, use_caps
from services.engine.rewarding.points import give_points
from services.engine.rewarding.rewards import Grant
from services.engine.trace import Decision, Observation
from services.engine.wallet import Counter, Coupon

_MARK = '"type":"points_times"'


def multiply_points(occasion: Occasion) -> None:
    """Add what the coupons named on the order make of the points that it earned: to be called after all promotions.

    Each coupon does so once; several on one order each count from the points of the promotions.
    """
    order = occasion.order
    if order is None or not order.coupons or not occasion.earned:
        return
    by_currency: dict[str, int] = {}
    for (promotion_id, currency), points in occasion.earned.items():
        if promotion_id in occasion.multiplied:
            continue
        by_currency[currency] = by_currency.get(currency, 0) + points
    for made, coupon, benefit in list(_named(occasion, order.coupons)):
        compiled = _version(occasion, coupon)
        if compiled is None or used_on(made) in occasion.wallet.counters:
            continue
        occasion.wallet.counters[used_on(made)] = Counter(0, 1)
        _multiply(occasion, compiled, made, Factor.parse(benefit["factor"]), by_currency)


def _multiply(occasion: Occasion, compiled: Compiled, made: str, factor: Factor, earned: dict[str, int]) -> None:
    decision = _tell(occasion, compiled, made, factor)
    caps = [cap for cap in caps_of(compiled, occasion) if cap.limit.points is not None]
    for currency, points in earned.items():
        more = _more(points, factor, occasion.terms.points(currency).rounding)
        grant = Grant(compiled, occasion, "", f"{made} {occasion.cause}", points_left(caps, compiled, occasion))
        which = (compiled.promotion_id, currency)
        before = occasion.earned.get(which, 0)
        # Not validated: a promotion may give at most a million at once, a coupon may make more of them.
        give_points(grant, "times", PointsReward.model_construct(earn=more, currency=currency))
        given = occasion.earned.get(which, 0) - before
        if given:
            use_caps(caps, compiled, occasion, given)
    if decision is not None and decision.gave:
        decision.result = "rewarded"
    elif decision is not None:
        decision.observations.append(Observation("reward", "something to give", "nothing", holds=False))
    occasion.decision = None


def _more(points: int, factor: Factor, rounding: Rounding) -> int:
    more, rest = divmod(points * (factor.hundredths - 100), 100)
    return more + (rest > 0 if rounding == "up" else rounding == "half_up" and rest >= 50)


def _tell(occasion: Occasion, compiled: Compiled, made: str, factor: Factor) -> Decision | None:
    """Somebody asking why learns of the coupon as of a promotion's decision."""
    occasion.decision = decision = told(occasion, Look(compiled, "", compiled.mode))
    if decision is not None:
        decision.observations.append(Observation("coupon.points_times", str(factor), made, True))
    return decision


def _version(occasion: Occasion, coupon: Coupon) -> Compiled | None:
    versions = occasion.programme.versions.get(coupon.promotion_id, ())
    return next((version for version in versions if version.version == coupon.promotion_version), None)


def _named(occasion: Occasion, named: tuple[OrderCoupon, ...]) -> Iterator[tuple[str, Coupon, dict[str, Any]]]:
    """The multiplying coupons that the order names by id or code and may use, each once, with their benefit."""
    for made in dict.fromkeys(made for each in named for made in _ids(occasion, each)):
        coupon = occasion.wallet.coupons.get(made)
        if coupon is None or _MARK not in coupon.text:
            continue
        shown = orjson.loads(coupon.text)
        if _usable(occasion, coupon, shown):
            yield made, coupon, shown["benefit"]


def _ids(occasion: Occasion, named: OrderCoupon) -> list[str]:
    """The id; or the first coupon with that code that has not multiplied yet (a code may be shared)."""
    if named.coupon_id is not None:
        return [named.coupon_id]
    wallet, code = occasion.wallet, named.code or ""
    codes = {orjson.dumps(each).decode() for each in (code, code.upper(), read_code(code) or code)}
    marks = tuple([f'"code":{each},' for each in codes])
    found = [
        made
        for made, coupon in wallet.coupons.items()
        if _MARK in coupon.text and any(mark in coupon.text for mark in marks) and coupon.status != "expired"
    ]
    return [made for made in found if used_on(made) not in wallet.counters][:1]


def _usable(occasion: Occasion, coupon: Coupon, shown: dict[str, Any]) -> bool:
    """Whether the coupon is valid on this order; one redeemed at the counter was so for this order, within a day."""
    redeemed_at = coupon.due - KEPT_AFTER_USE
    if coupon.status == "redeemed" and occasion.instant - redeemed_at > DAY:
        return False
    if coupon.status not in ("issued", "redeemed") or text_of(occasion.instant) < shown["valid_from"]:
        return False
    if occasion.channel not in shown.get("channels", (occasion.channel,)):
        return False
    if occasion.store not in shown.get("stores", (occasion.store,)):
        return False
    return _basket_fits(occasion, shown["benefit"])


def _basket_fits(occasion: Occasion, benefit: dict[str, Any]) -> bool:
    least = benefit.get("min_total")
    if least is not None and (occasion.total < least or occasion.currency != benefit["currency"]):
        return False
    wanted = [(name, benefit[name]) for name in ("category", "brand", "sku") if name in benefit]
    return not wanted or any(_matches(line, wanted) for line in occasion.lines())


def _matches(line: OrderLine, wanted: Sequence[tuple[str, list[str]]]) -> bool:
    return all(getattr(line, name) in values for name, values in wanted)

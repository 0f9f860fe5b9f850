"""Orders as they count: reduced by what came back, what was paid spread over the lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from schemas.events.catalogue import Event
from schemas.events.offers import CouponRedeemed
from schemas.events.orders import OrderCompleted, OrderLine, OrderReturned, OrderVoided
from schemas.promotions.programme import Returns


def spread(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in whole parts proportional to the weights, largest remainder first: the parts sum to the total.

    Weights below zero count as zero; the parts are all zero when no weight is left or the total is not positive.
    """
    positive = [max(0, weight) for weight in weights]
    whole = sum(positive)
    if whole == 0 or total <= 0:
        return [0] * len(positive)
    divided = [divmod(total * weight, whole) for weight in positive]
    parts = [part for part, _ in divided]
    missing = total - sum(parts)
    if missing:
        # Sorting is stable: among equal remainders the first lines get the odd units.
        for place in sorted(range(len(parts)), key=lambda i: -divided[i][1])[:missing]:
            parts[place] += 1
    return parts


def paid_per_line(order: OrderCompleted) -> list[int]:
    """What was paid for each line: its amount, less its share of any discount on the whole order."""
    amounts = [line.amount for line in order.lines]
    listed = sum([amount for amount in amounts if amount > 0])
    return spread(order.total, amounts) if listed > order.total else amounts


@dataclass(slots=True)
class Left:
    """What returns and voids leave of a member's sorted events.

    `data`: by position, what is left of an order or of the use of a coupon (None: nothing; also for a return or a void
    that was told before). `awaiting`: order ids that
    came back or were voided but are not among the events. `undone`: orders of which nothing is left.
    """

    data: dict[int, OrderCompleted | None] = field(default_factory=dict)
    awaiting: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()


def reduce_orders(events: Sequence[Event], terms: Callable[[datetime], Returns]) -> Left:
    """What returns and voids make of the orders among a member's sorted events.

    The first order of an id is the one meant; a return_id counts once. `terms` tells what holds at a time: whether a
    coupon that was used on an order of which nothing is left comes back.
    """
    returns: dict[str, dict[str, OrderReturned]] = {}
    voided: set[str] = set()
    left = Left()
    for position, event in enumerate(events):
        back = event.data
        if isinstance(back, OrderReturned):
            if returns.setdefault(back.order_id, {}).setdefault(back.return_id, back) is not back:
                left.data[position] = None
        elif isinstance(back, OrderVoided):
            if back.order_id in voided:
                left.data[position] = None
            voided.add(back.order_id)
    touched = voided | returns.keys()
    if not touched:
        return left
    undone = set(voided)
    for position, event in enumerate(events):
        order = event.data
        if isinstance(order, OrderCompleted) and order.order_id in touched:
            touched.discard(order.order_id)
            whole = order.order_id in voided
            rest = None if whole else _less(order, returns[order.order_id].values())
            left.data[position] = rest
            if rest is None:
                undone.add(order.order_id)
    for position, event in enumerate(events):
        used = event.data
        on_nothing = isinstance(used, CouponRedeemed) and used.order_id in undone
        if on_nothing and terms(event.occurred_at).coupons == "come_back":
            left.data[position] = None
    left.awaiting, left.undone = tuple(sorted(touched)), tuple(sorted(undone))
    return left


def _less(order: OrderCompleted, returns: Iterable[OrderReturned]) -> OrderCompleted | None:
    total = order.total
    lines = dict(enumerate(order.lines))
    for returned in returns:
        if returned.currency != order.currency:
            continue
        total -= abs(returned.total)
        for back in returned.lines:
            _take(lines, back.line_no, Decimal(back.quantity), abs(back.amount))
    if (order.lines and not lines) or (order.total > 0 >= total):
        return None
    return order.model_copy(update={"total": max(0, total), "lines": tuple(lines.values())})


def _take(lines: dict[int, OrderLine], line_no: int, quantity: Decimal, amount: int) -> None:
    """Take a returned quantity from the first line of that number; a line of which nothing is left goes."""
    for place, line in lines.items():
        if line.line_no != line_no:
            continue
        left = Decimal(line.quantity) - quantity
        if left <= 0:
            del lines[place]
        else:
            kept = max(0, line.amount - amount) if line.amount > 0 else line.amount
            lines[place] = line.model_copy(
                update={"quantity": int(left) if left == int(left) else str(left), "amount": kept}
            )
        return

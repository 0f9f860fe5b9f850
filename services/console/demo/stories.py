"""Small things that happen in a shop, as the events that the app and the tills would send."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import orjson

from schemas.currencies import EXPONENTS
from schemas.envelope import CloudEvent

StoryName = Literal["coffee", "groceries", "checkin", "return"]
STORIES: tuple[StoryName, ...] = get_args(StoryName)
_TILL = "1"
_BASKETS: Mapping[str, tuple[tuple[str, str, int], ...]] = {
    "coffee": (("Coffee", "COFFEE", 350),),
    "groceries": (
        ("Bread", "BREAD", 420),
        ("Coffee beans", "COFFEE", 1250),
        ("Cheese", "CHEESE", 980),
        ("Tomatoes", "TOMATOES", 350),
    ),
}
"""Per story: name, category and price of each line in hundredths of the currency."""
_MEMBERS_MAX = 1000


class NothingToReturn(Exception):
    """The member bought nothing here that could come back."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order placed from the demo page, so that it can be returned."""

    order_id: str
    total: int
    lines: tuple[Mapping[str, Any], ...]


class Storyteller:
    """Makes the events; remembers each member's open orders, of the latest thousand members."""

    def __init__(self, currency: str) -> None:
        self._currency = currency
        self._orders: OrderedDict[str, list[Order]] = OrderedDict()

    def tell(self, story: StoryName, member_id: str, store_id: str, now: datetime, event_id: str) -> CloudEvent:
        """The event of a story that happens now; NothingToReturn when there is nothing to bring back."""
        if story == "checkin":
            data: dict[str, Any] = {
                "member_id": member_id,
                "activity": "app.check_in",
                "channel": "app",
                "store_id": store_id,
            }
            return _event("unisono.activity.recorded.v1", "/app", event_id, now, data)
        till = f"/stores/{store_id}/tills/{_TILL}"
        if story == "return":
            return _event("unisono.order.returned.v1", till, event_id, now, self._return(member_id, store_id, event_id))
        order = self._order(story, event_id)
        data = {
            "order_id": order.order_id,
            "member_id": member_id,
            "channel": "pos",
            "store_id": store_id,
            "till_id": _TILL,
            "currency": self._currency,
            "total": order.total,
            "lines": order.lines,
        }
        self._remember(member_id, order)
        return _event("unisono.order.completed.v1", till, event_id, now, data)

    def total(self, story: StoryName) -> int:
        """What an order of the story costs, in minor units; 0 for what is no order."""
        return self._order(story, "").total if story in _BASKETS else 0

    @property
    def currency(self) -> str:
        """The programme's currency."""
        return self._currency

    def _order(self, story: StoryName, event_id: str) -> Order:
        lines = tuple(self._line(line_no, *line) for line_no, line in enumerate(_BASKETS[story], 1))
        return Order(f"demo-{event_id}", sum(line["amount"] for line in lines), lines)

    def _line(self, line_no: int, name: str, category: str, hundredths: int) -> dict[str, Any]:
        amount = hundredths * pow(10, EXPONENTS[self._currency]) // 100
        sku = f"demo-{name.lower().replace(' ', '-')}"
        return {"line_no": line_no, "sku": sku, "quantity": 1, "amount": amount, "name": name, "category": category}

    def _remember(self, member_id: str, order: Order) -> None:
        self._orders.setdefault(member_id, []).append(order)
        self._orders.move_to_end(member_id)
        while len(self._orders) > _MEMBERS_MAX:
            self._orders.popitem(last=False)

    def _return(self, member_id: str, store_id: str, event_id: str) -> dict[str, Any]:
        if not self._orders.get(member_id):
            raise NothingToReturn
        order = self._orders[member_id].pop()
        lines = [{name: line[name] for name in ("line_no", "quantity", "amount")} for line in order.lines]
        return {
            "return_id": f"demo-return-{event_id}",
            "order_id": order.order_id,
            "member_id": member_id,
            "store_id": store_id,
            "lines": lines,
            "total": order.total,
            "currency": self._currency,
        }


def _event(kind: str, source: str, event_id: str, now: datetime, data: Mapping[str, Any]) -> CloudEvent:
    return CloudEvent(event_id, source, kind, now, str(data["member_id"]), orjson.dumps(data))

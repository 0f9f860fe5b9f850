"""Simple spend goals, recounted by a few lines that know nothing of the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, note
from hypothesis import strategies as st

from schemas.events.catalogue import Event
from schemas.events.orders import OrderCompleted
from schemas.promotions.document import Promotion
from services.engine.fold import fold
from services.engine.programme import PromotionVersion, compile_programme
from tests.property.parts import Plain, Told
from tests.property.programmes import MEMBER, START, TERMS
from tests.property.runs import many
from tests.property.streams import event

Paid = tuple[datetime, int]
Same = Callable[[datetime, datetime], bool]
_zones = st.sampled_from(["Europe/Rome", "UTC", "America/New_York"])
_windows: st.SearchStrategy[Plain] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"every": st.sampled_from(["day", "week", "month", "order"])}),
    st.fixed_dictionaries({"within": st.sampled_from(["1d", "3d", "1w", "30h"])}),
    st.fixed_dictionaries({"within": st.sampled_from(["1d", "3d", "30h"]), "rolling": st.just(True)}),
)
_goals = st.fixed_dictionaries(
    {"spend": st.integers(1, 30)}, optional={"repeat": st.just(True), "carry_over": st.just(False)}
)
_orders = st.lists(
    st.tuples(st.integers(0, 300), st.sampled_from([0, 0, -1]), st.integers(0, 40), st.sampled_from("aaab")),
    max_size=12,
)


@many
@given(_goals, _windows, _zones, _orders)
def test_spending(goal: Plain, window: Plain, zone: str, orders: Sequence[tuple[int, int, int, str]]):
    told = {**goal, **window, "spend": f"{goal['spend']}.00 EUR"}
    document: Plain = {
        "promotion": "p",
        "title": {"en": "P"},
        "schedule": {"timezone": zone},
        "where": {"lines": {"sku": "a"}},
        "goal": told,
        "reward": [{"points": 1}],
    }
    note(Told(document))
    stream = [_order(number, *each) for number, each in enumerate(orders)]
    programme = compile_programme(
        [PromotionVersion(Promotion.model_validate(document), 1, START - timedelta(days=1))], TERMS
    )
    outcome = fold(MEMBER, stream, programme)
    ordered = sorted(stream, key=lambda each: (each.occurred_at, each.source, each.id))
    paid = [(each.occurred_at, amount) for each in ordered if (amount := _counts(each))]
    expected, progress = _recount(paid, goal["spend"] * 100, told, ZoneInfo(zone))
    assert [(e.occurred_at, e.amount) for e in outcome.entries if e.kind == "offer.completed"] == [
        (moment, 1) for moment, times in expected for _ in range(times)
    ]
    if not window:
        pursuit = outcome.wallet.pursuits.get("p")
        assert (pursuit.progress if pursuit is not None else 0) == progress


def _order(number: int, hours: int, less: int, euros: int, sku: str) -> Event:
    lines = [
        {"line_no": 1, "sku": sku, "quantity": 1, "amount": euros * 100},
        {"line_no": 2, "sku": "b", "quantity": 1, "amount": 500},
    ]
    data = {"order_id": f"o{number}", "channel": "app", "currency": "EUR", "total": euros * 100 + 500, "lines": lines}
    return event(number, START + timedelta(hours=hours, microseconds=less), "order.completed", data)


def _counts(order: Event) -> int:
    assert isinstance(order.data, OrderCompleted)
    return sum(line.amount for line in order.data.lines if line.sku == "a")


def _recount(paid: Sequence[Paid], target: int, goal: Plain, zone: ZoneInfo) -> tuple[list[tuple[datetime, int]], int]:
    """When the goal was reached and how often, and how far the member is on the way to the next time."""
    repeat, carry = goal.get("repeat", False), goal.get("carry_over", True)
    found: list[tuple[datetime, int]] = []
    held: list[Paid] = []
    opened: datetime | None = None
    done: list[datetime] = []
    for moment, amount in paid:
        if "every" in goal:
            held = [each for each in held if _same(each[0], moment, goal["every"], zone)]
            if not repeat and any(_same(each, moment, goal["every"], zone) for each in done):
                continue
        elif done and not repeat:
            break
        if "within" in goal and goal.get("rolling"):
            held = [each for each in held if moment <= _last(each[0], goal["within"], zone)]
        elif "within" in goal and opened is not None and moment > _last(opened, goal["within"], zone):
            held, opened = [], None
        opened = opened or moment
        held.append((moment, amount))
        total = sum(each for _, each in held)
        if total < target:
            continue
        times = min(total // target, 100) if repeat and carry else 1
        rest = (total - times * target) % target if repeat and carry else 0
        found.append((moment, times))
        done.append(moment)
        held, opened = ([(moment, rest)], moment) if rest else ([], None)
    return found, sum(each for _, each in held) if repeat or not done else target


def _same(one: datetime, other: datetime, every: str, zone: ZoneInfo) -> bool:
    """Whether two moments are of one period; an order is one by itself."""
    a, b = one.astimezone(zone).date(), other.astimezone(zone).date()
    if every == "order":
        return False
    if every == "month":
        return (a.year, a.month) == (b.year, b.month)
    return a == b if every == "day" else _monday(a) == _monday(b)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _last(moment: datetime, length: str, zone: ZoneInfo) -> datetime:
    """The last moment within a length of time: hours are exact, days end with the local day."""
    if length.endswith("h"):
        return moment + timedelta(hours=int(length[:-1]))
    days = int(length[:-1]) * (7 if length.endswith("w") else 1)
    after = moment.astimezone(zone).date() + timedelta(days=days + 1)
    return datetime.combine(after, time(), zone) - timedelta(microseconds=1)

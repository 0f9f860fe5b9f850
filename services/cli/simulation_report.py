"""What a simulation came to: a table for people at a terminal, or one JSON object."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.promotions.written import Money
from services.engine.terms import Terms
from services.simulation.folding import Result
from services.simulation.reading import Found
from services.simulation.tally import Given

_NONE = "–"
_ALL_LISTED = 60
"""With no more promotions than that, those that gave nothing are listed too."""
_NAME_WIDTH = 20
"""So much of a promotion's id stands in one line, however narrow the table."""


def plain(result: Result, found: Found, promotions: Sequence[str], terms: Terms) -> dict[str, Any]:
    """For `--json`."""
    return {
        "events": result.events,
        "duplicates": result.duplicates,
        "refused": dict(sorted(refusals(result, found).items())),
        "later": found.later,
        "members": result.members,
        "settled": result.settled,
        "promotions": {
            promotion_id: _plain(result.tally.promotions.get(promotion_id, Given()), terms)
            for promotion_id in sorted(promotions)
        },
        "total": {name: value for name, value in _plain(result.tally.total(), terms).items() if name != "members"},
    }


def refusals(result: Result, found: Found) -> Counter[str]:
    """Lines and events that did not count, by reason."""
    refused = Counter(found.refused)
    if result.conflicts:
        refused["id_conflict"] += result.conflicts
    return refused


def _plain(given: Given, terms: Terms) -> dict[str, Any]:
    return {
        "members": given.members,
        "completed": given.completed,
        "rewarded": given.rewarded,
        "coupons": given.coupons,
        "gifts": given.gifts,
        "redeemed": given.redeemed,
        "expired": given.expired,
        "points": dict(sorted(given.points.items())),
        "points_spent": dict(sorted(given.spent.items())),
        "tiers": given.tiers,
        "other": dict(sorted(given.other.items())),
        "cost": [{"amount": money.minor, "currency": money.currency} for money in cost(given, terms)],
        "without_face_value": given.unvalued,
    }


def cost(given: Given, terms: Terms) -> list[Money]:
    """Coupons and gifts at their face value, points as budgets count them; tier points cost nothing."""
    worth = Counter(given.value)
    for name, points in given.points.items():
        if name != "tier":
            value = terms.points(name).value
            worth[value.currency if value is not None else terms.currency] += terms.worth(points, name)
    return [Money(minor, currency) for currency, minor in sorted(worth.items()) if minor]


def show(result: Result, found: Found, promotions: Sequence[str], terms: Terms) -> None:
    """The tables on stdout."""
    console = Console(highlight=False)
    head = Table(box=None, pad_edge=False, show_header=False)
    head.add_column()
    head.add_column(justify="right")
    head.add_row("events", f"{result.events:,}")
    head.add_row("duplicates", f"{result.duplicates:,}")
    for reason, count in sorted(refusals(result, found).items()):
        head.add_row(f"refused: {reason}", f"{count:,}")
    if found.later:
        head.add_row("after --until", f"{found.later:,}")
    head.add_row("members", f"{result.members:,}")
    console.print(head)
    console.print()
    giving = result.tally.promotions
    listed = sorted(promotions) if len(promotions) <= _ALL_LISTED else sorted(giving)
    rows = {promotion_id: giving.get(promotion_id, Given()) for promotion_id in listed}
    total = result.tally.total()
    table = _table(rows, total, terms)
    unbounded = console.options.update(width=1000)
    if console.measure(table, options=unbounded).minimum > console.width:
        table = _table(rows, total, terms, narrow=True)
    console.print(table)
    if len(listed) < len(promotions):
        console.print(f"{len(promotions) - len(listed):,} more promotions gave nothing.")
    if total.unvalued:
        console.print("+ more for coupons whose value only the basket tells, and gifts without a value.")


def _table(rows: Mapping[str, Given], total: Given, terms: Terms, *, narrow: bool = False) -> Table:
    """A row a promotion; where it is narrow, points of other currencies than the base share a column with the rest."""
    points = [name for name in sorted(_points(total)) if name == "base" or not narrow]
    currencies = {money.currency for money in cost(total, terms)}
    single = currencies.pop() if len(currencies) == 1 else ""
    cells = {promotion_id: _cells(given, points, terms, single) for promotion_id, given in rows.items()}
    sums = _cells(total, points, terms, single)
    sums["times"] = _count(sum(given.times for given in rows.values()))
    sums["members"] = ""  # one member may be reached by several promotions
    space = (0, 1 if narrow else 2, 0, 0)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=space, show_footer=len(rows) > 1)
    longest = max([len(promotion_id) for promotion_id in rows], default=0)
    width = min(longest, _NAME_WIDTH) if narrow else None
    table.add_column("promotion", Text("total"), overflow="fold", width=width, no_wrap=not narrow)
    shown = [name for name in sums if name in ("members", "times") or sums[name] not in (_NONE, "")]
    for name in shown:
        heading = f"cost {single}".strip() if name == "cost" else name.replace(" ", "\n")
        left = name == "also"
        table.add_column(heading, sums[name], justify="left" if left else "right", no_wrap=not left)
    for promotion_id, own in cells.items():
        table.add_row(_wrapped(promotion_id, width), *(own[name] for name in shown))
    return table


def _wrapped(promotion_id: str, width: int | None) -> str:
    """An id in lines of so many characters, broken after its dashes where it has any."""
    lines = [""]
    for word in re.split(r"(?<=-)", promotion_id):
        if width is not None and lines[-1] and len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] += word
    return "\n".join(lines)


def _points(given: Given) -> Counter[str]:
    """Points by currency; those towards tiers together, whichever reward gave them."""
    tier = given.other["tier_points"]
    return given.points + Counter({"tier": tier} if tier else {})


def _cells(given: Given, points: Sequence[str], terms: Terms, single: str) -> dict[str, str]:
    return {
        "members": _count(given.members),
        "times": _count(given.times),
        "coupons": _count(given.coupons),
        "used": _count(given.redeemed),
        "gifts": _count(given.gifts),
        **{"points" if name == "base" else f"{name} points": _count(_points(given)[name]) for name in points},
        "also": _also(given, points),
        "cost": _cost(cost(given, terms), given.unvalued, single),
    }


def _also(given: Given, points: Sequence[str]) -> str:
    """What has no column of its own, each kind once."""
    counts = Counter({f"{name} points": count for name, count in _points(given).items() if name not in points})
    for unit, count in given.other.items():
        if unit != "tier_points":
            counts[_unit(unit)] += count
    counts["tiers"] += given.tiers
    return ", ".join(f"{count:,} {_singular(name, count)}" for name, count in sorted(counts.items()) if count)


def _unit(unit: str) -> str:
    kind, _, name = unit.partition(":")
    return name if kind == "prize" else {"message": "messages"}.get(kind, kind)


def _singular(name: str, count: int) -> str:
    if count != 1:
        return name
    ones = {"messages": "message", "stamps": "stamp", "tiers": "tier", "entries": "entry", "tries": "try"}
    return ones.get(name, name.removesuffix("s") if name.endswith(" points") else name)


def _count(number: int) -> str:
    return f"{number:,}" if number else _NONE


def _cost(worth: Sequence[Money], unvalued: int, single: str) -> str:
    """Where all is in a single currency the heading says which; `+` stands for what nobody can value."""
    amounts = [_money(money).removesuffix(f" {single}") for money in worth]
    return " ".join([*amounts, "+"] if unvalued else amounts) or _NONE


def _money(money: Money) -> str:
    amount, currency = str(money).split()
    whole, dot, cents = amount.partition(".")
    return f"{int(whole):,}{dot}{cents} {currency}"

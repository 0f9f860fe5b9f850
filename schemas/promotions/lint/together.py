"""What several promotions of one check do to each other: they overlap, start each other, disagree on a group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date

from schemas.promotions.conditions import Audience, Trigger
from schemas.promotions.document import Promotion
from schemas.promotions.lint.names import references
from schemas.promotions.lint.remark import Remark
from schemas.promotions.lint.terms import rewards_of
from schemas.promotions.loading import Loaded
from schemas.promotions.programme import ProgrammeDocument

Checked = Sequence[tuple[Loaded, Promotion]]
Said = Iterator[tuple[Loaded, Remark]]
_COMPARED_MAX = 200
"""A document is compared with so many others at most: a warning is worth no more."""
_EVERYBODY = Audience().model_dump_json(exclude_none=True)


def findings(checked: Checked, programme: ProgrammeDocument | None) -> Said:
    """Overlaps, circles and groups without one mode."""
    yield from _overlaps(checked)
    yield from _circles(checked)
    yield from _groups(checked, programme)


def _overlaps(checked: Checked) -> Said:
    """Two coupons for the same lines, members and time: told once for each later document."""
    by_audience: dict[tuple[Trigger, str, str], list[Promotion]] = defaultdict(list)
    by_lines: dict[tuple[Trigger, str], list[Promotion]] = defaultdict(list)
    for loaded, promotion in checked:
        if promotion.by == "offer" or not any(reward.coupon is not None for _, reward in rewards_of(promotion)):
            continue
        lines, audience = promotion.where.lines, promotion.audience.model_dump_json(exclude_none=True)
        wanted = lines.model_dump_json(exclude_none=True) if lines is not None else ""
        met = None
        for trigger in promotion.on:
            if audience == _EVERYBODY:
                others = by_lines[trigger, wanted]
            else:
                own, open_to_all = by_audience[trigger, wanted, audience], by_audience[trigger, wanted, _EVERYBODY]
                others = [*own[-_COMPARED_MAX:], *open_to_all[-_COMPARED_MAX:]]
            met = met or next((other for other in others[-2 * _COMPARED_MAX :] if _meet(other, promotion)), None)
            by_lines[trigger, wanted].append(promotion)
            by_audience[trigger, wanted, audience].append(promotion)
        if met is not None:
            message = f"one event can bring a coupon of this and of `{met.promotion}`, for the same goods"
            advice = "give both one `stacking.group`, with a mode"
            yield loaded, Remark("overlap", ("stacking",), message, advice)


def _meet(one: Promotion, other: Promotion) -> bool:
    """Whether both can look at the same event of one of their members, with nothing settled on how they share it."""
    if one.promotion == other.promotion or (_settled(one) and _settled(other) and _group(one) == _group(other)):
        return False
    if not _same_days(one, other) or not _share(one.schedule.days, other.schedule.days):
        return False
    names = ("channel", "store", "payment_method", "region", "promotion", "tier")
    return all(_share(getattr(one.where, name), getattr(other.where, name)) for name in names) and _share(
        one.activity, other.activity
    )


def _settled(promotion: Promotion) -> bool:
    said = promotion.stacking.model_fields_set
    return "group" in said or "mode" in said


def _group(promotion: Promotion) -> str:
    return promotion.stacking.group


def _same_days(one: Promotion, other: Promotion) -> bool:
    (a, b), (c, d) = _span(one), _span(other)
    return a <= d and c <= b


def _span(promotion: Promotion) -> tuple[date, date]:
    schedule = promotion.schedule
    start = schedule.from_.day if schedule.from_ is not None else date.min
    return start, schedule.until.day if schedule.until is not None else date.max


def _share(some: Sequence[str] | None, others: Sequence[str] | None) -> bool:
    return some is None or others is None or not set(some).isdisjoint(others)


def _circles(checked: Checked) -> Said:
    """Promotions that, completed, start each other: the circle is told at each of its members."""
    starts: dict[str, tuple[str, ...]] = {}
    for _, promotion in checked:
        triggers = set(promotion.on)
        if "promotion.completed" in triggers or any(
            "promotion.completed" in (measure_on or ()) for measure_on in _measure_triggers(promotion)
        ):
            named = [name for path, name in references(promotion) if path[-1] == "promotion" and "none" not in path]
            starts[promotion.promotion] = tuple(dict.fromkeys(named))
    for loaded, promotion in checked:
        circle = _circle(promotion.promotion, starts)
        if circle:
            told = " → ".join(f"`{name}`" for name in circle)
            message = f"these start each other, without end: {told}"
            yield loaded, Remark("cycle", ("where", "promotion"), message, "let one of them start otherwise", "error")


def _measure_triggers(promotion: Promotion) -> Iterator[tuple[Trigger, ...] | None]:
    goal = promotion.goal
    if goal is not None:
        yield goal.on
        for parts in (goal.all, goal.any, goal.steps):
            yield from (measure.on for measure in parts or ())


def _circle(start: str, starts: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The way from a promotion back to itself over those that start it, empty where there is none; itself is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    while ways:
        way = ways.pop()
        for name in starts.get(way[-1], ()):
            if name == start and len(way) > 1:
                return (start, *reversed(way))
            if name not in seen:
                seen.add(name)
                ways.append((*way, name))
    return ()


def _groups(checked: Checked, programme: ProgrammeDocument | None) -> Said:
    """A group has one mode: the programme's, or the one its promotions agree on."""
    groups = programme.groups if programme is not None else {}
    first: dict[str, tuple[str, str]] = {}
    for loaded, promotion in checked:
        stacking = promotion.stacking
        written = "mode" in stacking.model_fields_set
        place = ("stacking", "mode" if written else "group")
        settled = groups[stacking.group].mode if stacking.group in groups else None
        if settled is not None:
            if written and stacking.mode != settled:
                message = f"the programme says `{settled}` for the group `{stacking.group}`"
                yield loaded, Remark("group-mode", place, message, f"write `mode: {settled}`, or remove it", "error")
            continue
        if not stacking.model_fields_set:
            continue
        other = first.setdefault(stacking.group, (stacking.mode, promotion.promotion))
        if other[0] != stacking.mode:
            message = f"`{other[1]}` has mode `{other[0]}` in the group `{stacking.group}`, this one `{stacking.mode}`"
            advice = "agree on one mode, or write it in the programme document"
            yield loaded, Remark("group-mode", place, message, advice)

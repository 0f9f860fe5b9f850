"""Whether each reward gives one thing, and a contest has all that it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schemas.promotions.consistency.plain import (
    Finding,
    Plain,
    at_most_one,
    ends_before,
    given,
    items,
    moment,
    money,
    number,
    one_of,
    only_with,
    part,
    prize_rewards,
    rewards,
    texts,
)
from schemas.promotions.source import Path

KINDS = ("points", "coupon", "stamps", "tier_points", "tier", "gift", "entries", "instant_win", "message")
BENEFITS = (
    "amount_off", "percent_off", "free_item", "cheapest_free", "fixed_price", "buy_get", "free_shipping",
    "points_times",
)  # fmt: skip
_OF_THE_EVENT = ("per", "per_piece", "ladder", "times")
_NAMES = {"per": "points per amount go", "per_piece": "points per piece go", "ladder": "a ladder goes"}


def findings(document: Plain) -> Iterator[Finding]:
    """Rewards that are nothing or two things at once, contests without entries, entries without a contest."""
    yield from _some_reward(document)
    for path, reward in [*rewards(document), *prize_rewards(document)]:
        yield from one_of(reward, KINDS, path, "a reward", "write `{points: 50}`")
        yield from _points(reward, path, document)
        yield from _coupon(part(reward, "coupon"), (*path, "coupon"), isinstance(reward.get("coupon"), Mapping))
        yield from _texts(reward, path)
    for path, reward in prize_rewards(document):
        for name in given(reward, ("entries", "instant_win")):
            yield (*path, name), "a prize is not another try", f"remove `{name}`"
    yield from _contest(document)


def _some_reward(document: Plain) -> Iterator[Finding]:
    reward, variants = document.get("reward"), document.get("variants")
    if variants is None:
        if "reward" not in document:
            yield ("reward",), "`reward` is missing", "write `reward: [{points: 50}]`"
        elif reward == []:
            yield ("reward",), "the promotion gives nothing", "write `reward: [{points: 50}]`"
        return
    if reward:
        message = "each variant has its own reward, the promotion beside them none"
        yield ("reward",), message, "move it into the variants, or remove them"
    names: set[str] = set()
    arms = list(items(variants, ("variants",)))
    for path, arm in arms:
        name = arm.get("variant")
        if isinstance(name, str) and name in names:
            yield (*path, "variant"), f"`{name}` is another variant's name too", ""
        names |= {name} if isinstance(name, str) else set()
    if arms and not any(arm.get("reward", True) for _, arm in arms):
        yield ("variants",), "no variant gives anything", "write `reward: [{points: 50}]` in one of them"


def _points(reward: Plain, path: Path, document: Plain) -> Iterator[Finding]:
    points = reward.get("points")
    if not isinstance(points, Mapping):
        return
    place = (*path, "points")
    kinds = given(points, _OF_THE_EVENT)
    yield from at_most_one(points, _OF_THE_EVENT, place, "points")
    if kinds and kinds[0] in ("ladder", "times") and points.get("earn") is not None:
        yield (*place, "earn"), f"with `{kinds[0]}` the number of points is no other", "remove `earn`"
    elif not (kinds and kinds[0] in ("ladder", "times")) and points.get("earn") is None:
        yield (*place, "earn"), "how many points?", "write `earn: 1`"
    yield from only_with(points, "of", ("times",), place)
    if document.get("promotion") in texts(points.get("of")):
        yield (*place, "of"), "points times those of the promotion itself", "name other promotions"
    for name in kinds if document.get("goal") is not None or "prizes" in path else ():
        verb = _NAMES.get(name, "a multiplier goes")
        message = f"{verb} with every order, a {'prize' if 'prizes' in path else 'goal'} with a fixed reward"
        advice = "give a fixed number of points" + ("" if "prizes" in path else ", or remove the goal")
        yield (*place, name), message, advice
    yield from _rungs(points, place)
    yield from at_most_one(points, ("pending_for", "pending_until", "pending_returns"), place, "waiting")
    yield from at_most_one(points, ("expires_after", "expires_on"), place, "expiry")
    wait, end = moment(points.get("pending_until")), moment(points.get("expires_on"))
    if wait and end and ends_before(wait, end):
        yield (*place, "expires_on"), f"expires on {end}, before it is usable on {wait}", ""


def _rungs(points: Plain, path: Path) -> Iterator[Finding]:
    before = None
    for place, rung in items(points.get("ladder"), (*path, "ladder")):
        start = money(rung.get("from"))
        if start and before and start.currency == before.currency and start.minor <= before.minor:
            yield (*place, "from"), f"a ladder rises: {start} stands after {before}", "sort the rungs, each higher"
        before = start or before


def _coupon(coupon: Plain, path: Path, there: bool) -> Iterator[Finding]:
    if not there:
        return
    yield from one_of(coupon, BENEFITS, path, "a coupon", "write `amount_off: 5.00 EUR`")
    yield from only_with(coupon, "max_amount", ("percent_off",), path)
    if not given(coupon, ("valid_for", "valid_until")):
        yield (*path, "valid_for"), "how long is the coupon valid?", "write `valid_for: 30d`"
    yield from at_most_one(coupon, ("valid_for", "valid_until"), path, "the end of a coupon")
    yield from at_most_one(coupon, ("valid_from", "usable_after"), path, "the start of a coupon")
    yield from at_most_one(coupon, ("code", "codes"), path, "the code")
    start, end = moment(coupon.get("valid_from")), moment(coupon.get("valid_until"))
    if start and end and ends_before(start, end):
        yield (*path, "valid_until"), f"ends on {end}, before it starts on {start}", ""


def _texts(reward: Plain, path: Path) -> Iterator[Finding]:
    if reward.get("message") == {}:
        yield (*path, "message"), "a message in no language", 'write `{en: "…"}`'


def _contest(document: Plain) -> Iterator[Finding]:
    contest = document.get("contest")
    played = {name: path for path, reward in rewards(document) for name in given(reward, ("entries", "instant_win"))}
    needs = {"entries": ("draw", "a draw"), "instant_win": ("instant_win", "an instant win")}
    for name, path in played.items():
        part_name, what = needs[name]
        if not isinstance(contest, Mapping):
            yield (*path, name), f"there is no contest with {what}", f"write `contest: {{{part_name}: …}}`"
        elif contest.get(part_name) is None:
            yield (*path, name), f"the contest has no `{part_name}`", f"write `contest: {{{part_name}: …}}`"
    if not isinstance(contest, Mapping):
        return
    if not given(contest, ("draw", "instant_win")):
        yield ("contest",), "a contest needs a draw, an instant win or both", ""
    for name, (part_name, _) in needs.items():
        if contest.get(part_name) is not None and name not in played:
            value = "1" if name == "entries" else "true"
            yield ("contest", part_name), "nobody can take part", f"write `reward: {{{name}: {value}}}`"
    yield from _contest_days(document, contest)


def _contest_days(document: Plain, contest: Plain) -> Iterator[Finding]:
    schedule = part(document, "schedule")
    for name in ("from", "until"):
        if schedule.get(name) is None:
            place: Path = ("schedule", name) if schedule else ("contest",)
            yield (
                place,
                f"a contest has a start and an end: `schedule.{name}` is missing",
                f"write `{name}: 2026-11-01`",
            )
    if schedule and schedule.get("timezone") is None:
        message = "a contest names its own time zone: who checks a draw must not depend on a setting"
        yield ("schedule",), message, "write `timezone: Europe/Rome`"
    end, drawn = moment(schedule.get("until")), moment(part(contest, "draw").get("at"))
    if end and drawn and drawn.day < end.day:
        yield ("contest", "draw", "at"), f"the draw is on {drawn}, before the contest ends on {end}", ""
    prizes = part(contest, "draw").get("prizes")
    if isinstance(prizes, list) and len(prizes) > 1:
        yield from _twice([(("contest", "draw", "prizes", n), prize) for n, prize in enumerate(prizes)])
    winners = [number(prize.get("winners")) for _, prize in items(part(contest, "instant_win").get("prizes"), ())]
    total = sum(count for count in winners if count)
    if total > WINNERS_MAX:
        message = f"{total} winning moments are more than {WINNERS_MAX}"
        yield ("contest", "instant_win", "prizes"), message, "give the small prizes to everyone, as a reward"


WINNERS_MAX = 1_000_000
"""Winning moments are drawn and kept: so many at most in one contest."""


def _twice(prizes: list[tuple[Path, object]]) -> Iterator[Finding]:
    seen: set[str] = set()
    for path, prize in prizes:
        name = prize.get("prize") if isinstance(prize, Mapping) else None
        if isinstance(name, str) and name in seen:
            yield (*path, "prize"), f"`{name}` is another prize's name too", "count its `winners` instead"
        seen |= {name} if isinstance(name, str) else set()

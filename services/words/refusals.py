"""Why a condition did not hold, as the sentence after “No:”."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from pydantic_core import PydanticCustomError

from schemas.promotions.conditions import NthOrder
from schemas.promotions.fields import Period
from schemas.promotions.written import LocalMoment, Money
from services.engine.trace import Miss, Observation
from services.words.limits import per
from services.words.lines import joined
from services.words.observed import DAYS, called, conditions, line_names, match, names_of, value
from services.words.occasions import month_days, nth_order
from services.words.voice import Voice


def refusal(voice: Voice, seen: Observation) -> str:
    """The sentence for one observation that did not hold; a readable one for paths nobody foresaw."""
    names = names_of(seen.path)
    part = _part_of_goal(voice, seen.path)
    told = None
    if names[0] == "goal" and "where" in names:
        names = names[names.index("where") :]
    match names:
        case ["schedule", name]:
            told = _schedule(voice, name, seen)
        case ["audience", name, *rest]:
            told = _audience(voice, name, rest, seen)
        case ["where", *rest]:
            told = _where(voice, rest, seen)
        case ["limits", *_] | ["cap"] | ["groups", *_]:
            told = _limit(voice, seen)
        case _:
            told = _other(voice, names, seen)
    return (told or generic(voice, seen)) + part


def generic(voice: Voice, seen: Observation) -> str:
    """`the stores: 114 or 115 needed, 12 found`."""
    name = names_of(seen.path)[-1]
    required, observed = value(voice, seen.required, name), value(voice, seen.observed, name)
    what = called(voice, seen.path)
    return voice.say(f"{what}: {required} needed, {observed} found", f"{what}: serve {required}, c'è {observed}")


def _part_of_goal(voice: Voice, path: str) -> str:
    head, _, rest = path.partition("[")
    if head not in ("goal.all", "goal.any", "goal.steps"):
        return ""
    number = voice.number(int(rest.partition("]")[0]) + 1)
    return voice.say(f" (part {number} of the goal)", f" (parte {number} dell'obiettivo)")


def short(voice: Voice, miss: Miss | None) -> str | None:
    """How much was missing (or too much): `€3.20`, `2`; None where that is a time or unknown."""
    match miss:
        case Miss(unit="money", amount=amount, currency=str(currency)):
            return voice.money(Money(amount, currency))
        case Miss(unit="count" | "points", amount=amount):
            return voice.number(amount)
        case _:
            return None


# ----------------------------------------------------------------------------------------------------------- schedule


def _schedule(voice: Voice, name: str, seen: Observation) -> str | None:
    required, observed = value(voice, seen.required, name), value(voice, seen.observed, name)
    match name:
        case "from":
            return voice.say(f"it starts on {_day(voice, seen.required)}", f"comincia {_day(voice, seen.required)}")
        case "until":
            return voice.say(f"it ended on {_day(voice, seen.required)}", f"è finita {_day(voice, seen.required)}")
        case "days":
            return _days(voice, seen)
        case "hours":
            return voice.say(f"only {required}, it was {observed}", f"solo {required}, erano le {observed}")
        case "windows":
            return voice.say(f"only {required}, it was {observed}", f"solo {required}, era {observed}")
        case "month_days":
            days = month_days(voice, [day for day in _list(seen.required) if isinstance(day, int)])
            return voice.say(f"only {days}, it was day {observed}", f"solo {days}, era il giorno {observed}")
        case "blackout":
            return voice.say(f"it rests on this day, {observed}", f"in questo giorno, {observed}, è in pausa")
        case _:
            return None


def _day(voice: Voice, required: object) -> str:
    try:
        moment = LocalMoment.parse(str(required))
    except PydanticCustomError:
        return value(voice, required)
    return voice.exact_day(moment.day) + (f", {moment.time:%H:%M}" if moment.time is not None else "")


def _days(voice: Voice, seen: Observation) -> str:
    wanted = [day for day in _list(seen.required) if day in DAYS]
    told = voice.weekdays(wanted) if wanted else value(voice, seen.required)
    if not wanted or seen.observed not in DAYS:
        return voice.say(f"only {told}", f"solo {told}")
    today = DAYS.index(seen.observed)
    soonest = min(wanted, key=lambda day: (DAYS.index(day) - today - 1) % 7)
    was, next_one = voice.weekday(today), voice.weekday(soonest)
    return voice.say(
        f"only {told}; it was {was}, the next one is {next_one}", f"solo {told}; era {was}, il prossimo è {next_one}"
    )


# ----------------------------------------------------------------------------------------------------------- audience


def _audience(voice: Voice, name: str, rest: list[str], seen: Observation) -> str | None:
    required, observed = value(voice, seen.required, name), value(voice, seen.observed, name)
    several = len(_list(seen.required))
    match name:
        case "tiers":
            return voice.say(
                f"only for members of tier {required}; this one has {observed}",
                f"solo per i membri di livello {required}; questo ha {observed}",
            )
        case "segments":
            return voice.noun(
                several,
                (
                    f"the member is not in the segment {required}",
                    f"the member is in none of these segments: {required}",
                ),
                (
                    f"il membro non è nel segmento {required}",
                    f"il membro non è in nessuno di questi segmenti: {required}",
                ),
            )
        case "outside":
            return voice.say(
                f"the member is in the segment {observed}, which is left out",
                f"il membro è nel segmento {observed}, che è escluso",
            )
        case "attributes":
            return _attribute(voice, ".".join(rest), seen, voice.say("the member's ", "il dato del membro "))
        case "home_store" | "home_region":
            return _home(voice, name, required, observed)
        case "order":
            return _history(voice, name, _orders(voice, seen.required), observed)
        case "new" | "lapsed" | "holding" | "holdout":
            return _history(voice, name, required, observed)
        case _:
            return None


def _home(voice: Voice, name: str, required: str, observed: str) -> str:
    if name == "home_store":
        return voice.say(
            f"only for members whose store is {required}; this one's is {observed}",
            f"solo per i membri il cui negozio è {required}; il suo è {observed}",
        )
    return voice.say(
        f"only for members of the region {required}; this one's store is {observed}",
        f"solo per i membri della regione {required}; il suo negozio è {observed}",
    )


def _history(voice: Voice, name: str, required: str, observed: str) -> str:
    match name:
        case "new":
            return voice.say(
                f"only within {required} of joining; the member joined: {observed}",
                f"solo entro {required} dall'iscrizione; il membro si è iscritto: {observed}",
            )
        case "lapsed":
            return voice.say(
                f"only after {required} without an order; the last one: {observed}",
                f"solo dopo {required} senza acquisti; l'ultimo: {observed}",
            )
        case "order":
            return voice.say(
                f"only {required}; this is number {observed}", f"solo {required}; questo è il numero {observed}"
            )
        case "holding":
            return voice.say(
                f"the member holds no offer or coupon of {required}", f"il membro non ha offerte né buoni di {required}"
            )
        case _:
            return voice.say(
                f"the member is among the {required} who are left out", f"il membro è nel {required} che resta escluso"
            )


def _orders(voice: Voice, required: object) -> str:
    """Which orders, as the trace lists them: numbers, `every 3`, `first 3`."""
    told: dict[str, list[int]] = {"nth": [], "every": [], "first": []}
    for each in _list(required):
        word, _, number = str(each).rpartition(" ")
        if number.isdecimal():
            told.get(word or "nth", []).append(int(number))
    every, first = (next(iter(told[word]), None) for word in ("every", "first"))
    return nth_order(voice, NthOrder(nth=tuple(told["nth"]) or None, every=every, at_most=first))


def _attribute(voice: Voice, name: str, seen: Observation, whose: str) -> str:
    told = match(voice, name, seen.required)
    observed = value(voice, seen.observed) if seen.observed is not None else voice.say("not known", "ignoto")
    return voice.say(f"needed: {whose}{told}; found: {observed}", f"serve: {whose}{told}; trovato: {observed}")


# -------------------------------------------------------------------------------------------------------------- where


def _where(voice: Voice, rest: list[str], seen: Observation) -> str | None:
    match rest:
        case ["lines"]:
            asked = line_names(voice, seen.required)
            return voice.say(f"no line that counts ({asked})", f"nessuna riga che conta ({asked})")
        case [*names, ("at_least" | "at_most") as end]:
            return _amount(voice, names, end, seen)
        case ["attributes", *names]:
            return _attribute(voice, ".".join(names), seen, voice.say("the event's ", "il dato dell'evento "))
        case ["all" | "any" | "none" as word]:
            return _combined(voice, word, seen)
        case [name]:
            return _place(voice, name, value(voice, seen.required, name), value(voice, seen.observed, name))
        case _:
            return None


def _place(voice: Voice, name: str, required: str, observed: str) -> str | None:
    match name:
        case "channel":
            return voice.say(f"only {required}, this was {observed}", f"solo {required}, questo era {observed}")
        case "store":
            return voice.say(
                f"only in store {required}, this was {observed}", f"solo nel negozio {required}, qui {observed}"
            )
        case "region":
            return voice.say(
                f"only in the region {required}, this was store {observed}",
                f"solo nella regione {required}, qui il negozio {observed}",
            )
        case "payment_method":
            return voice.say(
                f"only paid by {required}, this was {observed}", f"solo con pagamento {required}, qui {observed}"
            )
        case "promotion":
            return voice.say(f"only for {required}, this was {observed}", f"solo per {required}, qui {observed}")
        case "tier":
            return voice.say(
                f"only for the tier {required}, this was {observed}", f"solo per il livello {required}, qui {observed}"
            )
        case _:
            return None


def _amount(voice: Voice, names: list[str], end: str, seen: Observation) -> str:
    required, observed = value(voice, seen.required), value(voice, seen.observed)
    missing = short(voice, seen.miss)
    whole: Mapping[tuple[str, ...], str] = {
        ("total",): voice.say("the order", "l'acquisto"),
        ("subtotal",): voice.say("the order before discounts", "l'acquisto prima degli sconti"),
    }
    what = whole.get(tuple(names)) or called(voice, ".".join(["where", *names]))
    if missing is None:
        bound = voice.between(required, None) if end == "at_least" else voice.between(None, required)
        return voice.say(f"{what}: {bound} needed, it was {observed}", f"{what}: serve {bound}, era {observed}")
    if end == "at_least":
        if seen.miss is not None and seen.miss.unit == "money":
            return voice.say(f"{what} was {missing} short of {required}", f"{what}: mancano {missing} a {required}")
        return voice.say(f"{what}: {missing} short of {required}", f"{what}: ne mancano {missing} a {required}")
    return voice.say(f"{what}: {missing} more than {required}", f"{what}: {missing} più di {required}")


def _combined(voice: Voice, word: str, seen: Observation) -> str:
    told = conditions(voice, seen.required)
    match word:
        case "all":
            return voice.say(f"not all of this holds: {told}", f"non vale tutto questo: {told}")
        case "any":
            return voice.say(f"none of these holds: {told}", f"non vale nessuna di queste cose: {told}")
        case _:
            return voice.say(f"it must not be that {told}", f"non deve essere che {told}")


# ------------------------------------------------------------------------------------------------- limits and the rest


def _limit(voice: Voice, seen: Observation) -> str:
    if seen.path == "limits.budget":
        return voice.say("the budget is used up", "il budget è esaurito")
    what = called(voice, seen.path)
    told = allowed(voice, seen.required)
    return voice.say(f"{what} is used up{told}", f"{what} è esaurito{told}")


def allowed(voice: Voice, required: object) -> str:
    """` (3 times a month)`; empty where it is not known."""
    if not isinstance(required, Mapping):
        return ""
    told = []
    if isinstance(required.get("times"), int):
        told.append(voice.count(required["times"], ("time", "times"), ("volta", "volte")))
    if isinstance(required.get("points"), int):
        told.append(voice.points(required["points"]))
    every = required.get("every", "campaign")
    return f" ({joined([*told, per(voice, cast(Period, every))], ' ')})"


def _other(voice: Voice, names: list[str], seen: Observation) -> str | None:
    required, observed = value(voice, seen.required), value(voice, seen.observed)
    match names:
        case [*_, "activity"]:
            return voice.say(
                f"only for the activity {required}; this was {observed}",
                f"solo per l'attività {required}; questa era {observed}",
            )
        case ["currency"]:
            return voice.say(
                f"its amounts are in {required}, the order is in {observed}",
                f"i suoi importi sono in {required}, l'acquisto è in {observed}",
            )
        case ["order", "training"]:
            return voice.say("a receipt in training mode does not count", "uno scontrino di formazione non conta")
        case ["cost"]:
            return _cost(voice, seen)
        case ["stacking"]:
            return voice.say(
                f"{observed} gives instead, of those that do not add up",
                f"dà invece {observed}, tra quelle non cumulabili",
            )
        case ["reward"]:
            return voice.say("it has nothing to give here", "qui non ha nulla da dare")
        case ["offer", "valid_until"]:
            return voice.say("the offer was over before it was issued", "l'offerta era finita prima di essere data")
        case ["offer"]:
            return voice.say("only with an offer that was issued to the member", "solo con un'offerta data al membro")
        case ["goal"]:
            if isinstance(seen.required, str):
                return voice.say("nothing in it counts towards the goal", "nulla qui conta per l'obiettivo")
            return voice.say("the goal has been reached already", "l'obiettivo è già stato raggiunto")
        case [*_, "gift" | "codes"]:
            return voice.say("none are left", "non ce ne sono più")
        case _:
            return None


def _cost(voice: Voice, seen: Observation) -> str:
    price, there = value(voice, seen.required), value(voice, seen.observed)
    if isinstance(seen.required, int) and isinstance(seen.observed, int) and seen.required > seen.observed:
        missing = voice.points(seen.required - seen.observed)
        return voice.say(f"it costs {price} points, {missing} short", f"costa {price} punti, mancano {missing}")
    return voice.say(f"it costs {price} points, {there} are there", f"costa {price} punti, ce ne sono {there}")


def _list(found: object) -> list[object]:
    return list(found) if isinstance(found, list | tuple) else [found]

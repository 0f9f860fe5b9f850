"""What a member has to reach, in words."""

from __future__ import annotations

from schemas.promotions.conditions import Trigger
from schemas.promotions.fields import Period
from schemas.promotions.goals import Distinct, Goal, Measure
from schemas.promotions.written import Money
from services.words.events import happening, place, where
from services.words.limits import per
from services.words.lines import Line, joined, under
from services.words.voice import Voice, sentence


def goal(voice: Voice, part: Goal, *, by_offer: bool = False) -> list[Line]:
    """The goal: what, in which window, how often. The window of an issued offer opens with its issue."""
    length = window(voice, part, by_offer=by_offer)
    head = joined([measure(voice, part), joined(length)], " ")
    told = [Line(sentence(head))] if measure(voice, part) else []
    told += under(_own(voice, part))
    for parts, title in (
        (part.all, voice.say("all of these:", "tutte queste cose:")),
        (part.any, voice.say("one of these:", "una di queste cose:")),
        (part.steps, voice.say("these steps, one after the other:", "questi passi, uno dopo l'altro:")),
    ):
        if parts is None:
            continue
        told.append(Line(sentence(joined([*length, title]))))
        for number, each in enumerate(parts, 1):
            told.append(Line(f"{number}. {measure(voice, each)}", 1))
            told += under(_own(voice, each), 2)
    return [*told, Line(sentence(again(voice, part)))]


def measures(part: Goal | None) -> list[Measure]:
    """The goal itself and its parts."""
    return [part, *(part.all or ()), *(part.any or ()), *(part.steps or ())] if part is not None else []


def _own(voice: Voice, part: Measure) -> list[Line]:
    """What counts, where it is not what counts for the promotion."""
    told = where(voice, part.where) if part.where is not None else []
    if (part.on is None and part.activity is None) or _by_times(part):
        return told
    what = voice.say("counting ", "contando ") + _events(voice, part)
    if part.where is not None and place(voice, part.where):
        return [Line(f"{what} {told[0].text}"), *told[1:]]
    return [Line(what), *told]


def _events(voice: Voice, part: Measure) -> str:
    return happening(voice, part.on or ("activity.recorded",), part.activity)


def _by_times(part: Measure) -> bool:
    """Whether it counts events of its own kind, so that one says so many times what."""
    counts = part.visits is not None or part.activities is not None
    return counts and (part.activity is not None or (part.on is not None and set(part.on) != {"order.completed"}))


def measure(voice: Voice, part: Measure) -> str:
    """One thing to reach, as a verb: `spend €50.00`; empty where there is none."""
    told = []
    if part.spend is not None:
        told.append(voice.say("spend ", "spendere ") + voice.money(part.spend))
    for events, en, it in (
        (part.visits, ("visit", "visits"), ("visita", "visite")),
        (part.activities, ("activity", "activities"), ("attività", "attività")),
    ):
        if events is not None and _by_times(part):
            told.append(_so_often(voice, part, events))
        elif events is not None:
            told.append(voice.say("make ", "fare ") + voice.count(events, en, it))
    if part.quantity is not None:
        count = voice.count(part.quantity, ("piece", "pieces"), ("pezzo", "pezzi"))
        told.append(voice.say("buy ", "comprare ") + count)
    if part.distinct is not None:
        told.append(distinct(voice, part.distinct))
    if part.stamps is not None:
        count = voice.count(part.stamps, ("stamp", "stamps"), ("bollino", "bollini"))
        told.append(voice.say("fill a card of ", "completare una tessera da ") + count)
    if part.stamps is not None or part.stamp_for != "visit":
        told.append(stamp_for(voice, part.stamp_for))
    return ", ".join(told)


def _so_often(voice: Voice, part: Measure, count: int) -> str:
    """Events of one kind as a verb, `activate an offer 3 times`; of several kinds as a number of them."""
    on = part.on or ("activity.recorded",)
    if len(on) > 1:
        several = voice.count(count, ("time any of these", "times any of these"), ("volta", "volte"))
        return f"{several}: {_events(voice, part)}"
    verbs: dict[Trigger, str] = {
        "order.completed": voice.say("make an order", "fare un acquisto"),
        "order.returned": voice.say("bring something back", "rendere qualcosa"),
        "order.voided": voice.say("have an order voided", "annullare un acquisto"),
        "activity.recorded": voice.say("do any activity", "svolgere una qualunque attività"),
        "member.registered": voice.say("join the programme", "iscriversi al programma"),
        "member.updated": voice.say("change their details", "modificare i propri dati"),
        "offer.issued": voice.say("be issued an offer", "ricevere un'offerta"),
        "offer.viewed": voice.say("view an offer", "vedere un'offerta"),
        "offer.activated": voice.say("activate an offer", "attivare un'offerta"),
        "coupon.redeemed": voice.say("redeem a coupon", "usare un buono"),
        "birthday": voice.say("have a birthday", "compiere gli anni"),
        "anniversary": voice.say("have an anniversary", "festeggiare un anniversario"),
        "inactivity": voice.say("be absent for long", "mancare a lungo"),
        "tier.reached": voice.say("reach a higher tier", "salire di livello"),
        "promotion.completed": voice.say("complete a goal", "completare un obiettivo"),
    }
    verb = verbs[on[0]]
    if part.activity is not None:
        names = voice.any_of(part.activity)
        verb = voice.say(f"do the activity {names}", f"svolgere l'attività {names}")
    times = voice.number(count)
    return f"{verb} " + voice.noun(count, ("once", f"{times} times"), ("una volta", f"{times} volte"))


def stamp_for(voice: Voice, part: str | Money) -> str:
    """What brings a stamp."""
    if isinstance(part, Money):
        money = voice.money(part)
        return voice.say(f"a stamp for every full {money}", f"un bollino ogni {money} interi")
    if part == "piece":
        return voice.say("a stamp for each piece", "un bollino per ogni pezzo")
    return voice.say("a stamp for each visit", "un bollino per ogni visita")


def distinct(voice: Voice, part: Distinct) -> str:
    """So many different ones, as a verb."""
    number = voice.number(part.count)
    match part.of:
        case "product":
            return voice.say(f"buy {number} different products", f"comprare {number} prodotti diversi")
        case "category":
            return voice.say(f"buy from {number} different categories", f"comprare da {number} categorie diverse")
        case "brand":
            return voice.say(f"buy {number} different brands", f"comprare {number} marche diverse")
        case "store":
            return voice.say(f"visit {number} different stores", f"visitare {number} negozi diversi")
        case "channel":
            return voice.say(f"use {number} different channels", f"usare {number} canali diversi")
        case "activity":
            return voice.say(f"do {number} different activities", f"svolgere {number} attività diverse")
        case "day":
            return voice.say(f"come on {number} different days", f"venire in {number} giorni diversi")


def window(voice: Voice, part: Goal, *, by_offer: bool = False) -> list[str]:
    """The time there is for it."""
    told = []
    if part.within is not None:
        length = voice.length(part.within)
        if part.rolling:
            told.append(voice.say(f"within any {length}", f"in {length} qualsiasi"))
        elif by_offer:
            told.append(voice.say(f"within {length} of the offer's issue", f"entro {length} dall'invio dell'offerta"))
        else:
            first = f"within {length} of the first event that counts", f"entro {length} dal primo evento che conta"
            told.append(voice.say(*first))
    elif part.rolling:
        told.append(voice.say("counted back from each event", "contando all'indietro da ogni evento"))
    if part.every is not None:
        told.append(within_each(voice, part.every))
    if part.in_a_row is not None:
        told.append(in_a_row(voice, part.in_a_row, part.every))
    return told


def within_each(voice: Voice, period: Period) -> str:
    """In one period of the calendar."""
    match period:
        case "order":
            return voice.say("in a single order", "in un solo acquisto")
        case "day":
            return voice.say("in one day", "in un giorno")
        case "week":
            return voice.say("in one calendar week", "in una settimana di calendario")
        case "month":
            return voice.say("in one calendar month", "in un mese di calendario")
        case "quarter":
            return voice.say("in one calendar quarter", "in un trimestre di calendario")
        case "year":
            return voice.say("in one calendar year", "in un anno di calendario")
        case "campaign":
            return voice.say("in the whole campaign", "in tutta la campagna")


def in_a_row(voice: Voice, count: int, period: Period | None) -> str:
    """So many periods, none left out."""
    units = {
        "order": (("order", "orders"), ("acquisto", "acquisti")),
        "day": (("day", "days"), ("giorno", "giorni")),
        "week": (("week", "weeks"), ("settimana", "settimane")),
        "month": (("month", "months"), ("mese", "mesi")),
        "quarter": (("quarter", "quarters"), ("trimestre", "trimestri")),
        "year": (("year", "years"), ("anno", "anni")),
    }
    told = voice.count(count, *units.get(period or "", (("period", "periods"), ("periodo", "periodi"))))
    return voice.say(f"{told} in a row", f"per {told} di fila")


def again(voice: Voice, part: Goal) -> str:
    """How often it can be reached, and what happens to the surplus."""
    if part.repeat:
        told = voice.say("again and again", "più volte")
        if part.carry_over and not _from_zero(part):
            return told + voice.say(
                ": what is beyond the goal counts towards the next one", ": quel che avanza conta per il successivo"
            )
        return told + voice.say(", each time from zero", ", ogni volta da zero")
    if part.every is not None and part.every != "campaign":
        told = voice.say("once ", "una volta ") + per(voice, part.every)
    else:
        told = voice.say("once", "una volta sola")
    return told if part.carry_over else told + voice.say(", nothing is carried over", ", senza riporto")


def _from_zero(part: Goal) -> bool:
    """Whether nothing can be left over: what counts is a row, different things, or several measures."""
    return any(each is not None for each in (part.in_a_row, part.distinct, part.all, part.any, part.steps))

"""What became of one event beside the promotions, as sentences: when it came, what was undone, what the books hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from schemas.promotions.conditions import Trigger
from schemas.promotions.written import LocalMoment
from services.engine.entries import Entry
from services.words.decisions import gave
from services.words.events import trigger
from services.words.voice import Voice


def happened(voice: Voice, trigger_name: str) -> str:
    """The kind of event as a heading: `Order`, `Acquisto`."""
    names = {
        "order.completed": voice.say("Order", "Acquisto"),
        "order.returned": voice.say("Return", "Reso"),
        "order.voided": voice.say("Order voided", "Acquisto annullato"),
        "activity.recorded": voice.say("Activity", "Attività"),
        "member.registered": voice.say("Registration", "Iscrizione"),
        "member.updated": voice.say("Change of the member's details", "Modifica dei dati del membro"),
        "member.erased": voice.say("Erasure of the member", "Cancellazione del membro"),
        "offer.issued": voice.say("Offer issued", "Offerta emessa"),
        "offer.viewed": voice.say("Offer viewed", "Offerta vista"),
        "offer.activated": voice.say("Offer activated", "Offerta attivata"),
        "coupon.redeemed": voice.say("Coupon redeemed", "Buono usato"),
        "time": voice.say("Time passing", "Il passare del tempo"),
    }
    return names.get(trigger_name, trigger_name)


def moment(voice: Voice, at: datetime, zone: ZoneInfo) -> str:
    """`3 November 2026, 11:00`, on the clock of the zone."""
    local = at.astimezone(zone)
    return voice.moment(LocalMoment(local.date(), local.time()))


def late(voice: Voice, recorded: str, overtaken: int) -> str:
    """It was overtaken by newer events of the member."""
    newer = voice.count(overtaken, ("newer event", "newer events"), ("evento più recente", "eventi più recenti"))
    return voice.say(
        f"It came late: when it was recorded, on {recorded}, {newer} of the member had been decided."
        " All of them were decided anew, as if it had come in time.",
        f"È arrivato in ritardo: quando è stato registrato, {recorded}, {newer} del membro erano già decisi."
        " Tutto è stato deciso di nuovo, come se fosse arrivato in tempo.",
    )


def held_back(voice: Voice, stated: str) -> str:
    """Its source's clock was ahead."""
    return voice.say(
        f"Its source stated {stated}, which was still to come: it counts from the moment it was recorded.",
        f"La sua fonte ha indicato {stated}, che doveva ancora venire: vale dal momento in cui è stato registrato.",
    )


def undone(voice: Voice, left: Literal["part", "nothing"], times: int, *, coupon: bool) -> str:
    """What returns and voids left of it."""
    by = voice.count(times, ("return or void", "returns or voids"), ("reso o annullamento", "resi o annullamenti"))
    if coupon:
        return voice.say(
            f"The order it was used on was undone ({by}): the coupon came back, and this use does not count.",
            f"L'acquisto su cui è stato usato è stato annullato ({by}): il buono è tornato, e questo uso non vale.",
        )
    if left == "nothing":
        return voice.say(
            f"All of the order was undone ({by}): nothing of it counts.",
            f"L'intero acquisto è stato annullato ({by}): non ne vale più nulla.",
        )
    return voice.say(
        f"A part of the order came back ({by}): what follows is decided on what is left of it.",
        f"Una parte dell'acquisto è tornata ({by}): quanto segue è deciso su ciò che ne resta.",
    )


def undoes(voice: Voice, order_id: str, *, known: bool) -> str:
    """A return or void, and the order that it undoes."""
    if known:
        return voice.say(
            f"What came back is taken out of the order {order_id}, as if it had never been bought.",
            f"Ciò che è tornato è tolto dall'acquisto {order_id}, come se non fosse mai stato comprato.",
        )
    return voice.say(
        f"The order {order_id} has not reached us: when it does, it counts for that much less.",
        f"L'acquisto {order_id} non è ancora arrivato: quando arriverà, varrà altrettanto di meno.",
    )


def took_back(voice: Voice, entries: Collection[Entry]) -> str:
    """What an event took back from the books when it came."""
    return voice.say("It took back: ", "Ha tolto: ") + _all(voice, entries) + "."


def besides(voice: Voice, entries: Collection[Entry]) -> str:
    """What the event did that no promotion decided."""
    return voice.say("Besides: ", "Inoltre: ") + _all(voice, entries) + "."


def agree(voice: Voice, lines: int) -> str:
    """The books hold what the history gives."""
    if not lines:
        return voice.say(
            "The books hold no line for it, as they should.", "I libri non hanno righe per questo, come dev'essere."
        )
    held = voice.count(lines, ("line", "lines"), ("riga", "righe"))
    return voice.say(f"The books hold exactly this: {held}.", f"I libri riportano esattamente questo: {held}.")


def missing(voice: Voice, entries: Collection[Entry]) -> str:
    """Given, and not in the books."""
    return voice.say("The books differ: they lack ", "I libri non corrispondono: manca ") + _all(voice, entries) + "."


def surplus(voice: Voice, entries: Collection[Entry]) -> str:
    """In the books, and not given."""
    told = _all(voice, entries)
    return voice.say(
        f"The books differ: they hold {told}, which this event does not give.",
        f"I libri non corrispondono: riportano {told}, che questo evento non dà.",
    )


def moved(voice: Voice, entry: Entry, other: str, *, before: bool) -> str:
    """One line stands under another cause than it would have today, because a late event or a return came between."""
    told = line(voice, entry)
    if before:
        return voice.say(
            f"In the books since {other}: {told}. That event came first; today this one would bring it.",
            f"Nei libri dal {other}: {told}. Quell'evento è arrivato prima; oggi lo porterebbe questo.",
        )
    return voice.say(
        f"The books keep under this event: {told}. Today {other} would bring it; what was given is left as it was.",
        f"I libri lasciano sotto questo evento: {told}. Oggi lo porterebbe {other}; ciò che è dato resta.",
    )


def refused_too(voice: Voice, letters: Collection[int]) -> str:
    """Records with the same id and other content."""
    numbers = voice.all_of([str(number) for number in letters])
    return voice.say(
        f"Records with this id and other content were refused: dead letter {numbers}.",
        f"Altri dati con questo stesso id sono stati rifiutati: lettera morta {numbers}.",
    )


def absent(voice: Voice, why: str, promotion: str, *, when: str, starts: Iterable[Trigger] = ()) -> str:
    """Why a promotion did not look at the event at all; `when` is its publication or the end of its version."""
    match why:
        case "unpublished":
            return voice.say(
                f"{promotion} did not exist yet: it was first published on {when}.",
                f"{promotion} non esisteva ancora: è stata pubblicata {when}.",
            )
        case "withdrawn":
            return voice.say(f"{promotion} was withdrawn on {when}.", f"{promotion} è stata ritirata {when}.")
        case "other_trigger":
            on = voice.any_of([trigger(voice, name) for name in starts])
            return voice.say(
                f"{promotion} does not look at events of this kind: it looks at {on}.",
                f"{promotion} non guarda eventi di questo tipo: guarda {on}.",
            )
        case "no_offer":
            return voice.say(
                f"{promotion} is for those with an offer: the member held none of it then.",
                f"{promotion} vale per chi ha un'offerta: il membro non ne aveva.",
            )
        case _:
            return voice.say(f"{promotion} had nothing to look at.", f"{promotion} non aveva nulla da guardare.")


def line(voice: Voice, entry: Entry) -> str:
    """One ledger line in words, with the promotion version it is owed to."""
    owed = f" ({entry.promotion_id} v{entry.promotion_version})" if entry.promotion_id is not None else ""
    return _amount(voice, entry) + owed


def _amount(voice: Voice, entry: Entry) -> str:
    amount, currency = entry.amount, entry.unit.partition(":")[2]
    match entry.kind:
        case "reward.granted" | "points.earned":
            return gave(voice, entry.unit, amount)
        case "points.spent":
            return gave(voice, f"points.spent:{currency}", amount)
        case "points.activated":
            return voice.points(amount, currency) + voice.say(" become usable", " diventano utilizzabili")
        case "points.expired":
            return voice.points(amount, currency) + voice.say(" expired", " scaduti")
        case "coupon.expired":
            return voice.count(amount, ("coupon expired", "coupons expired"), ("buono scaduto", "buoni scaduti"))
        case "coupon.redeemed":
            return voice.count(amount, ("coupon redeemed", "coupons redeemed"), ("buono usato", "buoni usati"))
        case "coupon.conflict":
            return voice.say("another use of a coupon already used", "un altro uso di un buono già usato")
        case "offer.completed":
            return voice.count(
                amount, ("goal completed", "goals completed"), ("obiettivo completato", "obiettivi completati")
            )
        case _:
            return gave(voice, entry.kind, amount)


def _all(voice: Voice, entries: Collection[Entry]) -> str:
    return voice.all_of([line(voice, entry) for entry in entries])

"""Which events count, in words: triggers, `where`, lines of an order."""

from __future__ import annotations

from collections.abc import Collection

from schemas.promotions.conditions import Bounds, CountBounds, LineMatch, Trigger, Where
from services.words.lines import Line, joined, under
from services.words.occasions import attribute
from services.words.voice import Voice

PIECES = (("piece", "pieces"), ("pezzo", "pezzi"))


def trigger(voice: Voice, name: Trigger) -> str:
    """The event as a noun."""
    nouns: dict[Trigger, str] = {
        "order.completed": voice.say("orders", "acquisti"),
        "order.returned": voice.say("returns", "resi"),
        "order.voided": voice.say("voided orders", "acquisti annullati"),
        "activity.recorded": voice.say("activities", "attività"),
        "member.registered": voice.say("joining the programme", "l'iscrizione al programma"),
        "member.updated": voice.say("a change of the member's details", "una modifica dei dati del membro"),
        "offer.issued": voice.say("an offer being issued", "l'emissione di un'offerta"),
        "offer.viewed": voice.say("viewing an offer", "la visione di un'offerta"),
        "offer.activated": voice.say("activating an offer", "l'attivazione di un'offerta"),
        "coupon.redeemed": voice.say("redeeming a coupon", "l'uso di un buono"),
        "birthday": voice.say("the member's birthday", "il compleanno del membro"),
        "anniversary": voice.say("an anniversary of the member", "un anniversario del membro"),
        "inactivity": voice.say("a long absence of the member", "una lunga assenza del membro"),
        "tier.reached": voice.say("reaching a higher tier", "il passaggio a un livello superiore"),
        "promotion.completed": voice.say("completing a goal", "il completamento di un obiettivo"),
    }
    return nouns[name]


def happening(voice: Voice, on: Collection[Trigger], activity: Collection[str] | None) -> str:
    """The events that are looked at."""
    named = {name: trigger(voice, name) for name in on}
    if activity is not None:
        names = voice.any_of(activity)
        told = voice.noun(
            len(activity), (f"the activity {names}", f"the activities {names}"), (f"l'attività {names}",) * 2
        )
        if len(activity) > 1:
            told = voice.say(told, f"le attività {names}")
        named["activity.recorded"] = told
    return voice.any_of(list(named.values()))


def where(voice: Voice, part: Where, *, nested: bool = False) -> list[Line]:
    """What has to hold of the event: first what fits in one line, then lines of the order, then what nests."""
    told = [Line(text) for text in (joined(place(voice, part)), joined(size(voice, part))) if text]
    if part.lines is not None:
        told += lines(voice, part.lines, nested=nested)
    for alternatives, title in (
        (part.all, voice.say("all of this:", "tutto questo:")),
        (part.any, voice.say("at least one of these:", "almeno una di queste cose:")),
        (part.none, voice.say("none of this:", "niente di questo:")),
    ):
        if alternatives is not None:
            told.append(Line(title))
            told += [line for each in alternatives for line in under(_alternative(voice, each))]
    return told


def _alternative(voice: Voice, part: Where) -> list[Line]:
    """One of several: its first line stands for all of it."""
    first, *rest = where(voice, part, nested=True) or [Line(voice.say("anything", "qualunque cosa"))]
    return [first, *(rest if all(line.depth for line in rest) else under(rest))]


def place(voice: Voice, part: Where) -> list[str]:
    """Where it happens, and what it is about: one phrase each."""
    told = []
    if part.channel is not None:
        told.append(voice.any_of([channel(voice, each) for each in part.channel]))
    if part.store is not None:
        names = voice.any_of(part.store)
        several = len(part.store)
        told.append(voice.noun(several, (f"in store {names}",) * 2, (f"nel negozio {names}", f"nei negozi {names}")))
    if part.region is not None:
        names = voice.any_of(part.region)
        told.append(voice.say(f"in the region {names}", f"nella regione {names}"))
    if part.payment_method is not None:
        names = voice.any_of(part.payment_method)
        told.append(voice.say(f"paid by {names}", f"con pagamento {names}"))
    if part.tier is not None:
        names = voice.any_of(part.tier)
        told.append(voice.say(f"the tier is {names}", f"il livello è {names}"))
    if part.promotion is not None:
        names = voice.any_of(part.promotion)
        told.append(voice.say(f"of the promotion {names}", f"della promozione {names}"))
    return told


def size(voice: Voice, part: Where) -> list[str]:
    """How much it is, and what else it says: one phrase each."""
    told = []
    if part.total is not None:
        told.append(amounting(voice, part.total))
    if part.subtotal is not None:
        told.append(amounting(voice, part.subtotal) + voice.say(" before discounts", " prima degli sconti"))
    if part.quantity is not None:
        told.append(f"{count_range(voice, part.quantity, *PIECES)}" + voice.say(" in all", " in tutto"))
    if part.attributes is not None:
        its = voice.say("where ", "dove ")
        told += [its + attribute(voice, name, match) for name, match in part.attributes.items()]
    return told


def lines(voice: Voice, part: LineMatch, *, nested: bool = False) -> list[Line]:
    """Which lines of an order count, and what they sum up to; nested in a condition they only have to be there."""
    named = joined(line_names(voice, part))
    head = (
        voice.say("there are lines of ", "ci sono righe di ")
        if nested
        else voice.say("only these lines count: ", "contano solo queste righe: ")
    )
    told = [Line(head + named)] if named else []
    if part.except_ is not None:
        told += _left_out(voice, part.except_)
    return told + _sums(voice, part)


def _left_out(voice: Voice, part: LineMatch) -> list[Line]:
    # One line must be all of this at once to be left out: a list would read as any of it.
    named = joined(line_names(voice, part), voice.say(" with ", " con ")) or voice.say("all lines", "tutte le righe")
    told = [Line(voice.say("not counted: ", "non contano: ") + named)]
    deeper = _left_out(voice, part.except_) if part.except_ is not None else []
    return told + under([*_sums(voice, part), *deeper])


def _sums(voice: Voice, part: LineMatch) -> list[Line]:
    told = []
    if part.amount is not None:
        told.append(voice.say("together they cost ", "insieme costano ") + money_range(voice, part.amount))
    if part.quantity is not None:
        told.append(count_range(voice, part.quantity, *PIECES) + voice.say(" of them", " di queste righe"))
    if part.count is not None:
        told.append(count_range(voice, part.count, ("such line", "such lines"), ("riga così", "righe così")))
    return [Line(text) for text in told]


def line_names(voice: Voice, part: LineMatch) -> list[str]:
    """What a line has to be, by name and price."""
    fields = (
        (part.category, voice.say("category ", "categoria ")),
        (part.brand, voice.say("brand ", "marca ")),
        (part.sku, voice.say("product ", "prodotto ")),
        (part.gtin, voice.say("barcode ", "codice a barre ")),
        (part.tag, voice.say("tag ", "etichetta ")),
    )
    told = [label + voice.any_of(names) for names, label in fields if names is not None]
    if part.each is not None:
        told.append(voice.say("price ", "prezzo ") + money_range(voice, part.each))
    return told


def channel(voice: Voice, name: str) -> str:
    """Where, as one says it."""
    match name:
        case "pos":
            return voice.say("at a till", "in cassa")
        case "app":
            return voice.say("in the app", "nell'app")
        case "web":
            return voice.say("on the web", "sul web")
        case _:
            return name


def money_range(voice: Voice, part: Bounds) -> str:
    """`at least €5.00`, `€5.00 to €10.00`."""
    low = voice.money(part.at_least) if part.at_least is not None else None
    high = voice.money(part.at_most) if part.at_most is not None else None
    return voice.between(low, high)


def amounting(voice: Voice, part: Bounds) -> str:
    """`of at least €5.00`."""
    both = part.at_least is not None and part.at_most is not None
    return voice.say("of ", "" if both else "di ") + money_range(voice, part)


def count_range(voice: Voice, part: CountBounds, en: tuple[str, str], it: tuple[str, str]) -> str:
    """`at least 3 pieces`."""
    low = voice.number(part.at_least) if part.at_least is not None else None
    high = voice.number(part.at_most) if part.at_most is not None else None
    last = part.at_most if part.at_most is not None else part.at_least
    return f"{voice.between(low, high)} {voice.noun(last or 0, en, it)}"

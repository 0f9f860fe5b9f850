"""The examples of a document, one sentence each: what happens, what is expected."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import starmap

from schemas.promotions.conditions import AttributeValue
from schemas.promotions.examples import (
    Example,
    ExampleActivity,
    ExampleLine,
    ExampleMember,
    ExampleOffer,
    ExampleOrder,
    ExampleReturn,
    Expectation,
    Step,
)
from schemas.promotions.written import Money
from services.words.events import channel
from services.words.lines import joined
from services.words.occasions import value
from services.words.voice import Voice


def example(voice: Voice, part: Example) -> str:
    """`“name”: an order of €30.00; 3 days later: … → 1 coupon`."""
    told = f"“{part.name}”: " if part.name is not None else ""
    if part.together is not None:
        told += voice.say("beside ", "insieme a ") + voice.all_of(part.together) + ": "
    if part.variant is not None:
        told += voice.say(f"in the variant {part.variant}: ", f"nella variante {part.variant}: ")
    steps = "; ".join(step(voice, each) for each in part.given)
    return f"{told}{steps} → {expectation(voice, part.expect)}"


def step(voice: Voice, part: Step) -> str:
    """One thing that happens, and when."""
    told = ""
    if part.at is not None:
        told += voice.on_day(voice.moment(part.at)) + ": "
    if part.after is not None:
        length = voice.length(part.after)
        told += voice.say(f"{length} later: ", f"dopo {length}: ")
    return told + joined(_happens(voice, part), voice.say(" and ", " e "))


def _happens(voice: Voice, part: Step) -> list[str]:
    told = []
    if part.order is not None:
        told.append(_order(voice, part.order))
    if part.activity is not None:
        told.append(_activity(voice, part.activity))
    if part.registered is not None:
        told.append(joined([voice.say("the member joins", "il membro si iscrive"), *_member(voice, part.registered)]))
    if part.member is not None:
        told.append(voice.say("the member now: ", "il membro ora: ") + joined(_member(voice, part.member)))
    if part.offer is not None:
        told.append(_offer(voice, part.offer))
    if part.returned is not None:
        told.append(_returned(voice, part.returned))
    for number, en, it in (
        (part.viewed, "offer {} is viewed", "l'offerta {} viene vista"),
        (part.activated, "offer {} is activated", "l'offerta {} viene attivata"),
        (part.redeemed, "coupon {} is redeemed", "il buono {} viene usato"),
        (part.voided, "order {} is voided", "l'acquisto {} viene annullato"),
    ):
        if number is not None:
            told.append(voice.say(en, it).format(voice.number(number)))
    if part.wait is not None:
        told.append(voice.say("nothing happens", "non succede nulla") if part.wait else voice.say("no wait", "subito"))
    return told


def _order(voice: Voice, part: ExampleOrder) -> str:
    told = [voice.say("an order", "un acquisto")]
    if part.total is not None:
        told[0] += voice.say(" of ", " di ") + voice.money(part.total)
    if part.subtotal is not None:
        money = voice.money(part.subtotal)
        told.append(voice.say(f"{money} before discounts", f"{money} prima degli sconti"))
    if part.lines:
        shown = voice.all_of([_line(voice, each) for each in part.lines])
        told.append((voice.say("of ", "di ") if part.total is None else voice.say("with ", "con ")) + shown)
    told += _places(voice, part.channel, part.store)
    if part.payment_method is not None:
        told.append(voice.say("paid by ", "con pagamento ") + part.payment_method)
    if part.coupons:
        used = voice.all_of([voice.number(number) for number in part.coupons])
        told.append(voice.say(f"with coupon {used}", f"con il buono {used}"))
    told += _attributes(voice, part.attributes)
    if part.training:
        told.append(voice.say("in training mode", "in modalità formazione"))
    return joined(told, " ")


def _line(voice: Voice, part: ExampleLine) -> str:
    told = voice.money(part.amount)
    if part.quantity != 1:
        told += voice.say(" for ", " per ") + voice.count(part.quantity, ("piece", "pieces"), ("pezzo", "pezzi"))
    fields = (
        (part.category, voice.say("category ", "categoria ")),
        (part.brand, voice.say("brand ", "marca ")),
        (part.sku if part.sku != "any" else None, voice.say("product ", "prodotto ")),
        (part.gtin, voice.say("barcode ", "codice a barre ")),
        (voice.all_of(part.tags) if part.tags else None, voice.say("tag ", "etichetta ")),
    )
    named = joined(label + name for name, label in fields if name is not None)
    return f"{told} ({named})" if named else told


def _activity(voice: Voice, part: ExampleActivity) -> str:
    head = voice.say("the activity ", "l'attività ") + part.name
    return joined([head, *_places(voice, part.channel, part.store), *_attributes(voice, part.attributes)])


def _places(voice: Voice, where: str | None, store: str | None) -> list[str]:
    told = [channel(voice, where)] if where is not None else []
    return [*told, voice.say("in store ", "nel negozio ") + store] if store is not None else told


def _attributes(voice: Voice, attributes: Mapping[str, AttributeValue | None]) -> list[str]:
    def told(name: str, found: AttributeValue | None) -> str:
        return f"{name} " + (value(voice, found) if found is not None else voice.say("unknown", "ignoto"))

    return list(starmap(told, attributes.items()))


def _member(voice: Voice, part: ExampleMember) -> list[str]:
    told = []
    if "tier" in part.model_fields_set:
        tier = part.tier if part.tier is not None else voice.say("none", "nessuno")
        told.append(voice.say("tier ", "livello ") + tier)
    if part.segments is not None:
        told.append(voice.say("segments ", "segmenti ") + voice.all_of(part.segments))
    return told + _attributes(voice, part.attributes)


def _offer(voice: Voice, part: ExampleOffer) -> str:
    told = [voice.say("an offer is issued", "viene emessa un'offerta")]
    if part.of is not None:
        told[0] += voice.say(" of ", " di ") + part.of
    if part.valid_for is not None:
        told.append(voice.say("valid for ", "valida ") + voice.length(part.valid_for))
    return joined(told)


def _returned(voice: Voice, part: ExampleReturn) -> str:
    pieces = voice.count(part.quantity, ("piece", "pieces"), ("pezzo", "pezzi"))
    line, order, money = voice.number(part.line), voice.number(part.order), voice.money(part.amount)
    return voice.say(
        f"{pieces} of line {line} of order {order} come back for {money}",
        f"reso di {pieces} della riga {line} dell'acquisto {order} per {money}",
    )


def expectation(voice: Voice, part: Expectation) -> str:
    """What the member has got at the end."""
    told = _counts(voice, part)
    if part.points is not None:
        told += _points(voice, part.points)
    if part.pending is not None:
        pending = joined(_points(voice, part.pending))
        told.append(voice.say("not yet usable: ", "non ancora utilizzabili: ") + pending)
    if part.balance is not None:
        told.append(voice.say("usable: ", "utilizzabili: ") + joined(_points(voice, part.balance)))
    if part.progress is not None:
        told.append(voice.say("progress ", "progresso ") + _progress(voice, part))
    if part.tier is not None:
        told.append(voice.say("tier ", "livello ") + part.tier)
    return joined(told) or voice.say("nothing", "niente")


def _points(voice: Voice, expected: int | dict[str, int]) -> list[str]:
    by_currency = expected if isinstance(expected, dict) else {"base": expected}
    return [voice.points(count, currency) for currency, count in by_currency.items()]


def _progress(voice: Voice, part: Expectation) -> str:
    progress = part.progress
    if progress is None or progress.currency is None:
        return voice.number(progress.count if progress is not None else 0)
    return voice.money(Money(progress.count, progress.currency))


def _counts(voice: Voice, part: Expectation) -> list[str]:
    counted = (
        (part.coupons, ("coupon", "coupons"), ("buono", "buoni")),
        (part.completed, ("goal reached", "goals reached"), ("obiettivo raggiunto", "obiettivi raggiunti")),
        (part.stamps, ("stamp", "stamps"), ("bollino", "bollini")),
        (part.gifts, ("gift", "gifts"), ("omaggio", "omaggi")),
        (part.entries, ("entry", "entries"), ("partecipazione", "partecipazioni")),
        (part.wins, ("win", "wins"), ("vincita", "vincite")),
        (part.messages, ("message", "messages"), ("messaggio", "messaggi")),
    )
    return [voice.count(count, en, it) for count, en, it in counted if count is not None]

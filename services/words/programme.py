"""The programme document in plain words: what holds for all promotions."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from schemas.promotions.limits import Limit
from schemas.promotions.programme import (
    Earning,
    Expiry,
    Group,
    PointsCurrency,
    ProgrammeDocument,
    Returns,
    Tiers,
)
from schemas.promotions.written import Duration
from services.words.events import lines
from services.words.limits import limit, mode
from services.words.lines import Line, Section, joined, under
from services.words.rewards import rounded
from services.words.voice import Spoken, Voice, sentence


def describe_programme(programme: ProgrammeDocument, language: Spoken) -> list[Section]:
    """All that the document says, and the defaults that follow from what it does not say."""
    voice = Voice(language)
    told = [
        Section("about", voice.say("What it is", "Che cos'è"), tuple(_about(voice, programme))),
        Section("earning", voice.say("What counts", "Che cosa conta"), tuple(_earning(voice, programme.earning))),
    ]
    if programme.points:
        told.append(Section("points", voice.say("Points", "Punti"), tuple(_points(voice, programme.points))))
    told.append(Section("returns", voice.say("Returns", "Resi"), (Line(_returns(voice, programme.returns)),)))
    if programme.tiers is not None:
        told.append(Section("tiers", voice.say("Tiers", "Livelli"), tuple(tiers(voice, programme.tiers))))
    names = _names(voice, programme)
    if names:
        told.append(Section("names", voice.say("Names", "Nomi"), tuple(names)))
    together = _together(voice, programme)
    if together:
        told.append(Section("together", voice.say("Together", "Insieme"), tuple(together)))
    return told


def _about(voice: Voice, programme: ProgrammeDocument) -> list[Line]:
    told = [Line(voice.told_in(programme.title))] if programme.title else []
    facts = [voice.say("programme ", "programma ") + programme.programme]
    if programme.currency is not None:
        facts.append(voice.say("amounts in ", "importi in ") + programme.currency)
    if programme.timezone is not None:
        facts.append(voice.say(f"{programme.timezone} time", f"ora di {programme.timezone}"))
    return [*told, Line(sentence(joined(facts)))]


def _earning(voice: Voice, part: Earning) -> list[Line]:
    amounts = (
        voice.say("what was paid, after discounts", "quanto pagato, dopo gli sconti")
        if part.amounts == "after_discounts"
        else voice.say("the amount before discounts", "l'importo prima degli sconti")
    )
    tax = voice.say("tax included", "IVA inclusa")
    if part.tax == "excluded":
        tax = voice.say("tax excluded", "IVA esclusa")
    told = [Line(sentence(f"{amounts}, {tax}"))]
    if part.except_lines is not None:
        told.append(Line(voice.say("Except, in every promotion:", "Tranne, in ogni promozione:")))
        told += under(lines(voice, part.except_lines, nested=True))
    if part.except_payment_methods is not None:
        named = voice.any_of(part.except_payment_methods)
        told.append(
            Line(voice.say(f"Orders paid by {named} never count", f"Gli acquisti pagati con {named} non contano mai"))
        )
    return told


def _points(voice: Voice, currencies: Mapping[str, PointsCurrency]) -> list[Line]:
    return [Line(f"{name}: {joined(currency(voice, part))}") for name, part in currencies.items()]


def currency(voice: Voice, part: PointsCurrency) -> list[str]:
    """What a point is worth, how it is rounded, how it lives."""
    told = [voice.told_in(part.title)] if part.title else []
    if part.value is not None or part.value_points != 1:
        worth = voice.money(part.value) if part.value is not None else voice.say("nothing told", "nulla di detto")
        points = voice.points(part.value_points)
        told.append(voice.say(f"{points} worth {worth}", f"{points} per un valore di {worth}"))
    told.append(rounded(voice, part.rounding))
    if part.pending_for is not None:
        length = voice.length(part.pending_for)
        told.append(voice.say(f"usable after {length}", f"utilizzabili dopo {length}"))
    told += expiry(voice, part.expires)
    told.append(
        voice.say("spent as they expire", "spesi in ordine di scadenza")
        if part.spend == "earliest_expiry"
        else voice.say("the oldest are spent first", "si spendono prima i più vecchi")
    )
    return told


def expiry(voice: Voice, part: Expiry) -> list[str]:
    """When points are gone."""
    told = []
    if part.after is not None:
        length = voice.length(part.after)
        told.append(voice.say(f"gone {length} after they are usable", f"persi {length} dopo che sono utilizzabili"))
    if part.end_of is not None or part.plus is not None:
        told.append(_at_end(voice, part))
    if part.inactive_for is not None:
        length = voice.length(part.inactive_for)
        told.append(voice.say(f"all gone after {length} of inactivity", f"tutti persi dopo {length} di inattività"))
    return told or [voice.say("never gone", "senza scadenza")]


def _at_end(voice: Voice, part: Expiry) -> str:
    """At the end of a month or year, or a length of time after it."""
    length = voice.length(part.plus) if part.plus is not None else ""
    if part.end_of is None:
        return voice.say(f"{length} later", f"{length} più tardi")
    end = voice.say("the end of the year", "la fine dell'anno")
    if part.end_of == "month":
        end = voice.say("the end of the month", "la fine del mese")
    if not length:
        return voice.say(f"gone at {end}", f"persi dopo {end}")
    return voice.say(f"gone {length} after {end}", f"persi {length} dopo {end}")


def _returns(voice: Voice, part: Returns) -> str:
    told = []
    if part.period is not None:
        length = voice.length(part.period)
        told.append(voice.say(f"goods may come back for {length}", f"la merce si può rendere per {length}"))
    told.append(
        voice.say(
            "a coupon used on an order that came back as a whole is free again",
            "il buono usato su un acquisto reso per intero torna disponibile",
        )
        if part.coupons == "come_back"
        else voice.say("a coupon used on an order that came back stays used", "il buono usato su un reso resta usato")
    )
    return sentence(joined(told))


def tiers(voice: Voice, part: Tiers) -> list[Line]:
    """How members rise and fall, and what each tier takes."""
    told = [Line(sentence(joined([_basis(voice, part), _valid(voice, part)], "; ")))]
    for level in part.levels:
        title = f" {voice.told_in(level.title)}" if level.title else ""
        told.append(Line(voice.say("from ", "da ") + f"{voice.number(level.from_)}: {level.tier}{title}", 1))
    return told


def _basis(voice: Voice, part: Tiers) -> str:
    basis = {
        "tier_points": voice.say("tier points", "punti livello"),
        "points": voice.say("points earned", "punti ottenuti"),
        "spend": voice.say("the amount spent (in cents)", "la spesa (in centesimi)"),
    }[part.basis]
    if isinstance(part.period, Duration):
        length = voice.length(part.period)
        return voice.say(f"by {basis} of the last {length}", f"secondo {basis} degli ultimi {length}")
    period = voice.say("in a calendar year", "in un anno di calendario")
    if part.period == "ever":
        period = voice.say("since joining", "dall'iscrizione")
    return voice.say(f"by {basis} {period}", f"secondo {basis} {period}")


def _valid(voice: Voice, part: Tiers) -> str:
    if isinstance(part.valid_for, Duration):
        length = voice.length(part.valid_for)
        told = [voice.say(f"valid for {length}", f"valido {length}")]
    else:
        told = [voice.say("valid until the end of next year", "valido fino alla fine dell'anno prossimo")]
    if part.grace is not None:
        length = voice.length(part.grace)
        told.append(voice.say(f"{length} of grace", f"{length} di tolleranza"))
    told.append(
        voice.say("then down by one", "poi si scende di uno")
        if part.downgrade == "one_level"
        else voice.say("then down to what was earned", "poi si scende a quello meritato")
    )
    return joined(told)


def region(voice: Voice, name: str, stores: Collection[str]) -> str:
    """Which stores a region is."""
    shops = voice.noun(len(stores), ("store", "stores"), ("negozio", "negozi"))
    return voice.say(f"Region {name}: {shops} ", f"Regione {name}: {shops} ") + voice.all_of(stores)


def _names(voice: Voice, programme: ProgrammeDocument) -> list[Line]:
    told = [Line(region(voice, name, stores)) for name, stores in programme.regions.items()]
    if programme.segments is not None:
        told.append(Line(voice.say("Segments: ", "Segmenti: ") + voice.all_of(programme.segments)))
    return told


def _together(voice: Voice, programme: ProgrammeDocument) -> list[Line]:
    told = [Line(group(voice, name, part)) for name, part in programme.groups.items()]
    together = voice.say(
        "for each member, from all promotions together", "per ogni membro, da tutte le promozioni insieme"
    )
    return [*told, *(Line(sentence(f"{limit(voice, each)} {together}")) for each in programme.cap or ())]


def group(voice: Voice, name: str, part: Group) -> str:
    """One stacking group: who gives, and how much at most."""
    told = [mode(voice, part.mode)] if part.mode is not None else []
    told += [_capped(voice, each) for each in part.cap or ()]
    said = joined(told) or voice.say("as its promotions say", "come dicono le sue promozioni")
    return voice.say(f"Group {name}: ", f"Gruppo {name}: ") + said


def _capped(voice: Voice, part: Limit) -> str:
    return limit(voice, part) + voice.say(" for each member", " per ogni membro")

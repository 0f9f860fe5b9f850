"""A promotion document in plain words, for whoever plans it, approves it or explains it at a counter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schemas.promotions.conditions import Where
from schemas.promotions.document import Promotion
from schemas.promotions.programme import ProgrammeDocument
from services.words.events import happening, place, size, where
from services.words.examples import example
from services.words.goals import goal, measures
from services.words.limits import caps, cost, limits, objective, offline, stacking
from services.words.lines import Line, Section, joined
from services.words.occasions import audience, campaign, recurring, when
from services.words.programme import region
from services.words.rewards import contest, reward, variants
from services.words.voice import Spoken, Voice, sentence


def describe(promotion: Promotion, language: Spoken, programme: ProgrammeDocument | None = None) -> list[Section]:
    """All that the document says, and nothing else; a section is left out where the document is silent about it.

    With the programme document also what that says of it: the mode and the caps of its group, the stores of a region.
    """
    voice = Voice(language)
    told = [
        Section("about", voice.say("What it is", "Che cos'è"), tuple(_about(voice, promotion))),
        Section("who", voice.say("Who", "Per chi"), tuple(_who(voice, promotion, programme))),
        Section("when", voice.say("When", "Quando"), (_when(voice, promotion),)),
        Section("what", voice.say("What counts", "Che cosa conta"), tuple(_what(voice, promotion, programme))),
        Section("goal", voice.say("Goal", "Obiettivo"), tuple(_goal(voice, promotion))),
        Section("gives", voice.say("Gives", "Che cosa dà"), tuple(_gives(voice, promotion))),
    ]
    if promotion.contest is not None:
        told.append(
            Section("contest", voice.say("Prize contest", "Concorso"), tuple(contest(voice, promotion.contest)))
        )
    told.append(Section("limits", voice.say("Limits", "Limiti"), tuple(_limits(voice, promotion, programme))))
    told += _aside(voice, promotion, programme)
    return told


def _limits(voice: Voice, promotion: Promotion, programme: ProgrammeDocument | None) -> list[Line]:
    bundles = [arm.reward for arm in promotion.variants or ()] or [promotion.reward]
    only_points = any(all(each.points is not None and each.value is None for each in bundle) for bundle in bundles)
    ends = limits(voice, promotion.limits, only_points=only_points)
    if programme is not None:
        ends += caps(voice, promotion.stacking, programme)
    return _sentences(ends) or [Line(voice.say("No limit", "Nessun limite"))]


def _aside(voice: Voice, promotion: Promotion, programme: ProgrammeDocument | None) -> list[Section]:
    """What not every document says."""
    told = []
    together = stacking(voice, promotion.stacking, programme)
    if together:
        told.append(Section("together", voice.say("With others", "Con altre"), tuple(_sentences(together))))
    if promotion.offline is not None:
        said = sentence(joined(offline(voice, promotion.offline)))
        told.append(Section("offline", voice.say("Cut off", "Senza rete"), (Line(said),)))
    if promotion.objective is not None:
        said = sentence(joined(objective(voice, promotion.objective)))
        told.append(Section("objective", voice.say("What for", "A che scopo"), (Line(said),)))
    if promotion.examples:
        shown = tuple(Line(example(voice, each)) for each in promotion.examples)
        told.append(Section("examples", voice.say("Examples", "Esempi"), shown))
    return told


def _sentences(phrases: Iterable[str]) -> list[Line]:
    return [Line(sentence(phrase)) for phrase in phrases]


def _about(voice: Voice, promotion: Promotion) -> list[Line]:
    told = [Line(voice.told_in(promotion.title))]
    if promotion.description:
        told.append(Line(voice.told_in(promotion.description)))
    if promotion.staff_hint:
        told.append(Line(voice.say("For the staff: ", "Per il personale: ") + voice.told_in(promotion.staff_hint)))
    return told


def _who(voice: Voice, promotion: Promotion, programme: ProgrammeDocument | None) -> list[Line]:
    phrases = audience(voice, promotion.audience)
    members = voice.say("members", "membri") if phrases else voice.say("all members", "tutti i membri")
    told = [Line(sentence(" ".join([members, joined(phrases)]).strip()))]
    told += _regions(voice, promotion.audience.home_region or (), programme)
    if promotion.by == "offer":
        told.append(
            Line(
                voice.say(
                    "Only with an offer that was issued to them, and while it lasts",
                    "Solo con un'offerta ricevuta, e finché dura",
                )
            )
        )
    return told


def _when(voice: Voice, promotion: Promotion) -> Line:
    part = promotion.schedule
    phrases = [campaign(voice, part.from_, part.until)]
    if part.until is None:
        phrases.append(voice.say("with no end", "senza fine"))
    zone = voice.say(f" ({part.timezone} time)", f" (ora di {part.timezone})") if part.timezone is not None else ""
    return Line(sentence(joined([*phrases, *recurring(voice, part)])) + zone)


def _regions(voice: Voice, names: Iterable[str], programme: ProgrammeDocument | None) -> list[Line]:
    """Which stores the regions are that the document names."""
    known = programme.regions if programme is not None else {}
    return [Line(region(voice, name, known[name]), 1) for name in dict.fromkeys(names) if name in known]


def _named_regions(part: Where) -> Iterator[str]:
    yield from part.region or ()
    for each in (*(part.all or ()), *(part.any or ()), *(part.none or ())):
        yield from _named_regions(each)


def _what(voice: Voice, promotion: Promotion, programme: ProgrammeDocument | None) -> list[Line]:
    here = promotion.where
    named = place(voice, here)
    close = here.channel or here.store or here.region or here.payment_method or here.promotion
    head = happening(voice, promotion.on, promotion.activity) + (" " if close else ", ") + joined(named)
    told = [Line(sentence(joined([head.rstrip(", "), *size(voice, here)])))]
    told += _sentences(when(voice, promotion.when, promotion.on))
    rest = Where(lines=here.lines, all=here.all, any=here.any, none=here.none)
    told += [Line(sentence(line.text) if not line.depth else line.text, line.depth) for line in where(voice, rest)]
    wheres = [here, *(each.where for each in measures(promotion.goal) if each.where is not None)]
    return told + _regions(voice, (name for each in wheres for name in _named_regions(each)), programme)


def _goal(voice: Voice, promotion: Promotion) -> list[Line]:
    if promotion.goal is not None:
        return goal(voice, promotion.goal, by_offer=promotion.by == "offer")
    return [Line(voice.say("None: each time it counts, it gives", "Nessuno: dà ogni volta che qualcosa conta"))]


def _gives(voice: Voice, promotion: Promotion) -> list[Line]:
    told = _sentences(reward(voice, each) for each in promotion.reward)
    if promotion.variants is not None:
        told += variants(voice, promotion.variants)
    if not told:
        told.append(Line(voice.say("Nothing", "Niente")))
    return [*told, Line(sentence(cost(voice, promotion.cost)))] if promotion.cost is not None else told

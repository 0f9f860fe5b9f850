"""When a promotion runs and whom it is for, in words."""

from __future__ import annotations

from collections.abc import Collection

from schemas.promotions.conditions import AttributeMatch, Audience, NthOrder, Schedule, When, Window
from schemas.promotions.written import LocalMoment
from services.words.voice import Voice


def schedule(voice: Voice, part: Schedule) -> list[str]:
    """When it runs: one phrase for each thing said, none where it always runs."""
    told = [campaign(voice, part.from_, part.until)] if part.from_ or part.until else []
    told += recurring(voice, part)
    if part.timezone is not None:
        told.append(voice.say(f"{part.timezone} time", f"ora di {part.timezone}"))
    return told


def recurring(voice: Voice, part: Schedule) -> list[str]:
    """The days and hours of a campaign."""
    told = []
    if part.days is not None:
        told.append(voice.weekdays(part.days))
    if part.hours is not None:
        told.append(voice.hours(part.hours))
    if part.windows is not None:
        told.append(voice.any_of([window(voice, each) for each in part.windows]))
    if part.month_days is not None:
        told.append(month_days(voice, part.month_days))
    if part.blackout is not None:
        spans = [campaign(voice, each.from_, each.until) for each in part.blackout]
        told.append(voice.say("not ", "non ") + voice.all_of(spans))
    return told


def campaign(voice: Voice, start: LocalMoment | None, end: LocalMoment | None) -> str:
    """From one moment to another; the year is said once."""
    if start is None or end is None:
        if start is not None:
            return voice.since(voice.moment(start))
        return voice.until(voice.moment(end)) if end is not None else ""
    if start == end and start.time is None:
        return voice.on_day(voice.moment(start))
    first = voice.moment(start, year=start.day.year != end.day.year or start.time is not None)
    return f"{voice.since(first)} {voice.to(voice.moment(end))}"


def window(voice: Voice, part: Window) -> str:
    """Days and hours that come again."""
    told = [voice.weekdays(part.days)] if part.days is not None else []
    if part.hours is not None:
        told.append(voice.hours(part.hours))
    return " ".join(told) or voice.say("at any time", "in ogni momento")


def month_days(voice: Voice, days: Collection[int]) -> str:
    """Days of the month; -1 is the last."""
    named = [_month_day(voice, day) for day in days]
    return voice.say(f"on {voice.all_of(named)} of the month", f"{voice.all_of(named)} del mese")


def _month_day(voice: Voice, day: int) -> str:
    if day == -1:
        return voice.say("the last day", "l'ultimo giorno")
    if day < 0:
        return voice.say(f"day {-day} from the end", f"il giorno {-day} dalla fine")
    return voice.say(f"day {day}", f"il giorno {day}")


def audience(voice: Voice, part: Audience) -> list[str]:
    """Whom it is for: one phrase for each thing said, none for everyone; the phrases follow `members`."""
    told = _groups(voice, part)
    if part.attributes is not None:
        whose = voice.say("whose attribute ", "il cui dato ")
        told += [whose + attribute(voice, name, match) for name, match in part.attributes.items()]
    if part.home_store is not None:
        told.append(voice.say("whose store is ", "il cui negozio è ") + voice.any_of(part.home_store))
    if part.home_region is not None:
        told.append(voice.say("whose region is ", "la cui regione è ") + voice.any_of(part.home_region))
    if part.new is not None:
        length = voice.length(part.new)
        told.append(voice.say(f"who joined no more than {length} ago", f"iscritti da non più di {length}"))
    if part.lapsed is not None:
        length = voice.length(part.lapsed)
        told.append(voice.say(f"whose last order was at least {length} ago", f"che non acquistano da almeno {length}"))
    if part.order is not None:
        told.append(nth_order(voice, part.order))
    if part.holding is not None:
        held = voice.any_of(part.holding)
        told.append(voice.say(f"holding an offer or coupon of {held}", f"con un'offerta o un buono di {held}"))
    if part.holdout is not None:
        share = voice.share(part.holdout)
        told.append(
            voice.say(
                f"except {share} of them, who are left out (always the same ones)",
                f"tranne il {share}, che resta escluso (sempre gli stessi)",
            )
        )
    return told


def _groups(voice: Voice, part: Audience) -> list[str]:
    told = []
    if part.tiers is not None:
        told.append(voice.say("of tier ", "di livello ") + voice.any_of(part.tiers))
    if part.segments is not None:
        named = voice.any_of(part.segments)
        count = len(part.segments)
        told.append(
            voice.noun(
                count,
                (f"in the segment {named}", f"in any of the segments {named}"),
                (f"del segmento {named}", f"di uno dei segmenti {named}"),
            )
        )
    if part.outside is not None:
        named = voice.any_of(part.outside)
        told.append(
            voice.noun(
                len(part.outside),
                (f"not in the segment {named}", f"in none of the segments {named}"),
                (f"non del segmento {named}", f"di nessuno dei segmenti {named}"),
            )
        )
    return told


def attribute(voice: Voice, name: str, match: AttributeMatch) -> str:
    """What one attribute has to be: `colour is “red”`."""
    told = []
    if match.is_ is not None:
        told.append(voice.say("is ", "è ") + voice.any_of([value(voice, each) for each in match.is_]))
    if match.not_ is not None:
        told.append(voice.say("is not ", "non è ") + voice.any_of([value(voice, each) for each in match.not_]))
    if match.at_least is not None or match.at_most is not None:
        low = voice.number(match.at_least) if match.at_least is not None else None
        high = voice.number(match.at_most) if match.at_most is not None else None
        told.append(voice.say("is ", "è ") + voice.between(low, high))
    if match.present is not None:
        told.append(voice.say("is known", "è noto") if match.present else voice.say("is not known", "non è noto"))
    return f"{name} {voice.all_of(told)}"


def value(voice: Voice, found: str | int | bool) -> str:
    """One value of an attribute: yes, no, a number, or quoted text."""
    if isinstance(found, bool):
        return voice.say("yes", "sì") if found else voice.say("no", "no")
    return voice.number(found) if isinstance(found, int) else f"“{found}”"


def nth_order(voice: Voice, part: NthOrder) -> str:
    """Which of the member's orders."""
    told = []
    if part.nth is not None:
        numbers = voice.any_of([voice.number(number) for number in part.nth])
        told.append(voice.say(f"at order number {numbers}", f"all'acquisto numero {numbers}"))
    if part.every is not None:
        numbers = ", ".join(voice.number(part.every * times) for times in (1, 2, 3))
        told.append(voice.say(f"at order number {numbers} and so on", f"all'acquisto numero {numbers} e così via"))
    if part.at_most is not None:
        number = voice.number(part.at_most)
        told.append(voice.say(f"for their first {number} orders", f"per i loro primi {number} acquisti"))
    return ", ".join(told)


def when(voice: Voice, part: When, triggers: Collection[str]) -> list[str]:
    """The details of a day that comes by itself."""
    told = []
    if part.before is not None:
        length = voice.length(part.before)
        told.append(voice.say(f"{length} before the day itself", f"{length} prima del giorno stesso"))
    if "anniversary" in triggers or part.anniversary_of != "registered":
        told.append(_anniversary(voice, part.anniversary_of))
    if part.inactive_for is not None:
        length = voice.length(part.inactive_for)
        told.append(voice.say(f"when there was no order for {length}", f"quando mancano acquisti da {length}"))
    if part.never_ordered:
        told.append(
            voice.say(
                "also for those who never ordered, counted from their registration",
                "anche per chi non ha mai acquistato, contando dall'iscrizione",
            )
        )
    return told


def _anniversary(voice: Voice, of: str) -> str:
    if of == "registered":
        return voice.say("the anniversary is that of the registration", "l'anniversario è quello dell'iscrizione")
    return voice.say(
        f"the anniversary is that of the member's {of}", f"l'anniversario è quello del dato {of} del membro"
    )

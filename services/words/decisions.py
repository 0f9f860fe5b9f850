"""What was decided of one event by one promotion, and why: a sentence, and a line for each condition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.promotions.document import Promotion
from schemas.promotions.written import Money
from schemas.values import Text
from services.engine.examples.examples import InTheWay
from services.engine.trace import Decision, Observation, Result
from services.words.limits import per
from services.words.lines import joined
from services.words.observed import called, conditions, line_names, match, names_of, value
from services.words.refusals import allowed, refusal, short
from services.words.voice import Spoken, Voice, sentence


@dataclass(frozen=True, slots=True)
class Looked:
    """One condition: where the document states it, whether it held, and what was there."""

    path: str
    holds: bool
    text: str

    @property
    def mark(self) -> str:
        """✓ or ✗."""
        return "✓" if self.holds else "✗"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision in words. `nearest` is what was missing, where one condition alone stood in the way; else None."""

    promotion_id: str
    promotion_version: int
    offer_id: str | None
    title: str
    result: Result
    headline: str
    lines: tuple[Looked, ...]
    nearest: str | None = None


def explain(
    decision: Decision, language: Spoken, titles: Mapping[str, Text], promotion: Promotion | None = None
) -> Explanation:
    """The decision in words; equal to it by construction, since it is made of nothing else.

    `titles`: promotion → its title. With the `promotion` itself, progress towards an amount is told as money.
    """
    voice = Voice(language)
    unit = promotion.goal.spend.currency if promotion is not None and promotion.goal and promotion.goal.spend else None
    failed = [seen for seen in decision.observations if not seen.holds]
    return Explanation(
        decision.promotion_id,
        decision.promotion_version,
        decision.offer_id,
        voice.text(titles.get(decision.promotion_id, {})) or decision.promotion_id,
        decision.result,
        _headline(voice, decision, unit),
        tuple(Looked(seen.path, seen.holds, _line(voice, seen, unit)) for seen in decision.observations),
        _nearest(voice, failed[0]) if len(failed) == 1 else None,
    )


def in_the_way(voice: Voice, reason: InTheWay, promotion_id: str) -> str:
    """Why an example failed: the event, the promotion where it is another than `promotion_id`, the place, the words."""
    other = "" if reason.promotion_id == promotion_id else f" ({reason.promotion_id})"
    return f"{reason.event}{other}: {refusal(voice, reason.seen)} ({reason.seen.path})"


def _headline(voice: Voice, decision: Decision, unit: str | None) -> str:
    obstacle = decision.obstacle
    match decision.result:
        case "rewarded":
            given = voice.all_of([gave(voice, kind, amount) for kind, amount in _summed(decision.gave)])
            told = [
                voice.say("Yes: ", "Sì: ")
                + (given or voice.say("it counts, with nothing to give", "vale, ma non c'è nulla da dare"))
            ]
            return joined([*told, _used(voice, decision)], "; ")
        case "counted":
            counted = voice.say("Counted: it counts towards the goal", "Conta: vale per l'obiettivo")
            return joined([counted, _progress(voice, decision, unit)])
        case "refused" if obstacle is not None:
            not_yet = obstacle.path == "schedule.from"
            head = voice.say("Not yet: ", "Non ancora: ") if not_yet else "No: "
            return head + refusal(voice, obstacle)
        case _:
            return voice.say("No: nothing was given", "No: non è stato dato nulla")


def _summed(gave: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Each kind of thing once; tier points are one kind, whichever reward gave them."""
    found: dict[str, int] = {}
    for kind, amount in gave:
        name = "points.earned:tier" if kind == "tier_points" else kind
        found[name] = found.get(name, 0) + amount
    return list(found.items())


def gave(voice: Voice, kind: str, amount: int) -> str:
    """One thing that was given, by the kind of its entry or by its unit."""
    name, _, of = kind.partition(":")
    match name:
        case "coupon.issued":
            return voice.count(amount, ("coupon issued", "coupons issued"), ("buono emesso", "buoni emessi"))
        case "points.earned" | "points":
            return voice.points(amount, of or "base")
        case "points.spent":
            points = voice.points(amount, of or "base")
            return voice.say(f"{points} taken from the balance", f"{points} tolti dal saldo")
        case "tier_points":
            return voice.points(amount, "tier")
        case "tier.changed":
            return voice.say("a new tier", "un nuovo livello")
        case "stamps":
            return voice.count(amount, ("stamp", "stamps"), ("bollino", "bollini"))
        case "entries":
            return voice.count(
                amount, ("entry to the draw", "entries to the draw"), ("partecipazione", "partecipazioni")
            )
        case "tries":
            return voice.count(amount, ("try", "tries"), ("tentativo", "tentativi"))
        case "message":
            return voice.count(amount, ("message", "messages"), ("messaggio", "messaggi"))
        case "prize":
            return voice.say(f"the prize “{of}”", f"il premio “{of}”")
        case _:
            return f"{voice.number(amount)} {kind}"


def _used(voice: Voice, decision: Decision) -> str:
    """Limits that were drawn on: `limits: 2 of 3 a month used`."""
    told = []
    drawn: dict[str, int] = {}
    for path, amount in decision.used:
        if amount and path.startswith("limits."):
            drawn[path] = drawn.get(path, 0) + amount
    for path, amount in drawn.items():
        seen = next((each for each in decision.observations if each.path == path), None)
        required = seen.required if seen is not None and isinstance(seen.required, Mapping) else {}
        whole = required.get("times") or required.get("points")
        if seen is None or not isinstance(whole, int) or not isinstance(seen.observed, int):
            continue
        used, most = voice.number(whole - seen.observed + amount), voice.number(whole)
        period = per(voice, required.get("every", "campaign"))
        told.append(voice.say(f"{used} of {most} {period} used", f"{used} di {most} {period}"))
    return voice.say("limits: ", "limiti usati: ") + voice.all_of(told) if told else ""


def _progress(voice: Voice, decision: Decision, unit: str | None) -> str:
    seen = next((each for each in reversed(decision.observations) if each.path == "goal"), None)
    return _reached(voice, seen, unit) if seen is not None else ""


def _reached(voice: Voice, seen: Observation, unit: str | None) -> str:
    done, whole = (
        voice.money(Money(each, unit)) if unit is not None and isinstance(each, int) else value(voice, each)
        for each in (seen.observed, seen.required)
    )
    return voice.say(f"{done} of {whole}", f"{done} di {whole}")


def _nearest(voice: Voice, seen: Observation) -> str:
    """What would have been enough, where all the rest holds."""
    missing = short(voice, seen.miss)
    what = called(voice, seen.path if not seen.path.endswith(("at_least", "at_most")) else seen.path.rpartition(".")[0])
    if missing is None:
        return voice.say(f"Only this stood in the way: {what}", f"Mancava solo questo: {what}")
    if seen.path.endswith("at_most"):
        return voice.say(f"{missing} less would have been enough", f"Bastava {missing} in meno")
    return voice.say(f"{missing} more would have been enough", f"Bastava {missing} in più")


def _line(voice: Voice, seen: Observation, unit: str | None) -> str:
    """One observation: what was there, or why it did not do."""
    if not seen.holds:
        return sentence(refusal(voice, seen))
    names = names_of(seen.path)
    if names[-1] in ("at_least", "at_most"):
        what = called(voice, seen.path.rpartition(".")[0])
        bound = value(voice, seen.required)
        bound = voice.between(bound, None) if names[-1] == "at_least" else voice.between(None, bound)
        return sentence(f"{what}: {value(voice, seen.observed)} ({bound})")
    if "attributes" in names:
        whose = called(voice, seen.path)
        return sentence(f"{whose} " + match(voice, ".".join(names[names.index("attributes") + 1 :]), seen.required))
    return sentence(_held(voice, names, seen, unit))


def _held(voice: Voice, names: list[str], seen: Observation, unit: str | None) -> str:
    """Other conditions that held."""
    what, name = called(voice, seen.path), names[-1]
    match names:
        case ["goal"]:
            return f"{what}: {_reached(voice, seen, unit)}"
        case [*_, "lines"]:
            return voice.say("lines that count: ", "righe che contano: ") + line_names(voice, seen.required)
        case [*_, "all" | "any" | "none"]:
            return f"{what}: {conditions(voice, seen.required)}"
        case ["limits" | "cap" | "groups", *_] if isinstance(seen.observed, int):
            left = voice.number(seen.observed)
            return f"{what}{allowed(voice, seen.required)}: " + voice.say(f"{left} left", f"ne restano {left}")
        case ["schedule", "from" | "until"]:
            return f"{what}: {value(voice, seen.required, name)}"
        case [*_, "home_region" | "region"]:
            store, regions = value(voice, seen.observed), value(voice, seen.required)
            told = voice.say(f"store {store}, which is in {regions}", f"negozio {store}, che è in {regions}")
            return f"{what}: {told}"
        case _:
            return _plainly_held(voice, names, seen) or f"{what}: {value(voice, seen.observed, name)}"


def _plainly_held(voice: Voice, names: list[str], seen: Observation) -> str | None:
    """What holds without a value worth telling."""
    match names:
        case ["order", "training"]:
            return voice.say("not a receipt of a till in training", "non è uno scontrino di formazione")
        case ["audience", "holdout"]:
            return voice.say("not among those left out", "non è tra gli esclusi")
        case ["audience", "outside"]:
            return voice.say("in no segment that is left out", "in nessun segmento escluso")
        case ["schedule", "blackout"]:
            return voice.say("no day of rest", "nessun giorno di pausa")
        case ["currency"]:
            if seen.observed is None:
                return voice.say("no amount in another currency", "nessun importo in un'altra valuta")
            return voice.say("the currency: ", "la valuta: ") + value(voice, seen.observed)
        case ["cost"]:
            return voice.say("enough points for its price", "punti sufficienti per il prezzo")
        case _:
            return None

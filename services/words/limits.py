"""Where a promotion ends, what it costs and how it stands beside others, in words."""

from __future__ import annotations

from schemas.promotions.document import Cost, Objective, Offline
from schemas.promotions.fields import Period
from schemas.promotions.limits import Budget, Limit, Limits, Mode, Stacking
from schemas.promotions.programme import ProgrammeDocument
from services.words.voice import Voice


def limits(voice: Voice, part: Limits, *, only_points: bool = True) -> list[str]:
    """Every limit: so many, how often, for whom; `only_points`: what is given can be cut to what a budget has left."""
    scopes = (
        (part.per_member, voice.say("for each member", "per ogni membro")),
        (part.per_household, voice.say("for each household", "per ogni famiglia")),
        (part.per_store, voice.say("in each store", "in ogni negozio")),
        (part.per_channel, voice.say("in each channel", "in ogni canale")),
        (part.total, voice.say("for all members together", "per tutti i membri insieme")),
    )
    told = [f"{limit(voice, each)} {scope}" for some, scope in scopes for each in some or ()]
    return [*told, budget(voice, part.budget, only_points=only_points)] if part.budget is not None else told


def limit(voice: Voice, part: Limit) -> str:
    """`at most 3 times a month`."""
    told = []
    if part.times is not None:
        times = voice.count(part.times, ("time", "times"), ("volta", "volte"))
        told.append(voice.say("once", "una volta") if part.times == 1 else times)
    if part.points is not None:
        told.append(voice.points(part.points))
    return voice.say("at most ", "al massimo ") + voice.all_of(told) + f" {per(voice, part.every)}"


def per(voice: Voice, period: Period) -> str:
    """A period, after a number."""
    match period:
        case "order":
            return voice.say("per order", "per acquisto")
        case "day":
            return voice.say("a day", "al giorno")
        case "week":
            return voice.say("a week", "alla settimana")
        case "month":
            return voice.say("a month", "al mese")
        case "quarter":
            return voice.say("a quarter", "al trimestre")
        case "year":
            return voice.say("a year", "all'anno")
        case "campaign":
            return voice.say("in the whole campaign", "in tutta la campagna")


def budget(voice: Voice, part: Budget, *, only_points: bool = True) -> str:
    """What there is in all, and what becomes of its last bit: only points can be cut."""
    told = []
    if part.amount is not None:
        told.append(voice.money(part.amount))
    if part.points is not None:
        told.append(voice.points(part.points))
    if part.pieces is not None:
        told.append(voice.count(part.pieces, ("reward", "rewards"), ("premio", "premi")))
    last = (
        voice.say("the last points are cut to what is left", "gli ultimi punti si riducono a quel che resta")
        if part.last == "partial" and only_points
        else voice.say("the last reward is given whole or not at all", "l'ultimo premio si dà intero o per niente")
    )
    return voice.say("budget: ", "budget totale: ") + voice.all_of(told) + f"; {last}"


def cost(voice: Voice, part: Cost) -> str:
    """What the member pays."""
    points = voice.points(part.points, part.currency)
    return voice.say(
        f"each reward costs the member {points}, taken from the balance",
        f"ogni premio costa al membro {points} del saldo",
    )


def stacking(voice: Voice, part: Stacking, programme: ProgrammeDocument | None = None) -> list[str]:
    """How it shares an event with others, as the programme says of its group; nothing where all is as usual."""
    told = []
    shared = mode_of(part, programme)
    if part.group != "main" or shared != "all":
        told.append(voice.say(f"in the group {part.group}, ", f"nel gruppo {part.group} ") + mode(voice, shared))
    if part.priority:
        number = voice.number(part.priority)
        told.append(voice.say(f"priority {number} (higher goes first)", f"priorità {number} (prima la più alta)"))
    if part.takes_lines:
        told.append(
            voice.say(
                "the lines that it counted do not count for those after it",
                "le righe che ha contato non contano per quelle dopo",
            )
        )
    return told


def mode_of(part: Stacking, programme: ProgrammeDocument | None) -> Mode:
    """The mode that decides: the programme's for the group where it has one, else the document's own."""
    group = programme.groups.get(part.group) if programme is not None else None
    return group.mode if group is not None and group.mode is not None else part.mode


def caps(voice: Voice, part: Stacking, programme: ProgrammeDocument) -> list[str]:
    """What the programme allows a member from the promotion's group, and from all promotions."""
    group = programme.groups.get(part.group)
    of_group = voice.say(
        f"for each member, from all promotions of the group {part.group} together",
        f"per ogni membro, da tutte le promozioni del gruppo {part.group} insieme",
    )
    of_all = voice.say(
        "for each member, from all promotions together", "per ogni membro, da tutte le promozioni insieme"
    )
    told = [f"{limit(voice, each)} {of_group}" for each in (group.cap if group is not None else None) or ()]
    return [*told, *(f"{limit(voice, each)} {of_all}" for each in programme.cap or ())]


def mode(voice: Voice, part: Mode) -> str:
    """Who gives, of a group."""
    match part:
        case "all":
            return voice.say("every promotion gives", "danno tutte le promozioni")
        case "best":
            return voice.say(
                "only the one worth most to the member gives", "dà solo quella che vale di più per il membro"
            )
        case "first":
            return voice.say("only the first by priority gives", "dà solo la prima per priorità")
        case "exclusive":
            return voice.say(
                "only the first by priority gives, and none outside the group",
                "dà solo la prima per priorità, e nessuna fuori dal gruppo",
            )


def objective(voice: Voice, part: Objective) -> list[str]:
    """What it is for."""
    told = [voice.say("metric ", "metrica ") + part.metric]
    if part.target is not None:
        target = voice.number(part.target) if isinstance(part.target, int) else part.target
        told.append(voice.say(f"target {target}", f"obiettivo {target}"))
    if part.change is not None:
        told.append(voice.say(f"change {part.change}", f"variazione {part.change}"))
    if part.by is not None:
        told.append(voice.say(f"by {voice.moment(part.by)}", f"entro il {voice.moment(part.by)}"))
    if part.expected_cost is not None:
        money = voice.money(part.expected_cost)
        told.append(voice.say(f"expected cost {money}", f"costo previsto {money}"))
    return told


def offline(voice: Voice, part: Offline) -> list[str]:
    """What a till that is cut off may do."""
    told = [
        voice.say(
            "a till that is cut off redeems the coupons it knows", "una cassa isolata accetta i buoni che conosce"
        )
        if part.redeem == "replicated"
        else voice.say("a till that is cut off redeems no coupon", "una cassa isolata non accetta buoni")
    ]
    if part.max_value is not None:
        money = voice.money(part.max_value)
        told.append(voice.say(f"each worth at most {money}", f"ognuno di al massimo {money}"))
    return told

"""What a promotion gives, in words."""

from __future__ import annotations

from schemas.promotions.fields import Rounding
from schemas.promotions.rewards import (
    BuyGet,
    Contest,
    CouponReward,
    GiftReward,
    PointsReward,
    Reward,
    StampReward,
    TierReward,
    Variant,
)
from services.words.events import channel
from services.words.lines import Line, joined
from services.words.occasions import campaign
from services.words.voice import Voice, sentence


def reward(voice: Voice, part: Reward) -> str:
    """One reward, as a noun."""
    told = []
    if part.points is not None:
        told.append(points(voice, part.points))
    if part.coupon is not None:
        told.append(coupon(voice, part.coupon))
    if part.stamps is not None:
        told.append(stamps(voice, part.stamps))
    if part.tier_points is not None:
        told.append(
            voice.count(
                part.tier_points, ("tier point", "tier points"),
                ("punto livello", "punti livello"),
            )
        )  # fmt: skip
    if part.tier is not None:
        told.append(tier(voice, part.tier))
    if part.gift is not None:
        told.append(gift(voice, part.gift))
    if part.entries is not None:
        told.append(
            voice.count(
                part.entries,
                ("entry to the prize draw", "entries to the prize draw"),
                ("partecipazione all'estrazione", "partecipazioni all'estrazione"),
            )
        )
    if part.instant_win:
        told.append(voice.say("a try at the instant win", "un tentativo all'instant win"))
    if part.message is not None:
        told.append(voice.say("a message to the member: ", "un messaggio al membro: ") + voice.told_in(part.message))
    if part.value is not None:
        money = voice.money(part.value)
        told.append(voice.say(f"reckoned as {money}", f"calcolato come {money}"))
    return ", ".join(told)


def points(voice: Voice, part: PointsReward) -> str:
    """Points: how many, and how they live."""
    told = _how_many(voice, part)
    rounding = rounded(voice, part.rounding)
    if rounding:
        told.append(rounding)
    if part.pending_for is not None:
        length = voice.length(part.pending_for)
        told.append(voice.say(f"usable after {length}", f"utilizzabili dopo {length}"))
    if part.pending_until is not None:
        day = voice.since(voice.moment(part.pending_until))
        told.append(voice.say(f"usable {day} on", f"utilizzabili {day} in poi"))
    if part.pending_returns:
        told.append(
            voice.say("usable when the time for returns is over", "utilizzabili quando è finito il tempo per i resi")
        )
    if part.expires_after is not None:
        length = voice.length(part.expires_after)
        waits = part.pending_for is not None or part.pending_until is not None or part.pending_returns
        then = voice.say(" from then", " da allora") if waits else ""
        told.append(voice.say(f"good for {length}", f"validi {length}") + then)
    if part.expires_on is not None:
        told.append(voice.say("good ", "validi ") + voice.until(voice.moment(part.expires_on)))
    return ", ".join(told)


def _how_many(voice: Voice, part: PointsReward) -> list[str]:
    told = []
    currency = "" if part.currency == "base" else f" ({part.currency})"
    if part.earn is not None:
        text = voice.points(part.earn, part.currency)
        if part.per is not None:
            money = voice.money(part.per)
            text += voice.say(f" for every full {money}", f" ogni {money} interi")
        if part.per_piece:
            text += voice.say(" for each piece", " per ogni pezzo")
        told.append(text)
    elif part.per_piece or part.per is not None:
        told.append(voice.say("points for each piece or amount", "punti per ogni pezzo o importo"))
    if part.ladder is not None:
        rungs = [
            voice.say(
                f"{voice.number(rung.earn)} from {voice.money(rung.from_)}",
                f"{voice.number(rung.earn)} da {voice.money(rung.from_)}",
            )
            for rung in part.ladder
        ]
        told.append(voice.say("points by amount", "punti secondo l'importo") + f"{currency}: " + voice.all_of(rungs))
    if part.times is not None:
        of = voice.say(" of the event", " dell'evento")
        if part.of is not None:
            named = voice.all_of(part.of)
            of = voice.say(f" of the promotion {named}", f" della promozione {named}")
        times = voice.factor(part.times)
        told.append(voice.say(f"{times} times the points{of}{currency}", f"{times} volte i punti{of}{currency}"))
    return told


def rounded(voice: Voice, rounding: Rounding | None) -> str:
    """What happens to fractions; empty where the programme decides."""
    match rounding:
        case "down":
            return voice.say("rounded down", "arrotondati per difetto")
        case "half_up":
            return voice.say("rounded to the nearest", "arrotondati al più vicino")
        case "up":
            return voice.say("rounded up", "arrotondati per eccesso")
        case None:
            return ""


def coupon(voice: Voice, part: CouponReward) -> str:
    """A coupon: its benefit, on what, where, when, with which code."""
    head = voice.say("a coupon: ", "un buono: ") + joined(_benefit(voice, part))
    told = [joined([head, joined(_products(voice, part))], " ")]
    if part.max_amount is not None:
        told.append(voice.say("at most ", "al massimo ") + voice.money(part.max_amount))
    told += [*_scope(voice, part), *_validity(voice, part)]
    if part.code is not None:
        told.append(voice.say(f"the same code for all, {part.code}", f"lo stesso codice per tutti, {part.code}"))
    if part.codes is not None:
        count = voice.count(part.codes.count, ("code", "codes"), ("codice", "codici"))
        file, digest = part.codes.file, part.codes.sha256[:12]
        told.append(
            voice.say(
                f"each with one of the {count} in {file} (SHA-256 {digest}…)",
                f"ognuno con uno dei {count} in {file} (SHA-256 {digest}…)",
            )
        )
    if part.title is not None:
        told.append(voice.told_in(part.title))
    return ", ".join(told)


def _benefit(voice: Voice, part: CouponReward) -> list[str]:
    told = []
    if part.amount_off is not None:
        told.append(voice.say(f"{voice.money(part.amount_off)} off", f"{voice.money(part.amount_off)} di sconto"))
    if part.percent_off is not None:
        told.append(voice.say(f"{voice.share(part.percent_off)} off", f"{voice.share(part.percent_off)} di sconto"))
    if part.free_item is not None:
        named = voice.any_of(part.free_item)
        told.append(voice.say(f"one piece of product {named} free", f"un pezzo del prodotto {named} gratis"))
    if part.cheapest_free:
        told.append(voice.say("the cheapest piece free", "il pezzo meno caro gratis"))
    if part.fixed_price is not None:
        money = voice.money(part.fixed_price)
        told.append(voice.say(f"a piece for {money}", f"un pezzo a {money}"))
    if part.buy_get is not None:
        told.append(buy_get(voice, part.buy_get))
    if part.free_shipping:
        told.append(voice.say("free shipping", "spedizione gratuita"))
    if part.points_times is not None:
        times = voice.factor(part.points_times)
        told.append(voice.say(f"{times} times the points on that order", f"{times} volte i punti su quell'acquisto"))
    return told


def buy_get(voice: Voice, part: BuyGet) -> str:
    """Buy so many, get so many."""
    buy, get = voice.number(part.buy), voice.number(part.get)
    if part.percent_off.percent == 100:
        return voice.say(f"buy {buy}, get {get} free", f"compri {buy}, {get} in omaggio")
    share = voice.share(part.percent_off)
    return voice.say(f"buy {buy}, get {get} at {share} off", f"compri {buy}, {get} con il {share} di sconto")


def _products(voice: Voice, part: CouponReward) -> list[str]:
    fields = (
        (part.category, voice.say("on category ", "sulla categoria ")),
        (part.brand, voice.say("on brand ", "sulla marca ")),
        (part.sku, voice.say("on product ", "sul prodotto ")),
    )
    return [label + voice.any_of(names) for names, label in fields if names is not None]


def _scope(voice: Voice, part: CouponReward) -> list[str]:
    told = []
    if part.min_total is not None:
        money = voice.money(part.min_total)
        told.append(voice.say(f"from a basket of {money} on", f"con una spesa di almeno {money}"))
    if part.channels is not None:
        told.append(
            voice.say("to be used ", "da usare ") + voice.any_of([channel(voice, each) for each in part.channels])
        )
    if part.stores is not None:
        named = voice.any_of(part.stores)
        told.append(
            voice.noun(
                len(part.stores), (f"only in store {named}",) * 2,
                (f"solo nel negozio {named}", f"solo nei negozi {named}"),
            )
        )  # fmt: skip
    return told


def _validity(voice: Voice, part: CouponReward) -> list[str]:
    told = []
    if part.usable_after is not None:
        length = voice.length(part.usable_after)
        told.append(voice.say(f"usable {length} later", f"utilizzabile dopo {length}"))
    if part.valid_for is not None:
        length = voice.length(part.valid_for)
        told.append(voice.say(f"valid for {length}", f"valido {length}"))
    if part.valid_from is not None or part.valid_until is not None:
        told.append(voice.say("valid ", "valido ") + campaign(voice, part.valid_from, part.valid_until))
    return told


def stamps(voice: Voice, part: StampReward) -> str:
    """Stamps on the card of another promotion."""
    count = voice.count(part.give, ("stamp", "stamps"), ("bollino", "bollini"))
    return voice.say(f"{count} on the card of {part.card}", f"{count} sulla tessera di {part.card}")


def tier(voice: Voice, part: TierReward) -> str:
    """A tier, at once."""
    told = voice.say(f"the tier {part.tier} at once", f"subito il livello {part.tier}")
    if part.for_ is None:
        return told
    length = voice.length(part.for_)
    return told + voice.say(f", for {length}", f", per {length}")


def gift(voice: Voice, part: GiftReward) -> str:
    """A thing from a stock."""
    length, stock = voice.length(part.valid_for), voice.number(part.stock)
    told = voice.say(
        f"a gift: {part.item}, to be fetched within {length}, {stock} in stock",
        f"un omaggio: {part.item}, da ritirare entro {length}, {stock} disponibili",
    )
    return told if part.title is None else f"{told}, {voice.told_in(part.title)}"


def variants(voice: Voice, arms: tuple[Variant, ...]) -> list[Line]:
    """What each arm of a test gives."""
    whole = sum(arm.weight for arm in arms)
    told = [Line(voice.say("By chance, always the same for each member:", "A caso, sempre lo stesso per ogni membro:"))]
    for arm in arms:
        name = f"{arm.variant} ({voice.number(arm.weight)}/{voice.number(whole)}): "
        given = [reward(voice, each) for each in arm.reward] or [voice.say("nothing", "niente")]
        told.append(Line(name + "; ".join(given), 1))
    return told


def contest(voice: Voice, part: Contest) -> list[Line]:
    """The prizes of a contest, and what its draws follow from."""
    told = []
    if part.draw is not None:
        day = voice.on_day(voice.moment(part.draw.at))
        told.append(Line(sentence(voice.say(f"prize draw {day}:", f"estrazione {day}:"))))
        for prize in part.draw.prizes:
            winners = voice.count(prize.winners, ("winner", "winners"), ("vincitore", "vincitori"))
            reserves = voice.count(prize.reserves, ("reserve", "reserves"), ("riserva", "riserve"))
            told.append(Line(f"{prize.prize}: {joined([winners, reserves if prize.reserves else ''])}", 1))
        if part.draw.several_prizes:
            told.append(Line(voice.say("a member may win several", "un membro può vincerne più di uno"), 1))
    if part.instant_win is not None:
        told.append(
            Line(
                voice.say(
                    "Instant win, at moments drawn before the start:",
                    "Instant win, in momenti estratti prima dell'inizio:",
                )
            )
        )
        for instant in part.instant_win.prizes:
            winners = voice.count(instant.winners, ("winner", "winners"), ("vincitore", "vincitori"))
            given = reward(voice, instant.reward) if instant.reward is not None else ""
            told.append(Line(f"{instant.prize}: {joined([winners, given])}", 1))
    seed = part.seed_sha256
    told.append(
        Line(
            voice.say(
                f"All draws follow from a seed whose SHA-256 is {seed}",
                f"Tutte le estrazioni derivano da un seme il cui SHA-256 è {seed}",
            )
        )
    )
    return told

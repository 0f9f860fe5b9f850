"""What a member holds, in words: what a coupon gives and where, what is missing to a goal, stamps, the tier."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from schemas.promotions.written import Money, Share
from schemas.values import Channel
from schemas.wallet import Benefit, GoalPart, GoalUnit, StampCard, Tier, WalletCoupon, WalletOffer, WalletRecord
from services.words.voice import Voice, sentence

Forms = tuple[tuple[str, str], tuple[str, str]]
BETWEEN = " · "

STAMPS: Final[Forms] = (("stamp", "stamps"), ("bollino", "bollini"))
STEPS: Final[Forms] = (("step", "steps"), ("passo", "passi"))
_UNITS: Final[Mapping[GoalUnit, Forms]] = {
    "visits": (("visit", "visits"), ("visita", "visite")),
    "pieces": (("piece", "pieces"), ("pezzo", "pezzi")),
    "activities": (("activity", "activities"), ("attività", "attività")),
    "stamps": STAMPS,
    "products": (("other product", "other products"), ("altro prodotto", "altri prodotti")),
    "categories": (("other category", "other categories"), ("altra categoria", "altre categorie")),
    "brands": (("other brand", "other brands"), ("altra marca", "altre marche")),
    "stores": (("other store", "other stores"), ("altro negozio", "altri negozi")),
    "channels": (("other channel", "other channels"), ("altro canale", "altri canali")),
    "days": (("day", "days"), ("giorno", "giorni")),
    "weeks": (("week", "weeks"), ("settimana", "settimane")),
    "months": (("month", "months"), ("mese", "mesi")),
    "quarters": (("quarter", "quarters"), ("trimestre", "trimestri")),
    "years": (("year", "years"), ("anno", "anni")),
    "periods": (("period", "periods"), ("periodo", "periodi")),
    "parts": STEPS,
}


def badge(voice: Voice, benefit: Benefit) -> str:
    """What a coupon gives in a few characters: `−€5.00`, `−20%`, `2 + 1`, `× 2`, `free`."""
    match benefit.type:
        case "amount_off":
            return "−" + _money(voice, benefit, benefit.amount)
        case "percent_off":
            return "−" + _percent(voice, benefit)
        case "fixed_price":
            return _money(voice, benefit, benefit.amount)
        case "buy_get" if benefit.percent not in (None, 100):
            return "−" + _percent(voice, benefit)
        case "buy_get":
            return f"{voice.number(benefit.buy or 1)} + {voice.number(benefit.get or 1)}"
        case "points_times":
            return "× " + _factor(voice, benefit)
        case "gift":
            return voice.say("gift", "omaggio")
        case "free_item" | "cheapest_free" | "free_shipping":
            return voice.say("free", "gratis")


def given(voice: Voice, benefit: Benefit) -> str:
    """What a coupon gives, as a phrase: `20% off, at most €8.00`."""
    match benefit.type:
        case "amount_off":
            amount = _money(voice, benefit, benefit.amount)
            return voice.say(f"{amount} off", f"{amount} di sconto")
        case "percent_off":
            told = voice.say(f"{_percent(voice, benefit)} off", f"{_percent(voice, benefit)} di sconto")
            most = _money(voice, benefit, benefit.max_amount)
            return told + (voice.say(f", at most {most}", f", al massimo {most}") if benefit.max_amount else "")
        case "fixed_price":
            amount = _money(voice, benefit, benefit.amount)
            return voice.say(f"one piece for {amount}", f"un pezzo a {amount}")
        case "buy_get":
            return _buy_get(voice, benefit)
        case "points_times":
            times = _factor(voice, benefit)
            return voice.say(f"{times} times the points of one purchase", f"i punti di un acquisto per {times}")
        case _:
            return _for_nothing(voice, benefit)


def _buy_get(voice: Voice, benefit: Benefit) -> str:
    buy, get = voice.number(benefit.buy or 1), voice.number(benefit.get or 1)
    if benefit.percent in (None, 100):
        return voice.say(f"buy {buy}, get {get} more free", f"ogni {buy} acquistati, {get} in omaggio")
    off = _percent(voice, benefit)
    return voice.say(f"buy {buy}, get {get} more at {off} off", f"ogni {buy} acquistati, {get} con il {off} di sconto")


def _for_nothing(voice: Voice, benefit: Benefit) -> str:
    match benefit.type:
        case "free_item":
            items = voice.any_of(benefit.sku)
            return voice.say(f"one piece free: {items}", f"un pezzo gratis: {items}")
        case "cheapest_free":
            return voice.say("the cheapest piece is free", "il pezzo meno caro è gratis")
        case "free_shipping":
            return voice.say("free shipping", "spedizione gratuita")
        case _:
            return voice.say(f"a gift: {benefit.item or ''}", f"in omaggio: {benefit.item or ''}")


def conditions(voice: Voice, coupon: WalletCoupon) -> list[str]:
    """For which lines, from which amount on, and where it can be used: one phrase each, none for what is free."""
    benefit, told = coupon.benefit, []
    if benefit.category:
        told.append(voice.say("on ", "su ") + voice.any_of(benefit.category))
    if benefit.brand:
        told.append(voice.say("of the brand ", "della marca ") + voice.any_of(benefit.brand))
    if benefit.sku and benefit.type != "free_item":
        told.append(voice.say("on the products ", "sui prodotti ") + voice.any_of(benefit.sku))
    if benefit.min_total is not None:
        least = _money(voice, benefit, benefit.min_total)
        told.append(voice.say(f"from {least} on", f"da {least} di spesa"))
    if coupon.channels:
        told.append(voice.say("only ", "solo ") + voice.any_of([_channel(voice, name) for name in coupon.channels]))
    if coupon.stores:
        told.append(voice.say("in store ", "nel negozio ") + voice.any_of(coupon.stores))
    return told


def terms(voice: Voice, coupon: WalletCoupon) -> str:
    """What the badge leaves open: what is given where that is no plain amount, and the conditions; often empty."""
    plain = coupon.benefit.type in ("amount_off", "percent_off") and not coupon.benefit.max_amount
    told = [*(() if plain else (given(voice, coupon.benefit),)), *conditions(voice, coupon)]
    return sentence(BETWEEN.join(told))


def goals(wallet: WalletRecord) -> list[WalletOffer]:
    """What is under way, cards of stamps included: those that no offer stands for become one."""
    told = {offer.promotion_id for offer in wallet.offers}
    return [*wallet.offers, *(_card(card) for card in wallet.stamps if card.promotion_id not in told)]


def _card(card: StampCard) -> WalletOffer:
    name = card.promotion_id
    return WalletOffer(
        offer_id=name, promotion_id=name, progress=card.count, target=card.goal, unit="stamps", title=card.title
    )


def amount(voice: Voice, counted: WalletOffer | GoalPart, number: int) -> str:
    """So much of what a goal counts: money as such, everything else as a number."""
    if counted.unit == "money" and counted.currency is not None:
        return voice.money(Money(number, counted.currency))
    return voice.number(number)


def to_go(voice: Voice, counted: WalletOffer | GoalPart) -> str:
    """What is missing to a goal or to a part of it: `€3.20 to go`, `manca 1 visita`."""
    missing = max(0, counted.target - counted.progress)
    forms = _UNITS.get(counted.unit)
    told = voice.count(missing, *forms) if forms is not None else amount(voice, counted, missing)
    missed = "manca" if missing == 1 and forms is not None else "mancano"
    return voice.say(f"{told} to go", f"{missed} {told}")


def tier(voice: Voice, held: Tier) -> str:
    """The tier's title, else its id."""
    return voice.text(held.title) or held.id.capitalize()


def _money(voice: Voice, benefit: Benefit, minor: int | None) -> str:
    return voice.money(Money(minor or 0, benefit.currency)) if benefit.currency else voice.number(minor or 0)


def _percent(voice: Voice, benefit: Benefit) -> str:
    return voice.share(Share((benefit.percent or 0) * 100))


def _factor(voice: Voice, benefit: Benefit) -> str:
    return voice.number(Decimal(benefit.factor or "1").normalize())


def _channel(voice: Voice, name: Channel) -> str:
    match name:
        case "pos":
            return voice.say("in the shops", "in negozio")
        case "app":
            return voice.say("in the app", "nell'app")
        case "web":
            return "online"

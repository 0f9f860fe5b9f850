"""What the till's page says in the staff's language, and every number and time on it (by Babel, on the server)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.numbers import format_decimal

from schemas.values import Language, Text
from schemas.wallet import GoalPart, Tier, WalletCoupon, WalletOffer
from services.words import holdings
from services.words.voice import Voice, sentence

LANGUAGES: tuple[Language, ...] = ("en", "it")

_SAID: dict[Language, dict[str, str]] = {
    "en": {
        "store": "Store {store}",
        "till": "Till {till}",
        "member": "Member",
        "find": "Find member",
        "member_id": "Member id or card",
        "points": "points",
        "pending": "{points} on their way",
        "coupons": "Usable coupons",
        "no_coupons": "No coupon to use today",
        "no_coupons_next": "See what is missing below.",
        "until": "until {day}",
        "say": "Tell the member",
        "goals": "On the way",
        "done": "done",
        "tier_until": "{tier} until {day}",
        "told": "The member was told",
        "unknown": "This till knows no member {member}",
        "unknown_next": "Check the number. A new member appears here by itself after the first purchase.",
        "held": "{members} members on this till",
        "recent": "Last updates",
        "none_yet": "Nothing has arrived yet",
        "none_yet_next": "The first wallet appears after a purchase, a return or an app event.",
        "updated": "as of {time}",
        "live": "live",
        "reconnecting": "reconnecting (last heard {time})",
        "offline": "offline (as of {time})",
        "never": "never",
        "back": "All members",
        "no_script": "This page does not update by itself: scripts are off.",
    },
    "it": {
        "store": "Negozio {store}",
        "till": "Cassa {till}",
        "member": "Cliente",
        "find": "Cerca cliente",
        "member_id": "Numero o tessera",
        "points": "punti",
        "pending": "{points} in arrivo",
        "coupons": "Buoni utilizzabili",
        "no_coupons": "Nessun buono da usare oggi",
        "no_coupons_next": "Sotto trovi quanto manca.",
        "until": "fino al {day}",
        "say": "Da dire al cliente",
        "goals": "In corso",
        "done": "fatto",
        "tier_until": "{tier} fino al {day}",
        "told": "Messaggi al cliente",
        "unknown": "Questa cassa non conosce il cliente {member}",
        "unknown_next": "Controlla il numero. Un nuovo cliente compare da solo dopo il primo acquisto.",
        "held": "{members} clienti su questa cassa",
        "recent": "Ultimi aggiornamenti",
        "none_yet": "Non è ancora arrivato nulla",
        "none_yet_next": "Il primo portafoglio compare dopo un acquisto, un reso o un evento dell'app.",
        "updated": "aggiornato alle {time}",
        "live": "in linea",
        "reconnecting": "riconnessione (ultimo contatto {time})",
        "offline": "non in linea (dati delle {time})",
        "never": "mai",
        "back": "Tutti i clienti",
        "no_script": "Questa pagina non si aggiorna da sola: gli script sono disattivati.",
    },
}


def chosen(accept_language: str) -> Language:
    """The first of our languages that the browser asks for, by its order; English when there is none."""
    for part in accept_language.split(","):
        wanted = part.split(";")[0].strip().lower()[:2]
        for language in LANGUAGES:
            if wanted == language:
                return language
    return "en"


class Words:
    """Sentences, numbers and times in one language and time zone."""

    def __init__(self, language: Language, zone: ZoneInfo) -> None:
        self.language = language
        self._zone = zone
        self._voice = Voice("it" if language == "it" else "en")

    def say(self, name: str, **parts: str) -> str:
        """A sentence by its name."""
        return _SAID[self.language][name].format(**parts)

    def text(self, text: Text) -> str:
        """A text of a promotion in this language, else in English, else in any it has."""
        return text.get(self.language) or text.get("en") or next(iter(text.values()), "")

    def number(self, number: int) -> str:
        """A whole number."""
        return format_decimal(number, locale=self.language)

    def badge(self, coupon: WalletCoupon) -> str:
        """What a coupon gives, in a few characters."""
        return holdings.badge(self._voice, coupon.benefit)

    def terms(self, coupon: WalletCoupon) -> str:
        """What the badge leaves open; often nothing."""
        return holdings.terms(self._voice, coupon)

    def title(self, coupon: WalletCoupon) -> str:
        """The coupon's title, else what it gives."""
        return self.text(coupon.title) or sentence(holdings.given(self._voice, coupon.benefit))

    def rest(self, counted: WalletOffer | GoalPart) -> str:
        """What is missing to the goal, with its unit."""
        return holdings.to_go(self._voice, counted)

    def tier(self, tier: Tier) -> str:
        """The tier, and until when it is sure."""
        name = holdings.tier(self._voice, tier)
        return name if tier.until is None else self.say("tier_until", tier=name, day=self.day(tier.until))

    def day(self, moment: datetime) -> str:
        """A day."""
        return format_date(moment.astimezone(self._zone).date(), format="medium", locale=self.language)

    def time(self, moment: datetime | None) -> str:
        """A time of day, 24 hours; the word for never when there is none."""
        if moment is None:
            return self.say("never")
        return format_time(moment.astimezone(self._zone), format="HH:mm:ss", locale=self.language)


def known_parts() -> Mapping[Language, Mapping[str, str]]:
    """Every sentence of every language, for the test that compares them."""
    return _SAID

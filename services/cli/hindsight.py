"""What `unisono explain` tells: lines for people, one object for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from schemas.values import rfc3339
from services.cli import explanations
from services.cli.errors import UsageError
from services.engine.calendar.moments import moment_of
from services.engine.entries import Entry
from services.engine.programme import Programme, compile_programme
from services.ledger.explain import LookedBack, Past, Recorded, look_back, why_absent
from services.ledger.ports import Published
from services.ops.wording import printable
from services.settings import Settings
from services.terms import programme_terms
from services.words import hindsight as words
from services.words.voice import Spoken, Voice


@dataclass(slots=True)
class Hindsight:
    """An event of the books (None: a moment of time alone), what looking back at it found, and under what.

    `conflicts` are dead letters that bear its id with other content; `promotion` is the one asked for, None for all.
    """

    recorded: Recorded | None
    looked: LookedBack
    programme: Programme
    documents: explanations.Documents
    member_id: str
    conflicts: Sequence[int]
    promotion: str | None = None

    @classmethod
    def of(
        cls, past: Past, published: Published, cause: str, recorded: Recorded | None, conflicts: Sequence[int]
    ) -> Hindsight:
        """Look back at a cause in a member's past, under everything that was ever published."""
        terms = programme_terms(Settings())
        programme = compile_programme(published.promotions, terms, published.documents)
        documents = {(each.promotion.promotion, each.version): each.promotion for each in published.promotions}
        looked = look_back(past, cause, programme)
        return cls(recorded, looked, programme, documents, past.wallet.member_id, conflicts)

    def only(self, promotion_id: str) -> None:
        """Tell of this promotion alone; raises UsageError for one that was never published."""
        if promotion_id not in self.programme.versions:
            raise UsageError(f"no promotion {printable(promotion_id)} was ever published")
        decisions = [each for each in self.looked.decisions if each.promotion_id == promotion_id]
        self.looked, self.promotion = replace(self.looked, decisions=decisions), promotion_id

    @property
    def at(self) -> datetime:
        """When it happened."""
        if self.recorded is not None:
            return self.recorded.event.occurred_at
        return datetime.fromisoformat(self.looked.cause.removeprefix("time "))

    @property
    def trigger(self) -> str:
        """The kind of event as promotions name it; `time` for none."""
        if self.recorded is None:
            return "time"
        return self.recorded.event.type.removeprefix("unisono.").removesuffix(".v1")

    def lines(self, language: Spoken) -> Iterator[str]:
        """Everything, a line each: the event, what became of it, each promotion, the books."""
        voice, zone = Voice(language), self.programme.zone
        name = words.happened(voice, self.trigger)
        of = voice.say(f"of member {self.member_id}", f"del membro {self.member_id}")
        yield printable(f"{name} {of}, {words.moment(voice, self.at, zone)} ({zone.key})")
        yield printable(self.looked.cause)
        yield from map(printable, self._circumstances(voice))
        told = explanations.explained(self.looked.decisions, self.documents, language)
        for explanation in told:
            yield ""
            yield from explanations.lines(explanation)
        if not told:
            yield ""
            yield self._nobody(voice)
        yield ""
        yield from map(printable, self._books(voice))

    def _circumstances(self, voice: Voice) -> Iterator[str]:
        recorded, found, zone = self.recorded, self.looked.circumstances, self.programme.zone
        if recorded is None:
            return
        data = recorded.event.data
        if recorded.stated_at is not None:
            yield words.held_back(voice, words.moment(voice, recorded.stated_at, zone))
        if found.overtaken:
            yield words.late(voice, words.moment(voice, recorded.recorded_at, zone), found.overtaken)
        if found.left != "all":
            yield words.undone(voice, found.left, found.undone_by, coupon=self.trigger == "coupon.redeemed")
        if self.trigger in ("order.returned", "order.voided"):
            yield words.undoes(voice, str(getattr(data, "order_id", "")), known=found.order_known)
        if self.looked.taken_back:
            yield words.took_back(voice, self.looked.taken_back)
        if self.conflicts:
            yield words.refused_too(voice, self.conflicts)

    def _nobody(self, voice: Voice) -> str:
        if self.promotion is None:
            if self.looked.circumstances.left == "nothing":
                return voice.say("So no promotion looks at it.", "Perciò nessuna promozione lo guarda.")
            return voice.say("No promotion looked at it.", "Nessuna promozione lo ha guardato.")
        why, compiled = why_absent(self.programme, self.promotion, self.trigger, self.at)
        turned = compiled.starts if why == "unpublished" else compiled.ends
        when = words.moment(voice, moment_of(turned), self.programme.zone) if turned else ""
        return words.absent(voice, why, self.promotion, when=when, starts=sorted(compiled.triggers))

    def _books(self, voice: Voice) -> Iterator[str]:
        looked, books = self.looked, self.looked.books
        besides = [entry for entry in looked.entries if _decided_by_nobody(entry)]
        if besides:
            yield words.besides(voice, besides)
        if books.missing:
            yield words.missing(voice, books.missing)
        if books.surplus:
            yield words.surplus(voice, books.surplus)
        for entry, other in books.before:
            yield words.moved(voice, entry, other, before=True)
        for entry, other in books.later:
            yield words.moved(voice, entry, other, before=False)
        if books.agrees and not (books.before or books.later):
            yield words.agree(voice, len(books.held))

    def document(self, language: Spoken) -> dict[str, Any]:
        """For `--json`."""
        looked, books = self.looked, self.looked.books
        absent = None
        if self.promotion is not None and not looked.decisions:
            absent = why_absent(self.programme, self.promotion, self.trigger, self.at)[0]
        return {
            "cause": looked.cause,
            "member_id": self.member_id,
            "event": _event(self.recorded) if self.recorded is not None else None,
            "circumstances": asdict(looked.circumstances),
            "dead_letters": list(self.conflicts),
            "explained": explanations.plain(explanations.explained(looked.decisions, self.documents, language)),
            "absent": absent,
            "entries": list(map(_entry, looked.entries)),
            "taken_back": list(map(_entry, looked.taken_back)),
            "books": {
                "agree": books.agrees,
                "missing": list(map(_entry, books.missing)),
                "surplus": list(map(_entry, books.surplus)),
                "before": [{**_entry(entry), "stands_under": cause} for entry, cause in books.before],
                "later": [{**_entry(entry), "given_by": cause} for entry, cause in books.later],
            },
        }


def _decided_by_nobody(entry: Entry) -> bool:
    return entry.promotion_id is None or entry.kind in ("coupon.redeemed", "coupon.conflict", "coupon.expired")


def _event(recorded: Recorded) -> dict[str, Any]:
    event = recorded.event
    return {
        "source": event.source,
        "id": event.id,
        "type": event.type,
        "occurred_at": rfc3339(event.occurred_at),
        "recorded_at": rfc3339(recorded.recorded_at),
        "stated_at": rfc3339(recorded.stated_at) if recorded.stated_at is not None else None,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "entry_key": entry.key,
        "kind": entry.kind,
        "unit": entry.unit,
        "amount": entry.amount,
        "promotion_id": entry.promotion_id,
        "promotion_version": entry.promotion_version,
        "offer_id": entry.offer_id,
        "coupon_id": entry.coupon_id,
        "occurred_at": rfc3339(entry.occurred_at),
    }

"""One member's wallet in front of single rooms of the engine: occasions, grants and time, without a whole programme."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from schemas.promotions.programme import ProgrammeDocument
from schemas.promotions.rewards import PointsReward, TierReward
from services.engine.calendar.moments import micros
from services.engine.entries import Entry
from services.engine.occasion import Desk, Occasion
from services.engine.rewarding.grants import UNLIMITED
from services.engine.rewarding.points import give_points, pass_points, pay, points_due
from services.engine.rewarding.rewards import Grant
from services.engine.rewarding.tiers import give_tier, pass_tiers, tiers_due
from services.engine.terms import ProgrammeTerms, ProgrammeVersion, compile_terms
from services.engine.wallet import Wallet
from tests.unit.engine.stage import ALWAYS, MEMBER, order

ROME = ZoneInfo("Europe/Rome")


def at(text: str, zone: ZoneInfo = ROME) -> datetime:
    """A moment of the local clock."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def shown(instant: int, zone: ZoneInfo = ROME) -> str:
    """What the local clock shows at an instant, `` for none."""
    return datetime.fromtimestamp(instant / 1_000_000, zone).replace(tzinfo=None).isoformat() if instant else ""


@dataclass
class Member:
    """A member under a programme document; what happens is done to `wallet` and told in `entries`."""

    document: dict[str, Any] = field(default_factory=dict)
    timezone: str = "Europe/Rome"
    wallet: Wallet = field(default_factory=lambda: Wallet.empty(MEMBER))
    entries: list[Entry] = field(default_factory=list)
    marks: int = 0

    def __post_init__(self) -> None:
        self.publish(self.document)

    def publish(self, document: dict[str, Any]) -> None:
        """These terms hold from now on."""
        version = ProgrammeVersion(ProgrammeDocument.model_validate({"programme": "main", **document}), 1, ALWAYS)
        (self.terms,) = compile_terms([version], ProgrammeTerms(b"secret", self.timezone, "EUR"))

    def occasion(self, when: str | datetime, total: int = 0, **fields: Any) -> Occasion:
        """An order of the member, time brought up to it."""
        moment = at(when, ZoneInfo(self.timezone)) if isinstance(when, str) else when
        self.until(moment)
        made = order(total, moment, **fields)
        desk = Desk(SimpleNamespace(terms_at=lambda _: self.terms), UNLIMITED, self.entries)  # type: ignore[arg-type]
        self.marks += 1
        cause = f"/app {self.marks}"
        return Occasion(self.wallet, desk, "order.completed", cause, moment, micros(moment), made.data)

    def grant(self, occasion: Occasion, promotion_id: str = "p") -> Grant:
        """A bundle of a promotion on the programme's own clock."""
        compiled = SimpleNamespace(promotion_id=promotion_id, version=1, zone=ZoneInfo(self.timezone))
        return Grant(compiled, occasion, "", str(self.marks))  # type: ignore[arg-type]

    def earn(self, when: str | datetime, total: int = 0, **reward: Any) -> Grant:
        """Points on an order."""
        grant = self.grant(self.occasion(when, total))
        give_points(grant, "0", PointsReward.model_validate(reward))
        return grant

    def spend(self, when: str | datetime, points: int, currency: str = "base") -> list[tuple[int, int]]:
        """Points for a reward: what was taken, as (points, expiry)."""
        return [(lot.points, lot.expires) for lot in pay(self.grant(self.occasion(when)), currency, points)]

    def given_tier(self, when: str | datetime, tier: str, **fields: Any) -> Occasion:
        """A promotion gives a tier."""
        occasion = self.occasion(when)
        give_tier(self.grant(occasion), TierReward.model_validate({"tier": tier, **fields}))
        return occasion

    def until(self, moment: str | datetime) -> None:
        """Time passes, one due moment after the other."""
        moment = at(moment, ZoneInfo(self.timezone)) if isinstance(moment, str) else moment
        while due := min(filter(None, self.dues()), default=0):
            if due > micros(moment):
                return
            assert due >= self.wallet.moved_at
            self.wallet.moved_at = due
            pass_points(self.wallet, due, self.entries, self.terms)
            pass_tiers(self.wallet, due, self.entries, self.terms)

    def dues(self) -> tuple[int, int]:
        """When points and tier change next."""
        return points_due(self.wallet), tiers_due(self.wallet, self.terms)

    def balance(self, account: str = "member:points_active", unit: str = "points:base") -> int:
        """What the entries say is on an account."""
        told = [entry for entry in self.entries if entry.unit == unit]
        return sum(e.amount for e in told if e.credit == account) - sum(e.amount for e in told if e.debit == account)

    def told(self, kind: str) -> list[tuple[str, int]]:
        """The entries of a kind, as (local time, amount)."""
        zone = ZoneInfo(self.timezone)
        return [(shown(micros(e.occurred_at), zone), e.amount) for e in self.entries if e.kind == kind]

"""The report of a prize contest: all that somebody without our secret needs to redo its draws and compare.

Instants are RFC 3339 in UTC with six decimals: to the microsecond, in which contests count.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from schemas.promotions.rewards import DrawPrize
from schemas.values import ForeignId, MemberId, PromotionId

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def _real(text: str) -> str:
    datetime.fromisoformat(text)
    return text


Instant = Annotated[
    str,
    StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$"),
    AfterValidator(_real),
]


class Reported(BaseModel):
    """Base of the report's parts: strict, and unknown fields are refused, because a notary signs what is there."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ReportedDocument(Reported):
    """The promotion document the contest was held under: its file name and the SHA-256 of its bytes."""

    file: str
    sha256: Digest


class ReportedPrize(Reported):
    """A prize to be won at once, and how many there are."""

    prize: str
    winners: Annotated[int, Field(ge=1, le=100_000)]


class ReportedPlace(Reported):
    """Who was drawn as the n-th (`place`, from 1) winner or reserve, with which ticket of which entry, at what rank."""

    prize: str
    reserve: bool
    place: int
    member_id: MemberId
    entry_id: ForeignId
    ticket: int
    rank: Digest


class ReportedDraw(Reported):
    """The draw: its terms, the list of entries it was held over, its key, and everyone drawn, in order."""

    at: Instant
    several_prizes: bool
    prizes: tuple[DrawPrize, ...]
    entries_sha256: Digest = "0" * 64
    entries: int = 0
    tickets: int = 0
    members: int = 0
    key: Digest = "0" * 64
    drawn: tuple[ReportedPlace, ...] = ()


class ReportedMoment(Reported):
    """A winning moment, its prize, and who won it when, if anybody did."""

    at: Instant
    prize: str
    member_id: MemberId | None = None
    entry_id: ForeignId | None = None
    won_at: Instant | None = None


class ReportedInstantWin(Reported):
    """The instant win: its terms and the table of winning moments, in order."""

    starts: Instant
    ends: Instant
    prizes: tuple[ReportedPrize, ...]
    moments: tuple[ReportedMoment, ...] = ()


class ContestReport(Reported):
    """One contest, its seed revealed. `versions` are those of the promotion that gave the entries and the prizes."""

    report: Literal["unisono.contest.v1"] = "unisono.contest.v1"
    algorithm: Literal["unisono-contest-1"] = "unisono-contest-1"
    promotion: PromotionId
    document: ReportedDocument
    versions: tuple[int, ...] = ()
    seed_sha256: Digest
    seed: Digest
    draw: ReportedDraw | None = None
    instant_win: ReportedInstantWin | None = None

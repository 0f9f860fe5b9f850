"""Who the member is and what they did outside an order."""

from __future__ import annotations

from pydantic import Field

from schemas.values import Attributes, Channel, ForeignId, MemberId, Record


class SegmentChange(Record):
    """Segments the member enters and leaves with this event."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


class MemberRegistered(Record):
    """`unisono.member.registered.v1`: the member joined the programme."""

    member_id: MemberId
    attributes: Attributes = Field(default_factory=dict)
    consents: dict[str, bool] = Field(default_factory=dict)
    preferences: Attributes = Field(default_factory=dict)
    segments: SegmentChange = SegmentChange()


class MemberUpdated(MemberRegistered):
    """`unisono.member.updated.v1`: the attributes named here changed; the others stay."""


class MemberErased(Record):
    """`unisono.member.erased.v1`: forget this member."""

    member_id: MemberId


class ActivityRecorded(Record):
    """`unisono.activity.recorded.v1`: a check-in, a survey, a game, an opened message."""

    member_id: MemberId
    activity: str = Field(min_length=1, max_length=128)
    channel: Channel | None = None
    store_id: ForeignId | None = None
    attributes: Attributes = Field(default_factory=dict)

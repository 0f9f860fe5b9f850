"""Where a promotion ends, and how it stands beside others."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from schemas.promotions.fields import AlsoOne, Count, Part, Period, Price, listed

Amount = Annotated[int, Field(ge=1, le=10**12)]


class Limit(Part):
    """At most so many rewards (`times`), or so many points, in each period of the promotion's clock."""

    times: Count | None = None
    points: Amount | None = None
    every: Period = "campaign"


SomeLimits = Annotated[tuple[Limit, ...], BeforeValidator(listed), Field(min_length=1, max_length=10), AlsoOne()]
"""One limit or several; all of them hold."""


class Budget(Part):
    """What the whole promotion may give, all members together: money, points or pieces (rewards)."""

    amount: Price | None = Field(None, description="coupons at their face value, points at the programme's value")
    points: Amount | None = None
    pieces: Amount | None = None
    last: Literal["partial", "nothing"] = Field(
        "nothing", description="when less than a reward is left: points are cut to what is left, or nothing is given"
    )


class Limits(Part):
    """Each limit given holds. Those of one member are exact in the fold; shared ones are granted by the books."""

    per_member: SomeLimits | None = None
    per_household: SomeLimits | None = Field(None, description="by the member's attribute `household`")
    per_store: SomeLimits | None = None
    per_channel: SomeLimits | None = None
    total: SomeLimits | None = None
    budget: Budget | None = None


GroupName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Mode = Literal["all", "best", "first", "exclusive"]


class Stacking(Part):
    """How the promotions of a group share one event.

    `all`: every one gives. `best`: the one worth most to the member. `first`: the one of highest priority that gives
    anything. `exclusive`: the same, and no promotion outside the group gives anything on that event either.
    """

    group: GroupName = "main"
    mode: Mode = "all"
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    takes_lines: bool = Field(False, description="lines that it counted do not count for those that look after it")

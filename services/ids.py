"""The one place that makes new ids: UUIDv7 (RFC 9562), so that they sort by time."""

from __future__ import annotations

from uuid_utils import uuid7 as _uuid7


def uuid7() -> str:
    """A new UUIDv7 in its 36-character form."""
    return str(_uuid7())

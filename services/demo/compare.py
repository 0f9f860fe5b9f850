"""Whether two holders of wallets hold the same: the first difference, by member and place, or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from typing_extensions import override

from schemas.events.catalogue import Event
from services.engine.entries import Entry
from services.engine.fold import fold
from services.engine.programme import Programme
from services.engine.record import wallet_record

Wallets = Mapping[str, bytes]
"""WalletRecord as JSON, by member id."""

BOOKKEEPING = frozenset({"version", "as_of", "caused_by", "occurred_at"})
"""What a record says about its own writing: a fold of the whole history has one version where the books have many."""
_NOTHING = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """One member's wallet is not the same in two places; `path` is a JSON pointer into it."""

    holder: str
    member_id: str
    path: str
    expected: str
    found: str

    @override
    def __str__(self) -> str:
        """A sentence for the person who must find out why."""
        place = self.path or "the whole wallet"
        return f"member {self.member_id}, {place}: {self.holder} has {self.found}, expected {self.expected}"


def first_difference(
    holder: str, expected: Wallets, found: Wallets, *, ignored: frozenset[str] = frozenset()
) -> Difference | None:
    """The first difference in the order of member ids; `ignored` are fields at the top of the record."""
    for member_id in sorted(expected.keys() | found.keys()):
        one, other = expected.get(member_id), found.get(member_id)
        if one == other:
            continue
        for path, wanted, got in _differences(_read(one, ignored), _read(other, ignored), ""):
            return Difference(holder, member_id, path, _short(wanted), _short(got))
    return None


@dataclass(frozen=True, slots=True)
class Folded:
    """What the pure fold makes of the events that were sent."""

    wallets: dict[str, bytes]
    entries: dict[str, list[Entry]]


def fold_all(events: Sequence[Event], programme: Programme) -> Folded:
    """Fold every member from the beginning; no server had a part in it.

    The bookkeeping fields of the wallets are not the books'.
    """
    by_member: dict[str, list[Event]] = {}
    for event in events:
        by_member.setdefault(event.member_id, []).append(event)
    wallets, entries = {}, {}
    for member_id, own in by_member.items():
        outcome = fold(member_id, own, programme)
        newest = max(event.occurred_at for event in own)
        entries[member_id] = outcome.entries
        wallets[member_id] = wallet_record(outcome.wallet, version=1, as_of=newest, caused_by=(), occurred_at=newest)
    return Folded(wallets, entries)


def _read(record: bytes | None, ignored: frozenset[str]) -> Any:
    if record is None:
        return _NOTHING
    return {name: value for name, value in orjson.loads(record).items() if name not in ignored}


def _differences(one: Any, other: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            yield from _differences(one.get(name, _NOTHING), other.get(name, _NOTHING), f"{path}/{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from _differences(mine, theirs, f"{path}/{place}")
    elif type(one) is not type(other) or one != other:
        yield path, one, other


def _short(value: Any) -> str:
    if value is _NOTHING:
        return "nothing"
    text = orjson.dumps(value).decode()
    return text if len(text) <= 200 else f"{text[:200]}…"

"""Prize contests: everything that chance decides follows from one seed, so that anyone who is given it can redo it.

The three definitions, for whoever writes them again in another language. HMAC is HMAC-SHA256(key, message), texts are
UTF-8, numbers in texts are decimal without leading zeros, digests in texts are lower-case hexadecimal.

- **Numbers.** `number(seed, label, below)`: for attempt = 0, 1, 2 …: v = HMAC(seed, label + " " + attempt), read as an
  unsigned big-endian number of 256 bits. The first v that is less than the largest multiple of `below` that 2^256 holds
  is taken; the number is v mod `below`. So every number from 0 to below - 1 is equally likely, exactly.
- **Winning moments.** The prizes are written one after the other in the order of the document, each as often as it
  has winners, and counted from 0. Number k wins at start + number(seed, "moment k", end - start + 1) microseconds.
  Sorted by (moment, k) they are the table: the n-th win of the contest is the n-th of the table.
- **Draw.** An entry is the line `["member","entry",tickets]` (JSON without spaces); the list is all lines sorted by
  their bytes, each ended by a line feed. The draw's key is HMAC(seed, "draw " + SHA-256 of the list). Ticket n (from
  1) of an entry ranks by HMAC(key, `["member","entry",n]`), the smallest first.

Ranking, not Fisher-Yates: a single ticket is checked with a single HMAC, whatever the order and the number of the
others. The key depends on the whole list, so that nobody who knows the seed can make up an entry that wins without
changing everybody's rank.
"""

from __future__ import annotations

import hmac
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from heapq import nsmallest
from itertools import groupby
from typing import NamedTuple

import orjson

from schemas.promotions.rewards import DrawPrize, InstantPrize

_WORD = 1 << 256


class ContestError(ValueError):
    """Entries or terms that no draw can be held with; the text is a sentence."""


def seed_of(secret: bytes, promotion_id: str) -> bytes:
    """The seed of a promotion's contest, 32 bytes: HMAC-SHA256(secret, "contest " + promotion id)."""
    return hmac.digest(secret, b"contest " + promotion_id.encode(), "sha256")


def seed_hash(seed: bytes) -> str:
    """What is published before the start: the SHA-256 of the seed's bytes, in hexadecimal."""
    return sha256(seed).hexdigest()


def number(seed: bytes, label: str, below: int) -> int:
    """A number from 0 to `below` - 1, each equally likely, that follows from seed and label alone."""
    unbiased = _WORD - _WORD % below
    attempt = 0
    while True:
        word = int.from_bytes(hmac.digest(seed, f"{label} {attempt}".encode(), "sha256"), "big")
        if word < unbiased:
            return word % below
        attempt += 1


class Moment(NamedTuple):
    """From this instant (microseconds since 1970) one more prize waits, that with this place in the document."""

    instant: int
    prize: int


def winning_moments(prizes: Sequence[InstantPrize], seed: bytes, start: int, end: int) -> tuple[Moment, ...]:
    """One moment for each winner, all equally likely from `start` to `end`, both included; sorted.

    Raises ContestError when the contest ends before it starts.
    """
    instants, which = _drawn(tuple(prize.winners for prize in prizes), seed, start, end)
    return tuple(map(Moment, instants, which))


@lru_cache(maxsize=8)
def _drawn(winners: tuple[int, ...], seed: bytes, start: int, end: int) -> tuple[array[int], array[int]]:
    """The moments and their prizes. Kept, because a programme is compiled anew with every publication."""
    if end < start:
        raise ContestError("a contest cannot end before it starts")
    span = end - start + 1
    which = [place for place, count in enumerate(winners) for _ in range(count)]
    drawn = sorted((start + number(seed, f"moment {k}", span), k) for k in range(len(which)))
    return array("q", (instant for instant, _ in drawn)), array("H", (which[k] for _, k in drawn))


class InstantWinTable:
    """The winning moments as the engine asks for them: how many there were by now, and which prize the n-th win is."""

    __slots__ = ("_instants", "_prizes", "_which")

    def __init__(self, prizes: Sequence[InstantPrize], instants: array[int], which: array[int]) -> None:
        self._prizes = tuple(prizes)
        self._instants = instants
        self._which = which

    @classmethod
    def drawn(cls, prizes: Sequence[InstantPrize], seed: bytes, start: int, end: int) -> InstantWinTable:
        """The table of a contest that runs from `start` to `end` (microseconds, both included)."""
        return cls(prizes, *_drawn(tuple(prize.winners for prize in prizes), seed, start, end))

    def __len__(self) -> int:
        return len(self._instants)

    def opened(self, instant: int) -> int:
        """How many winning moments there were up to this instant, itself included."""
        return bisect_right(self._instants, instant)

    def moment(self, index: int) -> int:
        """When the prize of the win with this number (from 0) began to wait."""
        return self._instants[index]

    def prize(self, index: int) -> InstantPrize:
        """The prize of the win with this number (from 0)."""
        return self._prizes[self._which[index]]


class Entered(NamedTuple):
    """One entry to the draw: whose, under which key of the ledger, and how many tickets it is worth."""

    member_id: str
    entry_id: str
    tickets: int


def entry_line(entry: Entered) -> bytes:
    """The entry as it stands in the list, without the line feed: JSON without spaces."""
    # A copy: orjson's own bytes hold kilobytes beyond their end, and there may be millions of lines.
    return bytes(memoryview(orjson.dumps(tuple(entry))))


@dataclass(frozen=True, slots=True)
class Drawn:
    """A ticket that was drawn: for the n-th (`place`, from 1) winner or reserve of a prize; `rank` is its HMAC."""

    prize: str
    reserve: bool
    place: int
    member_id: str
    entry_id: str
    ticket: int
    rank: str


@dataclass(frozen=True, slots=True)
class DrawResult:
    """The draw: over which list of entries, under which key (both hexadecimal), and who was drawn, in order."""

    entries_sha256: str
    entries: int
    tickets: int
    members: int
    key: str
    drawn: tuple[Drawn, ...]


def draw(
    seed: bytes, entries: Iterable[Entered], prizes: Sequence[DrawPrize], *, several_prizes: bool = False
) -> DrawResult:
    """The winners and reserves among these entries, in whatever order they come. Raises ContestError for one twice."""
    return draw_listed(seed, sorted(map(entry_line, entries)), prizes, several_prizes=several_prizes)


def draw_listed(
    seed: bytes, lines: Iterable[bytes], prizes: Sequence[DrawPrize], *, several_prizes: bool = False
) -> DrawResult:
    """The same for entry lines that are sorted already; they are gone through twice and never held.

    Places are filled by rank: the winners of each prize in the order of the document, then the reserves in the same
    order. A member takes one place at most, with the best of their tickets, unless `several_prizes` says that each
    ticket takes one. Places are left empty when there are not enough. Raises ContestError for lines that are not in
    order, for an entry twice and for one without tickets.
    """
    listed = _listed(lines)
    key = hmac.digest(seed, b"draw " + listed.sha256.encode(), "sha256")
    places = [*_places(prizes, reserve=False), *_places(prizes, reserve=True)]
    every_ticket = (ticket for line in lines for ticket in _tickets(line, key))
    ranked = every_ticket if several_prizes else _best_of_members(lines, key)
    drawn = []
    for (prize, reserve, place), (rank, ticket) in zip(places, nsmallest(len(places), ranked), strict=False):
        member_id, entry_id, chosen = orjson.loads(ticket)
        drawn.append(Drawn(prize, reserve, place, member_id, entry_id, chosen, rank.hex()))
    return DrawResult(listed.sha256, listed.entries, listed.tickets, listed.members, key.hex(), tuple(drawn))


class _Listed(NamedTuple):
    sha256: str
    entries: int
    tickets: int
    members: int


def _listed(lines: Iterable[bytes]) -> _Listed:
    digest = sha256()
    entries = tickets = members = 0
    before = head_before = member_before = b""
    for line in lines:
        head, member = _head(line), _member(line)
        count = int(line[len(head) : -1])
        if head == head_before:
            raise ContestError(f"the entry {_named(line)} is there twice")
        if line <= before:
            raise ContestError("the entries are not sorted")
        if count < 1:
            raise ContestError(f"the entry {_named(line)} has no ticket")
        digest.update(line + b"\n")
        entries += 1
        tickets += count
        members += member != member_before
        before, head_before, member_before = line, head, member
    return _Listed(digest.hexdigest(), entries, tickets, members)


def _places(prizes: Sequence[DrawPrize], *, reserve: bool) -> Iterator[tuple[str, bool, int]]:
    for prize in prizes:
        for place in range(prize.reserves if reserve else prize.winners):
            yield prize.prize, reserve, place + 1


def _head(line: bytes) -> bytes:
    """Member and entry: everything up to the number of tickets."""
    return line[: line.rfind(b",") + 1]


def _member(line: bytes) -> bytes:
    """The member, as written: a quotation mark inside an id is escaped, so the first of these ends it."""
    return line[: line.index(b'","')]


def _named(line: bytes) -> str:
    member_id, entry_id, _ = orjson.loads(line)
    return f"{entry_id} of the member {member_id}"


def _tickets(line: bytes, key: bytes) -> Iterator[tuple[bytes, bytes]]:
    head = _head(line)
    for n in range(1, int(line[len(head) : -1]) + 1):
        ticket = b"%b%d]" % (head, n)
        yield hmac.digest(key, ticket, "sha256"), ticket


def _best_of_members(lines: Iterable[bytes], key: bytes) -> Iterator[tuple[bytes, bytes]]:
    # In a sorted list the entries of a member stand together: one member at a time is all that is held.
    for _, entries in groupby(lines, _member):
        yield min(ticket for line in entries for ticket in _tickets(line, key))

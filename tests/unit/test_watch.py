"""The relay's watch (step R5): which records it finds stale, and that none of them ends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiokafka import ConsumerRecord

from schemas.topics import WALLETS
from services.settings import Settings
from streams.publish import VERSION_HEADER
from streams.watch import Versions, Watch


class Books:
    """What was published last, by member."""

    def __init__(self, **settled: int) -> None:
        self._settled = settled

    async def settled_versions(self, member_ids: Sequence[str]) -> dict[str, int]:
        return {member_id: self._settled[member_id] for member_id in member_ids if member_id in self._settled}


def read_back(member: bytes | None, version: bytes | None) -> ConsumerRecord[Any, Any]:
    """A record of `loyalty.wallets`."""
    headers = () if version is None else ((VERSION_HEADER, version),)
    return ConsumerRecord(WALLETS, 0, 0, 0, 0, member, b"{}", None, 0, 0, headers)


async def stale(watch: Watch, books: Books, *records: ConsumerRecord[Any, Any]) -> list[str]:
    return await watch._stale(books, records)  # type: ignore[arg-type]


async def test_an_older_version_is_stale_unless_a_newer_one_follows_it() -> None:
    """By what was read back before, or by the books."""
    watch = Watch(Settings(), 0, Versions(), print)
    assert await stale(watch, Books(), read_back(b"m", b"2"), read_back(b"m", b"1")) == ["m"]
    assert await stale(watch, Books(), read_back(b"m", b"1"), read_back(b"m", b"3")) == []
    assert await stale(watch, Books(n=7), read_back(b"n", b"6")) == ["n"]


async def test_what_was_read_before_a_fault_is_known_after_it() -> None:
    """The relay's own record, a new start of the watch, then a zombie's older one."""
    published = Versions()
    watch = Watch(Settings(), 0, published, print)
    published.note("m", 4)
    assert await stale(watch, Books(m=4), read_back(b"m", b"4")) == []
    # run() starts over here with the same watch; the saved position lies behind version 4
    assert await stale(watch, Books(m=4), read_back(b"m", b"2")) == ["m"]


async def test_a_member_forgotten_by_the_reader_is_asked_of_the_books() -> None:
    """Both memories are bounded; one must not vouch for what the other has lost."""
    published = Versions()
    watch = Watch(Settings(), 0, published, print)
    watch._newest = Versions(members_max=1)
    published.note("m", 4)
    assert await stale(watch, Books(), read_back(b"m", b"4"), read_back(b"other", b"1")) == []
    assert await stale(watch, Books(m=4), read_back(b"m", b"2")) == ["m"]


async def test_records_of_nobody_end_no_watch() -> None:
    """Keys and versions that no relay of ours wrote; one over a known wallet is healed."""
    watch = Watch(Settings(), 0, Versions(), print)
    nobodys = [read_back(None, None), read_back(b"\xff\x00", b"x"), read_back(b"z", "²".encode()), read_back(b"y", b"")]
    assert await stale(watch, Books(), *nobodys) == []
    assert await stale(watch, Books(m=3), read_back(b"m", None)) == ["m"]

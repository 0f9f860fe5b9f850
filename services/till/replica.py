"""The till's own copy of the wallets, in SQLite: rows and token change together or not at all."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from schemas.api.sync import AppliedVia
from schemas.envelope import parse_time
from schemas.values import rfc3339
from services.sync.applied import KEPT
from services.till.rows import Checkpoint, Row, Standing, is_newer

log = structlog.get_logger(__name__)

_FORMAT = 1
_TABLES = """
CREATE TABLE wallet (
    member_id   TEXT PRIMARY KEY,
    version     INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    record      BLOB,            -- NULL: the member was erased, the mark keeps older rows away
    occurred_at TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    applied_at  TEXT NOT NULL,
    round       INTEGER NOT NULL -- the snapshot in which the row was last seen
);
CREATE INDEX wallet_applied ON wallet (applied_at) WHERE record IS NOT NULL;
CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE applied (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    member_id   TEXT NOT NULL,
    version     INTEGER NOT NULL,
    occurred_at TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    applied_at  TEXT NOT NULL,
    via         TEXT NOT NULL
);
"""
_INCOMING = """
CREATE TEMP TABLE incoming (
    member_id TEXT, seq INTEGER, version INTEGER, record BLOB, occurred_at TEXT, recorded_at TEXT
)
"""
_PUT = """
INSERT INTO wallet (member_id, version, seq, record, occurred_at, recorded_at, applied_at, round)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (member_id) DO UPDATE SET version = excluded.version, seq = excluded.seq, record = excluded.record,
    occurred_at = excluded.occurred_at, recorded_at = excluded.recorded_at, applied_at = excluded.applied_at,
    round = excluded.round
"""
_NOTE = "INSERT INTO applied (member_id, version, occurred_at, recorded_at, applied_at, via) VALUES (?, ?, ?, ?, ?, ?)"
_HELD = "SELECT member_id, version, record, occurred_at, recorded_at, applied_at FROM wallet WHERE record IS NOT NULL"


class IncompleteSnapshot(Exception):
    """The answer ended early, or is not what its checkpoint says."""


class ReplicaTaken(Exception):
    """Another process uses this folder."""


@dataclass(frozen=True, slots=True)
class HeldWallet:
    """A wallet as the till shows it."""

    member_id: str
    version: int
    record: bytes
    occurred_at: datetime
    recorded_at: datetime
    applied_at: datetime


@dataclass(frozen=True, slots=True)
class AppliedRow:
    """A version that the till took over."""

    index: int
    member_id: str
    version: int
    occurred_at: datetime
    recorded_at: datetime
    applied_at: datetime
    via: AppliedVia


class Replica:
    """One folder's replica; used by one process and one task at a time. Close it when done.

    A power cut loses at most the newest changes together with their token, so the gateway sends them again.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise ReplicaTaken(f"another till uses the folder {folder}") from None
        self._db = _open(folder / "replica.sqlite")
        # Readers have a connection of their own: what is not committed yet is not shown.
        self._reader = _connect(folder / "replica.sqlite")
        self._totals: tuple[int, int] | None = None

    def close(self) -> None:
        """Release the folder."""
        self._reader.close()
        self._db.close()
        self._lock.close()

    @property
    def token(self) -> str | None:
        """Where to go on; None before the first snapshot."""
        return self._state("token")

    @property
    def epoch(self) -> str | None:
        """The log that the held rows come from."""
        return self._state("epoch")

    def forget_token(self) -> None:
        """The gateway no longer takes the token: a snapshot is needed; the rows go on being shown until it is there."""
        self._db.execute("DELETE FROM state WHERE name = 'token'")

    def wallet(self, member_id: str) -> HeldWallet | None:
        """A member's wallet, None for one not held."""
        found = self._reader.execute(_HELD + " AND member_id = ?", (member_id,)).fetchone()
        return _held(found) if found else None

    def newest(self, wallets_max: int) -> list[HeldWallet]:
        """The wallets applied last, newest first."""
        found = self._reader.execute(_HELD + " ORDER BY applied_at DESC LIMIT ?", (wallets_max,))
        return [_held(row) for row in found]

    def wallets(self) -> Iterator[HeldWallet]:
        """Every wallet held, by member id."""
        for row in self._reader.execute(_HELD + " ORDER BY member_id"):
            yield _held(row)

    def totals(self) -> tuple[int, int]:
        """(members held, sum of their versions)."""
        if self._totals is None:
            query = "SELECT count(*), coalesce(sum(version), 0) FROM wallet WHERE record IS NOT NULL"
            self._totals = self._reader.execute(query).fetchone()
        return self._totals

    def applied(self) -> Iterator[AppliedRow]:
        """What was applied, oldest first, as far back as it is kept."""
        for row in self._reader.execute("SELECT * FROM applied ORDER BY id"):
            yield AppliedRow(row[0], row[1], row[2], parse_time(row[3]), parse_time(row[4]), parse_time(row[5]), row[6])

    def apply(self, rows: Iterable[Row], closing: Checkpoint, applied_at: datetime) -> list[AppliedRow]:
        """Take over what is newer among rows of the held epoch, and the token, at once; what was taken over."""
        with self._at_once():
            taken = self._take(rows, applied_at, "stream", self._round())
            self._close_with(closing)
        return taken

    def begin_snapshot(self) -> None:
        """Rows of a new snapshot will come; whatever an earlier one left unfinished is forgotten."""
        self._db.execute("DROP TABLE IF EXISTS temp.incoming")
        self._db.execute(_INCOMING)

    def add_to_snapshot(self, rows: Iterable[Row]) -> None:
        """Put rows aside; nothing is shown yet."""
        self._db.executemany(
            "INSERT INTO temp.incoming VALUES (?, ?, ?, ?, ?, ?)",
            ((r.key, r.seq, r.version, r.record, rfc3339(r.occurred_at), rfc3339(r.recorded_at)) for r in rows),
        )

    def finish_snapshot(self, closing: Checkpoint, applied_at: datetime) -> list[AppliedRow]:
        """Hold what the snapshot has and nothing else, with its token, at once; what was taken over.

        Of the same epoch a held wallet stays when it is newer; of another one the snapshot replaces everything, since
        its versions say nothing about ours. Raises IncompleteSnapshot when rows are missing.
        """
        count = self._db.execute("SELECT count(*) FROM temp.incoming").fetchone()[0]
        if count != closing.count:
            raise IncompleteSnapshot(f"the snapshot has {count} rows, its checkpoint says {closing.count}")
        with self._at_once():
            if self.epoch != closing.epoch:
                self._db.execute("DELETE FROM wallet")
            round_ = self._round() + 1
            incoming = self._db.execute("SELECT * FROM temp.incoming")
            rows = (Row(r[0], r[1], r[2], r[3], parse_time(r[4]), parse_time(r[5])) for r in incoming)
            taken = self._take(rows, applied_at, "snapshot", round_)
            self._db.execute("DELETE FROM wallet WHERE round <> ?", (round_,))
            self._set("round", str(round_))
            self._close_with(closing)
        self._db.execute("DROP TABLE temp.incoming")
        return taken

    def _state(self, name: str) -> str | None:
        found = self._db.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return found[0] if found else None

    def _set(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO state (name, value) VALUES (?, ?)", (name, value))

    def _round(self) -> int:
        return int(self._state("round") or 0)

    @contextmanager
    def _at_once(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        self._totals = None

    def _standing(self, key: str) -> Standing | None:
        query = "SELECT seq, version, record IS NULL FROM wallet WHERE member_id = ?"
        found = self._db.execute(query, (key,)).fetchone()
        return Standing(found[0], found[1], bool(found[2])) if found else None

    def _take(self, rows: Iterable[Row], applied_at: datetime, via: AppliedVia, round_: int) -> list[AppliedRow]:
        taken = []
        at = rfc3339(applied_at)
        for row in rows:
            held = self._standing(row.key)
            if not is_newer(row, held):
                self._db.execute("UPDATE wallet SET round = ? WHERE member_id = ?", (round_, row.key))
                continue
            # An erased member's mark keeps the highest version ever held: older rows stay away.
            version = row.version if held is None else max(row.version, held.version)
            times = (rfc3339(row.occurred_at), rfc3339(row.recorded_at), at)
            self._db.execute(_PUT, (row.key, version, row.seq, row.record, *times, round_))
            if row.record is not None:
                index = self._db.execute(_NOTE, (row.key, version, *times, via)).lastrowid
                assert index is not None
                taken.append(AppliedRow(index, row.key, version, row.occurred_at, row.recorded_at, applied_at, via))
        if taken:
            self._db.execute("DELETE FROM applied WHERE id <= ?", (taken[-1].index - KEPT,))
        return taken

    def _close_with(self, closing: Checkpoint) -> None:
        self._set("token", closing.token)
        self._set("epoch", closing.epoch)


def _open(path: Path) -> sqlite3.Connection:
    """The database, made if need be; one that is damaged or of another format is put aside: the gateway has it all."""
    try:
        db = _connect(path)
        format_ = db.execute("PRAGMA user_version").fetchone()[0]
        if format_ == _FORMAT:
            return db
        if format_ == 0 and not db.execute("SELECT 1 FROM sqlite_master").fetchone():
            db.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {_FORMAT}; COMMIT;")
            return db
        db.close()
        reason = f"format {format_}"
    except sqlite3.DatabaseError as error:
        reason = str(error)
    log.warning("replica_put_aside", path=str(path), reason=reason)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.replace(path.with_suffix(".damaged"))
    return _open(path)


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    return db


def _held(row: tuple[str, int, bytes, str, str, str]) -> HeldWallet:
    return HeldWallet(row[0], row[1], row[2], parse_time(row[3]), parse_time(row[4]), parse_time(row[5]))

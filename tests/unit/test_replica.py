"""The till's replica: rows and token together or not at all."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.till.replica import IncompleteSnapshot, Replica, ReplicaTaken
from services.till.rows import Checkpoint, InvalidLine, Row, parse

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def put(key: str, version: int, seq: int) -> Row:
    return Row(key, seq, version, b'{"version":%d}' % version, NOW, NOW)


def dele(key: str, seq: int) -> Row:
    return Row(key, seq, 0, None, NOW, NOW)


def at(token: str, count: int = 0, epoch: str = "e1") -> Checkpoint:
    return Checkpoint(token, epoch, count)


@pytest.fixture
def replica(tmp_path: Path) -> Iterator[Replica]:
    replica = Replica(tmp_path / "till")
    yield replica
    replica.close()


def load(replica: Replica, rows: list[Row], token: str, epoch: str = "e1") -> list[str]:
    replica.begin_snapshot()
    replica.add_to_snapshot(rows)
    return [row.member_id for row in replica.finish_snapshot(at(token, len(rows), epoch), NOW)]


def held(replica: Replica) -> dict[str, int]:
    return {wallet.member_id: wallet.version for wallet in replica.newest(100)}


def test_a_failure_between_rows_leaves_rows_and_token_as_they_were(replica: Replica):
    replica.apply([put("a", 1, 1)], at("t1"), NOW)

    def broken() -> Iterator[Row]:
        yield put("a", 2, 2)
        yield put("b", 1, 3)
        raise OSError("the cable was pulled")

    with pytest.raises(OSError, match="cable"):
        replica.apply(broken(), at("t2"), NOW)
    assert held(replica) == {"a": 1}
    assert replica.token == "t1"
    assert [row.index for row in replica.applied()] == [1]


def test_a_process_killed_in_the_middle_leaves_rows_and_token_as_they_were(tmp_path: Path):
    """kill -9 after rows were written and before the token was."""
    script = (
        "import os, signal, sys; from pathlib import Path; from tests.unit.test_replica import *\n"
        "replica = Replica(Path(sys.argv[1])); replica.apply([put('a', 1, 1)], at('t1'), NOW)\n"
        "def killed():\n"
        "    yield put('a', 2, 2)\n"
        "    yield put('b', 1, 3)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "replica.apply(killed(), at('t2'), NOW)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=root, check=False)
    assert done.returncode == -9
    replica = Replica(tmp_path)
    assert held(replica) == {"a": 1}
    assert replica.token == "t1"
    assert len(replica.apply([put("a", 2, 2), put("b", 1, 3)], at("t2"), NOW)) == 2
    replica.close()


def test_a_restart_goes_on_where_it_was(tmp_path: Path):
    replica = Replica(tmp_path)
    load(replica, [put("a", 3, 1)], "t1")
    replica.apply([put("a", 4, 5)], at("t2"), NOW)
    replica.close()
    again = Replica(tmp_path)
    assert (again.token, again.epoch, held(again), again.totals()) == ("t2", "e1", {"a": 4}, (1, 4))
    assert [(row.index, row.version, row.via) for row in again.applied()] == [(1, 3, "snapshot"), (2, 4, "stream")]
    again.close()


def test_an_erased_member_stays_erased_whatever_arrives_late(replica: Replica):
    replica.apply([put("a", 5, 10), dele("a", 11), put("a", 4, 9), put("a", 5, 10)], at("t1"), NOW)
    assert replica.wallet("a") is None
    replica.apply([put("a", 6, 12)], at("t2"), NOW)
    assert held(replica) == {"a": 6}


def test_a_snapshot_drops_who_it_no_longer_has_and_keeps_what_is_newer(replica: Replica):
    load(replica, [put("a", 1, 1), put("b", 1, 2)], "t1")
    replica.apply([put("a", 9, 9)], at("t2"), NOW)
    assert load(replica, [put("a", 8, 8), put("c", 1, 3)], "t3") == ["c"]
    assert held(replica) == {"a": 9, "c": 1}
    assert replica.token == "t3"


def test_a_snapshot_of_another_epoch_replaces_everything(replica: Replica):
    load(replica, [put("a", 9, 9), put("b", 1, 1)], "t1")
    assert load(replica, [put("a", 2, 1)], "t2", epoch="e2") == ["a"]
    assert held(replica) == {"a": 2}


def test_a_snapshot_that_ends_early_changes_nothing(replica: Replica):
    load(replica, [put("a", 1, 1)], "t1")
    replica.begin_snapshot()
    replica.add_to_snapshot([put("a", 2, 2)])
    with pytest.raises(IncompleteSnapshot):
        replica.finish_snapshot(at("t2", 2), NOW)
    assert (held(replica), replica.token) == ({"a": 1}, "t1")
    assert load(replica, [put("a", 2, 2)], "t2") == ["a"]


def test_two_tills_do_not_share_a_folder(tmp_path: Path, replica: Replica):
    with pytest.raises(ReplicaTaken, match="till"):
        Replica(tmp_path / "till")


@pytest.mark.parametrize("damage", ["garbage", "format"])
def test_a_damaged_replica_is_put_aside_and_begun_anew(tmp_path: Path, damage: str):
    if damage == "garbage":
        (tmp_path / "replica.sqlite").write_bytes(b"no database at all, but long enough to be looked at" * 50)
    else:
        db = sqlite3.connect(tmp_path / "replica.sqlite")
        db.execute("CREATE TABLE other (x)")
        db.execute("PRAGMA user_version = 99")
        db.close()
    replica = Replica(tmp_path)
    assert replica.token is None
    assert (tmp_path / "replica.damaged").exists()
    replica.close()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        "{}",
        '{"kind":"wallet","op":"put","key":"a","seq":1,"version":1,"occurred_at":"x","recorded_at":"x"}',
        '{"kind":"wallet","op":"del","key":"a","seq":1,"version":1,"value":{},"occurred_at":"x","recorded_at":"x"}',
        '{"control":"checkpoint"}',
    ],
)
def test_a_line_that_cannot_be_read_is_said_so(line: str):
    with pytest.raises(InvalidLine):
        parse(line)


def test_kinds_of_later_versions_are_passed_over():
    assert parse('{"kind":"promotion","op":"put"}') is None
    assert parse('{"control":"hint"}') is None

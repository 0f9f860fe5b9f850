"""The demo as a newcomer runs it: a stack of its own, real purchases, every touchpoint compared."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from pathlib import Path

import pytest

FIELDS = {
    "events", "duplicates", "dead_letters", "rewards", "members", "propagation_ms", "skew_ms", "touchpoints_equal",
    "fold_equal",
}  # fmt: skip
REASONS = {
    "not_json", "missing_field", "wrong_type", "invalid_amount", "unknown_currency", "key_mismatch", "id_conflict",
    "too_far_in_future", "too_late",
}  # fmt: skip


@pytest.mark.timeout(300)
async def test_the_demo_ends_with_every_touchpoint_equal(tmp_path: Path):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli.main", "demo", "--json", "--events", "800"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "UNISONO_HOME": str(tmp_path)},
    )
    out, told = await process.communicate()
    assert process.returncode == 0, told.decode()[-4000:]
    found = json.loads(out)  # nothing else went to stdout
    assert found.keys() >= FIELDS
    assert found["events"] == 800
    assert found["touchpoints_equal"] is True
    assert found["fold_equal"] is True
    assert found["duplicates"] > 40
    assert found["dead_letters_by_reason"].keys() == REASONS
    assert found["dead_letters"] == len(REASONS)
    assert found["rewards"] > 500
    assert set(found["propagation_ms"]) == {"till", "web"}
    assert set(found["propagation_ms"]["till"]) == {"p50", "p95", "p99"}
    assert set(found["skew_ms"]) == {"p50", "p99"}
    assert "Giulia checks in with the app" in told.decode()
    assert not list((tmp_path / "demo").iterdir()), "the demo leaves no folder behind"


@pytest.mark.timeout(300)
async def test_a_till_that_keeps_wrong_points_is_found(tmp_path: Path):
    """One till's replica falsifies every wallet it writes, behind the program's back; all the rest is in order."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli.main", "demo", "--json", "--events", "400", "--keep"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "UNISONO_HOME": str(tmp_path)},
    )
    finding = asyncio.create_task(_falsify(tmp_path))
    out, told = await process.communicate()
    assert finding.done(), told.decode()[-4000:]
    assert process.returncode == 1, told.decode()[-4000:]
    found = json.loads(out)
    assert found["touchpoints_equal"] is False
    assert found["fold_equal"] is True
    said = " ".join(told.decode().split())
    assert "Not as promised: member m" in said
    assert "/points/base/active: till 433 has 9" in said


def _replicas(home: Path) -> list[Path]:
    return list(home.glob("demo/kept-*/tills/433-*/replica.sqlite"))


async def _falsify(home: Path) -> None:
    """Every wallet that the till of store 433 writes from now on shows points with a 9 in front."""
    while not (found := _replicas(home)):
        await asyncio.sleep(0.02)
    wrong = "CAST(replace(CAST(new.record AS TEXT), '\"active\":', '\"active\":9') AS BLOB)"
    database = sqlite3.connect(found[0], timeout=10, isolation_level=None)
    while not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'applied'").fetchall():
        await asyncio.sleep(0.02)
    for when in ("INSERT", "UPDATE OF version"):
        database.execute(
            f"CREATE TRIGGER wrong_{when[:6]} AFTER {when} ON wallet BEGIN"
            f" UPDATE wallet SET record = {wrong} WHERE member_id = new.member_id; END"
        )
    database.close()

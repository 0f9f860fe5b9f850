"""`unisono promotions check` and `unisono simulate` as a person or a program calls them."""

from __future__ import annotations

import gzip
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas.envelope import CloudEvent, to_structured
from schemas.wallet import WalletRecord
from services.cli.main import app

RUN = CliRunner()

PROMOTION = """
promotion: ten-euros
title: {en: "A point for every euro"}
reward: {points: {per: 1.00 EUR, earn: 1}}
examples:
  - name: cents do not count
    given: {order: {total: 12.99 EUR}}
    expect: {points: 12}
"""
VISITS = """
promotion: third-visit
title: {en: "1 € off for the third visit"}
goal: {visits: 3}
reward: {coupon: {amount_off: 1.00 EUR, valid_for: 30d}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ten-euros.yaml").write_text(PROMOTION)
    (tmp_path / "third-visit.yaml").write_text(VISITS)
    return tmp_path


def invoke(*arguments: object):
    return RUN.invoke(app, [str(argument) for argument in arguments])


def test_check_passes(folder: Path):
    result = invoke("promotions", "check", folder)
    assert result.exit_code == 0
    assert "ten-euros" in result.stdout
    assert "1 of 1" in result.stdout


def test_check_prints_every_problem_and_ends_with_1(folder: Path):
    (folder / "a.yaml").write_text("promotion: a\ntitel: {en: A}\nreward: {points: 5}\n")
    (folder / "b.yaml").write_text(PROMOTION.replace("{points: 12}", "{points: 13}"))
    result = invoke("promotions", "check", folder)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert f"{folder}/a.yaml:2:1: titel: unknown field `titel` (did you mean `title`?)" in lines
    assert f"{folder}/b.yaml:6:5: examples[0]: cents do not count: expected points: 13, got 12" in lines
    assert any("`ten-euros` is the id of" in line for line in lines)


def test_check_for_programs(folder: Path):
    (folder / "third-visit.yaml").write_text(VISITS.replace("visits: 3", "visits: x"))
    result = invoke("promotions", "check", "--json", folder)
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["passed"] is False
    good, bad = told["documents"]
    assert good["passed"] is True
    assert good["examples"] == [{"name": "cents do not count", "passed": True, "failures": [], "why": []}]
    assert bad["problems"][0]["line"] == 4
    assert bad["problems"][0]["path"] == "goal.visits"


@pytest.mark.parametrize("arguments", [["missing.yaml"], ["."]])
def test_nothing_to_check_is_wrong_usage(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    result = invoke("promotions", "check", *arguments)
    assert result.exit_code == 2 or type(result.exception).__name__ == "UsageError"


def purchases() -> list[bytes]:
    """Twelve orders of three members as lines of a file."""
    lines = []
    for number in range(12):
        member = f"m{number % 3}"
        order = {"order_id": f"o{number}", "member_id": member, "channel": "pos", "currency": "EUR", "total": 1050}
        order["lines"] = [{"line_no": 1, "sku": "s", "quantity": 1, "amount": 1050}]
        at = datetime(2026, 3, 2, 9, tzinfo=UTC) + timedelta(days=number)
        body = json.dumps(order).encode()
        lines.append(
            to_structured(CloudEvent(f"e{number}", "/stores/1/tills/1", "unisono.order.completed.v1", at, member, body))
        )
    return lines


def simulate(folder: Path, events: Path, *more: object):
    return invoke("simulate", "--promotions", folder, "--events", events, *more)


def test_simulate_counts_each_event_once_in_any_order(folder: Path, tmp_path: Path):
    lines = purchases()
    mixed = [*lines, *lines[:5], b"{broken", b'{"specversion":"1.0","id":"x"}']
    random.Random(1).shuffle(mixed)
    (tmp_path / "plain.jsonl").write_bytes(b"\n".join(lines))
    (tmp_path / "mixed.jsonl.gz").write_bytes(gzip.compress(b"\n".join(mixed)))
    wallets, journals = [], []
    for name in ("plain.jsonl", "mixed.jsonl.gz"):
        out, journal = tmp_path / f"{name}.out", tmp_path / f"{name}.journal"
        result = simulate(folder, tmp_path / name, "--out", out, "--journal", journal, "--json")
        assert result.exit_code == 0, result.output
        wallets.append(out.read_text())
        journals.append(journal.read_text())
    assert wallets[0] == wallets[1]
    assert journals[0] == journals[1]
    told = json.loads(result.stdout)
    assert [told[name] for name in ("events", "duplicates", "members")] == [12, 5, 3]
    assert told["refused"] == {"missing_field": 1, "not_json": 1}
    points, visits = told["promotions"]["ten-euros"], told["promotions"]["third-visit"]
    assert [points[name] for name in ("members", "rewarded", "completed", "points")] == [3, 12, 0, {"base": 120}]
    assert [visits[name] for name in ("members", "rewarded", "completed", "coupons")] == [3, 3, 3, 3]
    assert visits["cost"] == [{"amount": 300, "currency": "EUR"}]
    for line in wallets[0].splitlines():
        record = WalletRecord.model_validate_json(line)
        assert record.points["base"].active == 40
        assert [coupon.status for coupon in record.coupons] == ["issued"]
    assert len(journals[0].splitlines()) == 12 + 3 + 3


def test_simulate_names_the_place_of_a_bad_line(folder: Path, tmp_path: Path):
    events = tmp_path / "e.jsonl"
    events.write_bytes(purchases()[0] + b"\n{broken\n" + purchases()[1].replace(b"2026-", b"0001-"))
    result = simulate(folder, events)
    assert f"{events}:2: not_json" in result.stderr
    assert f"{events}:3: invalid_time" in result.stderr
    assert "refused: not_json" in result.stdout


def test_another_content_under_the_same_id_is_refused(folder: Path, tmp_path: Path):
    events = tmp_path / "e.jsonl"
    first = purchases()[0]
    events.write_bytes(first + b"\n" + first.replace(b"1050", b"9950"))
    told = json.loads(simulate(folder, events, "--json").stdout)
    assert told["refused"] == {"id_conflict": 1}
    assert told["promotions"]["ten-euros"]["points"] == {"base": 10}


def test_simulate_does_not_start_with_a_wrong_document(folder: Path, tmp_path: Path):
    (folder / "bad.yaml").write_text("promotion: a")
    (tmp_path / "e.jsonl").write_bytes(b"")
    result = simulate(folder, tmp_path / "e.jsonl")
    assert result.exit_code == 1
    assert "bad.yaml:1:1: reward: `reward` is missing" in result.stderr

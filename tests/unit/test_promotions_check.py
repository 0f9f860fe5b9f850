"""`unisono promotions check` over folders: warnings, the programme document, what stands beside a document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli.main import app
from services.engine.rewarding.contests import seed_hash, seed_of

RUN = CliRunner()
COFFEE = """
promotion: coffee
title: {en: "A point for every coffee"}
schedule: {until: 2026-12-31}
audience: {segments: commuters}
where: {region: lazio}
goal: {visits: 2}
reward: {points: 5}
examples:
  given: [{order: {total: 5.00 EUR}}, {order: {total: 5.00 EUR}}]
  expect: {points: 5}
"""
PROGRAMME = """
programme: main
segments: [commuters, families]
regions: {lazio: [114]}
"""
CONTEST = """
promotion: win
title: {en: Win}
schedule: {from: 2026-03-01, until: 2026-12-31, timezone: Europe/Rome}
reward: {entries: 1}
limits: {per_member: {times: 1}}
contest: {seed_sha256: %s, draw: {at: 2027-01-05, prizes: {prize: car}}}
examples: {given: {order: {total: 5.00 EUR}}, expect: {entries: 1}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "coffee.yaml").write_text(COFFEE)
    (tmp_path / "programme.yaml").write_text(PROGRAMME)
    return tmp_path


def check(*arguments: object) -> tuple[int, list[str]]:
    result = RUN.invoke(app, ["promotions", "check", *map(str, arguments)])
    return result.exit_code, result.output.splitlines()


def check_for_programs(*arguments: object) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(RUN.invoke(app, ["promotions", "check", "--json", *map(str, arguments)]).stdout)
    return told


def test_a_promotion_is_judged_and_run_under_the_programme_of_its_folder(folder: Path):
    code, lines = check(folder)
    assert code == 0, lines
    assert not [line for line in lines if line.startswith(str(folder))]
    (folder / "coffee.yaml").write_text(COFFEE.replace("lazio", "latium").replace("commuters", "comuters"))
    code, lines = check(folder)
    assert code == 1
    assert f"{folder}/coffee.yaml:5:12: audience.segments: `comuters` is no segment of the programme" in lines[0]
    assert "did you mean `commuters`?" in lines[0]
    assert f"{folder}/coffee.yaml:6:9: where.region: `latium` is no region" in lines[1]


def test_warnings_are_told_and_fail_with_strict_only(folder: Path):
    (folder / "coffee.yaml").write_text(
        COFFEE.replace("schedule: {until: 2026-12-31}", "schedule: {hours: 00:00-24:00}")
    )
    code, lines = check(folder)
    assert code == 0
    assert lines[0] == (
        f"{folder}/coffee.yaml:4:1: warning[no-end]: schedule.until: it has no last day"
        " (write `schedule: {until: 2026-12-31}`)"
    )
    assert "warning[always-true]: schedule.hours" in lines[1]
    assert any("ok, 2 warnings" in line for line in lines)
    assert check("--strict", folder)[0] == 1
    told = check_for_programs(folder)
    assert told["passed"] is True
    assert [(p["severity"], p["code"]) for p in told["documents"][0]["problems"]] == [
        ("warning", "no-end"),
        ("warning", "always-true"),
    ]
    assert check_for_programs("--strict", folder)["passed"] is False


def test_a_programme_document_with_a_mistake_is_told_and_its_examples_are_not_run(folder: Path):
    (folder / "programme.yaml").write_text(PROGRAMME.replace("regions", "region"))
    code, lines = check(folder)
    assert code == 1
    assert lines[0] == f"{folder}/programme.yaml:4:1: region: unknown field `region` (did you mean `regions`?)"
    told = check_for_programs(folder)
    assert told["programmes"][0]["passed"] is False
    assert told["documents"][0]["examples"] == []


def test_two_programme_documents_in_one_folder(folder: Path):
    (folder / "zweite.yaml").write_text(PROGRAMME)
    code, lines = check(folder)
    assert code == 1
    assert f"{folder}/zweite.yaml:2:1: programme: {folder}/programme.yaml is a programme document too" in lines[0]


def test_the_nearest_programme_document_holds(folder: Path):
    inner = folder / "inner"
    inner.mkdir()
    (inner / "tea.yaml").write_text(COFFEE.replace("coffee", "tea", 1).replace("lazio", "toscana"))
    (inner / "programme.yaml").write_text(PROGRAMME.replace("lazio", "toscana"))
    code, lines = check(folder)
    assert code == 0, lines


def test_no_more_of_a_file_is_read_than_a_document_may_have(folder: Path):
    with (folder / "coffee.yaml").open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    code, lines = check(folder)
    assert code == 1
    assert f"{folder}/coffee.yaml:1:1: longer than 1048576 bytes: no promotion document is" in lines


def test_codes_that_are_not_beside_the_document(folder: Path):
    pool = "codes: {file: codes.txt, count: 2, sha256: " + "0" * 64 + "}"
    (folder / "coffee.yaml").write_text(
        COFFEE.replace("{points: 5}\nexamples", f"{{coupon: {{free_shipping: true, valid_for: 1d, {pool}}}}}\nexamples")
    )
    assert any("codes.txt" in line and "coffee.yaml:8:" in line for line in check(folder)[1])
    (folder / "codes.txt").write_text("ABC\nABC\n")
    code, lines = check(folder)
    assert code == 1
    assert any("codes.txt" in line for line in lines)


def test_the_hash_of_a_contest_is_that_of_the_seed_where_the_secret_is_known(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    (folder / "win.yaml").write_text(CONTEST % ("0" * 64))
    assert check(folder / "win.yaml")[0] == 0
    monkeypatch.setenv("UNISONO_PROGRAMME_SECRET", "a secret of our own, and a long one")
    expected = seed_hash(seed_of(b"a secret of our own, and a long one", "win"))
    code, lines = check(folder / "win.yaml")
    assert code == 1
    assert f"{folder}/win.yaml:7:11: contest.seed_sha256: this is not the hash of the seed" in lines[0]
    assert expected in lines[0]
    (folder / "win.yaml").write_text(CONTEST % expected)
    assert check(folder / "win.yaml")[0] == 0

"""`unisono contests` as those who hold a contest call it, and as a notary checks them."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from schemas.promotions.rewards import InstantPrize
from services.cli import contest_journal
from services.cli.main import app
from services.engine.rewarding.contests import InstantWinTable, Moment, seed_hash, seed_of, winning_moments

RUN = CliRunner()
SECRET = "a secret of thirty-two characters"
SEED = seed_of(SECRET.encode(), "spring")
PAGE = (Path(__file__).parents[2] / "docs" / "contests.md").read_text()
START, END = 1_772_319_600_000_000, 1_774_994_399_999_999  # 1 March to 31 March 2026 in Rome
PRIZES = (InstantPrize(prize="coffee", winners=3), InstantPrize(prize="machine", winners=1))
DOCUMENT = f"""
promotion: spring
title: {{en: "Spring draw"}}
schedule: {{from: 2026-03-01, until: 2026-03-31, timezone: Europe/Rome}}
reward:
  - entries: 1
  - instant_win: true
contest:
  seed_sha256: {seed_hash(SEED)}
  draw:
    at: 2026-04-10T12:00
    prizes: [{{prize: car, winners: 1, reserves: 1}}, {{prize: bag, winners: 2}}]
  instant_win:
    prizes: [{{prize: coffee, winners: 3}}, {{prize: machine, winners: 1}}]
"""


def invoke(*arguments: object):
    return RUN.invoke(app, ["contests", *map(str, arguments)])


def refusal(result: Any) -> str:
    """The sentence that main() prints, with exit code 2."""
    assert type(result.exception).__name__ == "UsageError"
    return str(result.exception)


def line(member: str, entry: str, **fields: object) -> dict[str, object]:
    body: dict[str, object] = {
        "member_id": member,
        "entry_id": entry,
        "type": "unisono.reward.granted.v1",
        "unit": "entries",
        "debit": "programme:entries",
        "credit": "member:entries",
        "amount": 1,
        "promotion_id": "spring",
        "promotion_version": 1,
        "caused_by": "/tills/1 e-1",
        "occurred_at": "2026-03-20T10:00:00.000Z",
    }
    return body | fields


def win(member: str, moment: Moment, index: int) -> dict[str, object]:
    at = datetime.fromtimestamp(moment.instant // 1000 / 1000, UTC).isoformat(timespec="milliseconds")
    unit = f"prize:{PRIZES[moment.prize].prize}"
    return line(member, f"win {index}", unit=unit, detail={"moment": index}, occurred_at=at.replace("+00:00", "Z"))


def write(path: Path, lines: list[dict[str, object]]) -> Path:
    text = b"".join(json.dumps(body).encode() + b"\n" for body in lines)
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


@pytest.fixture(autouse=True)
def after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNISONO_PROGRAMME_SECRET", SECRET)
    at(monkeypatch, 2026, 4, 11)


def at(monkeypatch: pytest.MonkeyPatch, year: int, month: int, day: int) -> None:
    monkeypatch.setattr("services.clock.utc_now", lambda: datetime(year, month, day, tzinfo=UTC))


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "spring.yaml"
    path.write_text(DOCUMENT)
    return path


@pytest.fixture
def lines() -> list[dict[str, object]]:
    moments = winning_moments(PRIZES, SEED, START, END)
    entered = [line(f"m-{n % 6}", f"reward.granted spring {n}", amount=n % 3 + 1) for n in range(20)]
    return [*entered, win("m-1", moments[0], 0), win("m-7", moments[1], 1)]


@pytest.fixture
def journal(tmp_path: Path, lines: list[dict[str, object]]) -> Path:
    return write(tmp_path / "journal.jsonl", lines)


@pytest.fixture
def report(document: Path, journal: Path, tmp_path: Path) -> Path:
    out = tmp_path / "report.json"
    result = invoke("draw", document, "--journal", journal, "--out", out)
    assert (result.exit_code, result.stderr) == (0, "")
    return out


# The hash before the start ----------------------------------------------------------------------------------------


def test_the_hash_of_a_document_that_lacks_it(document: Path, monkeypatch: pytest.MonkeyPatch):
    at(monkeypatch, 2026, 2, 1)
    document.write_text(DOCUMENT.replace(f"  seed_sha256: {seed_hash(SEED)}\n", ""))
    result = invoke("seed-hash", document)
    assert result.exit_code == 1
    assert result.stdout == (
        f"spring  {seed_hash(SEED)}  put it into the document: contest: {{seed_sha256: {seed_hash(SEED)}}}\n"
    )


def test_the_hash_that_stands_there_is_confirmed_at_any_time(document: Path):
    result = invoke("seed-hash", document)
    assert (result.exit_code, result.stdout) == (0, f"spring  {seed_hash(SEED)}  in the document\n")


def test_another_hash_is_told_and_refused_after_the_start(document: Path, monkeypatch: pytest.MonkeyPatch):
    document.write_text(DOCUMENT.replace(seed_hash(SEED), "0" * 64))
    at(monkeypatch, 2026, 2, 1)
    result = invoke("seed-hash", document)
    assert result.exit_code == 1
    assert "NOT what the document says" in result.stdout
    at(monkeypatch, 2026, 3, 2)
    assert "a hash published now proves nothing" in refusal(invoke("seed-hash", document))


@pytest.mark.parametrize(
    ("secret", "told"), [("", "everybody knows"), ("change-me", "everybody knows"), ("x", "short")]
)
def test_a_weak_secret_is_told(document: Path, monkeypatch: pytest.MonkeyPatch, secret: str, told: str):
    monkeypatch.setenv("UNISONO_PROGRAMME_SECRET", secret)
    at(monkeypatch, 2026, 2, 1)
    assert told in invoke("seed-hash", document).stderr


def test_other_mistakes_of_the_document_are_told(document: Path):
    document.write_text(DOCUMENT.replace("reserves: 1", "reserves: -1"))
    result = invoke("seed-hash", document)
    assert result.exit_code == 1
    assert "spring.yaml:" in result.stderr


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("promotion: spring\ntitle: {en: S}\nreward: {points: 1}\n", "no contest"),
        (DOCUMENT.replace(", timezone: Europe/Rome", ""), "a contest names its own time zone"),
    ],
)
def test_what_is_no_contest_to_hold_is_refused(document: Path, journal: Path, wrong: str, told: str):
    document.write_text(wrong)
    result = invoke("draw", document, "--journal", journal)
    assert result.exit_code != 0
    assert told in result.stderr + str(result.exception)


# The draw ---------------------------------------------------------------------------------------------------------


def test_the_report_says_everything(report: Path, document: Path):
    told = json.loads(report.read_bytes())
    assert told["promotion"] == "spring"
    assert told["versions"] == [1]
    assert told["document"] == {"file": "spring.yaml", "sha256": sha256(document.read_bytes()).hexdigest()}
    assert told["seed"] == SEED.hex()
    assert told["seed_sha256"] == sha256(SEED).hexdigest()
    drawn = told["draw"]["drawn"]
    assert [(place["prize"], place["reserve"], place["place"]) for place in drawn] == [
        ("car", False, 1),
        ("bag", False, 1),
        ("bag", False, 2),
        ("car", True, 1),
    ]
    assert len({place["member_id"] for place in drawn}) == 4
    assert told["draw"]["at"] == "2026-04-10T10:00:00.000000Z"
    assert (told["draw"]["entries"], told["draw"]["tickets"], told["draw"]["members"]) == (20, 39, 6)
    won = told["instant_win"]["moments"]
    assert [moment.get("member_id") for moment in won] == ["m-1", "m-7", None, None]
    assert (told["instant_win"]["starts"], told["instant_win"]["ends"]) == (
        "2026-02-28T23:00:00.000000Z",
        "2026-03-31T21:59:59.999999Z",
    )


def test_the_text_names_winners_and_hashes(document: Path, journal: Path, report: Path):
    text = invoke("draw", document, "--journal", journal).stdout
    told = json.loads(report.read_bytes())
    assert sha256(report.read_bytes()).hexdigest() in text
    assert told["draw"]["entries_sha256"] in text
    for place in told["draw"]["drawn"]:
        assert place["member_id"] in text
    assert re.search(r"coffee +3 ", text)


def test_the_same_journal_in_another_order_gives_the_same_bytes(
    document: Path, lines: list[dict[str, object]], report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """In two files, one of them gzipped, with lines delivered twice, and more lines than are held at once."""
    monkeypatch.setattr(contest_journal, "_CHUNK_LINES", 3)
    one = write(tmp_path / "one.jsonl.gz", lines[::-2])
    two = write(tmp_path / "two.jsonl", lines[::-1])
    out = tmp_path / "again.json"
    assert invoke("draw", document, "--journal", one, "--journal", two, "--out", out).exit_code == 0
    assert out.read_bytes() == report.read_bytes()


def test_what_was_taken_back_came_late_or_is_of_another_promotion_does_not_count(
    document: Path, lines: list[dict[str, object]], report: Path, tmp_path: Path
):
    gone = line("m-9", "e-gone", amount=2)
    more = [
        line("m-9", "e-back", type="unisono.reward.reversed.v1", reverses="e-gone", amount=2),
        gone,
        line("m-9", "e-late", occurred_at="2026-04-10T10:00:00.000Z"),
        line("m-9", "e-other", promotion_id="summer"),
        line("m-9", "e-points", type="unisono.points.earned.v1", unit="points:base"),
        win("m-9", Moment(END, 0), 2) | {"entry_id": "w-gone"},
        line("m-9", "w-back", unit="prize:coffee", type="unisono.reward.reversed.v1", reverses="w-gone"),
    ]
    journal = write(tmp_path / "more.jsonl", [*more, *lines])
    out = tmp_path / "again.json"
    assert invoke("draw", document, "--journal", journal, "--out", out).exit_code == 0
    assert json.loads(out.read_bytes()) == json.loads(report.read_bytes())


def test_the_seed_is_not_shown_before_the_end(document: Path, journal: Path, monkeypatch: pytest.MonkeyPatch):
    at(monkeypatch, 2026, 4, 9)
    assert "not over before 2026-04-10T10:00:00.000000Z" in refusal(invoke("draw", document, "--journal", journal))


def test_another_secret_than_the_announced_one_draws_nothing(
    document: Path, journal: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("UNISONO_PROGRAMME_SECRET", "another")
    assert "is not the hash of this contest's seed" in refusal(invoke("draw", document, "--journal", journal))


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (line("m", "e", amount="many"), "no journal entry: amount"),
        (line("m", "e", occurred_at="yesterday"), "no journal entry: occurred_at"),
        (line("m", "w", unit="prize:coffee"), "names no moment"),
    ],
)
def test_a_line_that_cannot_be_read_is_told_with_its_place(
    document: Path, tmp_path: Path, bad: dict[str, object], told: str
):
    journal = write(tmp_path / "bad.jsonl", [line("m-1", "e-1"), bad])
    sentence = refusal(invoke("draw", document, "--journal", journal))
    assert "bad.jsonl:2: " in sentence
    assert told in sentence


def test_one_entry_with_two_amounts_is_refused(document: Path, tmp_path: Path):
    journal = write(tmp_path / "twice.jsonl", [line("m-1", "e-1"), line("m-1", "e-1", amount=2)])
    assert "the entry e-1 of the member m-1 is there twice" in refusal(invoke("draw", document, "--journal", journal))


def test_a_journal_without_entries_is_the_wrong_one(document: Path, tmp_path: Path):
    journal = write(tmp_path / "none.jsonl", [])
    assert "no entry to the draw of spring" in refusal(invoke("draw", document, "--journal", journal))
    assert "cannot be read" in refusal(invoke("draw", document, "--journal", tmp_path / "nowhere.jsonl"))


# The notary -------------------------------------------------------------------------------------------------------


def test_a_true_report_holds_without_the_secret(
    report: Path, journal: Path, document: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("UNISONO_PROGRAMME_SECRET")
    result = invoke("verify", report, "--journal", journal, "--document", document)
    assert (result.exit_code, result.exception) == (0, None)
    assert "the report holds against the document, the seed's hash and the journal: 4 drawn" in result.stdout


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda r: r["draw"]["drawn"][0].update(member_id="m-99"), 'draw.drawn[0].member_id: the report says "m-99"'),
        (lambda r: r["draw"]["drawn"].pop(), "draw.drawn: the report has 3, there are 4"),
        (lambda r: r["draw"].update(entries=21), "draw.entries: the report says 21, it is 20"),
        (lambda r: r["draw"]["prizes"][0].update(winners=2), "draw.drawn"),
        (lambda r: r.update(seed="00" * 32), "seed: its SHA-256 is not seed_sha256"),
        (lambda r: r.update(versions=[1, 2]), "versions: the report has 2, there are 1"),
        (lambda r: r["instant_win"]["moments"][0].update(member_id="m-99"), "instant_win.moments[0].member_id"),
        (lambda r: r["instant_win"]["moments"][3].update(prize="yacht"), "instant_win.moments[3].prize"),
        (lambda r: r["instant_win"].update(ends="2026-03-30T00:00:00.000000Z"), "instant_win.moments[0].at"),
    ],
)
def test_a_report_that_was_altered_is_found_out(report: Path, journal: Path, change: Any, told: str):
    altered = json.loads(report.read_bytes())
    change(altered)
    report.write_text(json.dumps(altered))
    result = invoke("verify", report, "--journal", journal)
    assert result.exit_code == 1
    assert told in result.stdout


def test_terms_that_were_not_announced_are_found_out(report: Path, journal: Path, document: Path):
    """A report that is sound in itself, over another prize than the document published."""
    document.write_text(DOCUMENT.replace("prize: car", "prize: bicycle"))
    result = invoke("verify", report, "--journal", journal, "--document", document)
    assert result.exit_code == 1
    assert 'draw.prizes[0].prize: the report says "car", it is "bicycle"' in result.stdout
    assert "document.sha256" in result.stdout


def test_a_journal_that_was_altered_is_found_out(
    report: Path, tmp_path: Path, lines: list[dict[str, object]], document: Path
):
    journal = write(tmp_path / "other.jsonl", lines[1:])
    result = invoke("verify", report, "--journal", journal)
    assert result.exit_code == 1
    assert "draw.entries_sha256" in result.stdout


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"detail": {"moment": 4}}, "is number 4 of 4"),
        ({"unit": "prize:yacht"}, "gave the prize yacht; number 0 is the prize"),
        ({"occurred_at": "2026-03-01T00:00:00.000Z"}, "before its moment"),
        ({"member_id": "m-2", "entry_id": "win 5"}, "which the member m-1 won too"),
    ],
)
def test_wins_that_the_table_does_not_allow_are_told(
    document: Path, tmp_path: Path, lines: list[dict[str, object]], changed: dict[str, object], told: str
):
    again = [body for body in lines if body["entry_id"] != "win 0"] if "member_id" not in changed else lines
    first = next(body for body in lines if body["entry_id"] == "win 0")
    journal = write(tmp_path / "wins.jsonl", [*again, first | changed])
    result = invoke("draw", document, "--journal", journal)
    assert result.exit_code == 1
    assert told in result.stdout


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"report": "unisono.contest.v1"}', "\x00"])
def test_what_is_no_report_is_refused(tmp_path: Path, journal: Path, text: str):
    path = tmp_path / "report.json"
    path.write_text(text)
    assert "is no report of a contest" in refusal(invoke("verify", path, "--journal", journal))


@pytest.mark.parametrize(
    "change", [{"starts": "2026-13-01T00:00:00.000000Z"}, {"starts": "2027-01-01T00:00:00.000000Z"}]
)
def test_a_report_of_an_impossible_time_is_refused(report: Path, journal: Path, change: dict[str, str]):
    altered = json.loads(report.read_bytes())
    altered["instant_win"].update(change)
    report.write_text(json.dumps(altered))
    assert refusal(invoke("verify", report, "--journal", journal))


def test_the_list_of_entries_can_be_kept_before_the_seed_is_shown(
    document: Path, journal: Path, report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    at(monkeypatch, 2026, 4, 1)
    monkeypatch.delenv("UNISONO_PROGRAMME_SECRET")
    out = tmp_path / "entries.txt"
    result = invoke("entries", document, "--journal", journal, "--out", out)
    digest = sha256(out.read_bytes()).hexdigest()
    assert result.stdout == f"{digest}  20 entries\n"
    assert json.loads(report.read_bytes())["draw"]["entries_sha256"] == digest


def test_what_a_simulation_gives_is_drawn_and_verified(document: Path, tmp_path: Path):
    """From orders to a report that holds: what the engine posts is what the tools read."""
    orders: list[dict[str, object]] = []
    for n in range(40):
        data = {"order_id": f"o-{n}", "member_id": f"m-{n % 7}", "channel": "web", "currency": "EUR", "total": 2500}
        orders.append(
            {
                "specversion": "1.0",
                "id": f"e-{n}",
                "source": "/shop",
                "type": "unisono.order.completed.v1",
                "subject": f"m-{n % 7}",
                "time": f"2026-03-{n % 31 + 1:02}T09:{n % 60:02}:00Z",
                "datacontenttype": "application/json",
                "data": data | {"lines": [], "business_date": f"2026-03-{n % 31 + 1:02}"},
            }
        )
    events, journal, out = write(tmp_path / "e.jsonl", orders), tmp_path / "j.jsonl", tmp_path / "r.json"
    simulated = RUN.invoke(
        app, ["simulate", "--promotions", str(document), "--events", str(events), "--journal", str(journal)]
    )
    assert simulated.exit_code == 0
    assert invoke("draw", document, "--journal", journal, "--out", out).exit_code == 0
    assert invoke("verify", out, "--journal", journal, "--document", document).exit_code == 0
    told = json.loads(out.read_bytes())
    assert (told["draw"]["entries"], told["draw"]["members"]) == (40, 7)
    assert len(told["draw"]["drawn"]) == 4
    assert all(moment["member_id"] for moment in told["instant_win"]["moments"][:-1])


def test_a_folder_may_hold_other_documents(document: Path):
    (document.parent / "other.yaml").write_text("promotion: other\ntitel: {en: O}\n")
    assert invoke("seed-hash", document.parent).exit_code == 0


# Winning moments --------------------------------------------------------------------------------------------------


def test_moments_are_listed_only_when_asked_for(document: Path, monkeypatch: pytest.MonkeyPatch):
    hidden = invoke("moments", document)
    assert hidden.stdout == "4 winning moments; --reveal lists them, once the contest is over\n"
    shown = invoke("moments", document, "--reveal")
    table = InstantWinTable.drawn(PRIZES, SEED, START, END)
    assert [text.split("  ")[1] for text in shown.stdout.splitlines()] == [table.prize(n).prize for n in range(4)]
    assert shown.stderr == ""
    at(monkeypatch, 2026, 3, 15)
    assert "still runs" in invoke("moments", document, "--reveal").stderr


# The page ---------------------------------------------------------------------------------------------------------


def test_the_program_of_the_page_finds_the_same(report: Path, document: Path, journal: Path, tmp_path: Path):
    """The notary's own lines, run as they stand, find the winners and moments of the report."""
    [program] = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    invoke("entries", document, "--journal", journal, "--out", tmp_path / "entries.txt")
    result = subprocess.run(
        [sys.executable, "-I", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    told = json.loads(report.read_bytes())
    assert result.stdout.splitlines() == [
        *(f"{place['member_id']} {place['entry_id']} {place['ticket']}" for place in told["draw"]["drawn"]),
        *(f"{moment['at']} {moment['prize']}" for moment in told["instant_win"]["moments"]),
    ]

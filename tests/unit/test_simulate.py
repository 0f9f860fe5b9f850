"""`unisono simulate` on files: shared limits in the order of time, processes, repeats, the end, outputs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from schemas.envelope import CloudEvent, to_structured
from schemas.wallet import WalletRecord
from services.cli.main import app
from services.simulation import heap, outputs, workers
from services.simulation.heap import EventHeap, whole_members

RUN = CliRunner()
START = datetime(2026, 3, 2, 9, tzinfo=UTC)

TEN_POINTS = """
promotion: ten-points
title: {en: "10 points an order"}
reward: {points: 10}
"""


def order(number: int, member: str, hours: int, *, total: int = 1000, store: str = "1") -> bytes:
    """One order as a line."""
    data = {
        "order_id": f"o{number}",
        "member_id": member,
        "channel": "pos",
        "store_id": store,
        "currency": "EUR",
        "total": total,
        "lines": [{"line_no": 1, "sku": "s", "quantity": 1, "amount": total}],
    }
    at = START + timedelta(hours=hours)
    event = CloudEvent(f"e{number}", "/tills/1", "unisono.order.completed.v1", at, member, json.dumps(data).encode())
    return to_structured(event) + b"\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "promotions").mkdir()
    return tmp_path


def simulate(folder: Path, promotion: str, lines: list[bytes], *more: object) -> dict[str, Any]:
    """The JSON of one run, and the wallets by member under `wallets`."""
    (folder / "promotions" / "p.yaml").write_text(promotion)
    events, out = folder / "e.jsonl", folder / "wallets.jsonl"
    events.write_bytes(b"".join(lines))
    named = ("--promotions", folder / "promotions", "--events", events, "--out", out, "--json", *more)
    result = RUN.invoke(app, ["simulate", *map(str, named)])
    assert result.exit_code == 0, (result.output, result.exception)
    records = map(WalletRecord.model_validate_json, out.read_bytes().splitlines())
    return {**json.loads(result.stdout), "wallets": {record.member_id: record for record in records}}


def points(told: dict[str, Any]) -> dict[str, int]:
    return {member: record.points["base"].active for member, record in told["wallets"].items()}


LAST_COME_FIRST = [order(1, "anna", 30), order(2, "bert", 10), order(3, "carl", 20), order(4, "dora", 40)]
"""Four orders of four members; in order of time: bert, carl, anna, dora."""


def test_a_budget_ends_in_the_order_of_time_not_of_members(folder: Path):
    told = simulate(folder, TEN_POINTS + "limits: {budget: {points: 25}}", LAST_COME_FIRST)
    assert points(told) == {"anna": 0, "bert": 10, "carl": 10, "dora": 0}
    assert told["promotions"]["ten-points"]["points"] == {"base": 20}
    assert told["settled"] is True


def test_the_last_bit_of_a_budget_may_be_given(folder: Path):
    told = simulate(folder, TEN_POINTS + "limits: {budget: {points: 25, last: partial}}", LAST_COME_FIRST)
    assert points(told) == {"anna": 5, "bert": 10, "carl": 10, "dora": 0}


def test_a_limit_in_all_and_one_of_a_store(folder: Path):
    lines = [order(1, "anna", 30), order(2, "bert", 10), order(3, "carl", 20, store="2"), order(4, "dora", 40)]
    assert points(simulate(folder, TEN_POINTS + "limits: {total: {times: 3}}", lines)) == {
        "anna": 10,
        "bert": 10,
        "carl": 10,
        "dora": 0,
    }
    assert points(simulate(folder, TEN_POINTS + "limits: {per_store: {times: 1}}", lines)) == {
        "anna": 0,
        "bert": 10,
        "carl": 10,
        "dora": 0,
    }


def test_what_one_limit_refuses_another_still_has(folder: Path):
    """Bert's second order is refused by the store, so its piece of the budget goes to somebody later."""
    lines = [
        order(1, "bert", 10),
        order(2, "bert", 11),
        order(3, "anna", 12, store="2"),
        order(4, "zoe", 13, store="3"),
    ]
    told = simulate(folder, TEN_POINTS + "limits: {per_store: {times: 1}, budget: {points: 30}}", lines)
    assert points(told) == {"anna": 10, "bert": 10, "zoe": 10}
    assert told["settled"] is True


def test_a_stock_of_gifts_goes_to_the_first(folder: Path):
    gift = """
promotion: a-mug
title: {en: "A mug"}
goal: {visits: 2}
reward: {gift: {item: mug, stock: 2, valid_for: 30d}, value: 3.00 EUR}
"""
    lines = [order(n, member, hours) for n, (member, hours) in enumerate([("a", 1), ("b", 2), ("c", 3)])]
    lines += [order(n + 3, member, hours) for n, (member, hours) in enumerate([("a", 30), ("b", 20), ("c", 10)])]
    told = simulate(folder, gift, lines)
    assert {member for member, record in told["wallets"].items() if record.coupons} == {"b", "c"}
    given = told["promotions"]["a-mug"]
    assert (given["gifts"], given["coupons"], given["cost"]) == (2, 0, [{"amount": 600, "currency": "EUR"}])


def test_never_overdrawn_with_many_orders_and_goals(folder: Path):
    promotion = """
promotion: fifty
title: {en: "20 points every 50 euro"}
goal: {spend: 50.00 EUR, repeat: true, carry_over: true}
reward: {points: 20}
limits: {budget: {points: 1000}, per_store: {times: 9, every: week}}
"""
    lines = [order(n, f"m{n * 7 % 40}", n * 13 % 900, total=900 + n * 37 % 2500, store=str(n % 5)) for n in range(400)]
    told = simulate(folder, promotion, lines)
    given = sum(points(told).values())
    assert given == told["total"]["points"]["base"]
    assert 0 < given <= 1000


def test_several_processes_give_the_same_bytes(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(heap, "CHUNK_ROWS", 7)
    lines = [order(n, f"m{n * 7 % 30}", n * 13 % 900) for n in range(200)]
    limited = TEN_POINTS + "limits: {budget: {points: 500}}"
    told, written = [], []
    for jobs in (1, 2):
        told.append(simulate(folder, limited, lines, "--jobs", jobs, "--journal", folder / "j.jsonl"))
        written.append((folder / "wallets.jsonl").read_bytes() + (folder / "j.jsonl").read_bytes())
    assert told[0] == told[1]
    assert written[0] == written[1]


def test_an_id_belongs_to_the_member_who_had_it_first(folder: Path):
    told = simulate(folder, TEN_POINTS, [order(1, "zoe", 1), order(1, "anna", 1), order(1, "zoe", 1)])
    assert points(told) == {"zoe": 10}
    assert (told["events"], told["duplicates"], told["refused"]) == (1, 1, {"id_conflict": 1})


def test_time_passes_until_the_end_of_a_day(folder: Path):
    pending = TEN_POINTS.replace("points: 10", "points: {earn: 10, pending_for: 3d}")
    lines = [order(1, "anna", 0), order(2, "anna", 24 * 20)]
    assert points(simulate(folder, pending, lines[:1])) == {"anna": 0}
    told = simulate(folder, pending, lines, "--until", "2026-03-06")
    assert points(told) == {"anna": 10}
    assert (told["events"], told["later"]) == (1, 1)


def test_no_day_is_wrong_usage(folder: Path):
    (folder / "e.jsonl").write_bytes(b"")
    (folder / "promotions" / "p.yaml").write_text(TEN_POINTS)
    named = ("--promotions", folder, "--events", folder / "e.jsonl", "--until", "soon")
    assert "2026-12-31" in str(RUN.invoke(app, ["simulate", *map(str, named)]).exception)


def test_members_are_never_cut_in_two(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(heap, "CHUNK_ROWS", 3)
    rows = [(member, "s", str(n), "t", n, b"") for n, member in enumerate("aabbbbbcdde")]
    chunks = [[row[0] for row in chunk] for chunk in whole_members(rows)]
    assert chunks == [list("aabbbbb"), list("cdd"), list("e")]


def test_the_heap_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    with EventHeap() as events:
        for start in range(0, 40_000, 1000):
            events.take([(f"m{n}", "s", str(n), "t", n, b"x" * 2000) for n in range(start, start + 1000)])
        assert events.disown() == 0
        assert list(tmp_path.iterdir()) == []


def test_an_output_appears_when_it_is_whole(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    with outputs.Output(path) as out:
        out.write(b"wrong, and long\n")
        out.restart()
        out.write(b"right\n")
        assert not path.exists()
        out.finish()
    assert path.read_bytes() == b"right\n"
    with outputs.Output(path) as out:
        out.write(b"half")
    assert path.read_bytes() == b"right\n"
    assert list(tmp_path.iterdir()) == [path]


def test_small_files_need_no_other_process():
    assert workers.processes(1000) == 1
    assert workers.processes(1000, 3) == 3
    assert workers.processes(10**9) >= 1


def test_why_for_one_event(folder: Path):
    limited = TEN_POINTS + "limits: {budget: {points: 25}}"
    told = simulate(folder, limited, LAST_COME_FIRST, "--explain", "e1")
    (explained,) = told["explained"]["/tills/1 e1"]
    assert (explained["promotion_id"], explained["result"]) == ("ten-points", "refused")
    assert [line["path"] for line in explained["lines"] if not line["holds"]] == ["limits.budget"]
    told = simulate(folder, limited, LAST_COME_FIRST, "--explain", "/tills/1 e3", "--language", "it")
    assert told["explained"]["/tills/1 e3"][0]["headline"].startswith("Sì: 10 punti")
    assert simulate(folder, limited, LAST_COME_FIRST, "--explain", "e9")["explained"] == {}


def test_why_in_text_and_a_table_of_80_columns(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    (folder / "promotions" / "p.yaml").write_text(TEN_POINTS)
    (folder / "e.jsonl").write_bytes(b"".join(LAST_COME_FIRST))
    named = ("--promotions", folder / "promotions", "--events", folder / "e.jsonl", "--explain", "e1")
    result = RUN.invoke(app, ["simulate", *map(str, named)])
    assert "ten-points" in result.stdout
    assert "10 points an order (ten-points v1)" in result.stdout
    assert "Yes: 10 points" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_points_of_several_currencies_leave_room_for_the_name(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    many = [f"{{points: {{earn: 1000, currency: {name}}}}}" for name in ("base", "tier", "miles", "stars", "hearts")]
    reward = f"reward: [{', '.join(many)}, {{tier_points: 5}}, {{message: {{en: Hello}}}}]"
    (folder / "promotions" / "p.yaml").write_text(f"promotion: of-every-currency\ntitle: {{en: All}}\n{reward}\n")
    (folder / "promotions" / "q.yaml").write_text(TEN_POINTS)
    (folder / "promotions" / "programme.yaml").write_text(
        "programme: main\npoints: {base: {value: 0.01 EUR}, tier: {}, miles: {}, stars: {}, hearts: {}}\n"
    )
    (folder / "e.jsonl").write_bytes(b"".join(LAST_COME_FIRST[:1]))
    named = ("--promotions", folder / "promotions", "--events", folder / "e.jsonl")
    result = RUN.invoke(app, ["simulate", *map(str, named)])
    assert "of-every-currency" in result.stdout, result.stdout
    assert "message," in result.stdout  # one is no plural
    assert "cost EUR" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def table(folder: Path, promotion: str, width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """What one order of one member comes to, as a terminal of this width shows it."""
    monkeypatch.setenv("COLUMNS", str(width))
    (folder / "promotions" / "p.yaml").write_text(promotion)
    (folder / "promotions" / "q.yaml").write_text(TEN_POINTS)
    (folder / "e.jsonl").write_bytes(b"".join(LAST_COME_FIRST[:1]))
    named = ("--promotions", folder / "promotions", "--events", folder / "e.jsonl")
    return RUN.invoke(app, ["simulate", *map(str, named)]).stdout


def test_a_long_name_breaks_at_its_dashes(folder: Path, monkeypatch: pytest.MonkeyPatch):
    name, reward = (
        "never-bought-reminder-of-spring",
        ", ".join(
            f"{{points: {{earn: 100000, currency: {currency}}}}}" for currency in ("base", "tier", "miles", "hearts")
        ),
    )
    document = f"promotion: {name}\ntitle: {{en: All}}\nreward: [{reward}, {{message: {{en: Hi}}}}]\n"
    shown = [
        line.split(" ")[1] for line in table(folder, document, 66, monkeypatch).splitlines() if line[1:2].islower()
    ]
    assert "".join(word for word in shown if word in name) == name
    assert name in table(folder, document, 160, monkeypatch)


def test_tier_points_stand_in_one_column(folder: Path, monkeypatch: pytest.MonkeyPatch):
    reward = "[{tier_points: 5}, {points: {earn: 6, currency: tier}}, {entries: 1}]"
    contest = (
        "schedule: {from: 2026-01-01, until: 2026-12-31, timezone: Europe/Rome}\ncontest: {seed_sha256: " + "a" * 64
    )
    contest += ", draw: {at: 2027-01-10T12:00, prizes: [{prize: bell, winners: 1, reserves: 1}]}}"
    document = f"promotion: two-ways\ntitle: {{en: Two}}\nreward: {reward}\n{contest}\n"
    [row] = [line for line in table(folder, document, 120, monkeypatch).splitlines() if "two-ways" in line]
    assert row.split() == ["two-ways", "1", "1", "–", "11", "1", "entry", "–"]


def test_points_cost_a_cent_each_where_nobody_says_otherwise(folder: Path):
    """As budgets count them, with a programme document beside or without; points towards tiers cost nothing."""
    reward = "reward: [{points: 10}, {tier_points: 9}, {points: {earn: 8, currency: tier}}]"
    costs = []
    for programme in (None, "programme: main\n"):
        if programme is not None:
            (folder / "promotions" / "programme.yaml").write_text(programme)
        costs.append(simulate(folder, f"promotion: p\ntitle: {{en: P}}\n{reward}", LAST_COME_FIRST)["total"]["cost"])
    assert costs == [[{"amount": 40, "currency": "EUR"}]] * 2


def test_points_cost_what_the_programme_says(folder: Path):
    (folder / "promotions" / "programme.yaml").write_text(
        "programme: main\npoints: {base: {value: 1.00 EUR, value_points: 100}}\n"
    )
    told = simulate(folder, TEN_POINTS, LAST_COME_FIRST)
    assert told["total"]["cost"] == [{"amount": 40, "currency": "EUR"}]
    (folder / "promotions" / "more.yaml").write_text("programme: other\n")
    named = ("--promotions", folder / "promotions", "--events", folder / "e.jsonl")
    assert "both programme documents" in str(RUN.invoke(app, ["simulate", *map(str, named)]).exception)


def test_codes_from_a_file_go_out_in_the_order_of_time(folder: Path):
    codes = b"CODE-1\nCODE-2\nCODE-3\n"
    (folder / "promotions" / "codes.txt").write_bytes(codes)
    coupon = f"""
promotion: a-code
title: {{en: "A code"}}
reward:
  coupon:
    amount_off: 1.00 EUR
    valid_for: 30d
    codes: {{file: codes.txt, count: 3, sha256: {sha256(codes).hexdigest()}}}
"""
    told = simulate(folder, coupon, LAST_COME_FIRST)
    held = {member: [coupon.code for coupon in record.coupons] for member, record in told["wallets"].items()}
    assert held == {"bert": ["CODE-1"], "carl": ["CODE-2"], "anna": ["CODE-3"], "dora": []}

"""What the demo would say if something were wrong: each comparison, fed with what must not pass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from schemas.api.sync import Applied
from schemas.journal import JournalEntry
from services.demo.compare import BOOKKEEPING, first_difference
from services.demo.figures import Spread, propagation, skew, spread
from services.demo.findings import Findings, books_of_fold, books_of_journal, rewards_by_promotion
from services.engine.entries import Entry

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def record(**fields: object) -> bytes:
    return orjson.dumps({"member_id": "m1", "version": 3, "points": {"base": {"active": 10}}, "coupons": [], **fields})


def test_equal_wallets_differ_nowhere():
    """Spacing and the order of fields are no difference."""
    one = b'{"member_id": "m1", "version": 3, "coupons": [], "points": {"base": {"active": 10}}}'
    assert first_difference("till 433", {"m1": one}, {"m1": record()}) is None


@pytest.mark.parametrize(
    ("found", "path", "expected", "got"),
    [
        ({"m1": record(version=4)}, "/version", "3", "4"),
        ({"m1": record(points={"base": {"active": 11}})}, "/points/base/active", "10", "11"),
        ({"m1": record(points={})}, "/points/base", '{"active":10}', "nothing"),
        ({"m1": record(coupons=[{"code": "A"}])}, "/coupons", "[]", '[{"code":"A"}]'),
        ({"m1": record(version=True)}, "/version", "3", "true"),
        ({}, "", record().decode(), "nothing"),
        ({"m1": record(), "m2": record()}, "", "nothing", record().decode()),
    ],
    ids=["older", "points", "less", "coupon", "type", "missing", "too many"],
)
def test_the_first_difference_is_told_by_member_and_place(found, path, expected, got):
    difference = first_difference("till 433", {"m1": record()}, found)
    assert difference is not None
    assert (difference.path, difference.expected, difference.found) == (path, expected, got)
    assert "till 433" in str(difference)


def test_only_the_bookkeeping_may_differ_from_the_fold():
    books = {"m1": record(version=17, as_of="now", caused_by=["x"], occurred_at="then")}
    assert first_difference("the database", {"m1": record(version=1)}, books, ignored=BOOKKEEPING) is None
    tampered = {"m1": record(version=17, points={"base": {"active": 11}})}
    assert first_difference("the database", {"m1": record(version=1)}, tampered, ignored=BOOKKEEPING) is not None


def entry(entry_id: str, *, amount: int, reverses: str | None = None) -> JournalEntry:
    accounts = ("programme:points_granted", "member:points_active")
    debit, credit = accounts if reverses is None else accounts[::-1]
    return JournalEntry(
        entry_id=entry_id, member_id="m1", unit="points:base", debit=debit, credit=credit, amount=amount,
        type="unisono.points.earned.v1" if reverses is None else "unisono.points.reversed.v1",
        promotion_id="point-for-every-dollar", promotion_version=1, caused_by="/app e1", occurred_at=NOON,
        recorded_at=NOON, reverses=reverses,
    )  # fmt: skip


def decided(amount: int) -> Entry:
    return Entry(
        f"points.earned {amount}", "points.earned", "points:base", "programme:points_granted", "member:points_active",
        amount, "point-for-every-dollar", 1, None, None, "/app e1", NOON,
    )  # fmt: skip


def test_a_reversal_takes_back_what_it_reverses():
    told = [entry("1", amount=7), entry("2", amount=7, reverses="1"), entry("3", amount=9)]
    assert books_of_journal(told) == books_of_fold({"m1": [decided(9)]})
    assert rewards_by_promotion(told)["point-for-every-dollar"].points == 9


def test_a_doubled_entry_is_a_difference():
    told = [entry("1", amount=9), entry("2", amount=9)]
    assert books_of_journal(told) != books_of_fold({"m1": [decided(9)]})


def applied(member_id: str, version: int, after_ms: int, *, via: str = "stream") -> Applied:
    return Applied.model_validate(
        {
            "member_id": member_id, "version": version, "occurred_at": NOON, "recorded_at": NOON,
            "applied_at": NOON + timedelta(milliseconds=after_ms), "via": via,
        }
    )  # fmt: skip


def test_percentiles_are_values_that_were_measured():
    assert spread(range(1, 101)) == Spread(50, 95, 99, 100)
    assert spread([7]) == Spread(7, 7, 7, 1)
    assert spread([]) == Spread(0, 0, 0, 0)


def test_only_what_was_applied_live_counts():
    rows = [applied("m1", 1, 12), applied("m2", 1, 9000, via="snapshot")]
    assert propagation(rows, NOON) == [12]
    assert propagation(rows, NOON + timedelta(seconds=1)) == []


def test_skew_pairs_the_same_version_of_the_same_member():
    web = [applied("m1", 1, 12), applied("m1", 2, 30)]
    till = [applied("m1", 2, 33), applied("m2", 2, 50)]
    assert skew(web, till, NOON) == [3]


def findings(**changes: object) -> Findings:
    fields: dict[str, object] = {
        "events": 10, "members": 2, "repeats": 1, "duplicates": 1, "letters": {"not_json": 1},
        "letters_expected": {"not_json": 1}, "rewards": {}, "spreads": {}, "by_kind": {}, "skew": Spread(0, 0, 0, 0),
        "touchpoint_differences": [], "fold_differences": [],
    }  # fmt: skip
    return Findings(**{**fields, **changes})  # type: ignore[arg-type]


def test_nothing_to_complain_about():
    assert findings().complaints == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"duplicates": 0}, "absorbed 0"),
        ({"letters": {}}, "dead letters are {}"),
        (
            {"touchpoint_differences": [first_difference("till 433", {"m1": record()}, {"m1": record(version=2)})]},
            "member m1, /version: till 433 has 2, expected 3",
        ),
        ({"fold_differences": [first_difference("the journal", {"m1": b"{}"}, {})]}, "the journal has nothing"),
    ],
)
def test_each_complaint_is_a_sentence(changes, said):
    found = findings(**changes)
    assert len(found.complaints) == 1
    assert said in found.complaints[0]
    assert found.summary()["touchpoints_equal"] is ("touchpoint_differences" not in changes)

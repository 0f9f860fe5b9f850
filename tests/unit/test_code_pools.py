"""Imported codes: a file is what the document says of it, or every fault is told with its place."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from schemas.promotions.loading import Loaded, load_promotion
from schemas.promotions.pools import HeldCodes, pools_of
from schemas.promotions.rewards import Pool
from services.cli.code_pools import PoolError, pool_problems, read_pool, read_pools
from services.cli.errors import UsageError

CODES = b"AURORA-01\nAURORA-02\naurora_3.x\n"
DIGEST = sha256(CODES).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "codes.txt").write_bytes(CODES)
    return tmp_path


def pool(body: bytes = CODES, count: int = 3, file: str = "codes.txt") -> Pool:
    return Pool(file=file, count=count, sha256=sha256(body).hexdigest())


def loaded(folder: Path, reward: str, promotion: str = "cinema") -> Loaded:
    path = folder / f"{promotion}.yaml"
    found = load_promotion(f"promotion: {promotion}\ntitle: {{en: T}}\nreward:\n  {reward}\n", str(path))
    assert found.problems == ()
    return found


def coupon(count: int = 3, digest: str = DIGEST, file: str = "codes.txt") -> str:
    return f"coupon: {{free_item: ticket, valid_for: 9d, codes: {{file: {file}, count: {count}, sha256: {digest}}}}}"


def told(*documents: Loaded) -> list[str]:
    return [str(problem) for problem in pool_problems(documents)]


@pytest.mark.parametrize("body", [CODES, CODES[:-1], CODES.replace(b"\n", b"\r\n")])
def test_a_pool_is_read_in_the_order_of_its_file(folder: Path, body: bytes):
    (folder / "codes.txt").write_bytes(body)
    assert read_pool(folder / "cinema.yaml", pool(body)) == ("AURORA-01", "AURORA-02", "aurora_3.x")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"AURORA-01\n\nAURORA-02\n", "codes.txt:2: an empty line"),
        (b"AURORA-01\nAURORA 02\nx\n", "codes.txt:2: `AURORA 02` is no code (and 1 more)"),
        (b"AURORA-01\nAURORA-02\nAurora-01\n", "codes.txt:3: `Aurora-01` stands in line 1 already"),
        (b"AURORA-01\nAURORA-02\n", "codes.txt: codes.txt holds 2 codes"),
        (b"A" * 65, "codes.txt:1: `" + "A" * 64 + "` is no code"),
        (b"\xff\xfe\x00\n" * 3, "is no code (and 2 more)"),
        (b"", "codes.txt: codes.txt holds 0 codes"),
        (b"AURORA-01\n" * 100, "is longer than 3 codes can be"),
    ],
)
def test_what_is_wrong_in_the_file_is_told_with_its_line(folder: Path, body: bytes, sentence: str):
    (folder / "codes.txt").write_bytes(body)
    with pytest.raises(PoolError) as refused:
        read_pool(folder / "cinema.yaml", pool(body))
    assert sentence in str(refused.value)
    assert isinstance(refused.value, UsageError)


def test_a_missing_file_and_a_folder_are_no_pool(folder: Path):
    (folder / "d.txt").mkdir()
    for file in ("nowhere.txt", "d.txt"):
        with pytest.raises(PoolError, match="there is no file"):
            read_pool(folder / "cinema.yaml", pool(file=file))


def test_a_long_list_of_faults_ends(folder: Path):
    (folder / "codes.txt").write_bytes(b"?\n" * 5000)
    with pytest.raises(PoolError) as refused:
        read_pool(folder / "cinema.yaml", pool(b"?\n" * 5000, 5000))
    assert len(refused.value.faults) == 20


def test_problems_stand_where_they_are_mended(folder: Path):
    """Count and digest in the document, a bad line in the file; a list of one may be written as its element."""
    single = loaded(folder, coupon(count=4, digest="0" * 64))
    several = loaded(folder, "- points: 5\n  - " + coupon(count=4), "other")
    count, digest = told(single)
    place = f"{folder}/cinema.yaml"
    assert count == f"{place}:4:71: reward.coupon.codes.count: codes.txt holds 3 codes (write `count: 3`)"
    assert digest.startswith(
        f"{place}:4:81: reward.coupon.codes.sha256: codes.txt has another SHA-256 (write `sha256: "
    )
    assert DIGEST in digest
    assert told(several) == [
        f"{folder}/other.yaml:5:73: reward[1].coupon.codes.count: codes.txt holds 3 codes (write `count: 3`)"
    ]
    (folder / "bad.txt").write_bytes(b"AURORA-01\n*\n")
    [line] = told(loaded(folder, coupon(2, sha256(b"AURORA-01\n*\n").hexdigest(), "bad.txt"), "bad"))
    assert line.startswith(f"{folder}/bad.txt:2:1: `*` is no code (one code a line: 3 to 64 letters, digits, ")


def test_one_code_is_not_given_by_two_pools(folder: Path):
    first, second = loaded(folder, coupon()), loaded(folder, coupon(), "again")
    assert told(first) == []
    [line] = told(first, second)
    assert "again.yaml:4:54: reward.coupon.codes.file: `AURORA-01` (line 1) is in codes.txt of the promotion" in line
    (folder / "more.txt").write_bytes(b"NEW-1\naurora-02\n")
    third = loaded(folder, coupon(2, sha256(b"NEW-1\naurora-02\n").hexdigest(), "more.txt"), "third")
    [line] = told(first, third)
    assert "`aurora-02` (line 2) is in codes.txt" in line


def test_a_published_list_only_grows_at_its_end():
    """A place in the list that was given once stands for the same code for ever."""
    held = HeldCodes()
    assert held.take("cinema", "codes.txt", ["A-1", "A-2"]) is None
    assert held.take("cinema", "codes.txt", ["A-1", "A-2"]) is None
    assert held.take("cinema", "codes.txt", ["A-1", "A-2", "A-3"]) is None
    assert held.take("cinema", "codes.txt", ["A-1", "A-2"]) == "codes.txt had 3 codes before: none can be taken away"
    changed = held.take("cinema", "codes.txt", ["A-1", "B-2", "A-3"])
    assert changed == "line 2 of codes.txt was `A-2` before: new codes stand at the end, or in another file"
    taken = held.take("cinema", "more.txt", ["B-1", "a-3"])
    assert taken == "`a-3` (line 2) is in codes.txt of the promotion cinema too"
    assert held.take("cinema", "more.txt", ["B-1"]) is None


def test_pools_are_found_wherever_a_coupon_is_given(folder: Path):
    text = f"""
promotion: everywhere
title: {{en: T}}
schedule: {{from: 2026-03-01, until: 2026-03-31, timezone: Europe/Rome}}
variants:
  - {{variant: a, reward: [{{points: 5}}, {{instant_win: true}}]}}
  - {{variant: b, reward: {{{coupon()}}}}}
contest:
  seed_sha256: {"0" * 64}
  instant_win: {{prizes: {{prize: ticket, winners: 3, reward: {{{coupon()}}}}}}}
"""
    found = load_promotion(text, str(folder / "everywhere.yaml"))
    assert found.promotion is not None, found.problems
    assert [place for place, _ in pools_of(found.promotion)] == [
        ("variants", 1, "reward", 0, "coupon", "codes"),
        ("contest", "instant_win", "prizes", 0, "reward", "coupon", "codes"),
    ]
    assert told(found) == []
    assert read_pools(folder / "everywhere.yaml", found.promotion) == {DIGEST: ("AURORA-01", "AURORA-02", "aurora_3.x")}
    (folder / "codes.txt").write_bytes(CODES[:-11])
    [line, _] = told(found)
    assert "everywhere.yaml:7:" in line
    assert ": variants[1].reward.coupon.codes.count: " in line

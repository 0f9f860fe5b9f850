"""Files of events: what is written is read again, and a bad line is told with its place and stops nobody else."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from schemas.envelope import CloudEvent, to_structured
from services.adapters.event_files import LINE_BYTES_MAX, BadLine, Line, read_events, write_events

MOMENT = datetime(2026, 11, 22, 10, tzinfo=UTC)


def check_in(number: int) -> CloudEvent:
    data = orjson.dumps({"member_id": "m1", "activity": "app.check_in", "channel": "app"})
    return CloudEvent(f"e{number}", "/app", "unisono.activity.recorded.v1", MOMENT, "m1", data)


@pytest.mark.parametrize("name", ["events.jsonl", "events.jsonl.gz"])
def test_what_is_written_is_read_again(tmp_path: Path, name: str):
    path = tmp_path / name
    events = [check_in(number) for number in range(100)]
    assert write_events(path, events) == 100
    taken: list[int] = []
    lines = list(read_events(path, advanced=taken.append))
    assert [line.envelope for line in lines if isinstance(line, Line)] == events
    assert sum(taken) == path.stat().st_size
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_events_give_the_same_file(tmp_path: Path):
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        write_events(tmp_path / name, [check_in(1)])
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()


def test_a_failed_write_leaves_no_file(tmp_path: Path):
    def fails():
        yield check_in(1)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_events(tmp_path / "events.jsonl", fails())
    assert not list(tmp_path.iterdir())


def broken(**changes: object) -> bytes:
    event = {**orjson.loads(to_structured(check_in(1))), **changes}
    return orjson.dumps({name: value for name, value in event.items() if value is not None})


BAD = {
    b"{not json": "not_json",
    b"\xff\xfe": "not_json",
    b'["a", "list"]': "invalid_envelope",
    broken(id=None): "missing_field",
    broken(time="yesterday"): "invalid_time",
    broken(time="2026-11-22T10:00:00"): "invalid_time",
    broken(type="unisono.order.eaten.v1"): "unknown_type",
    broken(data={"member_id": "m1"}): "missing_field",
    broken(data={"member_id": "m1", "activity": 7}): "wrong_type",
    broken(subject="m2"): "key_mismatch",
    b"x" * (LINE_BYTES_MAX + 10): "too_large",
}


def test_bad_lines_are_told_with_their_place_and_the_rest_goes_on(tmp_path: Path):
    path = tmp_path / "events.jsonl"
    good = to_structured(check_in(1))
    path.write_bytes(b"\n".join([good, *BAD, b"", good]))
    lines = list(read_events(path))
    bad = [line for line in lines if isinstance(line, BadLine)]
    assert [line.reason for line in bad] == list(BAD.values())
    assert [line.line for line in bad] == list(range(2, 2 + len(BAD)))
    assert str(bad[0]).startswith(f"{path}:2: not_json: ")
    assert [line.line for line in lines if isinstance(line, Line)] == [1, len(BAD) + 3]


def test_a_file_that_is_no_gzip_or_was_cut_short_is_refused(tmp_path: Path):
    plain = tmp_path / "plain.jsonl.gz"
    plain.write_bytes(to_structured(check_in(1)))
    with pytest.raises(gzip.BadGzipFile):
        list(read_events(plain))
    whole = tmp_path / "whole.jsonl.gz"
    write_events(whole, [check_in(number) for number in range(500)])
    whole.write_bytes(whole.read_bytes()[:-20])
    with pytest.raises(EOFError):
        list(read_events(whole))

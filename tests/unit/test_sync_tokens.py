"""Sync tokens: opaque, whole, and refused when going on from them would lose something."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.tokens import TOMBSTONES_KEPT, SyncToken, accept, decode
from services.problems import Problem

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
TOKEN = SyncToken("4807f11a52b9a52a", (7, 0, 1 << 40), NOW)


@given(
    epoch=st.text(alphabet="0123456789abcdef", max_size=16),
    positions=st.lists(st.integers(0, 2**62), max_size=64),
    seconds=st.integers(0, 2**32),
)
def test_a_token_survives_its_text(epoch: str, positions: list[int], seconds: int):
    token = SyncToken(epoch, tuple(positions), datetime.fromtimestamp(seconds, UTC))
    text = token.encode()
    assert decode(text) == token
    assert quote(text, safe="") == text


@pytest.mark.parametrize("text", ["", "x", "AAAA", "not a token", "é", TOKEN.encode()[:-1], TOKEN.encode() + "A"])
def test_garbage_is_no_token(text: str):
    with pytest.raises(Problem) as refused:
        decode(text)
    assert refused.value.kind == "sync-token-invalid"


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.hex()))
def test_any_text_is_refused_by_a_problem_and_nothing_else(text: str):
    with pytest.raises(Problem):
        decode(text)


@given(st.data())
def test_a_damaged_token_is_refused(data: st.DataObject):
    text = TOKEN.encode()
    at = data.draw(st.integers(0, len(text) - 2))
    other = data.draw(st.sampled_from("ABCDEFGHabcdefgh01234567-_").filter(lambda char: char != text[at]))
    with pytest.raises(Problem):
        decode(text[:at] + other + text[at + 1 :])


@pytest.mark.parametrize(
    ("epoch", "positions", "later"),
    [
        ("another", [7, 0, 1 << 40], timedelta()),
        (TOKEN.epoch, [7, 0], timedelta()),
        (TOKEN.epoch, [6, 0, 1 << 40], timedelta()),
        (TOKEN.epoch, [7, 0, 1 << 40], TOMBSTONES_KEPT + timedelta(seconds=1)),
    ],
    ids=["another log", "other partitions", "ahead of the log", "older than tombstones"],
)
def test_an_expired_token_is_410(epoch: str, positions: list[int], later: timedelta):
    with pytest.raises(Problem) as refused:
        accept(TOKEN, epoch=epoch, positions=positions, now=NOW + later)
    assert refused.value.body()["type"] == "urn:unisono:problem:sync-token-expired"
    assert refused.value.response().status_code == 410


def test_a_good_token_goes_on():
    accept(TOKEN, epoch=TOKEN.epoch, positions=[9, 3, 1 << 41], now=NOW + TOMBSTONES_KEPT)

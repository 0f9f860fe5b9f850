"""What `unisono promotions publish` refuses before it speaks to any server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from schemas.promotions.document import Promotion
from services.cli.errors import UsageError
from services.cli.publish import publish_paths
from services.engine.rewarding.shared import shared_limits
from services.settings import Settings

SHARED = """
promotion: {name}
title: {{en: "Shared by all members"}}
schedule: {{from: 2026-01-01, until: 2026-12-31, timezone: Europe/Rome}}
{rest}
"""
POOL = '{count: 100, file: codes.txt, sha256: "' + "0" * 64 + '"}'
WIN = (
    'contest: {seed_sha256: "' + "0" * 64 + '", instant_win: {prizes: {prize: mug, winners: 3}}}\n'
    "reward: {instant_win: true}"
)


def promotion(**parts: object) -> Promotion:
    return Promotion.model_validate({"promotion": "p", "title": {"en": "P"}, **parts})


@pytest.mark.parametrize(
    ("parts", "places"),
    [
        ({"reward": {"points": 5}}, []),
        ({"reward": {"points": 5}, "limits": {"per_member": {"times": 1}}}, []),
        (
            {"reward": {"points": 5}, "limits": {"per_store": {"times": 9}, "total": {"times": 9}}},
            ["limits.per_store", "limits.total"],
        ),
        ({"reward": {"points": 5}, "limits": {"budget": {"points": 1000}}}, ["limits.budget"]),
        (
            {"reward": [{"points": 5}, {"gift": {"item": "mug", "stock": 3, "valid_for": "30d"}}]},
            ["reward[1].gift.stock"],
        ),
        (
            {
                "variants": [
                    {"variant": "a", "reward": {"points": 1}},
                    {"variant": "b", "reward": {"gift": {"item": "mug", "stock": 3, "valid_for": "30d"}}},
                ]
            },
            ["variants[1].reward[0].gift.stock"],
        ),
    ],
)
def test_what_all_members_share_is_named_by_its_place(parts: dict[str, object], places: list[str]):
    assert shared_limits(promotion(**parts)) == places


@pytest.mark.parametrize(
    ("rest", "place"),
    [
        ("reward: {points: 5}\nlimits: {budget: {points: 1000}}", "5:10: limits.budget: "),
        ("reward: {gift: {item: mug, stock: 3, valid_for: 30d}}", "4:"),
        ("reward: {coupon: {amount_off: 5.00 EUR, valid_for: 30d, codes: " + POOL + "}}", "4:"),
        (WIN, "4:"),
    ],
)
def test_a_shared_limit_is_not_published_yet(tmp_path: Path, rest: str, place: str):
    """The sentence names the document, the line and the field; nothing is sent anywhere."""
    file = tmp_path / "shared.yaml"
    (tmp_path / "codes.txt").write_text("A\n")
    file.write_text(SHARED.format(name="shared", rest=rest).lstrip())
    with pytest.raises(UsageError, match="keep count of it yet") as refused:
        asyncio.run(publish_paths(Settings(), [file]))
    assert f"{file}:{place}" in str(refused.value)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("programme: caffe\ntimezone: Asia/Tokyo\n", "", "timezone: the cluster's timezone is Europe/Rome"),
        ("programme: caffe\ncurrency: JPY\n", "", "currency: the cluster's currency is EUR"),
        ("programme: caffe\n", "programme: te\n", "programme: "),
        ("programme: caffe\ntires: {}\n", "", "did you mean"),
    ],
)
def test_a_programme_document_that_does_not_fit_the_cluster_is_refused(
    tmp_path: Path, first: str, second: str, said: str
):
    """Another clock than the workers', a second one, a mistake in it."""
    (tmp_path / "programme.yaml").write_text(first)
    if second:
        (tmp_path / "below").mkdir()
        (tmp_path / "below" / "programme.yaml").write_text(second)
    settings = Settings(timezone="Europe/Rome", currency="EUR")
    with pytest.raises(UsageError, match="nothing was published") as refused:
        asyncio.run(publish_paths(settings, [tmp_path]))
    assert said in str(refused.value)

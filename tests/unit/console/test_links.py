"""A member's page is opened by a signed link and by nothing else."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from services.console.links import LinkExpired, LinkForged, Links, account_url
from services.settings import Settings

SETTINGS = Settings(programme_secret=SecretStr("one"), console_url="https://shop.example/")
LINKS = Links.of(SETTINGS)


AFTER_THE_LINK = Links("one", link_valid_s=-1, visit_valid_s=60)
"""As if the link's time were over already, and the visit's not."""
AFTER_THE_VISIT = Links("one", link_valid_s=-1, visit_valid_s=-1)


def test_a_link_opens_its_members_page():
    assert LINKS.member_of_link(LINKS.link("m1")) == "m1"


def test_the_address_holds_no_member_id():
    address = urlsplit(account_url(SETTINGS, "member-no-one-may-read", "it"))
    assert f"{address.scheme}://{address.netloc}{address.path}" == "https://shop.example/account/open"
    query = parse_qs(address.query)
    assert query["lang"] == ["it"]
    assert LINKS.member_of_link(query["link"][0]) == "member-no-one-may-read"
    assert "member" not in LINKS.handle("member-no-one-may-read")


def test_without_an_address_the_link_points_to_this_machine():
    assert account_url(Settings(), "m1").startswith("http://127.0.0.1:8090/account/open?link=")


@pytest.mark.parametrize("broken", ["", "x", "m1", LINKS.link("m1")[:-1], LINKS.link("m1") + "a", "Im0xIg." + "a" * 40])
def test_a_broken_link_is_refused(broken: str):
    with pytest.raises(LinkForged):
        LINKS.member_of_link(broken)


def test_a_link_under_another_secret_is_refused():
    other = Links("two", 900, 900)
    with pytest.raises(LinkForged):
        LINKS.member_of_link(other.link("m1"))
    assert other.handle("m1") != LINKS.handle("m1")


def test_an_old_link_has_expired():
    with pytest.raises(LinkExpired):
        AFTER_THE_LINK.member_of_link(LINKS.link("m1"))


def test_a_visit_outlives_the_link_and_ends_too():
    handle, visit = LINKS.handle("m1"), LINKS.visit("m1")
    assert AFTER_THE_LINK.member_of_visit(handle, visit) == "m1"
    with pytest.raises(LinkExpired):
        AFTER_THE_VISIT.member_of_visit(handle, visit)


def test_a_visit_is_for_one_page_and_a_link_is_no_visit():
    with pytest.raises(LinkForged):
        LINKS.member_of_visit(LINKS.handle("m2"), LINKS.visit("m1"))
    with pytest.raises(LinkForged):
        LINKS.member_of_visit(LINKS.handle("m1"), LINKS.link("m1"))
    with pytest.raises(LinkForged):
        LINKS.member_of_link(LINKS.visit("m1"))
    with pytest.raises(LinkExpired):
        LINKS.member_of_visit(LINKS.handle("m1"), None)


def test_times_are_settings():
    short = Links.of(Settings(link_valid_for=timedelta(seconds=30), visit_valid_for=timedelta(minutes=2)))
    assert (short.link_valid_s, short.visit_valid_s) == (30, 120)

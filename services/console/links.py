"""Signed links to a member's page: short-lived to open it, longer to stay; never a bare member id in an address.

A link opens the page once its signature and age are right; the visit it starts is a cookie that is valid for this one
page only, so that reloading works, the link leaves the address bar, and two members' pages can stand side by side.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlencode

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from services.settings import Settings

VISIT_COOKIE = "unisono_visit"
_LINK_SALT = "unisono.account.link"
_VISIT_SALT = "unisono.account.visit"
_HANDLE_SALT = b"unisono.account.handle"


class LinkExpired(Exception):
    """The link or visit was ours and is too old."""


class LinkForged(Exception):
    """The link or visit was not made by us, or not for this page."""


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and reads links and visits under the programme's secret."""

    secret: str
    link_valid_s: int
    visit_valid_s: int

    @classmethod
    def of(cls, settings: Settings) -> Links:
        """Links as the settings say."""
        return cls(
            settings.programme_secret.get_secret_value(),
            int(settings.link_valid_for.total_seconds()),
            int(settings.visit_valid_for.total_seconds()),
        )

    def link(self, member_id: str) -> str:
        """The token of a link, valid from now on."""
        return self._signer(_LINK_SALT).dumps(member_id)

    def member_of_link(self, token: str) -> str:
        """The member the link was made for; raises LinkExpired or LinkForged."""
        return self._read(_LINK_SALT, token, self.link_valid_s)

    def visit(self, member_id: str) -> str:
        """The value of the cookie that keeps the member's page open."""
        return self._signer(_VISIT_SALT).dumps(member_id)

    def member_of_visit(self, handle: str, cookie: str | None) -> str:
        """The member whose page this is; raises LinkExpired (also without a cookie) or LinkForged."""
        if not cookie:
            raise LinkExpired
        member_id = self._read(_VISIT_SALT, cookie, self.visit_valid_s)
        if not hmac.compare_digest(handle, self.handle(member_id)):
            raise LinkForged
        return member_id

    def handle(self, member_id: str) -> str:
        """What stands for the member in the page's address: stable, and meaningless without the secret."""
        return hmac.new(self.secret.encode(), _HANDLE_SALT + member_id.encode(), sha256).hexdigest()[:20]

    def _signer(self, salt: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.secret, salt=salt, signer_kwargs={"digest_method": sha256})

    def _read(self, salt: str, token: str, valid_s: int) -> str:
        try:
            member_id = self._signer(salt).loads(token, max_age=valid_s)
        except SignatureExpired:
            raise LinkExpired from None
        except BadSignature:
            raise LinkForged from None
        if not isinstance(member_id, str):
            raise LinkForged
        return member_id


def account_url(settings: Settings, member_id: str, lang: str | None = None) -> str:
    """A link that opens the member's page within `link_valid_for`, in the language asked for or the browser's.

    For whoever the member has already signed in with: the retailer's site or app, the demo, tests.
    """
    base = settings.console_url or f"http://{settings.host}:{settings.console_port}"
    query = {"link": Links.of(settings).link(member_id)} | ({"lang": lang} if lang else {})
    return f"{base.rstrip('/')}/account/open?{urlencode(query)}"

"""Messages to the member: the newest stay in the wallet for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from schemas.values import Text
from services.engine.calendar.moments import DAY, text_of
from services.engine.rewarding.coupons import made_id
from services.engine.wallet import Message, Wallet

if TYPE_CHECKING:
    from services.engine.rewarding.rewards import Grant

KEPT = 30 * DAY
"""A message leaves the wallet after so much event time."""
SHOWN = 20
"""The wallet holds so many messages, the newest first; older ones make room."""
_ACCOUNTS = ("programme:messages", "member:messages")


def give_message(grant: Grant, place: str, text: Text) -> None:
    """One message; its id follows from what it is given for."""
    compiled, occasion, wallet = grant.compiled, grant.occasion, grant.occasion.wallet
    life = wallet.numbered(1)
    made = made_id("message", compiled.promotion_id, wallet.member_id, grant.offer_id, grant.mark, place, life)
    shown = {
        "message_id": made,
        "promotion_id": compiled.promotion_id,
        "text": text,
        "at": text_of(occasion.instant),
    }
    message = Message(occasion.instant + KEPT, orjson.dumps(shown).decode())
    wallet.messages = (message, *wallet.messages[: SHOWN - 1])
    detail: dict[str, object] = {"text": dict(text)}
    key = grant.key("reward.granted", place, "message")
    grant.post(key, "reward.granted", "message", _ACCOUNTS, 1, None, detail)


def messages_due(wallet: Wallet) -> int:
    """When the oldest message leaves the wallet; 0 for never."""
    return wallet.messages[-1].due if wallet.messages else 0


def drop_messages(wallet: Wallet, due: int) -> None:
    """Forget the messages whose time was over by then."""
    if wallet.messages and wallet.messages[-1].due <= due:
        wallet.messages = tuple([message for message in wallet.messages if message.due > due])

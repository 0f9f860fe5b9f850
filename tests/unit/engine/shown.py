"""What touchpoints would see of a wallet."""

from __future__ import annotations

from schemas.wallet import WalletRecord
from services.engine.record import wallet_record
from services.engine.wallet import Wallet
from tests.unit.engine.stage import MONDAY


def record(wallet: Wallet) -> WalletRecord:
    """The wallet's sync record, as a touchpoint reads it."""
    body = wallet_record(wallet, version=3, as_of=MONDAY, caused_by=["/app e1"], occurred_at=MONDAY)
    return WalletRecord.model_validate_json(body)

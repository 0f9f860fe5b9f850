"""One example of everything that crosses a boundary, as JSON: shown in the published schemas, tried by the tests."""

from __future__ import annotations

from typing import Any

_MEMBER = "m-0042"
_STORE = {"store_id": "114", "till_id": "3"}
_COUPON = "019a0b6e-7c1e-7c4e-8f65-0d4a3f6e2b11"
_CAUSE = "/stores/114/tills/3 r-20261122-0117"

_ORDER: dict[str, Any] = {
    "order_id": "r-20261122-0117",
    "member_id": _MEMBER,
    "channel": "pos",
    **_STORE,
    "currency": "EUR",
    "total": 1787,
    "lines": [
        {"line_no": 1, "sku": "8001120", "quantity": 2, "amount": 998, "unit_price": 499, "category": "coffee"},
        {"line_no": 2, "sku": "2200417", "quantity": "0.482", "unit": "kg", "amount": 789, "name": "Gorgonzola"},
    ],
    "business_date": "2026-11-22",
}

EXAMPLES: dict[str, Any] = {
    "events/order.completed.v1": _ORDER,
    "events/order.returned.v1": {
        "return_id": "ret-55",
        "order_id": "r-20261122-0117",
        "member_id": _MEMBER,
        "store_id": "114",
        "lines": [{"line_no": 1, "quantity": 1, "amount": 499}],
        "total": 499,
        "currency": "EUR",
    },
    "events/order.voided.v1": {
        "order_id": "r-20261122-0117",
        "member_id": _MEMBER,
        "store_id": "114",
        "reason": "wrong till",
    },
    "events/activity.recorded.v1": {"member_id": _MEMBER, "activity": "app.check_in", "channel": "app"},
    "events/member.registered.v1": {
        "member_id": _MEMBER,
        "attributes": {"language": "it", "home_store": "114"},
        "consents": {"marketing": True},
        "segments": {"add": ["commuters"]},
    },
    "events/member.updated.v1": {"member_id": _MEMBER, "segments": {"add": [], "remove": ["commuters"]}},
    "events/member.erased.v1": {"member_id": _MEMBER},
    "events/offer.issued.v1": {
        "offer_id": "o-7",
        "promotion_id": "five-for-fifty",
        "member_id": _MEMBER,
        "channel": "app",
        "valid_until": "2026-12-24T22:59:59.000Z",
    },
    "events/offer.viewed.v1": {"offer_id": "o-7", "member_id": _MEMBER, "channel": "app"},
    "events/offer.activated.v1": {"offer_id": "o-7", "member_id": _MEMBER, "channel": "app"},
    "events/coupon.redeemed.v1": {
        "operation_id": "019a0b6f-0f5f-7d3a-9a31-5a6e0f7d9b20",
        "member_id": _MEMBER,
        "coupon_id": _COUPON,
        **_STORE,
        "order_id": "r-20261122-0131",
        "amount": 500,
        "offline": True,
    },
    "envelope": {
        "specversion": "1.0",
        "id": "r-20261122-0117",
        "source": "/stores/114/tills/3",
        "type": "unisono.order.completed.v1",
        "time": "2026-11-22T11:00:03.120+01:00",
        "subject": _MEMBER,
        "datacontenttype": "application/json",
        "data": _ORDER,
    },
    "wallet": {
        "member_id": _MEMBER,
        "version": 17,
        "as_of": "2026-11-22T10:00:03.191Z",
        "caused_by": [_CAUSE],
        "occurred_at": "2026-11-22T10:00:03.120Z",
        "points": {"base": {"active": 120, "pending": 30, "expiring": [{"on": "2026-12-31", "points": 40}]}},
        "coupons": [
            {
                "coupon_id": _COUPON,
                "promotion_id": "five-for-fifty",
                "promotion_version": 3,
                "status": "issued",
                "code": "7KQM-2VXR-9D",
                "benefit": {"type": "amount_off", "amount": 500, "currency": "EUR"},
                "valid_from": "2026-11-22T10:00:03.120Z",
                "valid_until": "2026-12-22T22:59:59.000Z",
                "title": {"en": "5 € off", "it": "5 € di sconto"},
            }
        ],
        "offers": [
            {
                "offer_id": "o-7",
                "promotion_id": "five-for-fifty",
                "progress": 1787,
                "target": 5000,
                "unit": "money",
                "currency": "EUR",
            }
        ],
    },
    "journal-entry": {
        "entry_id": "019a0b6e-7c1f-7d05-b0a4-2f1d7c9e6a31",
        "member_id": _MEMBER,
        "type": "unisono.coupon.issued.v1",
        "unit": "coupon",
        "debit": "programme",
        "credit": "member",
        "amount": 1,
        "promotion_id": "five-for-fifty",
        "promotion_version": 3,
        "coupon_id": _COUPON,
        "caused_by": _CAUSE,
        "occurred_at": "2026-11-22T10:00:03.120Z",
        "recorded_at": "2026-11-22T10:00:03.191Z",
    },
    "dead-letter": {
        "reason": "unknown_currency",
        "message": "/data/currency: EUX is no ISO 4217 currency",
        "topic": "loyalty.events.checkout",
        "partition": 2,
        "offset": 81733,
        "recorded_at": "2026-11-22T10:00:03.191Z",
    },
    "sync/applied": {
        "member_id": _MEMBER,
        "version": 17,
        "occurred_at": "2026-11-22T10:00:03.120Z",
        "recorded_at": "2026-11-22T10:00:03.191Z",
        "applied_at": "2026-11-22T10:00:03.204Z",
    },
    "sync/checkpoint": {
        "control": "checkpoint",
        "token": "0:811,1:790",
        "epoch": "1FxkUoYyQ3-f5yG0R2wq3A",
        "count": 2500,
    },
    "sync/touchpoint-report": {
        "kind": "till",
        "touchpoint_id": "114-3",
        "store_id": "114",
        "members": 2500,
        "versions_total": 41877,
        "last_applied_at": "2026-11-22T10:00:03.204Z",
        "last_propagation_ms": 84,
    },
    "sync/wallet-row": {
        "seq": 811,
        "op": "del",
        "kind": "wallet",
        "key": _MEMBER,
        "version": 18,
        "occurred_at": "2026-11-22T10:05:00.000Z",
        "recorded_at": "2026-11-22T10:05:00.041Z",
    },
}

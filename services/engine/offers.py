"""Opening an offer: a promotion that one member may pursue, in a window of its own."""

from __future__ import annotations

from schemas.events.offers import OfferIssued
from services.engine.calendar.moments import last_instant, micros, text_of
from services.engine.look import Look, told
from services.engine.occasion import Occasion
from services.engine.programme import Compiled
from services.engine.pursue import hold
from services.engine.trace import Observation
from services.engine.wallet import Pursuit


def open_offer(occasion: Occasion) -> bool:
    """A promotion by offer opens for the member, in a window of its own; others know no offers and nothing happens."""
    issued = occasion.data
    assert isinstance(issued, OfferIssued)
    _open(occasion, issued)
    return True


def _open(occasion: Occasion, issued: OfferIssued) -> None:
    wallet = occasion.wallet
    compiled = occasion.programme.version_at(issued.promotion_id, occasion.instant)
    if compiled is None or not compiled.by_offer or issued.offer_id in wallet.offers:
        return
    if issued.offer_id in wallet.closed:
        return  # sent again under another event id: its rewards are numbered already
    decision = told(occasion, Look(compiled, issued.offer_id, compiled.mode))
    if not hold(compiled.issue_conditions, occasion, decision):
        return
    closes = _offer_closes(issued, compiled, occasion.instant)
    if closes and closes < occasion.instant:
        if decision is not None:
            until = text_of(closes)
            decision.observations.append(
                Observation("offer.valid_until", until, text_of(occasion.instant), holds=False)
            )
        return
    unit, currency, target = compiled.unit, compiled.currency, compiled.target
    wallet.offers[issued.offer_id] = Pursuit(
        compiled.promotion_id, issued.offer_id, unit, currency, target, 0, 0, 0, closes, compiled.title
    )
    if decision is not None:
        decision.result = "counted"


def _offer_closes(issued: OfferIssued, compiled: Compiled, instant: int) -> int:
    """The last instant of an offer: its own, or `within` from its issue, whichever is first; else the campaign's."""
    ends = []
    if issued.valid_until is not None:
        ends.append(micros(issued.valid_until))
    if compiled.goal is not None and compiled.goal.within is not None:
        ends.append(last_instant(instant, compiled.goal.within, compiled.zone))
    return min(ends) if ends else compiled.campaign_ends

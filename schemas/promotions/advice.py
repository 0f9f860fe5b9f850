"""Saying what is wrong in a document, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from schemas.promotions.document import Promotion
from schemas.promotions.source import Path

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

LATER: Mapping[str, frozenset[str]] = {
    "": frozenset({"stacking", "variants", "priority", "steps", "excludes", "budget", "message", "contest"}),
    "schedule": frozenset({"blackout", "recurring", "windows"}),
    "audience": frozenset({"attributes", "new_members", "lapsed", "nth_order", "variants", "regions", "stores"}),
    "where": frozenset({"all", "any", "none", "region", "payment_method", "quantity", "attributes", "subtotal"}),
    "where.lines": frozenset({"all", "any", "none", "quantity", "amount", "attributes", "count"}),
    "goal": frozenset(
        {"quantity", "distinct", "activities", "streak", "steps", "window", "per", "any", "all", "order"}
    ),
    "reward": frozenset({"stamps", "tier", "tier_points", "gift", "draw", "instant_win", "message", "multiplier"}),
    "reward.points": frozenset({"multiplier", "per_unit", "tiers", "rounding", "currency", "base"}),
    "reward.coupon": frozenset(
        {"free_item", "cheapest_item", "fixed_price", "buy", "get", "free_shipping", "max_amount", "codes", "where"}
    ),
    "limits": frozenset({"budget", "per_order", "per_household", "per_store", "per_channel", "total"}),
}
"""What the language will say later, by the place it will stand: refused, because nothing would obey it yet."""

_LATER_TRIGGERS = {
    "order.returned",
    "order.voided",
    "member.registered",
    "member.updated",
    "offer.issued",
    "offer.viewed",
    "offer.activated",
    "coupon.redeemed",
    "birthday",
    "anniversary",
    "inactivity",
    "tier.reached",
    "promotion.completed",
}
_BOOLEANS = {"yes": "true", "on": "true", "True": "true", "no": "false", "off": "false", "False": "false"}


def later(path: Path) -> str | None:
    """The sentence for a field that a later version of the language will have; None for all others."""
    place = ".".join(part for part in path[:-1] if isinstance(part, str))
    if path and path[-1] in LATER.get(place, ()):
        return f"`{path[-1]}` is not in this version of the language and nothing would obey it"
    return None


def closest(word: object, known: Iterable[str]) -> str:
    """`did you mean …`, or the words that are known where none is near."""
    words = list(known)
    near = get_close_matches(str(word).lower(), words, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{near[0]}`?"
    return "known here: " + ", ".join(words) if len(words) <= 12 else ""


def fields_at(path: Path) -> list[str]:
    """The fields that the document may have at a path, by the names it writes them."""
    model: type[BaseModel] | None = Promotion
    for part in path:
        if isinstance(part, int):
            continue
        field = next((f for n, f in (model.model_fields if model else {}).items() if part in (n, f.alias)), None)
        model = _model_in(field.annotation) if field is not None else None
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)


def words(error: ErrorDetails, path: Path) -> tuple[str, str]:
    """What a pydantic error means for who wrote the document: the mistake, and a suggestion."""
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    name = str(path[-1]) if path else "document"
    match kind:
        case "missing":
            return f"`{name}` is missing", _form_of(path)
        case "extra_forbidden":
            return f"unknown field `{name}`", closest(name, fields_at(path[:-1]))
        case "literal_error":
            return _none_of(given, str(context.get("expected", "")))
        case "written_wrong":
            advice = str(context.get("suggestion", ""))
            return str(context["message"]), f"write `{advice}`" if advice else ""
        case "string_pattern_mismatch":
            slug = re.sub(r"[^a-z0-9]+", "-", str(given).lower()).strip("-")[:64]
            return f"`{given}` is no id: lower-case letters, digits and dashes", f"write `{slug}`" if slug else ""
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"expected fields, found {_shown(given)}", ", ".join(fields_at(path)) or "such as `{en: …}`"
        case "bool_type":
            known = _BOOLEANS.get(str(given))
            return f"expected true or false, found {_shown(given)}", f"write `{known}`" if known else ""
        case "int_type":
            return f"expected a whole number, found {_shown(given)}", "write it without quotes, unit or decimals"
        case "string_type":
            return f"expected text, found {_shown(given)}", f'write `"{given}"`' if isinstance(given, int) else ""
        case "greater_than_equal" | "less_than_equal":
            bound = "at least" if kind == "greater_than_equal" else "at most"
            return f"expected {bound} {context.get('ge', context.get('le'))}, found {_shown(given)}", ""
        case "too_short" | "too_long" | "string_too_short" | "string_too_long":
            return error["msg"].lower(), ""
    return error["msg"].lower(), ""


def _none_of(given: object, expected: str) -> tuple[str, str]:
    known = re.findall(r"'([^']*)'", expected)
    if isinstance(given, str) and given in _LATER_TRIGGERS and "order.completed" in known:
        return f"`{given}` cannot start a promotion in this version of the language", "for now: " + ", ".join(known)
    if isinstance(given, str) and (bare := given.removeprefix("unisono.").removesuffix(".v1")) in known:
        return f"`{given}` is written without `unisono.` and `.v1` here", f"write `{bare}`"
    return f"{_shown(given)} is none of {', '.join(known)}", closest(given, known)


def _form_of(path: Path) -> str:
    return {
        "promotion": "write `promotion: my-promotion`",
        "title": 'write `title: {en: "…"}`',
        "reward": "write `reward: [{points: 50}]`",
        "valid_for": "write `valid_for: 30d`",
        "earn": "write `earn: 1`",
    }.get(str(path[-1]) if path else "", "")


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict | list | tuple):
        return "fields" if isinstance(value, dict) else "a list"
    return f"`{str(value)[:60]}`"

"""Saying what is wrong in a document, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from schemas.promotions.source import Path, shown
from schemas.promotions.written import Money

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_BOOLEANS = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_SHORT = {
    "PointsReward": "a whole number",
    "CountBounds": "a whole number",
    "NthOrder": "a whole number",
    "TierReward": "the tier's name",
    "ExampleActivity": "the activity's name",
    "Span": "a day",
}
"""Parts that may be written as one value."""
_FORMS = {
    "promotion": "write `promotion: my-promotion`",
    "programme": "write `programme: my-programme`",
    "title": 'write `title: {en: "…"}`',
    "earn": "write `earn: 1`",
    "valid_for": "write `valid_for: 30d`",
    "given": "write `given: [{order: {total: 20.00 EUR}}]`",
    "expect": "write `expect: {coupons: 1}`",
    "amount": "write `amount: 10.00 EUR`",
    "until": "write `until: 2026-12-31`",
}
_WANTED = {
    "int_type": "a whole number",
    "string_type": "text",
    "bool_type": "true or false",
    "dict_type": "fields",
    "model_type": "fields",
    "tuple_type": "a list",
}


def closest(word: object, known: Iterable[str]) -> str:
    """`did you mean …`, or the words that are known where none is near."""
    words = list(known)
    near = get_close_matches(str(word)[:128].lower(), words, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{near[0]}`?"
    return "known here: " + ", ".join(words) if 0 < len(words) <= 12 else ""


def fields_at(document: type[BaseModel], path: Path) -> list[str]:
    """The fields that a document may have at a path, by the names it writes them."""
    models = _models(_types_at(document, path))
    return list(dict.fromkeys(name for model in models for name in _names(model)))


def words(error: ErrorDetails, path: Path, document: type[BaseModel]) -> tuple[str, str]:
    """What a pydantic error means for who wrote the document: the mistake, and a suggestion."""
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    name = shown(str(path[-1])) if path else "document"
    match kind:
        case "missing":
            return f"`{name}` is missing", _FORMS.get(name, "")
        case "extra_forbidden":
            return f"unknown field `{name}`", _instead_of(document, path)
        case "literal_error":
            return _none_of(given, str(context.get("expected", "")))
        case "written_wrong":
            advice = shown(str(context.get("suggestion", "")))
            return shown(str(context["message"])), f"write `{advice}`" if advice else ""
        case "unknown_currency":
            return f"`{given}` is no ISO 4217 currency", "write `EUR`"
        case "string_pattern_mismatch":
            return _no_id(given, str(context.get("pattern", "")))
        case "model_type" | "model_attributes_type" | "dict_type":
            return _no_fields(given, path, document)
        case "bool_type":
            known = _BOOLEANS.get(str(given).lower(), str(given).lower() if isinstance(given, str) else "")
            known = known if known in ("true", "false") else ""
            return f"expected true or false, found {_found(given)}", f"write `{known}`" if known else ""
        case "int_type":
            return f"expected a whole number, found {_found(given)}", _whole(given)
        case "string_type":
            quoted = isinstance(given, int)
            return f"expected text, found {_found(given)}", f'write `"{_plain(given)}"`' if quoted else ""
        case "greater_than_equal" | "less_than_equal":
            bound = "at least" if kind == "greater_than_equal" else "at most"
            return f"expected {bound} {context.get('ge', context.get('le'))}, found {_found(given)}", ""
    return _of_length(error)


def of_several(errors: Sequence[ErrorDetails], path: Path, document: type[BaseModel]) -> tuple[str, str]:
    """One mistake of a value that may be of several kinds and is none of them: what each would need to be."""
    told = {error["type"]: error for error in errors}
    nearest = next(
        (error for error in errors if error["type"] not in {*_WANTED, "literal_error", "written_wrong"}), None
    )
    if nearest is not None:
        return words(nearest, path, document)
    if "literal_error" in told and isinstance(told["literal_error"]["input"], str):
        message, advice = words(told["literal_error"], path, document)
        if "written_wrong" not in told or advice.startswith("did you mean"):
            return message, advice
        other, other_advice = words(told["written_wrong"], path, document)
        return f"{message}; and {other}", other_advice or advice
    if "written_wrong" in told and isinstance(told["written_wrong"]["input"], str | int):
        return words(told["written_wrong"], path, document)
    wanted = list(dict.fromkeys(_wanted(error) for error in errors))
    given = errors[0]["input"]
    listed = " or ".join([", ".join(wanted[:-1]), wanted[-1]] if len(wanted) > 1 else wanted)
    advice = _whole(given) if "int_type" in told and isinstance(given, str) else ""
    return f"expected {listed}, found {_found(given)}", advice


def _wanted(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if error["type"] == "literal_error":
        return "one of " + ", ".join(re.findall(r"'([^']*)'", str(context.get("expected", ""))))
    if error["type"] == "written_wrong":
        return f"text such as `{context.get('suggestion', '')}`"
    return _WANTED[error["type"]]


def _instead_of(document: type[BaseModel], path: Path) -> str:
    """The known field that was meant, here or where the document has a field of that very name."""
    here = fields_at(document, path[:-1])
    name = str(path[-1])
    if get_close_matches(name[:128].lower(), here, n=1, cutoff=0.8):
        return closest(name, here)
    homes = _homes(document)
    if name in homes:
        return f"it stands in {' or '.join(f'`{place}`' for place in homes[name][:2])}"
    near = get_close_matches(name[:128].lower(), homes, n=1, cutoff=0.8)
    if near and not get_close_matches(name[:128].lower(), here, n=1, cutoff=0.6):
        return f"did you mean `{near[0]}`, in `{homes[near[0]][0]}`?"
    return closest(name, here)


@cache
def _homes(document: type[BaseModel]) -> dict[str, tuple[str, ...]]:
    """Field name → the parts of the document, at most two levels down, that have a field of that name."""
    homes: dict[str, list[str]] = {}
    for first in _names(document):
        for name in fields_at(document, (first,)):
            homes.setdefault(name, []).append(first)
            for deeper in fields_at(document, (first, name)):
                homes.setdefault(deeper, []).append(f"{first}.{name}")
    return {name: tuple(sorted(places, key=lambda place: place.count("."))) for name, places in homes.items()}


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _types_at(document: type[BaseModel], path: Path) -> list[Any]:
    """What may stand at a path: models, types, unions taken apart; an only element may stand for its list."""
    found: list[Any] = [document]
    for part in path:
        found = [inner for kind in found for inner in _inside(kind, part)]
    return found


def _inside(kind: Any, part: str | int) -> Iterator[Any]:
    for each in _apart(kind):
        origin, inner = get_origin(each), get_args(each)
        if origin is tuple and inner:
            if isinstance(part, int):
                yield inner[0]
            else:
                yield from _inside(inner[0], part)
        elif origin is dict and isinstance(part, str):
            yield inner[1]
        elif isinstance(each, type) and issubclass(each, BaseModel):
            yield from (f.annotation for name, f in each.model_fields.items() if part == (f.alias or name))


def _apart(kind: Any) -> Iterator[Any]:
    origin = get_origin(kind)
    if origin is Annotated:
        yield from _apart(get_args(kind)[0])
    elif origin in (Union, UnionType):
        for each in get_args(kind):
            yield from _apart(each)
    else:
        yield kind


def _models(kinds: Iterable[Any]) -> Iterator[type[BaseModel]]:
    for kind in kinds:
        for each in _apart(kind):
            if get_origin(each) is tuple:
                yield from _models(get_args(each)[:1])
            elif isinstance(each, type) and issubclass(each, BaseModel):
                yield each


def _none_of(given: object, expected: str) -> tuple[str, str]:
    known = re.findall(r"'([^']*)'", expected)
    if isinstance(given, str) and (bare := given.removeprefix("unisono.").removesuffix(".v1")) in known:
        return f"`{given}` is written without `unisono.` and `.v1` here", f"write `{bare}`"
    if len(known) > 12:
        return f"{_found(given)} is not known here", closest(given, known) or f"known here: {', '.join(known)}"
    return f"{_found(given)} is none of {', '.join(known)}", closest(given, known)


def _no_id(given: object, pattern: str) -> tuple[str, str]:
    if pattern.startswith("^[0-9a-f]{64}"):
        return f"{_found(given)} is no SHA-256: 64 digits and letters a to f", ""
    if pattern.startswith("^[A-Z0-9]"):
        code = re.sub(r"[^A-Z0-9]+", "-", str(given)[:128].upper()).strip("-")[:32]
        return f"{_found(given)} is no code: capital letters, digits and dashes", f"write `{code}`" if code else ""
    if pattern.startswith("^[A-Za-z0-9]"):
        return f"{_found(given)} is no file name", "write the name of a file beside the document"
    slug = re.sub(r"[^a-z0-9]+", "-", str(given)[:128].lower()).strip("-")[:64]
    fits = bool(slug) and re.search(pattern, slug) is not None
    return f"{_found(given)} is no id: lower-case letters, digits and dashes", f"write `{slug}`" if fits else ""


def _no_fields(given: object, path: Path, document: type[BaseModel]) -> tuple[str, str]:
    models = list(_models(_types_at(document, path)))
    short = next((_SHORT[model.__name__] for model in models if model.__name__ in _SHORT), None)
    wanted = f"{short} or fields" if short else "fields"
    known = list(dict.fromkeys(name for model in models for name in _names(model)))
    advice = next((written for model in models if (written := _as_fields(model.__name__, given))), "")
    return f"expected {wanted}, found {_found(given)}", advice or ", ".join(known) or _translated(given)


def _as_fields(model: str, given: object) -> str:
    """What was written as one value, with the fields it belongs in; nothing where that is not plain."""
    text = _plain(given) if isinstance(given, str | int) and not isinstance(given, bool) else ""
    whole = re.fullmatch(r"\d{1,9}", text) is not None
    money = re.fullmatch(Money.pattern, text) is not None
    match model:
        case "Limit" if whole:
            return f"write `{{times: {text}}}`"
        case "Budget" if money:
            return f"write `{{amount: {text}}}`"
        case "Bounds" if money:
            return f"write `{{at_least: {text}}}`"
        case "Goal" if whole:
            return f"write `{{visits: {text}}}`"
        case "Goal" if money:
            return f"write `{{spend: {text}}}`"
        case "PointsReward" | "CountBounds" | "NthOrder" if whole:
            return f"write `{text}`"
    return ""


def _translated(given: object) -> str:
    return f'write `{{en: "{shown(given, 60)}"}}`' if isinstance(given, str) else "such as `{en: …}`"


def _of_length(error: ErrorDetails) -> tuple[str, str]:
    context = error.get("ctx", {})
    match error["type"]:
        case "too_short" if context.get("min_length") == 1:
            return "at least one is needed here", "remove it, or name one"
        case "too_short":
            return f"at least {context.get('min_length')} are needed here", ""
        case "too_long":
            return f"more than {context.get('max_length')} are too many here", ""
        case "string_too_short":
            return "an empty text says nothing", "remove it"
        case "string_too_long":
            return f"a text of more than {context.get('max_length')} characters is too long here", ""
    return shown(error["msg"].lower()), ""


def _whole(given: object) -> str:
    if isinstance(given, str) and (match := re.fullmatch(r"(\d{1,18})(?:\.0*)?(?: ?[A-Za-z]+)?", given.strip())):
        return f"write `{int(match[1])}`"
    return "write it without quotes, unit or decimals"


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _found(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict | list | tuple):
        return "fields" if isinstance(value, dict) else "a list"
    return f"`{_plain(value)[:60]}`"

"""The plain values of a trace in words: written money, days, lists of names, as a condition required and found them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import get_args

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from schemas.promotions.conditions import AttributeMatch, Audience, LineMatch, Schedule, When, Where, Window
from schemas.promotions.document import Promotion
from schemas.promotions.fields import Day, Part
from schemas.promotions.goals import Goal
from schemas.promotions.limits import Limits
from schemas.promotions.written import Duration, Hours, LocalMoment, Money, Share
from services.words.events import channel, where
from services.words.lines import flat, joined
from services.words.occasions import attribute, window
from services.words.telling import label
from services.words.voice import Voice

_ROOTS: Mapping[str, type[Part]] = {
    "schedule": Schedule,
    "audience": Audience,
    "where": Where,
    "lines": LineMatch,
    "limits": Limits,
    "goal": Goal,
    "when": When,
}
_MONEY = re.compile(r"\d+(\.\d+)? [A-Z]{3}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2})?")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T.*Z")
_HOURS = re.compile(r"\d{2}:\d{2}-\d{2}:\d{2}")
_LENGTH = re.compile(r"[1-9]\d{0,3}(h|d|w|mo|y)")
_SHARE = re.compile(r"\d{1,3}(\.\d{1,2})? %")
DAYS: tuple[Day, ...] = get_args(Day)


def names_of(path: str) -> list[str]:
    """`goal.all[0].where.total.at_least` → its names, without places of lists."""
    return [name.partition("[")[0] for name in path.split(".")]


def called(voice: Voice, path: str) -> str:
    """What a path of a document is called; the path itself where nobody named it."""
    names = names_of(path)
    if names == ["cap"]:
        return voice.say("the cap of all promotions together", "il tetto di tutte le promozioni insieme")
    if names[0] == "groups" and len(names) > 2:
        return voice.say(f"the cap of the group {names[1]}", f"il tetto del gruppo {names[1]}")
    if names == ["order", "training"]:
        return voice.say("a receipt in training mode", "uno scontrino di formazione")
    if names == ["currency"]:
        return voice.say("the currency", "la valuta")
    model: type[Part] = Promotion
    found = None
    for name in names:
        field = f"{name}_" if f"{name}_" in model.model_fields else name
        if field in model.model_fields:
            found = label(voice, model, field)
        model = _ROOTS.get(name, model)
    return found or path


def value(voice: Voice, found: object, name: str = "") -> str:
    """One plain value, given the name of the field."""
    match found:
        case None | "" | []:
            return voice.say("none", "nulla")
        case bool():
            return voice.say("yes", "sì") if found else voice.say("no", "no")
        case int():
            return voice.number(found)
        case str():
            return _text(voice, found, name)
        case list() | tuple():
            return voice.any_of([value(voice, item, name) for item in found])
        case Mapping():
            return joined(f"{key} {value(voice, item, str(key))}" for key, item in found.items())
        case _:
            return str(found)


def _text(voice: Voice, found: str, name: str) -> str:
    if name == "channel":
        return channel(voice, found)
    if name == "windows":
        return told_window(voice, found)
    if name == "days" and found in DAYS:
        return voice.weekday(found)
    for pattern, told in (
        (_MONEY, lambda: voice.money(Money.parse(found))),
        (_INSTANT, lambda: voice.exact_day(datetime.fromisoformat(found).date())),
        (_MOMENT, lambda: voice.moment(LocalMoment.parse(found))),
        (_HOURS, lambda: voice.hours(Hours.parse(found))),
        (_SHARE, lambda: voice.share(Share.parse(found))),
    ):
        if pattern.fullmatch(found):
            return _read(told, found)
    if name in ("new", "lapsed") and _LENGTH.fullmatch(found):
        return voice.length(Duration.parse(found))
    return found


def _read(told: object, found: str) -> str:
    assert callable(told)
    try:
        return str(told())
    except (PydanticCustomError, ValueError):
        return found


def told_window(voice: Voice, found: str) -> str:
    """`mon,tue 08:00-12:00`, or the moment `mon 09:15`, in words."""
    days, _, hours = found.rpartition(" ")
    if hours and not _HOURS.fullmatch(hours):
        if days in DAYS:
            return f"{voice.weekday(days)} {hours}"
        days, hours = hours, ""
    try:
        said: dict[str, object] = {"days": days.split(",")} if days else {}
        return window(voice, Window.model_validate(said | ({"hours": hours} if hours else {})))
    except ValidationError:
        return found


def match(voice: Voice, name: str, required: object) -> str:
    """What an attribute has to be, `colour is “red”`."""
    try:
        return attribute(voice, name, AttributeMatch.model_validate(required))
    except ValidationError:
        return f"{name} {value(voice, required)}"


def conditions(voice: Voice, required: object) -> str:
    """Alternatives of a `where`, as written in a document."""
    told = []
    for each in required if isinstance(required, list) else []:
        try:
            told.append(flat(where(voice, Where.model_validate(each), nested=True)))
        except ValidationError:
            told.append(value(voice, each))
    return voice.say(" or ", " oppure ").join(told)


def line_names(voice: Voice, required: object) -> str:
    """Which lines are asked for: `category coffee`."""
    fields = {
        "category": voice.say("category", "categoria"),
        "brand": voice.say("brand", "marca"),
        "sku": voice.say("product", "prodotto"),
        "gtin": voice.say("barcode", "codice a barre"),
        "tag": voice.say("tag", "etichetta"),
    }
    asked = required if isinstance(required, Mapping) else {}
    return joined(f"{fields.get(str(key), str(key))} {value(voice, names)}" for key, names in asked.items())

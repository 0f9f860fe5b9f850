"""Two versions of a document, in words: every change is told once, and nothing where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from schemas.promotions.conditions import AttributeMatch, Bounds, CountBounds, Where
from schemas.promotions.examples import Example
from schemas.promotions.fields import Part
from schemas.promotions.goals import Measure
from schemas.promotions.limits import Limit
from schemas.promotions.programme import TierLevel
from schemas.promotions.rewards import DrawPrize, Factor, InstantPrize, Reward, Variant
from schemas.promotions.written import Duration, LocalMoment, Money, Share
from services.words.limits import per
from services.words.lines import joined
from services.words.occasions import attribute
from services.words.telling import alone, label, plain, tell
from services.words.voice import Spoken, Voice, sentence

_HOURS = {"h": 1, "d": 24, "w": 24 * 7, "mo": 24 * 30, "y": 24 * 365}
_SHOWN = 5


def differences(old: Part, new: Part, language: Spoken) -> list[str]:
    """What changes from one promotion (or programme document) to another, in the order of the language.

    Both are of one model; empty when they are equal.
    """
    return [sentence(told) for told in _Differences(Voice(language)).of_parts(old, new, ())]


class _Differences:
    """Walks two documents side by side; `place` says which of several alike parts, from the outside in."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice

    def of_parts(self, old: Part, new: Part, place: tuple[str, ...]) -> Iterator[str]:
        for field in type(new).model_fields:
            before, after = getattr(old, field), getattr(new, field)
            if before != after:
                yield from self._of_field(new, field, before, after, place)

    def _of_field(self, part: Part, field: str, before: object, after: object, place: tuple[str, ...]) -> Iterator[str]:
        """One field that changed."""
        if isinstance(before, bool) or isinstance(after, bool):
            yield self._of_switches(part, field, before, after, place)
        elif isinstance(before, tuple) or isinstance(after, tuple):
            yield from self._of_lists(part, field, _listed(before), _listed(after), place)
        elif isinstance(before, Mapping) or isinstance(after, Mapping):
            yield from self._of_mappings(part, field, _mapped(before), _mapped(after), place)
        elif isinstance(before, Bounds | CountBounds) and isinstance(after, Bounds | CountBounds):
            yield from self._of_bounds(label(self._voice, part, field), before, after, place)
        elif isinstance(before, Part) and isinstance(after, Part):
            yield from self.of_parts(before, after, (*place, *self._into(part, field)))
        elif before is None or after is None:
            present = before if after is None else after
            yield self._come_or_gone(before is None, alone(self._voice, part, field, present), place)
        else:
            yield self._of_values(label(self._voice, part, field), (before, after), self._told(part, field), place)

    def _told(self, part: Part, field: str) -> Callable[[object], str]:
        return lambda value: tell(self._voice, part, field, value)

    def _of_switches(self, part: Part, field: str, before: object, after: object, place: tuple[str, ...]) -> str:
        """A yes or no; where it may also be left open, both are told."""
        if isinstance(part, AttributeMatch):
            old, new = self._presence(before), self._presence(after)
            return self._voice.say(f"{new} instead of {old}", f"{new} invece di {old}") + _at(place)
        return self._come_or_gone(after is True, alone(self._voice, part, field, True), place)

    def _presence(self, value: object) -> str:
        if not isinstance(value, bool):
            return self._voice.say("known or not", "noto o no")
        return attribute(self._voice, "", AttributeMatch(present=value)).strip()

    def _of_bounds(
        self, name: str, old: Bounds | CountBounds, new: Bounds | CountBounds, place: tuple[str, ...]
    ) -> Iterator[str]:
        voice = self._voice
        for before, after, end in (
            (old.at_least, new.at_least, voice.say("at least", "almeno")),
            (old.at_most, new.at_most, voice.say("at most", "al massimo")),
        ):
            if before == after:
                continue
            if before is None or after is None:
                told = f"{name} {end} {plain(voice, after if before is None else before)}"
                yield self._come_or_gone(before is None, told, place)
            else:
                yield self._of_values(f"{name} ({end})", (before, after), lambda value: plain(voice, value), place)

    def _into(self, part: Part, field: str) -> tuple[str, ...]:
        """What to add to the place where the same condition may stand in several parts."""
        deep = isinstance(part, Measure) or field in ("except_", "except_lines")
        return (label(self._voice, part, field),) if deep else ()

    def _come_or_gone(self, comes: bool, what: str, place: tuple[str, ...]) -> str:
        voice = self._voice
        head = voice.say("new: ", "novità: ") if comes else voice.say("no longer: ", "non più: ")
        return head + what + _at(place)

    # ------------------------------------------------------------------------------------------------- single values

    def _of_values(
        self, name: str, values: tuple[object, object], told: Callable[[object], str], place: tuple[str, ...]
    ) -> str:
        """A value that is another one now."""
        voice, (before, after) = self._voice, values
        old, new = told(before), told(after)
        risen = _risen(before, after)
        if risen is None:
            return voice.say(f"{name}: {new} instead of {old}", f"{name}: {new} invece di {old}") + _at(place)
        if isinstance(before, LocalMoment):
            return f"{name} {voice.say('moves', 'si sposta')} {voice.since(old)} {voice.to(new)}" + _at(place)
        verb = voice.say("rises", "sale") if risen else voice.say("falls", "scende")
        return voice.say(f"{name} {verb} from {old} to {new}", f"{name} {verb} da {old} a {new}") + _at(place)

    # --------------------------------------------------------------------------------------------------------- lists

    def _of_lists(
        self, part: Part, field: str, before: Sequence[object], after: Sequence[object], place: tuple[str, ...]
    ) -> Iterator[str]:
        items = [*before, *after]
        if all(isinstance(item, Part) for item in items):
            yield from self._of_part_lists(part, field, before, after, place)
        elif not before or not after:
            yield self._come_or_gone(not before, alone(self._voice, part, field, tuple(items)), place)
        else:
            yield self._of_names(part, field, before, after) + _at(place)

    def _of_names(self, part: Part, field: str, before: Sequence[object], after: Sequence[object]) -> str:
        """Names that came and went."""
        voice, name = self._voice, label(self._voice, part, field)
        old, new = set(before), set(after)
        told = []
        for count, names, en, it in (
            (len(new - old), [item for item in after if item not in old], "added", ("aggiunto", "aggiunti")),
            (len(old - new), [item for item in before if item not in new], "removed", ("tolto", "tolti")),
        ):
            if count:
                shown = [tell(voice, part, field, item) for item in names[:_SHOWN]]
                more = ["…"] if len(names) > _SHOWN else []
                told.append(f"{voice.count(count, (en, en), it)} ({', '.join([*shown, *more])})")
        return f"{name}: " + (", ".join(told) or voice.say("in another order", "in un altro ordine"))

    def _of_part_lists(
        self, part: Part, field: str, before: Sequence[object], after: Sequence[object], place: tuple[str, ...]
    ) -> Iterator[str]:
        """Parts that came, went or changed: those with a name by their name, others by what they are."""
        voice = self._voice
        old, new = _keyed(before), _keyed(after)
        if old == new:
            yield label(voice, part, field) + ": " + voice.say("in another order", "in un altro ordine") + _at(place)
            return
        for key, item in old.items():
            if key not in new:
                yield self._come_or_gone(False, alone(voice, part, field, (item,)), place)
        for key, item in new.items():
            if key not in old:
                yield self._come_or_gone(True, alone(voice, part, field, (item,)), place)
            elif old[key] != item:
                called = self._called(key, item) if len(new) > 1 else ""
                yield from self._of_item(part, field, (old[key], item), place, called)

    def _of_item(
        self, part: Part, field: str, items: tuple[Part, Part], place: tuple[str, ...], called: str
    ) -> Iterator[str]:
        """One item of a list, before and after."""
        voice, (old, new) = self._voice, items
        if isinstance(old, Limit) and isinstance(new, Limit):
            yield from self._of_limits(part, field, old, new, place)
        elif isinstance(new, Example):
            yield voice.say("a changed example: ", "esempio cambiato: ") + tell(voice, part, field, new)
        else:
            yield from self.of_parts(old, new, (*place, called) if called else place)

    def _called(self, key: str, item: Part) -> str:
        """How to call one of several."""
        voice, number = self._voice, key.partition("#")[2]
        match item:
            case Variant():
                return voice.say(f"variant {item.variant}", f"variante {item.variant}")
            case TierLevel():
                return item.tier
            case DrawPrize() | InstantPrize():
                return item.prize
            case Measure():
                return voice.say(f"part {number}", f"parte {number}")
            case Where():
                return voice.say(f"condition {number}", f"condizione {number}")
            case Reward():
                return joined([label(voice, item, key.partition("#")[0]), number if number != "1" else ""], " ")
            case _:
                return key

    def _of_limits(self, part: Part, field: str, old: Limit, new: Limit, place: tuple[str, ...]) -> Iterator[str]:
        voice, name = self._voice, label(self._voice, part, field)
        for before, after, en, it in (
            (old.times, new.times, ("time", "times"), ("volta", "volte")),
            (old.points, new.points, ("point", "points"), ("punto", "punti")),
        ):
            if before == after:
                continue
            if before is None or after is None:
                only = Limit(times=before or after) if en[0] == "time" else Limit(points=before or after)
                told = alone(voice, part, field, (only.model_copy(update={"every": new.every}),))
                yield self._come_or_gone(before is None, told, place)
                continue
            verb = voice.say("rises", "sale") if after > before else voice.say("falls", "scende")
            first, last = voice.number(before), f"{voice.count(after, en, it)} {per(voice, new.every)}"
            yield voice.say(f"{name} {verb} from {first} to {last}", f"{name} {verb} da {first} a {last}") + _at(place)

    # ------------------------------------------------------------------------------------------------------ mappings

    def _of_mappings(
        self,
        part: Part,
        field: str,
        before: Mapping[str, object],
        after: Mapping[str, object],
        place: tuple[str, ...],
    ) -> Iterator[str]:
        voice, name = self._voice, label(self._voice, part, field)
        for key in [*before, *(key for key in after if key not in before)]:
            old, new = before.get(key), after.get(key)
            if old == new:
                continue
            if old is None or new is None:
                told = alone(voice, part, field, {key: new if old is None else old})
                yield self._come_or_gone(old is None, told, place)
            elif isinstance(old, Part) and isinstance(new, Part):
                yield from self.of_parts(old, new, (*place, f"{name} {key}"))
            elif isinstance(old, tuple) and isinstance(new, tuple):
                yield f"{name} {key}: " + self._of_names(part, field, old, new).partition(": ")[2] + _at(place)
            else:
                said = voice.say(f"“{new}” instead of “{old}”", f"“{new}” invece di “{old}”")
                yield f"{name} ({voice.language_name(key)}): {said}" + _at(place)


def _at(place: tuple[str, ...]) -> str:
    return f" ({', '.join(place)})" if place else ""


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, tuple) else ()


def _mapped(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _keyed(items: Sequence[object]) -> dict[str, Part]:
    """Parts under what tells them apart: their name, their kind, their place, or all that they say; numbered from 1."""
    found: dict[str, Part] = {}
    for item in items:
        assert isinstance(item, Part)
        name, number = _identity(item), 1
        while f"{name}#{number}" in found:
            number += 1
        found[f"{name}#{number}"] = item
    return found


def _identity(item: Part) -> str:
    match item:
        case Variant():
            return item.variant
        case TierLevel():
            return item.tier
        case DrawPrize() | InstantPrize():
            return item.prize
        case Limit():
            return item.every
        case Reward():
            return next((name for name in Reward.model_fields if getattr(item, name)), "")
        case Example():
            return item.name or ""
        case Measure() | Where():
            return ""
        case _:
            return repr(item)


def _risen(before: object, after: object) -> bool | None:
    """Whether a value is greater now; None where that says nothing."""
    old, new = _size(before), _size(after)
    return new > old if old is not None and new is not None and _kind(before) == _kind(after) else None


def _kind(value: object) -> object:
    return value.currency if isinstance(value, Money) else type(value)


def _size(value: object) -> int | None:
    match value:
        case bool():
            return None
        case int():
            return value
        case Money():
            return value.minor
        case Duration():
            return value.count * _HOURS[value.unit]
        case Share():
            return value.basis_points
        case Factor():
            return value.hundredths
        case LocalMoment():
            return value.day.toordinal() * 86_400 + (value.time.hour * 60 + value.time.minute if value.time else 0)
        case _:
            return None

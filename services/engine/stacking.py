"""How promotions share one occasion: each looks in its turn; of a group, all, the best, the first or it alone gives."""

from __future__ import annotations

from collections.abc import Sequence

from services.engine.look import Look
from services.engine.occasion import Occasion
from services.engine.programme import Compiled
from services.engine.pursue import foresee, pursue, tell_passed_over


def look_in_turn(occasion: Occasion, looks: Sequence[Look]) -> None:
    """Each looks, unless its group, or a promotion that stands alone, has given something already."""
    given: dict[str, str] = {}
    """By group, who gave something."""
    alone: Compiled | None = None
    compared: set[str] = set()
    for look in looks:
        compiled, group = look.compiled, look.compiled.group
        if alone is not None and alone.group != group:
            tell_passed_over(occasion, look, alone.promotion_id)
        elif look.mode == "best":
            if group not in compared:
                compared.add(group)
                best = _best(occasion, [each for each in looks if each.mode == "best" and each.compiled.group == group])
                if best is not None:
                    given.setdefault(group, best)
        elif look.mode != "all" and group in given:
            tell_passed_over(occasion, look, given[group])
        elif pursue(occasion, look):
            given.setdefault(group, compiled.promotion_id)
            if look.mode == "exclusive":
                alone = compiled


def _best(occasion: Occasion, group: Sequence[Look]) -> str | None:
    """Of a group, the one that gives most, as far as the books grant it, else the next; its promotion's id.

    Those that would give nothing now count what they count.
    """
    if len(group) == 1:
        return group[0].compiled.promotion_id if pursue(occasion, group[0]) else None
    foreseen = [(foresee(occasion, look), look) for look in group]
    offering = [(value, look) for value, look in foreseen if value is not None]
    best: str | None = None
    for _, look in sorted(offering, key=lambda offer: -offer[0]):
        if best is not None:
            tell_passed_over(occasion, look, best)
        elif pursue(occasion, look):
            best = look.compiled.promotion_id
    for value, look in foreseen:
        if value is not None:
            continue
        if best is not None and foresee(occasion, look) is not None:
            tell_passed_over(occasion, look, best)
        else:
            pursue(occasion, look)
    return best

"""What is not wrong in a document, but hardly meant: told as warnings, by documents that are checked together.

Codes: `no-end`, `no-budget`, `no-example`, `no-translation`, `no-return-period`, `never-true`, `always-true`,
`never-given`, `no-effect`, `percent`, `overlap`, `group-mode`, `cycle`, `unknown-promotion`, and with a programme
document `unknown-tier`, `unknown-segment`, `unknown-region`, `unknown-currency`. The last
four, a circle and a mode other than the programme's are errors: such a document would not do what it says.
"""

from __future__ import annotations

from collections.abc import Sequence

from schemas.promotions.lint import calendar, names, never, terms, together
from schemas.promotions.loading import Loaded
from schemas.promotions.programme import ProgrammeDocument
from schemas.promotions.source import Problem


def lint(documents: Sequence[Loaded], programme: ProgrammeDocument | None = None) -> list[Problem]:
    """All that strikes one in these documents, in their order and that of their text.

    Documents that could not be read are left out. Without a programme document, names of tiers, segments, regions and
    points currencies are taken on trust.
    """
    checked = [(loaded, loaded.promotion) for loaded in documents if loaded.promotion is not None]
    others = {promotion.promotion: promotion for _, promotion in checked}
    found: dict[int, list[Problem]] = {place: [] for place in range(len(checked))}
    places = {id(loaded): place for place, (loaded, _) in enumerate(checked)}
    for place, (loaded, promotion) in enumerate(checked):
        remarks = [
            *terms.findings(loaded, promotion, programme),
            *calendar.findings(promotion),
            *never.findings(promotion),
            *names.of_others(promotion, others),
            *(names.of_programme(promotion, programme) if programme is not None else ()),
        ]
        found[place] += [remark.at(loaded) for remark in remarks]
    for loaded, remark in together.findings(checked, programme):
        found[places[id(loaded)]].append(remark.at(loaded))
    return [problem for problems in found.values() for problem in sorted(set(problems))]

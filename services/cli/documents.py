"""Promotion and programme documents on disk: read them, judge them together, hold them to their own examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from services.cli.errors import UsageError

if TYPE_CHECKING:
    from schemas.promotions.loading import Loaded, LoadedProgramme
    from schemas.promotions.programme import ProgrammeDocument
    from schemas.promotions.source import Problem
    from services.engine.examples.examples import ExampleResult, InTheWay
    from services.engine.terms import ProgrammeTerms

SUFFIXES = (".yaml", ".yml", ".json")
_REASONS_TOLD = 5
"""Of what stood in the way of a failed example."""


@dataclass(slots=True)
class Documents:
    """What the files hold: promotions, and the programme documents that hold for them."""

    promotions: list[Loaded] = field(default_factory=list)
    programmes: list[LoadedProgramme] = field(default_factory=list)

    def programme_of(self, file: str) -> LoadedProgramme | None:
        """The programme document for a promotion's file: that of its folder, else of the nearest folder above it.

        Where there is none of these, the only programme document there is holds for all.
        """
        above = Path(file).resolve().parents
        folders = {Path(found.file).resolve().parent: found for found in reversed(self.programmes)}
        nearest = next((folders[folder] for folder in above if folder in folders), None)
        return nearest or (self.programmes[0] if len(self.programmes) == 1 else None)


@dataclass(slots=True)
class Checked:
    """One promotion after the check: its problems of form, what `lint` warns of, its examples as they ran."""

    loaded: Loaded
    problems: list[Problem]
    warnings: list[Problem] = field(default_factory=list)
    examples: list[ExampleResult] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the document can be published."""
        return not self.problems and all(example.passed for example in self.examples)

    @property
    def name(self) -> str:
        """The promotion's id, or the file where it has none."""
        return self.loaded.promotion.promotion if self.loaded.promotion else Path(self.loaded.file).name


@dataclass(slots=True)
class CheckedProgramme:
    """One programme document after the check."""

    loaded: LoadedProgramme
    problems: list[Problem]

    @property
    def passed(self) -> bool:
        """Whether the document can be published."""
        return not self.problems

    @property
    def name(self) -> str:
        """The programme's id, or the file where it has none."""
        return self.loaded.programme.programme if self.loaded.programme else Path(self.loaded.file).name


def read_documents(paths: Sequence[Path]) -> Documents:
    """Every document at these paths, read; UsageError where there is none or one cannot be opened."""
    from schemas.promotions.loading import Loaded, load_document
    from schemas.promotions.source import BYTES_MAX

    found = Documents()
    for file in _files(paths):
        try:
            # A byte beyond the limit is enough to refuse the rest unread.
            with file.open("rb") as body:
                document = load_document(body.read(BYTES_MAX + 1), str(file))
        except OSError as error:
            raise UsageError(f"{file} cannot be read: {error.strerror or error}") from error
        if isinstance(document, Loaded):
            found.promotions.append(document)
        else:
            found.programmes.append(document)
    return found


def documents(paths: Sequence[Path]) -> list[Loaded]:
    """Every promotion at these paths, read; UsageError where there is none or one cannot be opened."""
    return read_documents(paths).promotions


def _files(paths: Sequence[Path]) -> list[Path]:
    files: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path} does not exist")
        inside = path.rglob("*") if path.is_dir() else ()
        found = sorted(f for f in inside if f.suffix in SUFFIXES and f.is_file()) if path.is_dir() else [path]
        if not found:
            raise UsageError(f"{path} holds no promotion documents ({', '.join(SUFFIXES)})")
        files.update(dict.fromkeys(found))
    return list(files)


def check_programmes(programmes: Sequence[LoadedProgramme]) -> list[CheckedProgramme]:
    """The programme documents with all their problems: their own, and a second one in the same folder."""
    first: dict[Path, str] = {}
    checked = []
    for document in programmes:
        result = CheckedProgramme(document, list(document.problems))
        other = first.setdefault(Path(document.file).resolve().parent, document.file)
        if other != document.file:
            message = f"{other} is a programme document too: one holds for a folder"
            result.problems.append(document.problem(("programme",), message, "remove one of them"))
        checked.append(result)
    return checked


def check_documents(
    loaded: Sequence[Loaded],
    terms: ProgrammeTerms,
    programmes: Sequence[LoadedProgramme] = (),
    *,
    secret_chosen: bool = False,
) -> list[Checked]:
    """The promotions with all that is to be said of them, under the programme documents that were read with them.

    Problems: their own, names the programme does not have, a failed example, an id that another document has too, files
    of codes that are not as the document says and, with `secret_chosen`, a contest's hash that is not the seed's.
    Examples are not run under a programme document that has problems itself.
    """
    together = Documents(list(loaded), list(programmes))
    checked = [Checked(document, list(document.problems)) for document in loaded]
    _same_ids(checked)
    groups: dict[str, list[Checked]] = {}
    for result in checked:
        programme = together.programme_of(result.loaded.file)
        groups.setdefault(programme.file if programme is not None else "", []).append(result)
    by_file = {document.file: document for document in programmes}
    for file, group in groups.items():
        programme = by_file.get(file)
        document = programme.programme if programme is not None else None
        _lint(group, document)
        if programme is None or document is not None:
            _run(group, terms, document)
    _pools(checked)
    for result in checked:
        if secret_chosen:
            result.problems += _seeds(result.loaded, terms)
        result.problems.sort()
    return checked


def _same_ids(checked: Iterable[Checked]) -> None:
    first: dict[str, str] = {}
    for result in checked:
        promotion, document = result.loaded.promotion, result.loaded
        if promotion is None:
            continue
        other = first.setdefault(promotion.promotion, document.file)
        if other != document.file:
            message = f"`{promotion.promotion}` is the id of {other} too"
            result.problems.append(document.problem(("promotion",), message))


def _lint(group: Sequence[Checked], programme: ProgrammeDocument | None) -> None:
    from schemas.promotions.lint.documents import lint

    by_file = {result.loaded.file: result for result in group}
    for problem in lint([result.loaded for result in group], programme):
        result = by_file[problem.file]
        (result.problems if problem.severity == "error" else result.warnings).append(problem)


def _run(group: Sequence[Checked], terms: ProgrammeTerms, programme: ProgrammeDocument | None) -> None:
    """Run the examples; those of a document that has problems of its own as well."""
    from services.engine.examples.examples import run_examples

    others = {result.loaded.promotion.promotion: result.loaded.promotion for result in group if result.loaded.promotion}
    for result in group:
        if result.loaded.promotion is None:
            continue
        result.examples = run_examples(result.loaded.promotion, terms, programme, others)
        for example in result.examples:
            path = ("examples", example.number)
            why = "; ".join(told_why(example.why[:_REASONS_TOLD], result.loaded.promotion.promotion))
            result.problems += [
                result.loaded.problem(path, f"{example.name}: {failure}", why) for failure in example.failures
            ]


def told_why(why: Iterable[InTheWay], promotion_id: str) -> list[str]:
    """What stood in the way of an example of this promotion, in words."""
    from services.words.decisions import in_the_way
    from services.words.voice import Voice

    voice = Voice("en")
    return [in_the_way(voice, reason, promotion_id).replace("\N{NO-BREAK SPACE}", " ") for reason in why]


def _pools(checked: Sequence[Checked]) -> None:
    """Add the faults of the files of codes to the promotion that draws from them."""
    from schemas.promotions.lint.names import all_rewards
    from services.cli.code_pools import pool_problems

    owners = {result.loaded.file: result for result in reversed(checked)}
    for result in checked:
        for _, reward in all_rewards(result.loaded.promotion) if result.loaded.promotion is not None else ():
            if reward.coupon is not None and reward.coupon.codes is not None:
                owners.setdefault(str(Path(result.loaded.file).parent / reward.coupon.codes.file), result)
    for problem in pool_problems([result.loaded for result in checked]):
        owners[problem.file].problems.append(problem)


def _seeds(document: Loaded, terms: ProgrammeTerms) -> Iterator[Problem]:
    """A contest whose hash is not that of the seed that follows from the programme's secret."""
    from services.engine.rewarding.contests import seed_hash, seed_of

    promotion = document.promotion
    if promotion is None or promotion.contest is None:
        return
    expected = seed_hash(seed_of(terms.secret, promotion.promotion))
    if promotion.contest.seed_sha256 != expected:
        message = "this is not the hash of the seed that follows from the programme's secret"
        yield document.problem(("contest", "seed_sha256"), message, f"write `{expected}`, before the contest starts")

"""What `lint` says of a document, before it has a line and a column."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.promotions.loading import Loaded
from schemas.promotions.source import Path, Problem, Severity, dotted


@dataclass(frozen=True, slots=True)
class Remark:
    """Something of a valid document that its writer may not have meant; `code` names the kind and never changes."""

    code: str
    path: Path
    message: str
    suggestion: str = ""
    severity: Severity = "warning"

    def at(self, document: Loaded) -> Problem:
        """The remark at its line and column."""
        path = dotted(document.written(self.path))
        place = document.place(self.path)
        return Problem(document.file, *place, path, self.message, self.suggestion, self.severity, self.code)

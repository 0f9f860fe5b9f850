"""Publishing promotion documents: the part `setup`, `up`, `demo` and `promotions publish` share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from services.cli.errors import UsageError
from services.settings import Settings

if TYPE_CHECKING:
    from services.engine.programme import PromotionVersion


async def publish_paths(settings: Settings, paths: Sequence[Path]) -> list[PromotionVersion]:
    """The versions made from these documents and folders; a document whose text is in force already makes none.

    Raises UsageError listing every mistake and every example that fails; then nothing at all is published.
    """
    from services.cli.documents import check_documents, documents
    from services.store.promotions import PromotionStore
    from services.terms import programme_terms

    checked = check_documents(documents(paths), programme_terms(settings))
    problems = [problem for document in checked for problem in document.problems]
    if problems:
        raise UsageError("nothing was published:\n" + "\n".join(str(problem) for problem in problems))
    promotions = [document.loaded.promotion for document in checked if document.loaded.promotion]
    async with PromotionStore.open(settings.dsn) as store:
        return await store.publish(promotions)

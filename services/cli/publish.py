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

    Raises UsageError listing every mistake; then nothing at all is published.
    """
    from schemas.promotions.document import Promotion
    from schemas.promotions.source import read_source
    from services.store.promotions import PromotionStore

    documents = []
    files = [f for path in paths for f in (sorted(path.glob("*.yaml")) if path.is_dir() else [path])]
    for file in files:
        node, problems = read_source(file.read_bytes(), str(file))
        if problems or node is None:
            raise UsageError("\n".join(str(problem) for problem in problems))
        documents.append(Promotion.model_validate(node.plain()))
    async with PromotionStore.open(settings.dsn) as store:
        return await store.publish(documents)

"""Files that appear only when they are whole, though their lines may be written several times over."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Self


class Output:
    """Lines for a file: written beside it, and put in its place at the end. A pipe or a device gets them then.

    OSError names the file when it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._plain = path.is_file() or not path.exists()
        self._part = path.with_name(f".{path.name}.part")
        self._open = ExitStack()
        file = self._part.open("w+b") if self._plain else tempfile.TemporaryFile()  # noqa: SIM115  # closed by `_open`
        self._file: IO[bytes] = self._open.enter_context(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()
        if self._plain:
            self._part.unlink(missing_ok=True)

    def write(self, lines: bytes) -> None:
        """Append lines."""
        self._file.write(lines)

    def restart(self) -> None:
        """Forget what was written."""
        self._file.seek(0)
        self._file.truncate()

    def finish(self) -> None:
        """What was written is the file."""
        if self._plain:
            self._open.close()
            self._part.replace(self._path)
            return
        self._file.seek(0)
        with self._path.open("wb") as out:
            shutil.copyfileobj(self._file, out)

"""What runs on behalf of a folder, written down so that the next start finds what a crash left behind."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import psutil

from services.clock import monotonic
from services.embedded.failure import AlreadyRunningError

# psutil derives a start time from the boot time, which moves a little when the clock is set.
SAME_START_SECONDS = 1.0
POLITE_SECONDS = 5.0
POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """A process is named by id and start time together: ids are used again."""

    name: str
    pid: int
    created: float
    stop_signal: int

    @classmethod
    def of(cls, name: str, pid: int, stop_signal: int) -> ProcessRecord:
        """The record of a living process; a start time of 0, which matches nothing, if it is gone already."""
        try:
            return cls(name, pid, psutil.Process(pid).create_time(), stop_signal)
        except psutil.NoSuchProcess:
            return cls(name, pid, 0.0, stop_signal)

    def process(self) -> psutil.Process | None:
        """The living process that this record means, if there is one."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.created) < SAME_START_SECONDS and is_alive(process):
                return process
        except psutil.NoSuchProcess:
            pass
        return None


class ProcessFile:
    """`processes.json` of a folder."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "processes.json"

    def read(self) -> list[ProcessRecord]:
        """What was written last; nothing if that cannot be read."""
        try:
            rows = json.loads(self._file.read_text(encoding="utf-8"))
            return [ProcessRecord(row["name"], row["pid"], float(row["created"]), row["stop_signal"]) for row in rows]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return []

    def write(self, records: Iterable[ProcessRecord]) -> None:
        """Replaces the whole file at once."""
        fresh = self._file.with_suffix(".json.new")
        fresh.write_text(json.dumps([asdict(record) for record in records], indent=2) + "\n", encoding="utf-8")
        fresh.replace(self._file)


def stop_leftovers(records: Iterable[ProcessRecord]) -> list[str]:
    """None of these processes runs any more, nor what they started; returns the names of those that did. Blocking."""
    living = {record: process for record in records if (process := record.process()) is not None}
    tree = list(living.values())
    for record, process in living.items():
        with suppress(psutil.NoSuchProcess):
            tree += process.children(recursive=True)
            process.send_signal(record.stop_signal)
    for process in _wait(tree):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _wait(tree)
    return [record.name for record in living]


def is_alive(process: psutil.Process) -> bool:
    """Whether it still runs; a dead process that nobody has collected does not (a container may have no collector)."""
    try:
        return bool(process.is_running()) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _wait(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Waits a few seconds for all of them to end; returns those that have not."""
    deadline = monotonic() + POLITE_SECONDS
    while True:
        processes = [process for process in processes if is_alive(process)]
        if not processes or monotonic() > deadline:
            return processes
        time.sleep(POLL_SECONDS)


class FolderLock:
    """Held by the one process that supervises a folder; the system releases it however that process ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handle: IO[str] | None = None

    def take(self) -> None:
        """Raises AlreadyRunningError if another process holds it."""
        handle = (self._folder / "lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.seek(0)
            holder = handle.read().strip() or "unknown"
            handle.close()
            raise AlreadyRunningError(
                f"a stack is already running in {self._folder} (process {holder}); stop it, or choose another folder "
                "with UNISONO_HOME"
            ) from None
        handle.truncate(0)
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        self._handle = handle

    def release(self) -> None:
        """The folder is free; nothing happens if it was not held."""
        if self._handle is not None:
            self._handle.close()
            self._handle = None

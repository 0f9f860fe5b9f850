"""Kafka's jars: a committed list with checksums, fetched in parallel and kept in the cache folder.

Resolving the broker's dependencies from nothing reads hundreds of small files one after another, which takes half a
minute; the list beside this module makes it one parallel download. The repository is the one jgo is configured with.

    python -m services.embedded.jars     resolve afresh with jgo and rewrite the list
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from services.clock import monotonic
from services.embedded.failure import DownloadError
from services.settings import Settings

KAFKA_VERSION = "4.1.1"
ENDPOINT = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:1.7.36"
LOCK_FILE = Path(__file__).with_name(f"kafka-{KAFKA_VERSION}.lock")
PARALLEL = 8
ATTEMPTS = 3
CHUNK_BYTES = 1 << 16

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock file; `size` is in bytes."""

    group: str
    artifact: str
    version: str
    classifier: str
    sha256: str
    size: int

    @classmethod
    def parse(cls, line: str) -> Jar:
        """Reads `group:artifact:version[:classifier] sha256 size`."""
        coordinates, sha256, size = line.split()
        group, artifact, version, classifier = (*coordinates.split(":"), "")[:4]
        return cls(group, artifact, version, classifier, sha256, int(size))

    def line(self) -> str:
        """The inverse of parse."""
        coordinates = ":".join(filter(None, (self.group, self.artifact, self.version, self.classifier)))
        return f"{coordinates} {self.sha256} {self.size}"

    @property
    def file_name(self) -> str:
        """Its name in the cache and in every repository."""
        return "-".join(filter(None, (self.artifact, self.version, self.classifier))) + ".jar"

    @property
    def repository_path(self) -> str:
        """Where a Maven repository keeps it."""
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.file_name}"


def locked_jars() -> list[Jar]:
    """The jars of the class path, in class-path order."""
    lines = LOCK_FILE.read_text(encoding="utf-8").splitlines()
    return [Jar.parse(line) for line in lines if line and not line.startswith("#")]


def jars_folder(settings: Settings) -> Path:
    """Where the jars are kept, whether or not they are there yet."""
    return settings.cache.expanduser().absolute() / f"kafka-{KAFKA_VERSION}"


def ensure_jars(settings: Settings, console: Console, enough: threading.Event | None = None) -> list[Path]:
    """Every jar of the class path is in the cache, whole and checked; returns their paths in class-path order.

    Blocking, until `enough` is set; two processes may call it at once (the second waits). Raises DownloadError.
    """
    folder, jars = jars_folder(settings), locked_jars()
    if missing_from(folder, jars):
        folder.mkdir(parents=True, exist_ok=True)
        with exclusive(folder / ".lock"):
            _fetch(missing_from(folder, jars), folder, console, enough or threading.Event())
    return [folder / jar.file_name for jar in jars]


def missing_from(folder: Path, jars: list[Jar]) -> list[Jar]:
    """The jars that are not there in their right size; a name only ever appears after its checksum was verified."""

    def size(jar: Jar) -> int:
        try:
            return (folder / jar.file_name).stat().st_size
        except FileNotFoundError:
            return -1

    return [jar for jar in jars if size(jar) != jar.size]


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Holds an advisory lock on `path` among the processes of this machine; waits for it."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _fetch(jars: list[Jar], folder: Path, console: Console, enough: threading.Event) -> None:
    if not jars:
        return
    repositories, local = _repositories()
    total = sum(jar.size for jar in jars)
    started = monotonic()
    if not console.is_terminal:
        console.print(f"Downloading Kafka {KAFKA_VERSION}: {len(jars)} jars, {total / 1e6:.0f} MB")
    with (
        Progress(
            TextColumn(f"Downloading Kafka {KAFKA_VERSION}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        ) as progress,
        httpx.Client(follow_redirects=True, timeout=httpx.Timeout(30, connect=10)) as client,
    ):
        bar = progress.add_task("jars", total=total)
        source = _Source(client, repositories, local, lambda count: progress.advance(bar, count), enough)
        with ThreadPoolExecutor(PARALLEL) as pool:
            futures = [pool.submit(source.get, jar, folder) for jar in jars]
            try:
                for future in as_completed(futures):
                    future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    console.print(f"Kafka {KAFKA_VERSION} is in {folder} ({total / 1e6:.0f} MB, {monotonic() - started:.1f} s)")


def _repositories() -> tuple[list[str], Path]:
    """The remote repositories and the local one that this person's jgo is configured with."""
    from jgo.config import GlobalSettings  # noqa: PLC0415  takes half a second, which only a download pays
    from jgo.maven import MavenContext  # noqa: PLC0415  as above

    settings = GlobalSettings.load()
    context = MavenContext(repo_cache=settings.repo_cache)
    return list({**context.remote_repos, **settings.repositories}.values()), settings.repo_cache


@dataclass(frozen=True, slots=True)
class _Source:
    client: httpx.Client
    repositories: list[str]
    local: Path
    advance: Advance
    enough: threading.Event

    def get(self, jar: Jar, folder: Path) -> None:
        """The jar is in the folder under its name, its checksum verified; raises DownloadError."""
        part = folder / f".{jar.file_name}.{os.getpid()}.part"
        try:
            if not self._from_local(jar, part):
                self._from_remote(jar, part)
            part.replace(folder / jar.file_name)
        finally:
            part.unlink(missing_ok=True)

    def _from_local(self, jar: Jar, part: Path) -> bool:
        kept = self.local / jar.repository_path
        if not kept.is_file() or kept.stat().st_size != jar.size:
            return False
        shutil.copyfile(kept, part)
        if _sha256(part) != jar.sha256:
            return False
        self.advance(jar.size)
        return True

    def _from_remote(self, jar: Jar, part: Path) -> None:
        problem = "no repository is configured"
        for base in self.repositories:
            for _ in range(ATTEMPTS):
                try:
                    self._download(f"{base.rstrip('/')}/{jar.repository_path}", part)
                except httpx.HTTPStatusError as error:
                    problem = f"{error.request.url.host} answered {error.response.status_code} for {jar.file_name}"
                    if error.response.status_code < 500 and error.response.status_code != 429:
                        break
                except httpx.TransportError as error:
                    problem = f"no connection to {httpx.URL(base).host}: {str(error) or type(error).__name__}"
                else:
                    if _sha256(part) == jar.sha256:
                        return
                    problem = f"{jar.file_name} from {httpx.URL(base).host} has a wrong checksum"
        raise DownloadError(
            f"Kafka could not be downloaded ({problem}); connect to the network once, "
            "or set KAFKA_BOOTSTRAP_SERVERS to a running Kafka"
        )

    def _download(self, url: str, part: Path) -> None:
        received = 0
        try:
            with self.client.stream("GET", url) as response, part.open("wb") as file:
                response.raise_for_status()
                for chunk in response.iter_bytes(CHUNK_BYTES):
                    if self.enough.is_set():
                        raise DownloadError("the download of Kafka was interrupted")
                    file.write(chunk)
                    self.advance(len(chunk))
                    received += len(chunk)
        except httpx.HTTPError:
            self.advance(-received)
            raise


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_lock(console: Console) -> None:
    """Resolves the class path afresh with jgo, downloading every jar, and rewrites the lock file."""
    import jgo  # noqa: PLC0415  as above

    jars = []
    for artifact in jgo.resolve(ENDPOINT):
        path = artifact.resolve()
        jars.append(
            Jar(
                artifact.groupId,
                artifact.artifactId,
                artifact.version,
                artifact.classifier,
                _sha256(path),
                path.stat().st_size,
            )
        )
    head = [
        f"# The class path of Kafka {KAFKA_VERSION}: coordinates, SHA-256, bytes.",
        "# Written by `python -m services.embedded.jars`.",
    ]
    LOCK_FILE.write_text("\n".join([*head, *(jar.line() for jar in jars)]) + "\n", encoding="utf-8")
    console.print(f"{LOCK_FILE.name}: {len(jars)} jars, {sum(jar.size for jar in jars) / 1e6:.0f} MB")


if __name__ == "__main__":
    write_lock(Console(stderr=True))

"""The supervisor with small programs: restarts, ends, leftovers; and what stands between a start and its jars."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from rich.console import Console
from typing_extensions import override

from services.embedded import jars
from services.embedded.failure import ChildError, DownloadError, PortTakenError
from services.embedded.jars import Jar, ensure_jars
from services.embedded.ports import Ports
from services.embedded.processes import ProcessRecord, is_alive
from services.embedded.supervisor import Program, Supervisor
from services.settings import Settings

SLEEP = "import time; print('up', flush=True); time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"


@dataclass(frozen=True)
class Script:
    """A service that is ready once it has written `up`."""

    name: str
    source: str
    home: Path
    stop_seconds: float = 5.0
    python: str = sys.executable

    async def prepare(self) -> Program:
        return Program((self.python, "-c", self.source), stop_seconds=self.stop_seconds)

    async def is_ready(self, pid: int) -> bool:
        return "up" in (self.home / "logs" / f"{self.name}.log").read_text()


async def test_a_dead_child_is_started_again_until_it_is_stopped(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor:
        await supervisor.start(Script("one", SLEEP, tmp_path))
        child = supervisor.child("one")
        seen = {child.pid}
        for restarts in (1, 2):
            child.kill()
            await child.wait_ready()
            assert child.restarts == restarts
            seen.add(child.pid)
        assert len(seen) == 3
    assert child.pid is None


async def test_without_restarts_a_dead_child_stays_dead_until_it_is_started(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, restart=False) as supervisor:
        await supervisor.start(Script("one", SLEEP, tmp_path))
        child = supervisor.child("one")
        child.kill(signal.SIGTERM)
        await child.wait_gone()
        assert child.pid is None
        await child.start()
        assert child.pid is not None


async def test_a_child_that_ends_at_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor:
        with pytest.raises(ChildError, match=r"(?s)one ended at start with code 3.*no such luck"):
            await supervisor.start(Script("one", "import sys; print('no such luck'); sys.exit(3)", tmp_path))


async def test_a_program_that_does_not_exist_is_told(tmp_path: Path) -> None:
    absent = str(tmp_path / "absent")
    async with Supervisor(tmp_path) as supervisor:
        with pytest.raises(ChildError, match=f"cannot run {absent}"):
            await supervisor.start(Script("one", "", tmp_path, python=absent))


async def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor:
        await supervisor.start(Script("deaf", DEAF, tmp_path, stop_seconds=0.2))
        pid = supervisor.child("deaf").pid
    assert pid
    assert not psutil.pid_exists(pid)


async def test_the_last_started_is_stopped_first(tmp_path: Path) -> None:
    source = """
import pathlib, signal, sys, time
def end(*_):
    with open({file!r}, "a") as file: file.write({name!r})
    sys.exit()
signal.signal(signal.SIGTERM, end)
print('up', flush=True)
time.sleep(600)
"""
    file = tmp_path / "order"
    async with Supervisor(tmp_path) as supervisor:
        for name in "abc":
            await supervisor.start(Script(name, source.format(file=str(file), name=name), tmp_path))
    assert file.read_text() == "cba"


async def test_a_leftover_is_stopped_and_another_process_with_its_number_is_not(tmp_path: Path) -> None:
    started = [await asyncio.create_subprocess_exec(sys.executable, "-c", SLEEP) for _ in range(2)]
    try:
        leftover, stranger = (psutil.Process(process.pid) for process in started)
        rows = [
            {"name": "mine", "pid": leftover.pid, "created": leftover.create_time(), "stop_signal": signal.SIGTERM},
            {"name": "other", "pid": stranger.pid, "created": stranger.create_time() - 60, "stop_signal": 15},
        ]
        (tmp_path / "processes.json").write_text(json.dumps(rows))
        async with Supervisor(tmp_path) as supervisor:
            assert supervisor.leftovers == ["mine"]
            assert not is_alive(leftover)
            assert is_alive(stranger)
    finally:
        for process in started:
            if process.returncode is None:
                process.kill()
            await process.wait()


@pytest.mark.parametrize("content", ["", "{", '{"a": 1}', '[{"pid": 1}]', "[1]"])
async def test_a_damaged_process_file_does_not_stop_a_start(tmp_path: Path, content: str) -> None:
    (tmp_path / "processes.json").write_text(content)
    async with Supervisor(tmp_path) as supervisor:
        assert supervisor.leftovers == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a process to its parent")
def test_a_child_whose_parent_is_gone_already_does_not_start() -> None:
    launch = Path(jars.__file__).with_name("launch.py")
    arguments = [str(int(signal.SIGTERM)), "1", "0:0:0", "--", sys.executable, "-c", "print('ran')"]
    ended = subprocess.run([sys.executable, "-I", "-S", launch, *arguments], capture_output=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, b"")


def test_a_record_of_a_process_that_is_gone_matches_none() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        record = ProcessRecord.of("short", process.pid, signal.SIGTERM)
    assert record.process() is None


def test_ports_are_remembered_and_a_taken_one_is_replaced(tmp_path: Path) -> None:
    first = Ports(tmp_path).claim("gateway")
    assert Ports(tmp_path).claim("gateway") == first
    assert Ports(tmp_path).claim("console", wish=first) != first
    with socket.create_server(("127.0.0.1", first)):
        assert Ports(tmp_path).claim("gateway") != first
        with pytest.raises(PortTakenError, match=str(first)):
            Ports(tmp_path).claim("gateway", wish=first, insist=True)


# ------------------------------------------------------------------------------------------------------------- jars


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Jar]:
    """Three small jars in place of Kafka's, with a repository folder that has them, and jgo configured for it."""
    made = []
    for artifact in ("one", "two", "three"):
        content = artifact.encode() * 1000
        jar = Jar("org.example", artifact, "1.0", "", hashlib.sha256(content).hexdigest(), len(content))
        path = tmp_path / "repository" / jar.repository_path
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        made.append(jar)
    lock = tmp_path / "test.lock"
    lock.write_text("# a comment\n" + "\n".join(jar.line() for jar in made))
    monkeypatch.setattr(jars, "LOCK_FILE", lock)
    monkeypatch.setenv("M2_REPO", str(tmp_path / "no-local-repository"))
    return made


@pytest.fixture
def repository(locked: list[Jar], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ThreadingHTTPServer]:
    handler = partial(QuietHandler, directory=str(tmp_path / "repository"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        configure_jgo(monkeypatch, tmp_path, server.server_port)
        yield server
        server.shutdown()
        thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


def configure_jgo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, port: int) -> None:
    configuration = tmp_path / "jgo.conf"
    configuration.write_text(f"[repositories]\ncentral = http://127.0.0.1:{port}\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(configuration))


def test_jars_are_fetched_from_the_repository_of_jgo_once(
    locked: list[Jar], repository: ThreadingHTTPServer, tmp_path: Path
) -> None:
    settings = Settings(cache=tmp_path / "cache")
    paths = ensure_jars(settings, Console(quiet=True))
    assert [path.name for path in paths] == ["one-1.0.jar", "two-1.0.jar", "three-1.0.jar"]
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths] == [jar.sha256 for jar in locked]
    for jar in locked:
        (tmp_path / "repository" / jar.repository_path).unlink()
    assert ensure_jars(settings, Console(quiet=True)) == paths


def test_a_jar_with_other_content_is_refused(
    locked: list[Jar], repository: ThreadingHTTPServer, tmp_path: Path
) -> None:
    (tmp_path / "repository" / locked[1].repository_path).write_bytes(b"two" * 999 + b"TWO")
    with pytest.raises(DownloadError, match=r"two-1\.0\.jar .* wrong checksum"):
        ensure_jars(Settings(cache=tmp_path / "cache"), Console(quiet=True))
    assert not (tmp_path / "cache" / "kafka-4.1.1" / "two-1.0.jar").exists()
    assert not list((tmp_path / "cache" / "kafka-4.1.1").glob("*.part"))


def test_a_missing_network_is_one_sentence(locked: list[Jar], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    configure_jgo(monkeypatch, tmp_path, port)
    with pytest.raises(
        DownloadError, match=r"^Kafka could not be downloaded \(no connection to 127.0.0.1: .*\); "
    ) as told:
        ensure_jars(Settings(cache=tmp_path / "cache"), Console(quiet=True))
    assert "\n" not in str(told.value)


def test_the_committed_list_is_whole() -> None:
    locked = jars.locked_jars()
    names = {jar.artifact for jar in locked}
    assert {"kafka_2.13", "kafka-clients", "kafka-server", "slf4j-api", "slf4j-simple", "scala-library"} <= names
    assert len({jar.file_name for jar in locked}) == len(locked)
    assert all(len(jar.sha256) == 64 and jar.size > 0 for jar in locked)
    assert [Jar.parse(jar.line()) for jar in locked] == locked

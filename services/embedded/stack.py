"""The whole of Unisono on one machine: Kafka, PostgreSQL and every role, each a process of its own.

    async with Stack(settings, prepare=prepare) as stack:
        print(stack.gateway_url)

`unisono up`, the demo, the crash tests and the benchmarks all start this.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr
from rich.console import Console

from services.embedded.kafka import EmbeddedKafka
from services.embedded.ports import Ports
from services.embedded.postgres import EmbeddedPostgres
from services.embedded.runtime import ensure_runtime
from services.embedded.supervisor import Child, Program, Service, Supervisor
from services.settings import Settings

RoleName = Literal["worker", "gateway", "console"]
Prepare = Callable[[Settings], Awaitable[None]]

ROLES: tuple[RoleName, ...] = ("worker", "gateway", "console")
STORES = ("114", "203")
HEALTH_SECONDS = 3.0


class Stack:
    """Everything runs and is healthy while this is entered; `settings` then hold every address.

    `prepare` makes the topics and the schema and publishes promotions, once Kafka and PostgreSQL answer. Kafka and
    PostgreSQL are the ones the settings name, else embedded ones. Ports that are not set are chosen once a folder.
    Raises EmbeddedError, whose text is the sentence for the person who started it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        prepare: Prepare,
        roles: Sequence[RoleName] = ROLES,
        stores: Sequence[str] = STORES,
        workers: int = 1,
        restart: bool = True,
        console: Console | None = None,
    ) -> None:
        self.home = settings.home.absolute()
        self.settings = settings.model_copy(update={"home": self.home})
        self.metrics_urls: dict[str, str] = {}
        self.till_urls: dict[str, str] = {}
        self.supervisor = Supervisor(self.home, restart=restart)
        self._prepare = prepare
        self._roles = tuple(roles)
        self._stores = tuple(stores)
        self._workers = workers
        self._console = console or Console(quiet=True)
        self._ports = Ports(self.home)
        self._exit = AsyncExitStack()

    @property
    def gateway_url(self) -> str:
        """Where the gateway answers."""
        return self.settings.gateway_url or ""

    @property
    def console_url(self) -> str:
        """Where the web account and the demo pages are."""
        return self.settings.console_url or ""

    def child(self, name: str) -> Child:
        """`kafka`, `postgres`, `worker` (then `worker-2` …), `gateway`, `console`, `till-114` …; raises KeyError."""
        return self.supervisor.child(name)

    def kill_now(self) -> None:
        """SIGKILL to every child: for the impatient."""
        self.supervisor.kill_now()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opened:
            await opened.enter_async_context(self.supervisor)
            if self.supervisor.leftovers:
                self._console.print(f"Stopped what an earlier run left behind: {', '.join(self.supervisor.leftovers)}")
            await self._start_embedded()
            self._assign_addresses()
            self._console.print("Setting up topics, schema and promotions")
            await self._prepare(self.settings)
            client = await opened.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=HEALTH_SECONDS))
            roles = self._role_services(client)
            if roles:
                self._console.print(f"Starting {', '.join(role.name for role in roles)}")
                await self.supervisor.start(*roles)
            opened.callback(self.settings.running_file.unlink, missing_ok=True)
            self.settings.running_file.write_text(
                json.dumps({"KAFKA_BOOTSTRAP_SERVERS": self.settings.brokers, "DATABASE_URL": self.settings.dsn})
            )
            self._exit = opened.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.__aexit__(kind, error, trace)

    async def _start_embedded(self) -> None:
        """Kafka and PostgreSQL answer, and the settings say where."""
        services: list[Service] = []
        kafka = postgres = None
        if self.settings.kafka_bootstrap_servers is None:
            kafka = EmbeddedKafka(self.home / "kafka", await ensure_runtime(self.settings, self._console))
            services.append(kafka)
        if self.settings.database_url is None:
            postgres = EmbeddedPostgres(self.home / "postgres")
            services.append(postgres)
        if services:
            self._console.print(f"Starting {' and '.join(service.name for service in services)} in {self.home}")
            await self.supervisor.start(*services)
        if kafka is not None:
            self._set(kafka_bootstrap_servers=kafka.bootstrap_servers)
        if postgres is not None:
            self._set(database_url=SecretStr(postgres.dsn))

    def _assign_addresses(self) -> None:
        gateway, console = self._claim("gateway_port"), self._claim("console_port")
        self._set(
            gateway_port=gateway,
            console_port=console,
            gateway_url=self._url(gateway),
            console_url=self.settings.console_url or self._url(console),
        )

    def _role_services(self, client: httpx.AsyncClient) -> list[_Role]:
        services = []
        till_ports = {store: self._ports.claim(f"till-{store}", host=self.settings.host) for store in self._stores}
        self.till_urls.update({store: self._url(port) for store, port in till_ports.items()})
        if "worker" in self._roles:
            for number in range(1, self._workers + 1):
                # A member of the group by name takes its partitions back at once when it is restarted.
                own = {"worker_id": f"{self.settings.worker_id or 'worker'}-{number}"}
                services.append(self._role("worker" if number == 1 else f"worker-{number}", ("worker",), own, client))
        if "gateway" in self._roles:
            services.append(self._role("gateway", ("gateway",), {}, client, self.gateway_url))
        if "console" in self._roles:
            console_url = self._url(self.settings.console_port)
            services.append(self._role("console", ("console",), {"till_urls": self.till_urls}, client, console_url))
        for store, port in till_ports.items():
            arguments = ("till", "run", "--store", store)
            services.append(self._role(f"till-{store}", arguments, {"till_port": port}, client, self.till_urls[store]))
        return services

    def _role(
        self,
        name: str,
        arguments: tuple[str, ...],
        own: Mapping[str, object],
        client: httpx.AsyncClient,
        url: str | None = None,
    ) -> _Role:
        port = self._ports.claim(f"{name}-metrics", host=self.settings.host)
        self.metrics_urls[name] = f"{self._url(port)}/metrics"
        settings = self.settings.model_copy(update={**own, "metrics_port": port})
        return _Role(name, arguments, settings, f"{url or self._url(port)}/readyz", client)

    def _claim(self, setting: Literal["gateway_port", "console_port"]) -> int:
        """A port that was set is meant; the usual one may be taken by another stack on this machine."""
        wish: int = getattr(self.settings, setting)
        insist = setting in self.settings.model_fields_set
        return self._ports.claim(setting.removesuffix("_port"), host=self.settings.host, wish=wish, insist=insist)

    def _url(self, port: int) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.settings.host, self.settings.host)  # noqa: S104
        return f"http://{host}:{port}"

    def _set(self, **values: object) -> None:
        self.settings = self.settings.model_copy(update=values)


@dataclass(frozen=True, slots=True)
class _Role:
    """One of our own commands as a supervised process, healthy when `ready_url` says so."""

    name: str
    arguments: tuple[str, ...]
    settings: Settings
    ready_url: str
    client: httpx.AsyncClient

    async def prepare(self) -> Program:
        argv = (sys.executable, "-m", "services.cli.main", *self.arguments)
        return Program(argv, env=self.settings.environment())

    async def is_ready(self, pid: int) -> bool:  # noqa: ARG002  whoever answers on its port is the role
        where = urlsplit(self.ready_url)
        try:
            # Asked dozens of times while the role imports: a bare connection costs a tenth of a request.
            _, writer = await asyncio.open_connection(where.hostname, where.port)
            writer.close()
            return (await self.client.get(self.ready_url)).is_success
        except (OSError, httpx.HTTPError):
            return False


def log_folder(home: Path) -> Path:
    """Where each child's output goes, one file a child."""
    return home / "logs"

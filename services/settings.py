"""Every setting of every process, read once from the environment.

Prefix `UNISONO_`, plus the two names everyone knows: `KAFKA_BOOTSTRAP_SERVERS` and `DATABASE_URL`. A wrong value
stops the command with one sentence and exit code 2 (see services.cli.main).
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65535)]
_KNOWN_SECRET = "change-me"  # noqa: S105 - no secret: this is the one that must be replaced
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Settings(BaseSettings):
    """Frozen; one instance a process, passed down from the command line."""

    model_config = SettingsConfigDict(env_prefix="UNISONO_", frozen=True, extra="ignore", env_ignore_empty=True)

    kafka_bootstrap_servers: str | None = Field(
        None,
        validation_alias=AliasChoices("KAFKA_BOOTSTRAP_SERVERS", "kafka_bootstrap_servers"),
        description="Kafka to use, host:port[,host:port]; empty: the embedded one",
    )
    database_url: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("DATABASE_URL", "database_url"),
        description="PostgreSQL to use, postgresql://…; empty: the embedded one",
    )
    home: Path = Field(Path(".unisono"), description="Folder for what the embedded stack, tills and logs keep")
    cache: Path = Field(Path("~/.cache/unisono"), description="Folder for downloads that survive `make clean`")
    host: str = Field("127.0.0.1", description="Address that gateway, console, till and metrics listen on")
    gateway_port: Port = Field(8080, description="Port of the gateway; 0 takes a free one")
    console_port: Port = Field(8090, description="Port of the web account and demo pages; 0 takes a free one")
    till_port: Port = Field(0, description="Port of a till's own page; 0 takes a free one")
    metrics_port: Port = Field(0, description="Port of /metrics; 0 takes a free one")
    gateway_url: str | None = Field(None, description="Where tills and the console find the gateway")
    console_url: str | None = Field(None, description="Where members reach the console, for links")
    till_urls: dict[str, str] = Field({}, description="Where the demo page finds each store's till: {store: url}")
    brand_name: str = Field("Unisono", description="Name of the programme on its pages")
    brand_color: str = Field("#0a6b62", description="Colour of the pages, #rrggbb; a pale one is refused")
    link_valid_for: timedelta = Field(timedelta(minutes=15), description="A link to a member's page opens it so long")
    visit_valid_for: timedelta = Field(timedelta(hours=12), description="An opened member's page stays open so long")
    demo_page: bool | None = Field(None, description="Serve the demo page; empty: only on a loopback address")
    partitions: int = Field(4, ge=1, le=1024, description="Partitions of each member-keyed topic, at creation")
    replication: int = Field(1, ge=1, le=7, description="Replicas of each topic, at creation")
    programme: str = Field("main", description="Name of the loyalty programme")
    programme_secret: SecretStr = Field(
        SecretStr(_KNOWN_SECRET), description="Secret under which coupon codes and page links are made"
    )
    timezone: str = Field("Europe/Rome", description="Time zone of day boundaries")
    currency: str = Field("EUR", description="Currency of the programme, ISO 4217")
    promotions: tuple[Path, ...] = Field((), description="Promotion documents that `unisono up` publishes at start")
    batch_events_max: int = Field(500, ge=1, le=5000, description="Events in one micro-batch, at most")
    lateness_horizon: timedelta = Field(timedelta(days=30), description="Older events become dead letters")
    future_tolerance: timedelta = Field(timedelta(days=1), description="Later times than this become dead letters")
    session_timeout_ms: int = Field(10_000, ge=3_000, le=300_000, description="Consumer session timeout")
    lock_lease_s: int = Field(5, ge=1, le=60, description="Seconds after which a stopped process loses its locks")
    worker_id: str | None = Field(None, description="Static group membership id of a worker, e.g. the pod name")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged")
    log_json: bool = Field(False, description="Log JSON lines instead of text for people")

    @property
    def brokers(self) -> str:
        """The Kafka address: the one set, else that of the stack which runs in `home`. Raises MissingSetting."""
        return self.kafka_bootstrap_servers or self._running("KAFKA_BOOTSTRAP_SERVERS")

    @property
    def dsn(self) -> str:
        """The PostgreSQL address, with its password: the one set, else that of the stack which runs in `home`."""
        return self.database_url.get_secret_value() if self.database_url else self._running("DATABASE_URL")

    @property
    def running_file(self) -> Path:
        """Where `unisono up` leaves the addresses of what runs, so that other commands in the same folder find it."""
        return self.home / "running.json"

    def _running(self, name: str) -> str:
        try:
            return str(json.loads(self.running_file.read_bytes())[name])
        except (OSError, ValueError, KeyError):
            raise MissingSetting(name) from None

    @property
    def loopback(self) -> bool:
        """Whether only callers on this machine reach what listens."""
        return self.host in _LOOPBACK

    @property
    def secret_chosen(self) -> bool:
        """Whether the programme's secret is another than the one that everybody can read here."""
        return self.programme_secret.get_secret_value() != _KNOWN_SECRET

    def environment(self) -> dict[str, str]:
        """The variables under which another process reads the settings that were set here, secrets included."""
        variables = {}
        for name, value in self.model_dump(mode="json", include=self.model_fields_set, exclude_none=True).items():
            kept = getattr(self, name)
            plain = kept.get_secret_value() if isinstance(kept, SecretStr) else value
            variables[_variable(name)] = plain if isinstance(plain, str) else json.dumps(plain)
        return variables


def _variable(field: str) -> str:
    alias = Settings.model_fields[field].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"UNISONO_{field.upper()}"


class MissingSetting(Exception):
    """A role that joins a running cluster was started without telling it where that is."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not set and nothing runs here: start a stack with `unisono up`, or name a cluster")

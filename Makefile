# make run and make test need nothing but a Debian-like machine with make: they install what they need.
PYTHON ?= python3
export PYTHON
CENTRALINO_HOME ?= var
export CENTRALINO_HOME
# In the demo a softphone on this machine is every citizen who is called back.
run: export CENTRALINO_TRUNK_URI ?= sip:127.0.0.1:5070
run: export CENTRALINO_TRY_IT ?= true
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run call simulate test lint format bench doctor status lock clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: ## Python packages and Asterisk, without starting anything
	@./bootstrap
	@asterisk-conf/obtain

setup-dev: setup
	@./bootstrap dev

run: setup ## Set up and start everything: Asterisk, AGI server, web, worker (Ctrl-C stops)
	@$(BIN)/centralino up --demo

call: ## A citizen phones the running system over SIP and asks for a certificate
	@$(BIN)/centralino call

simulate: ## The same dialog in this terminal, without Asterisk
	@$(BIN)/centralino simulate

test: setup-dev ## Lint, types, import contracts, unit tests and live calls
	@$(MAKE) --no-print-directory lint
	@$(BIN)/pytest -n 6 --durations=30 --durations-min=10

lint: ## Style, types, import directions, prompts, menus, messages
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@node build/console/node_modules/typescript/bin/tsc -p console/assets
	@$(BIN)/centralino prompts check --texts-only
	@$(BIN)/centralino menu check --demo --texts-only
	@$(BIN)/centralino messages check --quiet

format: ## Let ruff rewrite the style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup-dev ## Speed, as ratios against a baseline measured in the same run
	@$(BIN)/python -m bench
	@$(BIN)/python -m bench.queueing
	@$(BIN)/python -m bench.outbox
	@$(BIN)/python -m bench.console
	@$(BIN)/python -m bench.reports

doctor: ## Is everything there that a start needs?
	@$(BIN)/centralino doctor

status: ## The health of each part of the running system
	@$(BIN)/centralino status

lock: ## Renew the lock files after a change of the dependencies
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --no-emit-index-url --no-header --quiet --output-file requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --no-emit-index-url --no-header --quiet --constraint requirements.lock --output-file requirements-dev.lock

clean: ## Remove the environment and caches, not the data in var
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

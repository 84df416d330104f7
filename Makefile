# Every task of the project. `make help` lists them. Works with uv, and without it (Python 3.11 or newer, python3-venv).
# The stamps in .venv say what is installed; each task installs only what it needs, all into the one .venv.

PYTHON ?= python3
ARGS ?=
# NO_UV=1 leaves uv out even where it is installed. A uv that does not start counts as none.
UV := $(if $(NO_UV),,$(shell uv --version >/dev/null 2>&1 && command -v uv))
ifneq ($(origin PYTHON),file)
export UV_PYTHON := $(PYTHON)
endif
export UV_PROJECT_ENVIRONMENT := .venv
export PIP_DISABLE_PIP_VERSION_CHECK := 1

VENV_PYTHON := .venv/bin/python
SYNC = $(UV) sync --quiet --locked --inexact
PIP_INSTALL = $(VENV_PYTHON) -m pip install --quiet --constraint .venv/constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-slow mesh check format bench offline check-windows lock clean

help: ## List every task
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.ready-run ## Set up, make a synthetic town, link it, show the report at a local address
	@.venv/bin/samechild demo $(ARGS)

test: .venv/.ready-dev ## Set up and run the tests (no Java, no browser needed)
	@$(VENV_PYTHON) -m pytest $(ARGS)

test-slow: .venv/.ready-slow ## Run the tests that need Spark (Java), a browser (Chromium) or minutes
	@$(VENV_PYTHON) -m pytest -m slow $(ARGS); code=$$?; \
	  if [ $$code -eq 5 ]; then echo "no slow tests were chosen"; exit 0; fi; exit $$code

mesh: .venv/.ready-dev ## Set up the NHS's MESH sandbox in .venv-mesh, for the tests that send trace files
	@$(VENV_PYTHON) scripts/mesh_sandbox.py make

check: .venv/.ready-dev ## Lint, formatting, types, import contracts
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

format: .venv/.ready-dev ## Rewrite the code in the project's format
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

bench: .venv/.ready-bench ## Run samechild and Splink side by side on the same records (takes minutes)
	@$(VENV_PYTHON) -m bench.side_by_side $(ARGS)

offline: .venv/.ready-dev ## Pack dist/offline/*.zip: installs with no internet and no admin rights
	@$(VENV_PYTHON) scripts/offline.py pack $(ARGS)

check-windows: .venv/.ready-dev ## Check that every dependency has a wheel for Windows
	@$(VENV_PYTHON) scripts/offline.py check --platform win_amd64 $(ARGS)

lock: ## Write uv.lock anew after pyproject.toml has changed (needs uv)
	@$(if $(UV),$(UV) lock,echo "make lock needs uv: pip install uv" >&2; exit 1)

clean: ## Remove what was built and cached here; keeps .venv and every folder of results
	@rm -rf dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov .import_linter_cache
	@find samechild scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +

ifneq ($(UV),)

.venv/.ready-run: pyproject.toml uv.lock
	@echo "Setting up (uv)"
	@$(SYNC) --no-dev
	@touch $@

.venv/.ready-dev: .venv/.ready-run
	@$(SYNC)
	@touch $@

.venv/.ready-slow: .venv/.ready-dev
	@$(SYNC) --extra spark --group browser
	@touch $@

.venv/.ready-bench: .venv/.ready-dev
	@$(SYNC) --extra bench
	@touch $@

else

# venv also puts pip into a .venv that uv made before. pip 23 knows no --group, so pip comes first.
.venv/constraints.txt: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "samechild needs Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Setting up (pip; about a minute the first time)"
	@$(PYTHON) -m venv .venv || { echo "Python cannot make a venv here. On Debian: apt install python3-venv" >&2; exit 1; }
	@$(VENV_PYTHON) -m pip install --quiet --upgrade "pip>=25.1"
	@$(VENV_PYTHON) scripts/locked.py > $@

.venv/.ready-run: .venv/constraints.txt
	@$(PIP_INSTALL) --editable .
	@touch $@

.venv/.ready-dev: .venv/.ready-run
	@$(PIP_INSTALL) --editable . --group dev
	@touch $@

.venv/.ready-slow: .venv/.ready-dev
	@$(PIP_INSTALL) --editable '.[spark]' --group dev --group browser
	@touch $@

.venv/.ready-bench: .venv/.ready-dev
	@$(PIP_INSTALL) --editable '.[bench]' --group dev
	@touch $@

endif

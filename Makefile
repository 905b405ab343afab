# Every target makes the virtual environment it needs, once. `make help` lists them.
PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet --quiet --constraint constraints.txt
# one thread a process: the processes fill the cores
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help demo install dev test lint format types contracts docs bench nightly new check receipts stubs clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "renorm needs Python 3.11 or newer, $(PYTHON) is " + sys.version.split()[0] + "; say PYTHON=python3.12 or the like")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/.made
	$(PIP) --editable .
	@touch $@

$(VENV)/.developed: pyproject.toml constraints.txt | $(VENV)/.made
	$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.installed

install: $(VENV)/.installed ## renorm alone, into $(VENV)

dev: $(VENV)/.developed ## renorm and all that its tests, checks and docs need

demo: $(VENV)/.installed ## compare normalizers on the bundled wine data, with an HTML page
	@mkdir -p demo
	$(BIN)/renorm compare wine --target target --html demo/wine.html --json demo/wine.json
	@echo "The report is demo/wine.html (open it in a browser), its data demo/wine.json."

stubs: dev ## type stubs from the catalog (not committed)
	@$(BIN)/python -m renorm.testing.stubs

test: stubs ## all tests; ARGS goes to pytest
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(JOBS) $(ARGS)

lint: dev ## ruff: rules and layout
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: dev ## let ruff lay out the code and mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: stubs ## mypy, strict on core
	$(BIN)/mypy

contracts: dev ## who may import whom
	$(BIN)/lint-imports --config .importlinter

docs: stubs ## the pages in docs/_build/html; a warning is an error
	$(ONE_THREAD) $(BIN)/python -m sphinx -W --keep-going -q -E -j $(JOBS) -b html docs docs/_build/html
	@echo "The pages are in docs/_build/html/index.html."

bench: dev ## every benchmark; results go to bench/results
	@mkdir -p bench/results
	@for file in bench/bench_*.py; do echo "$$file"; $(ONE_THREAD) $(BIN)/python $$file || exit 1; done

nightly: stubs ## everything CI samples, in full: all receipts, all mutants, long runs
	RENORM_NIGHTLY=1 $(ONE_THREAD) $(BIN)/python -m pytest -n $(JOBS) $(ARGS)
	$(ONE_THREAD) $(BIN)/python -m renorm.testing.receipts --all

new: dev ## a method's two files: make new KIND=table NAME=mean_center
	@$(BIN)/python -m renorm.testing.scaffold new $(KIND) $(NAME)

check: dev ## one method, all of its checks: make check NAME=table.standard
	@$(BIN)/python -m renorm.testing.scaffold check $(NAME)

receipts: dev ## record the receipts of the methods that changed; ARGS chooses others
	@$(ONE_THREAD) $(BIN)/python -m renorm.testing.receipts $(or $(ARGS),--changed)

clean: ## remove the environment and all that was generated
	rm -rf $(VENV) demo build dist docs/_build docs/methods docs/gallery docs/sg_execution_times.rst bench/results
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src -name '*.pyi' -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

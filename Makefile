# One interface for people and CI. Everything is installed into .venv, by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Most of their time tests wait for something to happen: six keep two cores busy.
PARALLEL := -n 6 --dist worksteal
# They start servers and environments of their own, once for all tests of a file;
# the longest come first, so that no single file is waited for at the end.
HEAVY := tests/packaging tests/deploy tests/storm tests/flows

.DEFAULT_GOAL := help
.PHONY: help setup demo test unit soak check format bench build clean

help:  ## show this help
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(STAMP)  ## make .venv with everything in it

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.x")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e . --group dev
	@touch $@

demo: $(STAMP)  ## record the emulator through the Prefect flow and print a summary
	$(BIN)/instant-logs demo

test: $(STAMP)  ## run all tests
	$(BIN)/python -m pytest $(PARALLEL) $(HEAVY:%=--ignore=%)
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(HEAVY)

unit: $(STAMP)  ## run the tests that are done in seconds
	$(BIN)/python -m pytest $(PARALLEL) tests/unit tests/sql

soak: $(STAMP)  ## run the tests that take minutes; they print their figures
	$(BIN)/python -m pytest -s -m soak

check: $(STAMP)  ## format, lint, types, import rules, unit and SQL tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q $(PARALLEL) tests/unit tests/sql

format: $(STAMP)  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)  ## measure speed and memory, as ratios, as JSON
	$(BIN)/python -m tests.benchmarks

build: $(STAMP)  ## build the wheel into dist/
	$(BIN)/python -m build --wheel

clean:  ## remove everything that was made
	rm -rf $(VENV) build dist .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis

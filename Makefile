# One gate: `make check test`. What CI runs is `.ci/run`, which calls it on a bare machine.

PYTHON   ?= $(shell command -v python3.11 || command -v python3)
CONFIG   ?= examples/rollbackd.yaml
RELEASE  ?=
ARGS     ?=
# Much of the suite's time is waiting for clocks and processes, so two cores carry three; a fourth starves what answers in time.
SIDE_BY_SIDE := -n 3 --dist worksteal -m 'not long'
# 1 makes `make test` measure the branches and fail below the gates of `make coverage`.
COVERAGE ?= 0

VENV := .venv
BIN  := $(VENV)/bin
PIP  := $(BIN)/python -m pip --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install check test long coverage demo sandbox bench bench-judgement run lock clean

help:  ## say what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.installed  ## build the locked environment in .venv; at once if it is there

# Made anew whenever the lock changed: what the lock no longer names is gone then.
$(VENV)/.locked: requirements-dev.lock
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make install PYTHON=PATH" >&2; exit 1; }
	"$(PYTHON)" -m venv --clear $(VENV)
	$(PIP) install --quiet --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

$(VENV)/.installed: $(VENV)/.locked pyproject.toml
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	$(PIP) check
	@touch $@

check: install  ## ruff check, ruff format --check, mypy --strict, lint-imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

test: install  ## run all tests but the long ones, three at a time (ARGS="-k words" for some, one by one; COVERAGE=1 for the coverage gates too)
	$(if $(filter 1,$(COVERAGE)),$(MAKE) coverage,$(BIN)/pytest $(or $(ARGS),$(SIDE_BY_SIDE)))

long: install  ## run the tests that take minutes by themselves: replicas as processes, mutants of the crash tests, kills at every call of every target
	$(BIN)/pytest -m long $(ARGS)

coverage: install  ## run all tests, and hold the gates: every branch of rules and watcher.core, 90 % elsewhere
	$(BIN)/pytest --cov --cov-report= $(or $(ARGS),$(SIDE_BY_SIDE))
	$(BIN)/coverage report --include='rules/*,watcher/core/*' --fail-under=100
	$(BIN)/coverage report --omit='rules/*,watcher/core/*' --fail-under=90

demo: install  ## a small world, a bad release and its rollback (RELEASE=NAME for another one)
	$(BIN)/rollbackd demo $(if $(RELEASE),--release $(RELEASE))

sandbox: install  ## the same world, left running to play with
	$(BIN)/rollbackd demo --sandbox

bench: install  ## every figure, in one table, in seven minutes (ARGS=NAME for one of them)
	$(BIN)/python -m bench $(ARGS)

bench-judgement: install  ## the judges side by side, and the pictures of docs/judgement.md, in 40 minutes (ARGS="--null 20 --bad 10" for a quick look)
	$(BIN)/python -m bench.beside $(ARGS)
	$(BIN)/python -m bench.sight

run: install  ## run the daemon (CONFIG=PATH for another configuration)
	$(BIN)/rollbackd run --config $(CONFIG)

lock:  ## resolve the dependencies anew (UPGRADE=1 for the newest of everything)
	"$(PYTHON)" -m venv --clear .lock
	.lock/bin/python -m pip --disable-pip-version-check install --quiet 'pip-tools>=7.5'
	$(COMPILE) --output-file requirements.lock $(EXTRAS) pyproject.toml
	$(COMPILE) --output-file requirements-dev.lock --constraint requirements.lock $(EXTRAS) --extra dev pyproject.toml
	$(COMPILE) --output-file requirements-build.lock --constraint requirements-dev.lock --build-deps-for wheel --only-build-deps pyproject.toml
	$(COMPILE) --output-file scripts/ministack.lock scripts/ministack.in
	rm -rf .lock

EXTRAS = --extra github --extra plot --extra postgresql --extra signatures --extra slack    # what the image has, and what the tests need

# No line of a lock names a machine, or where its packages were fetched from.
COMPILE = CUSTOM_COMPILE_COMMAND='make lock' .lock/bin/pip-compile --quiet $(if $(UPGRADE),--upgrade) \
	--generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

clean:  ## remove what these targets made
	rm -rf $(VENV) .lock .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

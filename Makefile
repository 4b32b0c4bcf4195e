# Every command of the project. `make` alone lists them.
# `make demo` and `make test` need nothing but Python 3.11 or newer: each creates and fills .venv.

VENV    := .venv
RUNTIME := $(VENV)/.runtime
DEV     := $(VENV)/.dev
BIN     := $(VENV)/bin
PIP     := $(BIN)/python -m pip --disable-pip-version-check --quiet
DOCS_VENV := .venv-docs
DOCS    := $(DOCS_VENV)/.installed
DOCS_PIP := $(DOCS_VENV)/bin/python -m pip --disable-pip-version-check --quiet

# The first interpreter that is new enough; `make PYTHON=…` chooses another.
OLD_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
            if $$p -c '$(OLD_ENOUGH)' >/dev/null 2>&1; then echo $$p; exit; fi; done; echo python3)
# Locks are made with the oldest supported Python: what only it needs is then listed too.
LOCK_PYTHON ?= python3.11
PIP_TOOLS   := pip-tools==7.6.2
PIP_AUDIT   := pip-audit==2.10.1

# Processes that share the tests; a file of tests stays in one of them.
TEST_JOBS   ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo test test-pure lint format typecheck wheel-test check soak bench bench-peers bench-memory bench-loopback bench-symbols bench-dashboard judges fuzz mutants faults faults-page pictures sample docs lock audit clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

# ------------------------------------------------------------------ what a user runs

demo: $(RUNTIME) ## a simulated exchange and a client of it: verified books, what goes wrong, and the healing
	@$(BIN)/krakenwire demo

test: $(DEV) ## run the whole test suite
	@$(BIN)/python -m pytest -n $(TEST_JOBS) --dist loadfile

# ------------------------------------------------------------------ what a change has to pass

test-pure: $(DEV) ## the tests of the books again, without the compiled module
	@KRAKENWIRE_PURE_PYTHON=1 $(BIN)/python -m pytest -n $(TEST_JOBS) --quiet tests/state tests/properties tests/conformance

lint: $(DEV) ## lint, and check the formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(DEV) ## format the code and apply the safe fixes of the linter
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

typecheck: $(DEV) ## mypy --strict
	@$(BIN)/mypy --strict

wheel-test: $(DEV) ## build the wheel and use it in a clean environment
	@$(BIN)/python -m tools.wheel_test

check: lint typecheck wheel-test test-pure test ## everything CI runs

# ------------------------------------------------------------------ measuring and searching

bench: $(RUNTIME) ## speed of the handler against bare decoding, as ratios of one run
	@$(BIN)/python -m benchmarks.run

bench-peers: $(RUNTIME) ## speed beside other libraries, in an environment of its own
	@$(BIN)/python -m benchmarks.peers

bench-memory: $(RUNTIME) ## memory over ten million frames
	@$(BIN)/python -m benchmarks.memory

judges: $(DEV) ## other libraries before the simulated exchange, in an environment of their own
	@$(BIN)/python -m benchmarks.judges

bench-loopback: $(RUNTIME) ## the whole client over TLS: frames a second, latency, and what each stage costs
	@$(BIN)/python -m benchmarks.loopback

bench-symbols: $(RUNTIME) ## 1,450 symbols of the simulated exchange in one client process
	@$(BIN)/python -m benchmarks.many_symbols

bench-dashboard: $(RUNTIME) ## processor time of the dashboard with 20 symbols at ten pictures a second (Linux)
	@$(BIN)/python -m benchmarks.dashboard

fuzz: $(DEV) ## the property tests with many more, random examples, and every byte of every frame (long)
	@KRAKENWIRE_HYPOTHESIS=fuzz $(BIN)/python -m pytest -m 'hypothesis or exhaustive' --timeout 7200

mutants: $(DEV) ## break one rule of the source at a time: does the test that should notice fail? ONLY=text for some
	@$(BIN)/python -m tools.mutants "$(ONLY)"

soak: $(DEV) ## the client through random faults on virtual time: SEEDS=0-999, or one seed; DENSE=1 for lively markets; JOBS=1
	@PYTHONHASHSEED=0 $(BIN)/python -m tests.soak $(or $(SEEDS),0-999) $(if $(DENSE),--dense) --processes $(or $(JOBS),2)

faults: $(RUNTIME) ## the fault ids that tests cover so far
	@$(BIN)/python -m tools.faults

# ------------------------------------------------------------------ the documentation site

docs: $(DOCS) ## the documentation site, in an environment of its own: build/docs/index.html
	@$(DOCS_VENV)/bin/python -m sphinx -q -n -W --keep-going -b html docs build/docs
	@echo "the site begins at build/docs/index.html"

# ------------------------------------------------------------------ what is generated and committed

faults-page: $(DEV) ## measure how long the client needs after each fault, and write docs/faults.md
	@$(BIN)/python -m tools.faults_page

pictures: $(DEV) ## the pictures of the dashboard again: those of the documents, and those that tests compare with
	@$(BIN)/python -m tools.pictures
	@$(BIN)/python -m pytest --quiet --snapshot-update tests/tui/test_app.py

sample: $(RUNTIME) ## generate the sample capture of the documents again
	@$(BIN)/python -m tools.make_sample

lock: ## pin every dependency again, with the hashes of all its files
	@LOCK_PYTHON='$(LOCK_PYTHON)' PIP_TOOLS='$(PIP_TOOLS)' tools/lock

audit: ## look every locked dependency up in the lists of known holes (needs the network)
	@PYTHON='$(PYTHON)' PIP_AUDIT='$(PIP_AUDIT)' tools/audit

clean: ## remove the environment, build results and caches
	rm -rf $(VENV) $(DOCS_VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ------------------------------------------------------------------ the environment
# Stamps: .created = the interpreter, .runtime = enough for the demo, .dev = everything.

$(VENV)/.created:
	@$(PYTHON) -c '$(OLD_ENOUGH)' 2>/dev/null || { \
	  echo "krakenwire needs Python 3.11 or newer, but '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "Python could not create an environment; on Debian and Ubuntu install the package python3-venv." >&2; exit 1; }
	@touch $@

$(RUNTIME): $(VENV)/.created pyproject.toml hatch_build.py src/krakenwire/state/_side.c requirements/runtime.txt requirements/build.txt
	@echo "installing krakenwire and its dependencies"
	@$(PIP) install --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): $(RUNTIME) requirements/dev.txt
	@echo "installing the development tools"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(DOCS): $(VENV)/.created pyproject.toml hatch_build.py requirements/docs.txt requirements/build.txt
	@echo "installing krakenwire and the tools of the documentation site"
	@$(BIN)/python -m venv $(DOCS_VENV)
	@$(DOCS_PIP) install --require-hashes -r requirements/docs.txt -r requirements/build.txt
	@$(DOCS_PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

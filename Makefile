# Two commands are all a newcomer needs: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup needs test lint format demo demo-stop screenshots bench seeds crash clean

help: ## Show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  \1\t/' | expand -t 14

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/pip install --quiet --editable . --group dev
	touch $@

setup: $(STAMP) ## Make .venv with everything that development needs

lint: $(STAMP) ## Format check, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## Format the code and apply safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

needs: ## What tests use beside wheels: Debian's HAProxy and Chromium, where this is Debian and you are root
	@missing=""; for name in haproxy chromium; do \
	  PATH=$$PATH:/usr/sbin command -v $$name >/dev/null || missing="$$missing $$name"; done; \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends $$missing; \
	else echo "not on this machine:$$missing. Without haproxy the router is tried with the wheel's only;" \
	  "without chromium the pages are not tried in a browser"; fi

# Two for each core of a small machine: half of the time a test waits for what it has started.
WORKERS ?= 4
test: $(STAMP) needs lint ## Everything that must hold
	@# Here, and not by each process that a test starts: with PYTHONDONTWRITEBYTECODE none keeps it.
	$(BIN)/python -m compileall -q src
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder || \
		$(BIN)/pytest --last-failed --last-failed-no-failures none

demo: $(STAMP) ## The shop: start, order, deploy under load, roll back; left running
	$(BIN)/python examples/shop/demo.py

demo-stop: ## End the demo and remove what it made
	$(BIN)/python examples/shop/demo.py stop

screenshots: $(STAMP) needs ## Pictures of every page, desktop and phone, light and dark, into docs/screenshots
	$(BIN)/python -m tests.e2e.screenshots

crash: $(STAMP) ## The crash tests with 200 kills each, 20,000 runs, and 10,000 that leave things about
	CRASH_KILLS=200 CRASH_RUNS=20000 LEFTOVER_RUNS=10000 $(BIN)/pytest -q \
		tests/e2e/test_crash.py tests/e2e/test_jobs_crash.py \
		tests/integration/process_engine/test_leftovers.py

SEEDS  ?= 2000
HOURS  ?= 24
seeds: $(STAMP) ## Made-up worlds with every fault, a night's worth: make seeds SEEDS=2000 HOURS=24
	$(BIN)/python -m headway.sim seeds --count $(SEEDS) --hours $(HOURS)

bench: $(STAMP) ## All benchmarks, or one: make bench ONLY=router
	$(BIN)/python -m benchmarks $(ONLY)

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

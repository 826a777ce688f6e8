# Each target does its own set-up; a second run finds it done. `make` alone shows this list.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export PYTHON
PYTHON_IN := .venv/bin/python
ENGINE := scripts/with-engine
PYTEST := $(PYTHON_IN) -m pytest -n $${DRIFT_WORKERS:-2} --dist worksteal

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort \
	  | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

.PHONY: setup
setup: ## make .venv from the locked dependencies
	@scripts/bootstrap

.PHONY: demo
demo: setup ## three real nights of a small fleet, and the report: reports/demo/index.html
	@$(ENGINE) scripts/demo-world $(PYTHON_IN) -m drift demo --directory .work/demo --reports reports/demo --base .work/base.tar

.PHONY: test
test: ## every test: unit, a real engine, scenarios, the command line
	@scripts/test

.PHONY: scenarios
scenarios: ## labelled and generated nights on a real engine, two at once: docs/accuracy.md
	@scripts/scenarios

.PHONY: unit
unit: setup ## the tests that need neither network nor engine
	@$(PYTEST) tests/unit

.PHONY: lint
lint: setup ## formatting, lint, types
	@$(PYTHON_IN) -m ruff format --check
	@$(PYTHON_IN) -m ruff check
	@$(PYTHON_IN) -m mypy

.PHONY: check
check: lint unit ## formatting, lint, types, unit tests (the import direction among them)

.PHONY: workflows
workflows: setup ## what actionlint and zizmor say of the workflows and the action
	@scripts/lint-workflows

.PHONY: docs
docs: setup ## the documentation site, built strictly: .work/docs/index.html
	@$(PYTHON_IN) docs/reference.py --check
	@NO_MKDOCS_2_WARNING=1 $(PYTHON_IN) -m mkdocs build --strict --quiet

.PHONY: lowest
lowest: setup ## the unit tests on the lower ends of the dependencies' ranges
	@scripts/lowest

.PHONY: bench
bench: setup ## speed and memory of snapshots, against their targets
	@$(ENGINE) $(PYTHON_IN) bench/snapshot.py

.PHONY: site-bench
site-bench: setup ## how long the site takes and how large it gets, against their targets
	@$(PYTHON_IN) bench/pages.py

.PHONY: screenshots
screenshots: setup ## every page at three widths: .work/screenshots, and two for the docs
	@scripts/screenshots

.PHONY: wheel
wheel: setup ## build the wheel, and try it installed alone
	@scripts/wheel

.PHONY: example
example: demo ## make reports/example anew, from the demo
	@scripts/example

.PHONY: lock
lock: setup ## resolve requirements/*.txt anew
	@scripts/lock

.PHONY: stop
stop: ## end the engine that drift's own set-up started
	@scripts/stop-engine

.PHONY: clean
clean: ## remove what was made here: .venv, .work with its engine, reports, caches
	@scripts/stop-engine --clean
	@rm -rf .venv .work dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis reports/demo

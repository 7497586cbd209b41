# The checks of a change, in the environment that is active: see CONTRIBUTING.md.

.PHONY: check lint format types imports security test slow screenshots check-vendor

check: lint types imports security test

lint:
	ruff check .
	ruff format --check .

format:
	ruff check --fix .
	ruff format .

types:
	mypy

imports:
	lint-imports

security:
	bandit -q -r -ll -c pyproject.toml tui

test:
	pytest

slow:
	pytest -n2 -m slow --ignore=tests/terminals

screenshots:
	python docs/make_screenshots.py

check-vendor:
	python -m tests.vendor

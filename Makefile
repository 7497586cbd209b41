# The checks of a change, in the environment that is active: see CONTRIBUTING.md.

.PHONY: check lint format types imports test slow screenshots

check: lint types imports test

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

test:
	pytest

slow:
	pytest -n2 -m slow --ignore=tests/terminals

screenshots:
	python docs/make_screenshots.py

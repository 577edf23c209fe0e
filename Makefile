# make demo and make test need python3, git and make, nothing else. uv is used where it is there.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test check attacks slow crash server ray format clean

help:
	@echo "make demo    watch a team of agents solve a problem, offline"
	@echo "make test    run the tests"
	@echo "make check   format, lint, types, import contract, tests: what CI runs"
	@echo "make slow    run the tests that take many seconds"
	@echo "make attacks attack the sandbox on disposable hosts, at every level (several minutes)"
	@echo "make crash   kill searches at every event and at random moments, resume them, compare (minutes)"
	@echo "make server  start langgraph dev on every recipe and solve a task through its HTTP interface"
	@echo "make ray     evaluate on a Ray cluster of two nodes on this machine"
	@echo "make format  put the code into its canonical form"

$(STAMP): pyproject.toml uv.lock
	@if command -v uv >/dev/null 2>&1; then \
		uv sync --quiet --frozen --python $(PYTHON); \
	else \
		echo "installing into .venv (about half a minute) ..." && \
		$(PYTHON) -m venv .venv && \
		$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1" && \
		PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --editable . --group dev; \
	fi
	@touch $(STAMP)

# The simulated programmer is slowed down and not very skilled, so that there is a search to watch.
demo: $(STAMP)
	@$(BIN)/codegrove solve --problem bundled --id rotate-ring --recipe grove --seed 34 \
		--model sim:pass_rate=0.1,repair_rate=0.15,latency=0.4

test: $(STAMP)
	$(BIN)/python -P -m pytest -n 2 -q

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy tests benchmarks
	$(BIN)/python -P -m pytest -n 2 -q

slow: $(STAMP)
	$(BIN)/python -P -m pytest -n 2 -q -m slow

attacks: $(STAMP)
	PYTHONPATH=src:. $(BIN)/python -P -m tests.attacks $(PART)

crash: $(STAMP)
	PYTHONPATH=src:. $(BIN)/python -P -m tests.crash.campaign

server: $(STAMP)
	PYTHONPATH=src:. $(BIN)/python -P -m tests.server.trial

ray: $(STAMP)
	PYTHONPATH=src:. $(BIN)/python -P -m tests.ray.trial

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache

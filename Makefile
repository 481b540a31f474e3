# Two commands do everything on a machine with Python 3.11-3.13: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export OPENBLAS_NUM_THREADS = 1
export OMP_NUM_THREADS = 1

.PHONY: demo test test-slow benchmark lint format types layers check clean

$(READY): pins.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"cosim needs Python 3.11, 3.12 or 3.13; found {v[0]}.{v[1]}. Try: make demo PYTHON=python3.12")'
	@echo "Installing cosim and its locked dependencies into $(VENV) (once, about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r pins.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: $(READY)
	@$(BIN)/cosim run examples/schutterwald --to runs/schutterwald

test: $(READY)
	$(BIN)/python -m pytest -m "not slow and not benchmark"

test-slow: $(READY)
	$(BIN)/python -m pytest -m "slow and not benchmark"

benchmark: $(READY)
	$(BIN)/python -m pytest -m benchmark -n 0 -s

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(READY)
	$(BIN)/mypy

layers: $(READY)
	$(BIN)/lint-imports --no-cache

check: lint types layers test

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# make demo   sets up, grades the example class on embedded data, ends with the report
# make test   sets up, then lint, types, import contract and all tests
# make bench  measures the ratios P1 to P11, and writes docs/performance.md and docs/scale.md (BENCH_ARGS=--quick: neither)
# make soak   kills a class of small hand-ins at random, SOAK_ROUNDS (200) times, and compares the scorecards
# make fuzz   looks for a text that crashes or stalls a reader, for FUZZ_SECONDS (60)

VENV ?= .venv
BIN = $(VENV)/bin
# One torch thread a process: tests and jobs run side by side, and results do not depend on the machine's cores.
export OMP_NUM_THREADS ?= 1

.PHONY: demo test lint bench soak fuzz setup golden

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.lock pyproject.toml scripts/setup.sh
	VENV=$(VENV) bash scripts/setup.sh

demo: setup
	$(BIN)/grader run-all examples/digits-class --course . --parallel

test: setup lint
	bash scripts/setup_tests.sh
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python benchmarks/table.py $(BENCH_ARGS)

soak: setup
	$(BIN)/python tests/faults/soak.py --rounds $${SOAK_ROUNDS:-200} --seed $${SOAK_SEED:-1}

fuzz: setup
	VENV=$(VENV) bash scripts/fuzz.sh

# Renews the golden files after a meant change of a report, the tables of docs/security.md and docs/surviving.md,
# and docs/checks; read the diff.
golden: setup
	GRADER_RENEW_GOLDEN=1 $(BIN)/python -m pytest -q tests/golden tests/attacks/test_catalogue.py tests/faults/test_list.py \
		tests/reports/test_check_pages.py

# make demo and make test are the two commands of the README; both make their own environment in .venv.
# PYTHON: which Python to make it with. VENV: where. ROOT: where the demo writes. BENCH: options of the benchmark suite.
PYTHON ?= python3
VENV ?= .venv
ROOT ?= demo
BENCH ?=
BIN := $(VENV)/bin

.PHONY: demo test test-slow test-ray test-train accept-reader evals lint format types bench bench-docs bench-quick bench-check bench-dedup bench-graph eval-graph bench-reader clean help

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

define environment
@command -v $(PYTHON) >/dev/null 2>&1 || { echo "headwater: no $(PYTHON) here; install Python 3.11 or newer (with venv), or name one: make $@ PYTHON=/path/to/python3.11" >&2; exit 1; }
@$(PYTHON) .ci/environment.py $(VENV) $(1)
endef

demo:  ## run the sample pipeline, print its funnel, say where the report is
	$(call environment,)
	@$(BIN)/corpus run sample --root $(ROOT)

test:  ## the test suite, without the extras ray and train
	$(call environment,dev)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not ray and not train and not slow and not accept"

test-slow:  ## the tests that take over a minute
	$(call environment,dev)
	$(BIN)/python -m pytest -m slow

test-ray:  ## the tests of the Ray executor, on a local cluster
	$(call environment,dev ray)
	$(BIN)/python -m pytest -m ray

test-train:  ## the tests of the torch reader and of the training example
	$(call environment,dev train)
	$(BIN)/python -m pytest -m train

accept-reader:  ## the acceptance tests of the reader that take long (docs/reader.md); about 15 minutes
	$(call environment,dev)
	$(BIN)/python -m pytest -s -m accept tests/accept

evals:  ## scores on labelled data beside the repository (skipped where it is absent)
	$(call environment,dev)
	$(BIN)/python -m pytest -m shared -s

lint:  ## ruff, format and rules
	$(call environment,dev)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format:  ## format in place
	$(call environment,dev)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types:  ## mypy, strict
	$(call environment,dev)
	$(BIN)/mypy

bench:  ## the page path and its steps, side by side with peers (their environment is made too)
	$(call environment,dev)
	$(BIN)/python -m benchmarks.suite $(BENCH)

bench-docs:  ## the same, and its tables into docs/performance.md
	$(call environment,dev)
	$(BIN)/python -m benchmarks.suite --docs docs/performance.md $(BENCH)

bench-quick:  ## one round on 50 pages
	$(call environment,dev)
	$(BIN)/python -m benchmarks.suite --rounds 1 --pages 50 --results quick $(BENCH)

bench-check:  ## whether both sides of every comparison do the same work
	$(call environment,dev)
	$(BIN)/python -m benchmarks.suite --check $(BENCH)

bench-dedup:  ## deduplication, against datasketch
	$(call environment,dev)
	$(BIN)/python benchmarks/dedup.py

bench-graph:  ## the graph at sizes up to the web's: built, swept, ranked, and beside peers
	$(call environment,dev)
	$(BIN)/python -m benchmarks.graph $(BENCH)

eval-graph:  ## what the ranks find: planted farms, seeds, settings, real graphs (tables of docs/graph-evaluation.md)
	$(call environment,dev)
	$(BIN)/python -m benchmarks.graph_eval --out build/graph-eval --docs docs/graph-evaluation.md $(BENCH)

bench-reader:  ## tokenizer, encodings of shards, and the reader beside other loaders (their environment is made too)
	$(call environment,dev)
	$(BIN)/python -m benchmarks.reader $(BENCH)

clean:  ## remove the environment and the demo's root
	rm -rf $(VENV) $(ROOT)

# Every target that needs Python prepares .venv by itself; nothing has to be installed or activated first.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh

BIN := .venv/bin
STAMP := .venv/.prepared
# Test processes at once. Each may run a compiler, so more than four gain little and cost memory.
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); [ "$$n" -le 4 ] && echo "$$n" || echo 4)
# Who is done takes over half of what another one has left.
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
EXAMPLE ?= bert_int8

.PHONY: help setup demo test test-slow gate-level bench lint fit boards board-figures figures generate docs clean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP)  ## prepare .venv with everything (done once; again when pyproject.toml changes)

demo: $(STAMP)  ## normalize real MiniLM activations in the generated hardware; tables, a picture, Verilog
	@$(BIN)/python -m streamnorm_sim.demo

test: $(STAMP)  ## run the tests
	@$(PYTEST) --durations 10

test-slow: $(STAMP)  ## run the tests that `make test` leaves out: whole boards, more configurations
	@$(PYTEST) -m slow

gate-level: $(STAMP)  ## simulate the netlists of synthesis that `make test` leaves out (slow)
	@$(PYTEST) -m gate_level

bench: $(STAMP)  ## run the tests that assert a speed; the machine should do nothing else meanwhile
	@$(BIN)/python -m pytest -m bench

lint: $(STAMP)  ## check style, format, layers and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/pyright --pythonpath $(BIN)/python

fit: $(STAMP)  ## place and route the bert and minilm units, seeds 1 to 8 (slow)
	@for example in bert_int8 minilm_int16; do $(BIN)/streamnorm fit examples/$$example.toml --seeds 1-8 || exit; done

boards: $(STAMP)  ## measure which examples fit which boards: synthesize each for each family (slow)
	@$(BIN)/python tools/example_fits.py

board-figures: $(STAMP)  ## build the boards of the table in docs/boards.md and write it there (slow)
	@$(BIN)/python tools/board_figures.py

figures: $(STAMP)  ## measure every figure of README.md and docs/figures.md and write them there (slow)
	@$(BIN)/python tools/figures.py measure
	@$(BIN)/python tools/pages.py

generate: $(STAMP)  ## write Verilog, manifest and vectors of examples/EXAMPLE.toml to build/EXAMPLE
	@$(BIN)/streamnorm generate examples/$(EXAMPLE).toml -o build/$(EXAMPLE)

docs: $(STAMP)  ## write the generated parts of README.md and docs/ anew, and the notebook
	@$(BIN)/python tools/pages.py
	@$(BIN)/python tools/notebook.py

clean:  ## remove everything that was made, .venv too
	rm -rf .venv build dist sim_build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find hw sim fpga cli tools tests docs -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml tools/setup.sh
	@sh tools/setup.sh
	@touch $@

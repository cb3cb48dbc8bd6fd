# junto's commands. `make help` lists them.

PYTHON ?= python3
VENV ?= .venv
FUZZ_SECONDS ?= 60
# Tests set it to `:` and stand in for the environment.
BOOTSTRAP ?= VENV='$(VENV)' $(PYTHON) .ci/bootstrap.py
BIN = $(VENV)/bin

# Standard output belongs to the command that runs. (For -C and -w, which speak before this line
# is read, there is -s.)
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:
.DEFAULT_GOAL := help

# A question is text, whatever is in it. make would expand the `$` of a variable that it exports or
# writes into a recipe; $(value) takes it as it was typed, the environment carries it past the
# shell's reading, and quotes keep it whole.
unexport PROMPT MODEL
chat: export JUNTO_MAKE_PROMPT := $(value PROMPT)
chat: export JUNTO_MAKE_MODEL := $(value MODEL)

##@ Use
.PHONY: help chat model
help: ## list these targets
	@awk -F ':.*## ' '/^##@ / { print "\n" substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
	@printf '\n%s\n' 'Variables: PYTHON=python3, VENV=.venv, and those in brackets.'

chat: ## chat with a model on this machine [PROMPT="one question" MODEL=name ARGS="more options"]
	@$(BOOTSTRAP) chat
	@set -- $(ARGS); \
	if [ -n "$$JUNTO_MAKE_MODEL" ]; then set -- "$$@" --model "$$JUNTO_MAKE_MODEL"; fi; \
	if [ -n "$$JUNTO_MAKE_PROMPT" ]; then set -- "$$@" -- "$$JUNTO_MAKE_PROMPT"; fi; \
	unset JUNTO_MAKE_MODEL JUNTO_MAKE_PROMPT; \
	exec '$(BIN)/junto' chat "$$@"

model: ## fetch the local model into your cache
	@$(BOOTSTRAP) chat
	@'$(BIN)/junto' models fetch

##@ Develop
.PHONY: test test-all check lint types docs bench chaos fuzz live
test: ## run all tests with PYTHON [TESTS="tests/core -k order"]
	@$(BOOTSTRAP) test
	'$(BIN)/python' -m pytest $(TESTS)

test-all: ## run all tests with each supported Python that is installed [TESTS=…]
	@$(PYTHON) .ci/test_all.py $(TESTS)

check: lint types test docs ## run linters, types, tests and docs

lint: ## run ruff: rules and format
	@$(BOOTSTRAP) check
	'$(BIN)/ruff' check
	'$(BIN)/ruff' format --check
	@wc -l */junto/*/*.py */junto/*/*/*.py | \
	  awk '$$2 != "total" && $$1 > 250 { print "long: " $$2 ", " $$1 " lines" }'

types: ## run mypy and pyright
	@$(BOOTSTRAP) check
	'$(BIN)/mypy'
	'$(BIN)/pyright' --pythonpath '$(BIN)/python'

docs: ## build the documentation into docs/_build, warnings being errors
	@$(BOOTSTRAP) check
	'$(BIN)/sphinx-build' --fail-on-warning --keep-going --quiet --fresh-env \
	  --builder dirhtml docs docs/_build

bench: ## measure speed beside a floor and peers, in about ten minutes [ARGS="--help"]
	@$(BOOTSTRAP) test
	@'$(BIN)/python' -m tests.benchmarks $(ARGS)

chaos: ## attack the memory stores, half a minute each [CHAOS_SECONDS=30 STORES="sqlite redis" ARGS=--naive]
	@$(BOOTSTRAP) test
	@'$(BIN)/python' -m tests.chaos $(if $(CHAOS_SECONDS),--seconds $(CHAOS_SECONDS)) \
	  $(if $(STORES),--stores '$(STORES)') $(ARGS)

fuzz: override VENV := $(VENV)-fuzz
fuzz: ## feed spoilt streams to their readers [FUZZ_SECONDS=60 ARGS=.fuzz/crash-…]
	@$(BOOTSTRAP) fuzz
	@'$(BIN)/python' -m tests.fuzz --seconds '$(FUZZ_SECONDS)' $(ARGS)

live: ## ask the real DashScope, if there is a key, a few questions [ARGS="-k json"]
	@$(BOOTSTRAP) test
	@'$(BIN)/python' -m tests.live $(ARGS)

##@ Maintain
.PHONY: pins changelog clean
pins: ## compile the dependencies of pyproject.toml and of the benchmarks into .ci/requirements
	@.ci/pins
	@.ci/pins-bench
	@.ci/pins-fuzz

changelog: ## write the fragments of docs/changelog.d into CHANGELOG.md
	@$(BOOTSTRAP) check
	'$(BIN)/towncrier' build

clean: ## remove environments, caches and built files
	rm -rf .venv .venv-* .fuzz build dist docs/_build .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name .git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

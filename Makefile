SHELL := /bin/bash
.DEFAULT_GOAL := help

UV_VERSION := 0.13.9
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
BIN := .venv/bin
PIP := $(UV) pip
# Another environment that happens to be active must not be the one that is changed.
PYTHON := --python $(BIN)/python
# What is built and what has checks of its own is what is there: a folder less is an engine less.
MANIFESTS := pyproject.toml $(wildcard native/*/pyproject.toml */pyproject.toml)
CHECKS := $(wildcard native/*/check */check)

include $(wildcard */*.mk service/*/*.mk) # targets and options of a folder, where it is there

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: setup
setup: $(UV) $(BIN)/python ## everything that the other targets need; engines whose source changed are built anew
	@$(PIP) install -q $(PYTHON) --require-hashes -r requirements/dev.txt
	@for check in $(CHECKS); do $$check tools || exit 1; done
	@# A list, because what is named on the command line is built anew each time.
	@printf -- '-e %s\n' $(dir $(MANIFESTS)) | $(PIP) install -q $(PYTHON) --no-build-isolation --no-deps -r -

.tools/bin/uv:
	python3 -m venv .tools
	.tools/bin/pip install -q --disable-pip-version-check uv==$(UV_VERSION)

$(BIN)/python:
	$(UV) venv -q .venv

# Where there is a core for the generator and another for the server, each keeps its own.
PIN := $(shell [ "$$(uname -s)" = Linux ] && [ "$$(nproc)" -gt 1 ] && echo --pin)

.PHONY: demo
demo: setup ## measure the engines (2 to 3 minutes)
	@rm -rf out/demo
	$(BIN)/hotpath lab run --profile quick $(PIN) --out out/demo $(DATA) \
	  || { test $$? -eq 3 && echo "the load generator was late at times: some figures are void, the report says which"; }

.PHONY: serve
serve: setup ## serve the API on port 8000; HOTPATH_ENGINE and other settings from the environment
	$(BIN)/hotpath serve

.PHONY: bench
bench: setup ## time every kernel on every engine beside its peers
	$(BIN)/hotpath bench kernels $(DATA)

.PHONY: test
test: setup ## all tests: those of the engines, then Python's
	@$(BIN)/python tests/run.py

.PHONY: steady
steady: setup ## the suite ten times (RUNS) beside busy neighbours, then a table: does a test fail by chance?
	@$(BIN)/python tests/steady.py

.PHONY: chaos
chaos: setup ## faults again and again (TIMES each), and a table of what clients saw; fails where one lost something
	@$(BIN)/python -m tests.chaos $(if $(TIMES),--times $(TIMES))

.PHONY: fuzz
fuzz: setup ## minutes of random input for the engines, and more for the compiled routes
	FUZZ_EXAMPLES=5000 $(BIN)/python -m pytest -q --timeout 14400 $(wildcard tests/*/test_fuzz.py)
	@for check in $(CHECKS); do $$check fuzz || exit 1; done

.PHONY: lint
lint: setup ## formatting, types, import directions, each engine's checks, Dockerfiles, compose
	@tests/lint.sh

.PHONY: format
format: setup ## format all sources
	$(BIN)/ruff check -q --fix . && $(BIN)/ruff format -q .
	@for check in $(CHECKS); do $$check format || exit 1; done

.PHONY: hooks
hooks: setup ## run the checks of .pre-commit-config.yaml at every commit
	$(BIN)/pre-commit install

.PHONY: docs
docs: setup ## the documents that are made from the code, and from stored runs
# project: hotpath
	$(BIN)/hotpath lab report docs/results/standard --into README.md >/dev/null
	$(BIN)/hotpath bench page docs/results/kernels.json
	$(BIN)/hotpath bench page docs/results/standard
	$(BIN)/python -m loadtests.documents README.md output docs/results/output.txt
# project: end
	$(BIN)/hotpath openapi > docs/openapi.json

COMPILE = $(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-header
# A dependency group of every manifest that has it.
group = $(foreach manifest,$(shell grep -l '^$(1) = \[' $(MANIFESTS)),--group $(manifest):$(1))

.PHONY: lock
lock: $(UV) ## compile requirements/ anew: hashes, no index addresses
	$(COMPILE) --upgrade $(MANIFESTS) --extra lab --extra granian --extra hypercorn \
	  $(call group,dev) $(call group,build) -o requirements/dev.txt
	$(COMPILE) -c requirements/dev.txt $(call group,build) -o requirements/build.txt
	$(COMPILE) -c requirements/dev.txt $(MANIFESTS) --extra granian --extra hypercorn -o requirements/service.txt
	echo locust | $(COMPILE) --python-version 3.11 -c requirements/dev.txt - -o deploy/locust.txt

.PHONY: clean
clean: ## remove what was built
	rm -rf .venv out build native/*/{build,target} */build .mypy_cache .ruff_cache .pytest_cache

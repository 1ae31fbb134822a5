SHELL := /bin/bash
.DEFAULT_GOAL := help

UV_VERSION := 0.13.9
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
BIN := .venv/bin
PIP := $(UV) pip
# Another environment that happens to be active must not be the one that is changed.
PYTHON := --python $(BIN)/python
# The Go toolchain is a pinned wheel in .venv; it must not fetch another one.
GO := GOTOOLCHAIN=local PATH="$(CURDIR)/$(BIN):$$PATH" go
CARGO_TARGET := native/rust/target

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: setup
setup: $(UV) $(BIN)/python ## everything that the other targets need; engines whose source changed are built anew
	@$(PIP) install -q $(PYTHON) --require-hashes -r requirements/dev.txt
	@$(PIP) install -q $(PYTHON) --no-build-isolation --no-deps -r requirements/members.txt

.tools/bin/uv:
	python3 -m venv .tools
	.tools/bin/pip install -q --disable-pip-version-check uv==$(UV_VERSION)

$(BIN)/python:
	$(UV) venv -q .venv

# Where there is a core for the generator and another for the server, each keeps its own.
PIN := $(shell [ "$$(uname -s)" = Linux ] && [ "$$(nproc)" -gt 1 ] && echo --pin)

.PHONY: demo
demo: setup ## measure seven variants and the Go gateway (2 to 3 minutes); WATCHLIST=DIR takes a real list
	@rm -rf out/demo
	$(BIN)/hotpath lab run --profile quick $(PIN) --out out/demo $(if $(WATCHLIST),--watchlist "$(WATCHLIST)") \
	  || { test $$? -eq 3 && echo "the load generator was late at times: some figures are void, the report says which"; }

.PHONY: serve
serve: setup ## serve the API on port 8000; HOTPATH_ENGINE and other settings from the environment
	$(BIN)/hotpath serve

.PHONY: bench
bench: setup ## time every kernel on every engine beside its peers; WATCHLIST=DIR takes a real list
	$(BIN)/hotpath bench kernels $(if $(WATCHLIST),--watchlist "$(WATCHLIST)")

.PHONY: test
test: setup ## all tests: Python, Rust, Go
	@$(BIN)/python tests/run.py

.PHONY: fuzz
fuzz: setup ## minutes of random input for the compiled engines and the sidecar
	FUZZ_EXAMPLES=5000 $(BIN)/python -m pytest -q --timeout 3600 tests/conformance/test_fuzz.py
	@for target in $$(cd go_sidecar && grep -rhoE 'func Fuzz[A-Za-z]+' --include='*_test.go' . | cut -c6-); do \
	  folder=$$(cd go_sidecar && dirname $$(grep -rlE "func $$target\(" --include='*_test.go' .)); \
	  (cd go_sidecar && $(GO) test "$$folder" -run '^$$' -fuzz "^$$target$$" -fuzztime 60s) || exit 1; \
	done

.PHONY: lint
lint: setup ## formatting, types, import directions, generated stubs, Dockerfiles, compose
	@tests/lint.sh

.PHONY: format
format: setup ## format all sources
	$(BIN)/ruff check -q --fix . && $(BIN)/ruff format -q .
	cd native/rust && cargo fmt
	cd go_sidecar && $(GO) fmt ./...

.PHONY: docs
docs: setup ## put the stored runs of docs/results into the documents; the OpenAPI document
	$(BIN)/hotpath lab report docs/results/standard --into README.md >/dev/null
	$(BIN)/hotpath bench page docs/results/kernels.json
	$(BIN)/hotpath bench page docs/results/standard
	$(BIN)/hotpath openapi > docs/openapi.json
	$(BIN)/python -m loadtests.documents README.md output docs/results/output.txt

.PHONY: proto
proto: setup ## make the Python and Go stubs from proto/
	proto/generate

.PHONY: lock
lock: $(UV) ## compile requirements/ anew: hashes, no index addresses
	$(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --upgrade \
	  pyproject.toml --extra lab --extra granian --extra hypercorn --group dev --group build -o requirements/dev.txt
	$(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
	  -c requirements/dev.txt --group build -o requirements/build.txt
	$(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
	  -c requirements/dev.txt pyproject.toml --extra granian --extra hypercorn -o requirements/service.txt
	echo locust | $(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
	  --python-version 3.11 -c requirements/dev.txt - -o deploy/locust.txt

.PHONY: clean
clean: ## remove what was built
	rm -rf .venv out build $(CARGO_TARGET) native/cython/build go_sidecar/build .mypy_cache .ruff_cache .pytest_cache

# make help lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
UV_VERSION := 0.13.9
BIN := .venv/bin
EDITABLE := requirements/members.txt

.PHONY: lock
lock: $(UV) ## compile requirements/*.txt anew (pins with hashes, no index addresses)
	$(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --upgrade \
	  pyproject.toml --extra lab --group dev --group build -o requirements/dev.txt
	$(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
	  -c requirements/dev.txt --group build -o requirements/build.txt
	$(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
	  -c requirements/dev.txt pyproject.toml -o requirements/service.txt

.tools/bin/uv:
	python3 -m venv .tools
	.tools/bin/pip install -q --disable-pip-version-check uv==$(UV_VERSION)

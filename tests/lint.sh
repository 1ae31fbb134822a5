#!/usr/bin/env bash
# Every check runs, so that one run shows all that is wrong; the exit code is 1 if any failed.
set -uo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/.venv/bin
export PATH="$bin:$PATH" GOTOOLCHAIN=local
failed=()

check() { # name, command...
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "ok      $name"
  else
    echo "FAILED  $name"
    echo "$output"
    failed+=("$name")
  fi
}

stubs_are_fresh() {
  local fresh
  fresh=$(mktemp -d) || return
  proto/generate "$fresh" &&
    diff -r "$fresh/service/gen" service/gen -x __pycache__ &&
    diff -r "$fresh/go_sidecar/gen" go_sidecar/gen
  local code=$?
  rm -r "$fresh"
  return $code
}

gofmt_is_clean() { test -z "$(go_files | xargs gofmt -l | tee /dev/stderr)"; }
go_files() { find go_sidecar -name '*.go' -not -path '*/build/*'; }
in_folder() { (cd "$1" && shift && "$@"); }
no_registry_hosts() {
  ! git grep -nIE 'py[p]i[.]org|python[h]osted|proxy[.]golan[g]|index[.]crates|stati[c][.]crates|registry[.]np[m]js|deb[.]debia[n][.]org'
}
dockerfiles() { find deploy -name '*Dockerfile*' -print0 | xargs -0 hadolint; }

check "ruff check" ruff check -q .
check "ruff format" ruff format -q --check .
check "mypy" mypy
check "import directions" lint-imports --no-cache
check "stubs of rust" python -m mypy.stubtest hotpath_rust --mypy-config-file pyproject.toml --ignore-missing-stub
check "stubs of cython" python -m mypy.stubtest hotpath_cython --mypy-config-file pyproject.toml --ignore-missing-stub
check "generated stubs match proto/" stubs_are_fresh
check "gofmt" gofmt_is_clean
check "go vet" in_folder go_sidecar go vet ./...
check "cargo check" in_folder native/rust cargo check -q --all-targets
for tool in fmt clippy; do # not part of every Rust installation
  if cargo "$tool" --version >/dev/null 2>&1; then
    if [ $tool = fmt ]; then args=(--check); else args=(-q --all-targets -- -D warnings); fi
    check "cargo $tool" in_folder native/rust cargo "$tool" "${args[@]}"
  else
    echo "NOT RUN cargo $tool: not installed"
  fi
done
check "Dockerfiles" dockerfiles
check "compose schema" check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
check "no registry addresses" no_registry_hosts

if [ ${#failed[@]} -gt 0 ]; then
  echo "lint: ${#failed[@]} failed: ${failed[*]}"
  exit 1
fi
echo "lint: all passed"

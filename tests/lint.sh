#!/usr/bin/env bash
# Every check runs, so that one run shows all that is wrong; the exit code is 1 if any failed.
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
source tests/checks.sh

no_registry_hosts() {
  ! git grep -nIE 'py[p]i[.]org|python[h]osted|proxy[.]golan[g]|index[.]crates|stati[c][.]crates|registry[.]np[m]js|deb[.]debia[n][.]org'
}
dockerfiles() { find deploy .devcontainer -name '*Dockerfile*' -print0 | xargs -0 hadolint; }

check "ruff check" ruff check -q .
check "ruff format" ruff format -q --check .
check "mypy" mypy
check "import directions" lint-imports --no-cache
check "Dockerfiles" dockerfiles
check "compose schema" check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
check "no registry addresses" no_registry_hosts
for engine in native/*/check */check; do
  [ ! -x "$engine" ] || "$engine" lint || failed=$((failed + 1))
done

if [ "$failed" -gt 0 ]; then
  echo "lint: failed"
  exit 1
fi
echo "lint: all passed"

# For scripts that run checks to their end, so that one run shows all that is wrong. Source it, call
# `check NAME COMMAND...` for each; `failed` then counts those that failed.
failed=0

check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "ok      $name"
  else
    echo "FAILED  $name"
    echo "$output"
    failed=$((failed + 1))
  fi
}

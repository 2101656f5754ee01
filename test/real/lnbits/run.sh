#!/bin/sh
# The wallet contract and whole jobs on a real LNbits (FakeWallet behind it) of both supported lines, installed from PyPI
# into .cache/lnbits. Others: LNBITS_VERSION="1.5.2 1.6.0" run.sh. Needs Python 3.10, 3.11 or 3.12. A version for which
# that or PyPI cannot be had is skipped, and a line says so.
set -u
cd "$(dirname "$0")/../../.." || exit 1
cache=$PWD/.cache/lnbits
codes=$(mktemp -d)
trap 'rm -rf "$codes"' EXIT

# install VERSION VENV: says why and returns 1 where it cannot.
install() {
  "$2/bin/python" -c 'import lnbits' 2>/dev/null && return
  python=
  for name in python3.12 python3.11 python3.10 python3; do
    if "$name" -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
      python=$name
      break
    fi
  done
  if [ -z "$python" ]; then
    echo "real LNbits $1: skipped, no Python 3.10 to 3.12 with venv on this machine"
    return 1
  fi
  rm -rf "$2"
  mkdir -p "$cache"
  echo "real LNbits $1: installing with $python (about two minutes, once)"
  # bitstring 5 breaks the import of LNbits' bolt11 package.
  if ! "$python" -m venv "$2" ||
    ! "$2/bin/python" -m pip install --quiet --disable-pip-version-check "lnbits==$1" "bitstring<5"; then
    echo "real LNbits $1: skipped, it cannot be installed from PyPI"
    return 1
  fi
}

# suite VERSION: all of it on this version; each of its lines says which.
suite() {
  venv=$cache/venv-$1
  install "$1" "$venv" || return 0
  LNBITS_PYTHON=$venv/bin/python npx --no-install vitest run --project lnbits
}

# Side by side, for each waits most of the time; the build they share first.
npm run --silent build || exit 1
for version in ${LNBITS_VERSION:-1.6.2 1.5.6}; do
  { suite "$version" 2>&1; echo "$?" >"$codes/$version"; } | awk -v version="$version" '{ print version " | " $0; fflush() }' &
done
wait
exit "$(cat "$codes"/* | sort -n | tail -n 1)"

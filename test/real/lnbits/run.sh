#!/bin/sh
# The wallet contract against a real LNbits (FakeWallet behind it), installed from PyPI into .cache/lnbits.
# Needs Python 3.10, 3.11 or 3.12. Where that or PyPI cannot be had it says so and exits 0.
set -u
version=1.6.2
cd "$(dirname "$0")/../../.." || exit 1
cache=$PWD/.cache/lnbits
venv=$cache/venv-$version

give_up() {
  echo "real LNbits: skipped, $1"
  exit 0
}

if ! "$venv/bin/python" -c 'import lnbits' 2>/dev/null; then
  python=
  for name in python3.12 python3.11 python3.10 python3; do
    if "$name" -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
      python=$name
      break
    fi
  done
  [ -n "$python" ] || give_up "no Python 3.10 to 3.12 with venv on this machine"
  rm -rf "$venv"
  mkdir -p "$cache"
  echo "real LNbits: installing $version with $python (about two minutes, once)"
  "$python" -m venv "$venv" || give_up "python -m venv failed"
  # bitstring 5 breaks the import of LNbits' bolt11 package.
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "lnbits==$version" "bitstring<5" ||
    give_up "PyPI could not provide lnbits==$version"
fi

LNBITS_PYTHON=$venv/bin/python exec npx --no-install vitest run --project lnbits

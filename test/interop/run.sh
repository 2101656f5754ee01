#!/usr/bin/env bash
# Timmy with relays and clients that others wrote: rust-nostr's LocalRelay (PyPI nostr-sdk) and its client (npm), and
# nostr-relay (PyPI), fetched once into .cache/interop. Where they cannot be had it says so in one line and exits 0.
set -u
cd "$(dirname "$0")/../.." || exit 1
cache=$PWD/.cache/interop
python=$cache/venv/bin/python
npm=$cache/npm
local_relay_version=0.44.8
nostr_relay_version=1.14
client_version=0.43.0

give_up() {
  echo "interop suite not run: $1"
  exit 0
}

if ! "$python" -c 'import nostr_sdk, nostr_relay' 2>/dev/null; then
  rm -rf "$cache/venv"
  mkdir -p "$cache"
  python3 -m venv "$cache/venv" 2>/dev/null || give_up "no python3 with venv on this machine"
  "$python" -m pip install --quiet --disable-pip-version-check "nostr-sdk==$local_relay_version" \
    "nostr-relay==$nostr_relay_version" || give_up "PyPI could not provide its Python relays"
fi
if [ ! -f "$npm/node_modules/@rust-nostr/nostr-sdk/package.json" ]; then
  mkdir -p "$npm"
  npm install --prefix "$npm" --no-save --no-audit --no-fund --silent "@rust-nostr/nostr-sdk@$client_version" ||
    give_up "npm could not provide @rust-nostr/nostr-sdk@$client_version"
fi

INTEROP_PYTHON=$python INTEROP_NPM=$npm exec npx --no-install vitest run --project interop "$@"

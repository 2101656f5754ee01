# Sourced by the other scripts, from the project's root: brings node_modules and dist up to date, and is quick when they are.
# Returns 1, having said why, where it cannot. With `sqlite_later` set it leaves SQLite to `prepare_sqlite`: where no
# ready-made binary of it can be had it is compiled, which takes longest, and not everything needs it.

# patiently WHAT COMMAND…: runs it quietly and says every ten seconds that it still does; shows the end of its output if it fails.
patiently() {
  local what=$1 log ticker code started=$SECONDS
  shift
  log=$(mktemp)
  echo "$what" >&2
  (
    second=0
    while sleep 1 && kill -0 $$ 2>/dev/null; do
      second=$((second + 1))
      if [ $((second % 10)) -eq 0 ]; then echo "  … $second s" >&2; fi
    done
  ) &
  ticker=$!
  if "$@" </dev/null >"$log" 2>&1; then code=0; else code=$?; fi
  kill "$ticker"
  wait "$ticker" 2>/dev/null || true
  if [ "$code" -eq 0 ]; then
    echo "  done in $((SECONDS - started)) s" >&2
  else
    tail -n 40 "$log" >&2
    echo "  failed with code $code" >&2
  fi
  rm -f "$log"
  return "$code"
}

# SQLite is the only one with a script to run (`allowScripts` in package.json); ours is the build below.
install_dependencies() {
  npm ci --no-progress --ignore-scripts && touch node_modules/.package-lock.json
}

prepare_sqlite() {
  node -e 'new (require("better-sqlite3"))(":memory:")' 2>/dev/null ||
    JOBS=max patiently "Building SQLite for Node $(node --version): up to two minutes, where no ready-made binary can be had." \
      npm rebuild better-sqlite3
}

if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null; then
  echo "Timmy needs Node 20.19 or newer (found: $(node --version 2>/dev/null || echo none))." >&2
  return 1
fi

if [ -L node_modules ]; then
  echo "node_modules is a link: installing would empty what it points to. Remove the link first." >&2
  return 1
fi

# Also where `npm prune --omit=dev` took the compiler away.
if [ ! node_modules/.package-lock.json -nt package-lock.json ] || [ ! -e node_modules/.bin/tsc ]; then
  patiently "Installing dependencies." install_dependencies || return 1
fi
if [ -z "${sqlite_later:-}" ]; then prepare_sqlite || return 1; fi

if [ ! -f dist/main.js ] || [ ! -f dist/node-agent/agent.cjs ] || [ -n "$(find src scripts/build-agent.mjs tsconfig.json tsconfig.build.json -newer dist/.tsbuildinfo -print -quit 2>&1)" ]; then
  npm run --silent build && touch dist/.tsbuildinfo || return 1
fi

# Sourced by the other scripts, from the project's root: brings node_modules and dist up to date, and is quick when they are.

if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null; then
  echo "Timmy needs Node 20.19 or newer (found: $(node --version 2>/dev/null || echo none))." >&2
  exit 1
fi

if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
  echo "Installing dependencies. Where no ready-made binary of SQLite can be had it is compiled: about two minutes." >&2
  log=$(mktemp)
  npm ci --no-progress >"$log" 2>&1 &
  install=$!
  seconds=0
  while kill -0 "$install" 2>/dev/null; do
    sleep 1
    seconds=$((seconds + 1))
    if [ $((seconds % 10)) -eq 0 ]; then echo "  … ${seconds} s" >&2; fi
  done
  if ! wait "$install"; then
    tail -n 40 "$log" >&2
    echo "npm ci failed; its whole output is in $log" >&2
    exit 1
  fi
  rm -f "$log"
  touch node_modules/.package-lock.json
  echo "Installed in ${seconds} s." >&2
fi

if [ ! -f dist/main.js ] || [ -n "$(find src tsconfig.json tsconfig.build.json -newer dist/.tsbuildinfo -print -quit 2>&1)" ]; then
  npm run --silent build
  touch dist/.tsbuildinfo
fi

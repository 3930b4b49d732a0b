#!/bin/sh
# Runs a command of the project on a machine that may have nothing but Node.js and npm: installs the npm packages that
# package-lock.json asks for, then runs the command with Node.js 24.   sh stack/run.sh COMMAND [ARGUMENT...]
set -eu
cd "$(dirname -- "$0")/.."

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

command -v node >/dev/null || fail 'Node.js is missing: install version 20.19 or newer, for example from https://nodejs.org'
command -v npm >/dev/null || fail 'npm is missing: install it, for example with: apt-get install npm'
node -e 'const [major, minor] = process.versions.node.split(".").map(Number);
  process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' ||
  fail "Node.js $(node --version) is too old: install version 20.19 or newer, for example from https://nodejs.org"

# What npm installed is written in node_modules/.package-lock.json; what this machine can't use is left out there.
is_installed() {
  node -e 'const { readFileSync } = require("node:fs");
    const read = (file) => JSON.parse(readFileSync(file, "utf8")).packages;
    const installed = read("node_modules/.package-lock.json");
    const missing = Object.entries(read("package-lock.json")).some(([name, wanted]) =>
      name.includes("node_modules/") &&
      (installed[name] ? installed[name].version !== wanted.version : !wanted.optional && !wanted.peer));
    process.exit(missing ? 1 : 0)' 2>/dev/null
}

if ! is_installed; then
  echo 'Installing npm packages (about a minute) ...' >&2
  (while sleep 5 >/dev/null 2>&1; do echo '  still installing npm packages' >&2; done) &
  heartbeat=$!
  trap 'kill $heartbeat 2>/dev/null || true' EXIT
  npm ci --no-audit --no-fund --loglevel=error >&2 ||
    fail 'npm ci failed, see above. Is this machine online? Then try again.'
  kill $heartbeat 2>/dev/null || true
  trap - EXIT
fi

PATH="$PWD/node_modules/.bin:$PATH"
export PATH
node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 24 ? 0 : 1)' ||
  fail "Node.js $(node --version) can't run the services and npm has no newer one for this machine: install version 24"
exec "$@"

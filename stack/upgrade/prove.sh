#!/bin/sh
# Proves that this version goes on with the data of another one: `make test-upgrade FROM=COMMIT`. In a copy, where that version starts, is
# filled, plays a whole scenario and stops; then the last commit here takes its place, as somebody does who fetches it. On the default
# ports, since early versions can't move theirs.
set -eu
[ -n "${FROM:-}" ] || { echo 'FROM= is missing: the commit or tag of the version before' >&2; exit 2; }
repository=$(cd "$(dirname "$0")/../.." && pwd)
copy=$(mktemp -d)
chmod 755 "$copy" # servers that root starts run as users of their own
finish() {
  status=$?
  trap - EXIT
  make -C "$copy" down || status=1
  rm -rf "$copy"
  exit "$status"
}
git clone -q "$repository" "$copy"
cd "$copy"
this=$(git rev-parse HEAD)
git checkout -q "$FROM"
trap finish EXIT
trap 'exit 1' INT TERM

make up-d
make seed
make demo
make down

git checkout -q "$this"
make up-d
make health
make demo
make reconcile
echo "This version goes on with the data of $FROM."

#!/bin/sh
# Proves `make new-service` in a copy of the last commit: generated, built, linted, tested, started and removed again.
# PORT_OFFSET moves the ports of the system that it starts, so that another one may run beside it.
set -eu
repository=$(cd "$(dirname "$0")/../.." && pwd)
copy=$(mktemp -d)
finish() {
  status=$?
  trap - EXIT
  if [ -d "$copy/node_modules" ]; then make -C "$copy" down || status=1; fi
  rm -rf "$copy"
  exit "$status"
}
trap finish EXIT
trap 'exit 1' INT TERM
git clone -q "$repository" "$copy"
cd "$copy"
export PORT_OFFSET="${PORT_OFFSET:-20000}"

make new-service NAME=catalog PORT=8084

# Six files that stand, and the lock.
changed=$(git diff --name-only | grep -cv '^package-lock.json$')
[ "$changed" -eq 6 ] || { echo "$changed existing files changed, not 6:"; git diff --name-only; exit 1; }

git add --all # some rules look at what is known to git
make build
make lint
make test-catalog
make test-gateway
make up-d
answer() { # METHOD... -> the status
  curl -s -o /dev/null -w '%{http_code}' "$@"
}
service="http://127.0.0.1:$((8084 + PORT_OFFSET))"
[ "$(answer "$service/ready")" = 200 ] || { echo 'catalog-service is not ready'; exit 1; }
[ "$(answer "$service/api/v1/catalogs")" = 401 ] || { echo 'catalog-service does not ask for a token'; exit 1; }
query='{"query":"{ catalogs { data { id } } }"}'
gateway="http://127.0.0.1:$((4000 + PORT_OFFSET))/graphql"
curl -s -H 'content-type: application/json' -d "$query" "$gateway" | grep -q UNAUTHORIZED ||
  { echo 'the gateway does not know catalogs'; exit 1; }
make migrate-down SERVICE=catalog
make migrate-up SERVICE=catalog
make down

# Nothing of it is left.
git reset -q --hard
git clean -qfd -e node_modules
[ -z "$(git status --porcelain)" ] || { git status --short; exit 1; }
[ ! -e catalog-service/src ] || { echo 'catalog-service is still there'; exit 1; }
make build
echo 'a new service: generated, built, linted, tested, started and removed'

#!/bin/sh
# Proves `make rename` and `make new-service` in a copy of the last commit: under another name, a service is generated, built,
# linted, tested, started and removed again.
# `--short`: not linted as a whole, and not started; what a test run has the time for.
set -eu
repository=$(cd "$(dirname "$0")/../.." && pwd)
short=${1:-}
copy=$(mktemp -d)
finish() {
  status=$?
  trap - EXIT
  if [ -z "$short" ] && [ -d "$copy/node_modules" ]; then make -C "$copy" down || status=1; fi
  rm -rf "$copy"
  exit "$status"
}
trap finish EXIT
trap 'exit 1' INT TERM
git clone -q "$repository" "$copy"
cd "$copy"
original=$(git rev-parse HEAD)
if [ -d "$repository/node_modules" ]; then cp -a "$repository/node_modules" .; fi
# Another system may run beside it. Many clients refuse some ports, such as 6000 and 10080.
export PORT_OFFSET="${PORT_OFFSET:-3000}"

git config user.name proof
git config user.email proof@example.com
make rename NAME=acme
[ "$(git rev-list --count "$original..HEAD")" = 1 ] || { echo 'a renamed project is not one commit'; exit 1; }

make new-service NAME=catalog PORT=8084

# Six existing files, the lock, and what lists every container: docker-compose.logs.yml and some in k8s/.
changed=$(git diff --name-only | grep -cvE '^(package-lock.json$|docker-compose.logs.yml$|k8s/)')
[ "$changed" -eq 6 ] || { echo "$changed existing files changed, not 6:"; git diff --name-only; exit 1; }
if command -v kubectl >/dev/null; then
  for overlay in k3s production managed; do
    objects=$(kubectl kustomize "k8s/overlays/$overlay" | grep -c '^  name: .*catalog')
    [ "$objects" -ge 13 ] || { echo "overlay $overlay has $objects objects of the service"; exit 1; }
  done
fi

git add --all # some rules look at what is known to git
# Nothing has the old name, but history, the licence and the rules of the renaming. A shop is a shop.
if git grep -nP '@shop\b|\bshop[-_/][a-z$<{%]|[-/=]shop(?![a-z.[])|["\x27`]shop["\x27`]|\b(key|name|namespace|part-of): shop\b|\\0shop|SHOP_|Shop GraphiQL|# Shop:|urn:shop:|microservices' \
  -- ':!CHANGELOG.md' ':!LICENSE' ':!*/prisma/migrations/*' ':!stack/rename*' ':!stack/new-service/prove.sh'; then
  echo 'these have the old name'
  exit 1
fi
make build
# The tests of the tools read the services from the workspaces, too.
prove() {
  sh stack/run.sh npm run --silent jest -- --selectProjects catalog stack \
    --testPathPatterns 'catalog-service|stack/.*\.unit\.test'
}
if [ "$short" = --short ]; then
  sh stack/run.sh sh -c 'git diff --cached --name-only HEAD | grep "\.ts$" | xargs eslint && npm run --silent lint:layers'
  prove
  exit
fi
make lint
prove
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
rm -rf catalog-service # what was built of it, which git ignores
make build
[ -z "$(git status --porcelain)" ] || { git status --short; exit 1; }
echo 'a new service: generated, built, linted, tested, started and removed'

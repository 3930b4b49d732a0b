#!/bin/sh
# The commands of stack/main.ts for the system in containers, which docker-compose.yml describes: STACK=docker make ...
# Needs Docker with Compose v2 and nothing else of this machine: not even Node.js.   sh stack/docker.sh COMMAND
set -eu
cd "$(dirname -- "$0")/.."

servers='postgres-user postgres-order postgres-payment rabbitmq adminer'
services='user-service order-service payment-service gateway'
dead_letters=../common/dist/messaging/dead-letters-cli.js
migrations=../common/dist/database/migrate-cli.js

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

find_docker() {
  command -v docker >/dev/null ||
    fail 'Docker is missing: https://docs.docker.com/engine/install - or run everything without it: make up'
  docker compose version >/dev/null 2>&1 ||
    fail 'Compose v2 is missing: https://docs.docker.com/compose/install - `docker compose version` should answer'
  docker version >/dev/null 2>&1 ||
    fail 'The Docker engine does not answer: is it started, and may you use it? `docker version` tells more'
}

# .env, with a key pair for access tokens, by the same code as in the other stack; what .env lacks is in .env.example.
complete_settings() {
  [ -z "${JWT_PRIVATE_KEY:-}" ] || return 0 # the environment wins over .env
  grep -q '^JWT_PRIVATE_KEY=.' .env 2>/dev/null && grep -q '^JWT_PUBLIC_KEYS=.' .env && return 0
  node_image=$(sed -n 's/^FROM \(node:[^ ]*\).*/\1/p' gateway/Dockerfile)
  docker run --rm --network none --user "$(id -u):$(id -g)" --volume "$PWD:/project" --workdir /project "$node_image" \
    node --input-type=module --eval '
      import { completeEnvironmentFile } from "./stack/environment-file.ts";
      for (const line of completeEnvironmentFile(".")) console.error(line);'
}

compose() {
  if [ -f .env ]; then
    docker compose --env-file .env.example --env-file .env "$@"
  else
    docker compose --env-file .env.example "$@"
  fi
}

# Everything, whichever profiles are chosen.
compose_all() { compose --profile '*' "$@"; }

# Without a terminal there is nobody to talk to.
in_container() { if [ -t 0 ] && [ -t 1 ]; then compose exec "$@"; else compose exec -T "$@"; fi; }

require_running() {
  [ -n "$(compose_all ps --quiet --status running "$1")" ] || fail "$1 is not running: start it with \`STACK=docker make up-d\`"
}

# Of the services given with or without their ending, or of all that have a database.
databases() {
  [ $# -gt 0 ] || set -- user order payment
  for name in "$@"; do
    case ${name%-service} in
      user | order | payment) echo "${name%-service}" ;;
      *) fail "$name has no database; user, order and payment have one" ;;
    esac
  done
}

up() {
  complete_settings
  compose build
  if [ "${1:-}" = -d ]; then
    compose up --detach --wait --remove-orphans
    say 'Stop: `STACK=docker make down`. Logs: `STACK=docker make logs-f`. Check: `STACK=docker make health`.'
  else
    compose up --remove-orphans
  fi
}

# What a service says of those that it depends on.
readiness() {
  port_variable=$(echo "$1" | tr a-z- A-Z_)_PORT
  compose exec -T "$1" node -e '
    fetch(`http://127.0.0.1:${process.env[process.argv[1]]}/ready`).then((answer) => answer.text()).then(console.log)' \
    "$port_variable" </dev/null 2>/dev/null || echo 'not reachable'
}

# What each container says of itself; beside it what a service says of those that it depends on.
health() {
  containers=$(compose_all ps --all --format '{{.Service}} {{.State}} {{.ExitCode}} {{.Health}}' | sort)
  [ -n "$containers" ] || fail 'nothing is running: start it with `STACK=docker make up-d`'
  printf '%s\n' "$containers" | {
    faults=0
    while read -r name state exit_code health; do
      detail=
      case "$name $state $exit_code $health" in
        migrate-*' exited 0 '*) word='done' ;;
        *' running 0 healthy' | *' running 0 ') word=healthy ;;
        *) word=DOWN detail="$state${health:+, $health}, exit code $exit_code" faults=1 ;;
      esac
      case "$state $services " in
        'running '*"$name "*) detail=$(readiness "$name") ;;
      esac
      printf '%-16s  %-8s  %s\n' "$name" "$word" "$detail"
    done
    return $faults
  }
}

nginx() {
  case ${1:-} in
    up) up -d ;;
    down) compose stop nginx ;;
    restart) compose up --detach --wait --force-recreate nginx ;;
    clear-cache) in_container nginx sh -c 'rm -rf "$NGINX_DIRECTORY"/cache/* && echo "removed all that nginx kept"' ;;
    status) in_container nginx sh -c 'wget -qO- http://127.0.0.1:8090/nginx_status && du -sh "$NGINX_DIRECTORY/cache"' ;;
    *) fail 'nginx takes one of up, down, restart, clear-cache, status' ;;
  esac
}

command=${1:-}
[ $# -eq 0 ] || shift
find_docker
case $command in
  up) up "$@" ;;
  infra)
    complete_settings
    compose up --detach --wait $servers
    ;;
  down) compose_all down --remove-orphans "$@" ;;
  restart)
    compose_all down --remove-orphans
    up -d
    ;;
  build) compose build ;;
  status) compose_all ps --all ;;
  health) health ;;
  logs)
    follow=
    if [ "${1:-}" = -f ]; then
      follow=--follow
      shift
    fi
    compose_all logs --tail 100 $follow "$@"
    ;;
  migrate)
    direction=${1:?migrate takes up, down or status}
    shift
    names=$(databases "$@")
    failed=0
    for name in $names; do
      say "$name-service"
      compose run --rm --no-TTY "migrate-$name" "$migrations" "$direction" . || failed=1
    done
    exit $failed
    ;;
  script)
    name=${1:?script takes the names of a service and of its script}-service
    script=${2:?script takes the names of a service and of its script}
    shift 2
    require_running "$name"
    in_container "$name" node --run "$script" "$@"
    ;;
  dead-letters)
    [ "${2:-}" != -- ] || { first=$1 && shift 2 && set -- "$first" "$@"; }
    require_running order-service
    in_container order-service node "$dead_letters" "$@"
    ;;
  nginx) nginx "$@" ;;
  # A service from its source, beside the servers of `infra`; and what only asks over HTTP.
  run | demo | seed | api-docs) exec sh stack/run.sh node stack/main.ts "$command" "$@" ;;
  doctor)
    docker version --format 'Docker engine {{.Server.Version}}'
    docker compose version
    compose_all config --quiet && echo 'settings and docker-compose.yml fit together'
    ;;
  clean | clean-all)
    volumes=
    [ "$command" = clean ] || volumes=--volumes
    compose_all down --remove-orphans $volumes
    images=$(for name in $services; do docker image ls --quiet "shop-$name"; done)
    [ -z "$images" ] || docker image rm $images
    ;;
  *) fail "there is no command ${command:-''} for the system in containers" ;;
esac

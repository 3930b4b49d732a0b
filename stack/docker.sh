#!/bin/sh
# STACK=docker make ...: what Compose by itself can't say of the system in docker-compose.yml.
# Needs Docker with Compose v2, and Node.js 24 in PATH, as stack/run.sh puts it there.   sh stack/run.sh sh stack/docker.sh COMMAND
set -eu
cd "$(dirname -- "$0")/.."
export STACK=docker # stack/settings.ts reads it

owners=$(echo *-service) # each has a database
servers="$(printf 'postgres-%s ' $(printf '%s\n' $owners | sed 's/-service$//'))rabbitmq rabbitmq-page adminer"
services="$owners gateway"
messaging=../common/dist/messaging

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

# This machine can't run containers. The code (EX_UNAVAILABLE of sysexits.h) distinguishes it from a fault: tests are skipped then.
lack() {
  say "$*"
  exit 69
}

find_docker() {
  command -v docker >/dev/null ||
    lack 'Docker is missing: https://docs.docker.com/engine/install - or run everything without it: make up'
  version=$(docker compose version --short 2>/dev/null) ||
    lack 'Compose v2 is missing: https://docs.docker.com/compose/install - `docker compose version` should answer'
  # It takes several --env-file since 2.17, and `ps` a template since 2.21.
  printf '%s\n' "${version#v}" | awk -F . '{ exit !($1 > 2 || ($1 == 2 && $2 >= 21)) }' ||
    lack "Compose $version is too old: version 2.21 or newer is needed, https://docs.docker.com/compose/install"
  docker version >/dev/null 2>&1 ||
    lack 'The Docker engine does not answer: is it started, and may you use it? `docker version` tells more'
}

# The settings, read by the same code as in the other stack, as variables of this script: what Compose finds there it takes as
# it is; in a file it would fill in what follows a $. With --complete, .env is made or given fresh keys and passwords first.
load_settings() {
  settings=$(node stack/compose-environment.ts "$@") || exit 1
  eval "$settings"
}

# Pulls what is not on this machine, before anything is built or started: whatever fails later then has another reason.
fetch_images() {
  here=$(docker image ls --format '{{.Repository}}:{{.Tag}}')
  for image in $(printf '%s\n' "$@" | grep -v '^shop-' | sort -u); do
    printf '%s\n' "$here" | grep -Fqx "$image" || docker pull "$image" >&2 ||
      fail "The image $image is not on this machine, and could not be pulled, see above. Is this machine online?" \
        'Where no registry answers, an image of the same name from elsewhere does it: docs/containers.md, "Without a registry"'
  done
}

base_image() { sed -n 's/^FROM \([^ ]*:[^ ]*\).*/\1/p' Dockerfile; }

compose() { docker compose --env-file .env.example "$@"; }

# Everything, whichever profiles are chosen.
compose_all() { compose --profile '*' "$@"; }

containers() { compose_all ps --all --format '{{.Service}} {{.State}} {{.ExitCode}} {{.Health}}'; }

is_running() { [ -n "$(compose_all ps --quiet --status running "$1")" ]; }

# A command in a running container. Without a terminal there is nobody to talk to.
inside() {
  is_running "$1" || fail "$1 is not running: start it with \`STACK=docker make up-d\`"
  if [ -t 0 ] && [ -t 1 ]; then compose exec "$@"; else compose exec -T "$@"; fi
}

# What of a start failed, in its own words: Compose only says how it ended.
explain_failure() {
  containers | while read -r name state exit_code health; do
    case "$state $exit_code $health" in
      'exited 0 '* | 'created '* | 'running '*' healthy' | 'running '*' starting' | 'running 0 ') continue ;;
    esac
    say "$name failed ($state${health:+, $health}, exit code $exit_code). Its log ends with:"
    last_lines=$(compose_all logs --no-color --no-log-prefix --tail 15 "$name" </dev/null 2>/dev/null)
    printf '%s\n' "$last_lines" | sed "s/$(printf '\033')\[2K//; s/^/  /" >&2 # Compose clears lines that it has not written
    case $last_lines in *'password authentication failed for user "'"$POSTGRES_USER"'"'*)
      say 'Its database was made with another POSTGRES_USER or POSTGRES_PASSWORD: put the earlier values back, or remove its' \
        'data with `STACK=docker make clean-all`'
      ;;
    esac
  done
}

up() {
  fetch_images "$(base_image)" $(compose config --images)
  compose build
  if [ "${1:-}" != -d ]; then
    compose up --remove-orphans
  elif compose up --detach --wait --remove-orphans; then
    say 'Stop: `STACK=docker make down`. Logs: `STACK=docker make logs-f`. Check: `STACK=docker make health`.'
  else
    explain_failure
    exit 1
  fi
}

# What a service says of those that it depends on.
readiness() {
  compose exec -T "$1" node -e '
    fetch(`http://127.0.0.1:${process.env[process.argv[1]]}/ready`).then((answer) => answer.text()).then(console.log)' \
    "$(echo "$1" | tr a-z- A-Z_)_PORT" </dev/null 2>/dev/null || echo 'not reachable'
}

# What each container says of itself; beside it what a service says of those that it depends on. What should be there by the
# chosen profiles and is not counts as down; migrations have come and gone.
health() {
  present=$(containers | sort)
  [ -n "$present" ] || fail 'nothing is running: start it with `STACK=docker make up-d`'
  missing=$(compose config --services | grep -v '^migrate-' | sort | while read -r name; do
    printf '%s\n' "$present" | grep -q "^$name " || echo "$name missing"
  done)
  printf '%s\n' "$present" "$missing" | grep . | {
    faults=0
    while read -r name state exit_code health; do
      detail=
      case "$name $state $exit_code $health" in
        migrate-*' exited 0 '*) word='done' ;;
        *' running 0 healthy' | *' running 0 ') word=healthy ;;
        *' missing  ') word=DOWN detail='no container' faults=1 ;;
        *) word=DOWN detail="$state${health:+, $health}, exit code $exit_code" faults=1 ;;
      esac
      case "$state $services " in
        'running '*"$name "*)
          detail=$(readiness "$name")
          case "$word $detail" in
            *'"status":"ok"'* | DOWN*) ;;
            *) word=DEGRADED faults=1 ;;
          esac
          ;;
      esac
      printf '%-16s  %-8s  %s\n' "$name" "$word" "$detail"
    done
    return $faults
  }
}

# nginx alone, beside what runs; where nothing does, with everything that it stands in front of.
start_nginx() {
  if is_running gateway; then compose up --detach --wait --no-deps "$@" nginx; else up -d; fi
}

nginx() {
  case ${1:-} in
    up) start_nginx ;;
    down) compose stop nginx ;;
    restart) start_nginx --force-recreate ;;
    clear-cache)
      inside nginx sh -c 'cd "$NGINX_DIRECTORY/cache" && removed=$(find . -type f | wc -l) && rm -rf ./*
        [ "$removed" -eq 1 ] && answers=answer || answers=answers
        echo "$removed $answers removed from the cache of nginx"'
      ;;
    status)
      is_running nginx || { echo 'nginx is not running' && return 3; }
      {
        compose exec -T nginx sh -c 'wget -qO- http://127.0.0.1:8090/nginx_status
          find "$NGINX_DIRECTORY/cache" -type f -exec stat -c "cached %s" {} +' </dev/null
        compose logs --no-color --no-log-prefix nginx
      } | node stack/nginx-report.ts
      ;;
    *) fail 'nginx takes one of up, down, restart, clear-cache, status' ;;
  esac
}

# A tool in each of some services, whose name is its last word: only that service reaches its database. Ends with 2 where the
# tool does not understand its words; otherwise with 0 when it succeeded in `all` of them, or in `any`.
in_each() {
  needed=$1 names=$2 succeeded=0 failed=0
  shift 2
  for name in $names; do
    result=0
    inside "$name" node "$@" "$name" || result=$?
    [ "$result" != 2 ] || exit 2
    if [ "$result" = 0 ]; then succeeded=1; else failed=1; fi
  done
  case $needed in
    all) exit "$failed" ;;
    any) exit $((1 - succeeded)) ;;
  esac
}

command=${1:-}
[ $# -eq 0 ] || shift
find_docker
case $command in
  up | infra | restart) load_settings --complete ;;
  demo | seed | api-docs | api-collection | run | backup | restore) exec node stack/main.ts "$command" "$@" ;; # from outside, by settings that it reads itself
  *) load_settings ;;
esac
case $command in
  up) up "$@" ;;
  infra)
    fetch_images $(compose --profile tools config --images $servers)
    compose up --detach --wait $servers
    ;;
  down) compose_all down --remove-orphans "$@" ;;
  restart)
    compose_all down --remove-orphans
    up -d
    ;;
  build)
    fetch_images "$(base_image)"
    compose build
    ;;
  status) compose_all ps --all ;;
  health) health ;;
  logs)
    follow='' view='' tail=100
    while :; do
      case ${1:-} in
        -f) follow=--follow view="$view $1" && shift ;;
        --json) view="$view $1" && shift ;;
        --request | --trace) # ids, which have no spaces
          tail=all view="$view $1 ${2:?an id is missing}"
          shift 2
          ;;
        *) break ;;
      esac
    done
    compose_all logs --no-color --tail "$tail" $follow "$@" | node stack/show-logs.ts $view
    ;;
  migrate)
    direction=${1:?migrate takes up, down or status}
    shift
    [ $# -gt 0 ] || set -- $owners
    failed=0
    for name in "$@"; do
      say "${name%-service}-service"
      compose run --rm --no-TTY "migrate-${name%-service}" ../common/dist/database/migrate-cli.js "$direction" . || failed=1
    done
    exit $failed
    ;;
  script)
    name=${1:?script takes the names of a service and of its script}-service
    script=${2:?script takes the names of a service and of its script}
    shift 2
    inside "$name" node --run "$script" "$@"
    ;;
  dead-letters)
    action=${1:?dead-letters takes list, replay or drop}
    shift
    [ "${1:-}" != -- ] || shift
    case $action in
      # Noted in the audit trail of the service that could not handle it.
      drop) in_each any "$owners" $messaging/dead-letters-cli.js drop "$@" --service ;;
      *) inside order-service node $messaging/dead-letters-cli.js "$action" "$@" ;;
    esac
    ;;
  republish)
    since=${1:?republish takes a time: make republish SINCE=2026-01-31T12:00:00Z}
    shift
    [ $# -gt 0 ] || set -- $owners
    in_each all "$(for name in "$@"; do echo "${name%-service}-service"; done)" $messaging/republish-cli.js "$since"
    ;;
  nginx) nginx "$@" ;;
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

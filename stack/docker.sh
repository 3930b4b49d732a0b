#!/bin/sh
# The commands of stack/main.ts for the system in containers, which docker-compose.yml describes: STACK=docker make ...
# Needs Docker with Compose v2; only `run`, which runs a service from its source, needs Node.js.   sh stack/docker.sh COMMAND
set -eu
cd "$(dirname -- "$0")/.."

servers='postgres-user postgres-order postgres-payment rabbitmq rabbitmq-page adminer'
services='user-service order-service payment-service gateway'
dead_letters=../common/dist/messaging/dead-letters-cli.js
republish=../common/dist/messaging/republish-cli.js
migrations=../common/dist/database/migrate-cli.js

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

# This machine can't run containers. The code (EX_UNAVAILABLE of sysexits.h) tells it from a fault: tests are skipped then.
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

# Of our images.
bases() { sed -n 's/^FROM \([^ ]*:[^ ]*\).*/\1/p' ./*/Dockerfile; }

# Pulls what is not on this machine, before anything is built or started: whatever fails later then has another reason.
fetch_images() {
  here=$(docker image ls --format '{{.Repository}}:{{.Tag}}')
  for image in $(printf '%s\n' "$@" | grep -v '^shop-' | sort -u); do
    printf '%s\n' "$here" | grep -Fqx "$image" || docker pull "$image" >&2 ||
      fail "The image $image is not on this machine, and could not be pulled, see above. Is this machine online?" \
        'Where no registry answers, an image of the same name from elsewhere does it: docs/containers.md, "Without a registry"'
  done
}

# The settings, read by the same code as in the other stack, as variables of this script: what Compose finds there it takes as
# it is; in a file it would fill in what follows a $. With --complete, .env is made or given fresh keys and passwords first.
load_settings() {
  settings=$(docker run --rm --network none --user "$(id -u):$(id -g)" --volume "$PWD:/project" --workdir /project \
    $(sed -n 's/^\([A-Z][A-Z0-9_]*\)=.*/--env \1/p' .env.example) --env COMPOSE_PROJECT_NAME \
    "$node_image" node stack/compose-environment.ts "$@") || exit 1
  eval "$settings"
}

compose() { docker compose --env-file .env.example "$@"; }

# Everything, whichever profiles are chosen.
compose_all() { compose --profile '*' "$@"; }

# Where the profiles leave Jaeger out, no traces are made for it: each process would complain that nobody takes them.
compose_up() {
  if ! compose config --services | grep -qx jaeger; then
    case $(compose config) in *'OTLP_ENDPOINT: http://jaeger:'*) export CONTAINER_OTLP_ENDPOINT= ;; esac
  fi
  compose up "$@"
}

# Without a terminal there is nobody to talk to.
in_container() { if [ -t 0 ] && [ -t 1 ]; then compose exec "$@"; else compose exec -T "$@"; fi; }

is_running() { [ -n "$(compose_all ps --quiet --status running "$1")" ]; }

require_running() {
  is_running "$1" || fail "$1 is not running: start it with \`STACK=docker make up-d\`"
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

# What of a start failed, in its own words: Compose only says how it ended.
explain_failure() {
  compose_all ps --all --format '{{.Service}} {{.State}} {{.ExitCode}} {{.Health}}' |
    while read -r name state exit_code health; do
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
  fetch_images $(bases) $(compose config --images)
  compose build
  if [ "${1:-}" = -d ]; then
    if ! compose_up --detach --wait --remove-orphans; then
      explain_failure
      exit 1
    fi
    say 'Stop: `STACK=docker make down`. Logs: `STACK=docker make logs-f`. Check: `STACK=docker make health`.'
  else
    compose_up --remove-orphans
  fi
}

# A command of stack/main.ts, in a container that is no part of the system.
tell() {
  fetch_images $(bases)
  compose build --quiet stories
  if [ -t 0 ] && [ -t 1 ]; then terminal=; else terminal=--no-TTY; fi
  compose run --rm --no-deps $terminal stories "$@"
}

# What a service says of those that it depends on.
readiness() {
  port_variable=$(echo "$1" | tr a-z- A-Z_)_PORT
  compose exec -T "$1" node -e '
    fetch(`http://127.0.0.1:${process.env[process.argv[1]]}/ready`).then((answer) => answer.text()).then(console.log)' \
    "$port_variable" </dev/null 2>/dev/null || echo 'not reachable'
}

# What each container says of itself; beside it what a service says of those that it depends on. What should be there by the
# chosen profiles and is not counts as down; migrations have come and gone.
health() {
  containers=$(compose_all ps --all --format '{{.Service}} {{.State}} {{.ExitCode}} {{.Health}}' | sort)
  [ -n "$containers" ] || fail 'nothing is running: start it with `STACK=docker make up-d`'
  present=$(printf '%s\n' "$containers" | cut -d ' ' -f 1)
  for name in $(compose config --services | grep -v '^migrate-' | sort); do
    printf '%s\n' "$present" | grep -qxF -e "$name" || containers=$(printf '%s\n%s missing' "$containers" "$name")
  done
  printf '%s\n' "$containers" | {
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
  if is_running gateway; then
    compose_up --detach --wait --no-deps "$@" nginx
  else
    up -d
  fi
}

# As without containers: stack/commands/nginx.ts, stack/nginx-log.ts.
nginx_status() {
  if ! is_running nginx; then
    echo 'nginx is not running'
    return 3
  fi
  port=$(compose port nginx 8000)
  {
    echo "address http://localhost:${port##*:}"
    compose exec -T nginx sh -c 'wget -qO- http://127.0.0.1:8090/nginx_status
      cd "$NGINX_DIRECTORY/cache" && echo "cache $(find . -type f | wc -l) $(du -sk . | cut -f 1)"' </dev/null
    compose logs --no-color --no-log-prefix nginx
  } | awk '
    function row(name, text) { printf "%-11s  %s\n", name, text }
    /^address / { sub(/:80$/, "", $2); row("address", $2) }
    /^Active connections:/ { active = $3 }
    /^ *[0-9]+ +[0-9]+ +[0-9]+ *$/ { accepted = $1; requests = $3 }
    /^Reading:/ {
      row("connections", active " open, " $6 " of them idle; " accepted " since the start")
      row("requests", requests " since the start")
    }
    /^cache / { row("cache", $2 " answer" ($2 == 1 ? "" : "s") sprintf(", %.1f MB of 100 MB", $3 / 1000)) }
    match($0, /"cacheStatus":"[A-Z]+"/) {
      logged++
      status = substr($0, RSTART + 15, RLENGTH - 16)
      if (status != "BYPASS") public++
      if (status ~ /^(HIT|STALE|UPDATING|REVALIDATED)$/) hits++
    }
    END {
      if (active == "") {
        print "nginx does not tell its figures: see `make nginx-logs`" > "/dev/stderr"
        exit 1
      }
      if (public) ratio = sprintf("%.1f %% of %d that could be public, of %d requests in the log", 100 * hits / public, public, logged)
      else ratio = "nothing was looked up in the cache by the " logged + 0 " requests of the log"
      row("hit ratio", ratio)
    }'
}

nginx() {
  case ${1:-} in
    up) start_nginx ;;
    down) compose stop nginx ;;
    restart) start_nginx --force-recreate ;;
    clear-cache)
      require_running nginx
      in_container nginx sh -c 'cd "$NGINX_DIRECTORY/cache" && removed=$(find . -type f | wc -l) && rm -rf ./*
        [ "$removed" -eq 1 ] && answers=answer || answers=answers
        echo "$removed $answers removed from the cache of nginx"'
      ;;
    status) nginx_status ;;
    *) fail 'nginx takes one of up, down, restart, clear-cache, status' ;;
  esac
}

command=${1:-}
[ $# -eq 0 ] || shift
find_docker
node_image=$(bases | head -n 1)
case $command in
  up | infra | restart)
    fetch_images "$node_image"
    load_settings --complete
    ;;
  run) ;;
  # Without this image nothing was built from it: there is nothing yet that settings would matter to.
  *) [ -z "$(docker image ls --quiet "$node_image")" ] || load_settings ;;
esac
case $command in
  up) up "$@" ;;
  infra)
    fetch_images $(compose --profile tools config --images $servers)
    compose_up --detach --wait $servers
    ;;
  down) compose_all down --remove-orphans "$@" ;;
  restart)
    compose_all down --remove-orphans
    up -d
    ;;
  build)
    fetch_images $(bases)
    compose build
    ;;
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
    if [ "${1:-}" != drop ]; then
      require_running order-service
      in_container order-service node "$dead_letters" "$@"
    else # into the audit trail of the service that could not handle it, whose database only that service reaches
      shift
      code=1
      for service in order-service payment-service; do
        require_running "$service"
        result=0
        in_container "$service" node "$dead_letters" drop --service "$service" "$@" || result=$?
        [ "$result" != 2 ] || exit 2
        [ "$result" != 0 ] || code=0
      done
      exit "$code"
    fi
    ;;
  republish) # from the outbox of each service, whose database only that service reaches
    since=${1:?republish takes a time: make republish SINCE=2026-01-31T12:00:00Z}
    shift
    names=$(databases "$@")
    code=0
    for name in $names; do
      require_running "$name-service"
      result=0
      in_container "$name-service" node "$republish" "$since" "$name-service" || result=$?
      [ "$result" != 2 ] || exit 2
      [ "$result" = 0 ] || code=1
    done
    exit "$code"
    ;;
  nginx) nginx "$@" ;;
  # What only asks over HTTP, by way of nginx.
  demo | seed) tell "$command" --through http://nginx:8000 ;;
  api-docs) tell api-docs ;;
  # A service from its source, beside the servers of `infra`.
  run) exec sh stack/run.sh node stack/main.ts run "$@" ;;
  doctor)
    docker version --format 'Docker engine {{.Server.Version}}'
    docker compose version
    compose_all config --quiet && echo 'settings and docker-compose.yml fit together'
    ;;
  clean | clean-all)
    volumes=
    [ "$command" = clean ] || volumes=--volumes
    compose_all down --remove-orphans $volumes
    images=$(for name in $services stories; do docker image ls --quiet "shop-$name"; done)
    [ -z "$images" ] || docker image rm $images
    ;;
  *) fail "there is no command ${command:-''} for the system in containers" ;;
esac

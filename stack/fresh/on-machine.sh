#!/bin/sh
# On a fresh Debian, as its root: what README says, for root below a folder of root's own, and for a plain user. See test.sh,
# and with-ports.ts for the ports.
set -u
port() { printf '%s\n' "$FRESH_PORTS" | sed -n "s/^$1=//p"; } # VARIABLE

check() { # WHAT COMMAND...
  what=$1
  shift
  started=$(date +%s)
  if "$@" >/tmp/log 2>&1; then
    echo "ok $what ($(($(date +%s) - started)) s)"
  else
    echo "FAILED $what: exit code $?"
    tail -n 15 /tmp/log
  fi
}

# Does as a user would in a shell of their own. The cache of npm is kept from earlier runs.
as() { # USER FOLDER COMMAND
  su "$1" -s /bin/sh -c "umask 022; cd '$2' && npm_config_cache=/srv/npm/$1 \
    NODE_EXTRA_CA_CERTS='${NODE_EXTRA_CA_CERTS:-}' env $(echo $FRESH_PORTS) $3"
}

status() { # URL [DATA]: of the answer
  node -e 'fetch(process.argv[1], process.argv[2] && { method: "POST", body: process.argv[2], headers: { "content-type":
    "application/json" } }).then((answer) => console.log(answer.status))' "$@"
}
log_in_works() {
  [ "$(status "http://127.0.0.1:$(port USER_SERVICE_PORT)/api/v1/users/login" '{"email":"admin@example.com","password":"admin-password"}')" = 200 ]
}
adminer_shows_its_page() { [ "$(status "http://127.0.0.1:$(port ADMINER_PORT)/")" = 200 ]; }
users_of() { ps -C "$1" -o user:32= | sort -u | tr -d ' '; }
# Of root's servers each has a system user; a user's are theirs.
servers_run_as() { # [USER]
  for server in postgres:postgres beam.smp:rabbitmq epmd:rabbitmq prometheus:prometheus mtail:prometheus php:adminer; do
    expected=${1:-shop-${server#*:}}
    [ "$(users_of "${server%:*}")" = "$expected" ] || { ps -eo user:32,args && return 1; }
  done
  services="gateway order-service payment-service user-service"
  expected=${1:-$(printf 'shop-%s\n' $services)}
  [ "$(ps -eo user:32=,args= | sed -n 's/ .*\/node .*dist\/main\.js$//p' | sort -u)" = "$expected" ] || { ps -eo user:32,args && return 1; }
  # nginx's master, for port 80, is root's; its workers are not.
  ! ps -C nginx -o user:32= -o args= | sed -n 's/ .*nginx: worker process.*//p' | grep -vx "${1:-shop-.*}"
}
# Of all that was started, only the supervisor has root's rights; nginx's master has six of them, as containers are given them.
nobody_else_has_rights_of_root() {
  counted=0
  for process in /proc/[0-9]*; do
    # nginx writes its title over its environment.
    grep -qz '^SHOP_STACK=' "$process/environ" 2>/dev/null || [ "$(cat "$process/comm" 2>/dev/null)" = nginx ] || continue
    rights=$(sed -n 's/^CapBnd:\t*0*//p' "$process/status") gains=$(sed -n 's/^NoNewPrivs:\t*//p' "$process/status")
    [ "$gains" = 1 ] || { echo "may gain rights:" && tr '\0' ' ' <"$process/cmdline" && return 1; }
    case "$rights $(tr '\0' ' ' <"$process/cmdline")" in
      ' '* | '4e3 nginx: '*) counted=$((counted + 1)) ;;
      *) echo "$rights" && tr '\0' ' ' <"$process/cmdline" && return 1 ;;
    esac
  done
  [ "$counted" -gt 12 ]
}
# Logs hold addresses, tables hold hashes of passwords.
nobody_else_reads() { # FOLDER
  for kept in rabbitmq/home rabbitmq/mnesia rabbitmq/log logs adminer-page/sessions; do
    [ -z "$(find "$(readlink -f "$1/.native")/$kept" -maxdepth 0 -perm /g=rwx,o=rwx)" ] || { echo "$kept" && return 1; }
  done
}
a_foreign_host_is_refused() {
  for variable in NGINX_PORT GATEWAY_PORT USER_SERVICE_PORT ADMINER_PORT PROMETHEUS_PORT RABBITMQ_MANAGEMENT_PORT; do
    code=$(printf 'GET / HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n' |
      node -e 'const socket = require("net").connect(process.argv[1], "127.0.0.1"); process.stdin.pipe(socket); socket.pipe(process.stdout)' \
        "$(port "$variable")" | head -n 1 | cut -d ' ' -f 2)
    [ "$code" = 421 ] || { echo "$variable: $code" && return 1; }
  done
}
nothing_of_apt_stays() {
  [ ! -e /usr/sbin/policy-rc.d ] && [ -z "$(dpkg --audit)" ] &&
    ! ls /etc/systemd/system/*.wants/ | grep -E '^(nginx|rabbitmq-server|epmd|prometheus|mtail)\.'
}
no_data_stay() { [ ! -e /var/lib/shop ] || [ -z "$(ls /var/lib/shop)" ]; }

# A supervisor that is killed while apt works: apt goes on, and the next one finishes what is left.
interrupted_installation() {
  as root "$1" 'make packages' &
  until [ -e /usr/sbin/policy-rc.d ]; do
    kill -0 $! || return 1
    sleep 0.1
  done
  sleep 3
  pkill -KILL -f 'stack/main.ts packages'
  as root "$1" 'make packages'
}

useradd --create-home --shell /bin/sh dev
chmod 700 /home/dev /root
git clone --quiet /srv/shop /root/shop
cp -r /srv/shop /home/dev/shop && chown -R dev:dev /home/dev/shop
mkdir -p /srv/npm/root /srv/npm/dev && chown -R dev:dev /srv/npm/dev

check 'root: make packages, killed half way and started again' interrupted_installation /root/shop
check 'root: nothing stays that keeps servers of others from starting, and ours start with no boot' nothing_of_apt_stays
check 'root: make up-d' as root /root/shop 'make up-d'
check 'root: make health, at once' as root /root/shop 'make health'
check 'root: login' log_in_works
check 'root: Adminer' adminer_shows_its_page
check 'root: no server has rights of root' servers_run_as
check 'root: nobody but the supervisor has rights of root' nobody_else_has_rights_of_root
check 'root: what servers write is theirs alone' nobody_else_reads /root/shop
check 'root: a foreign Host is refused' a_foreign_host_is_refused
check 'root: make test, in a short form' as root /root/shop 'npm test -- --selectProjects stack --testPathPatterns test-infrastructure'
check 'root: make down' as root /root/shop 'make down'
check 'root: make clean-all' as root /root/shop 'make clean-all'
check 'root: no data stay' no_data_stay
check 'user: make up-d' as dev /home/dev/shop 'make up-d'
check 'user: make health, at once' as dev /home/dev/shop 'make health'
check 'user: login' log_in_works
check 'user: Adminer' adminer_shows_its_page
check 'user: the servers are theirs' servers_run_as dev
check 'user: what servers write is theirs alone' nobody_else_reads /home/dev/shop
check 'user: make test, in a short form' as dev /home/dev/shop 'npm test -- --selectProjects stack --testPathPatterns test-infrastructure'
check 'user: make down' as dev /home/dev/shop 'make down'

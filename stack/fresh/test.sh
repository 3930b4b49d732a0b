#!/bin/sh
# Tries the README's first commands on machines as Debian ships them, with its own Node.js and npm and nothing else of ours:
#   sh stack/fresh/test.sh [bookworm|trixie]...
# Each machine is a folder with a copy of HEAD, made by debootstrap once and kept in FRESH_DIR. What happens on it is in
# on-machine.sh. Needs root, as debootstrap does; skipped elsewhere. The last line says how many tests passed, failed and were
# skipped.
set -eu
cd "$(dirname -- "$0")/../.."
[ $# -gt 0 ] || set -- bookworm trixie
cache=${FRESH_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/shop-fresh}
tests_each=$(grep -c '^ *check ' stack/fresh/on-machine.sh)
passed=0 failed=0 skipped=0

skip() { # REASON, and how many machines
  printf 'skipped: %s\n' "$1"
  skipped=$((skipped + tests_each * $2))
}

end() {
  printf '%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
  [ "$failed" -eq 0 ]
  exit
}

# A package archive that this machine uses itself, or Debian's.
mirror() {
  found=$(grep -rhoE 'https?://[^ ]+/debian/?$' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1)
  printf '%s\n' "${found:-http://deb.debian.org/debian}"
}

# Debian RELEASE with nodejs, npm and make, in the cache. It reaches archives and registries as this machine does.
make_base() {
  base=$cache/$1
  [ -e "$base/.complete" ] && return
  echo "making a Debian $1 (some minutes, once) ..."
  rm -rf "$base"
  debootstrap --variant=minbase --include=ca-certificates "$1" "$base" "$(mirror)" >"$cache/$1.log" 2>&1 || return 1
  for file in /etc/apt/apt.conf.d/*proxy* /etc/apt/apt.conf.d/99* /etc/apt/auth.conf.d/* /usr/local/share/ca-certificates/* \
    /etc/ssl/certs/ca-certificates.crt /etc/npmrc /etc/resolv.conf /etc/hosts; do
    if [ -f "$file" ]; then mkdir -p "$base$(dirname "$file")" && cp "$file" "$base$file"; fi
  done
  chroot "$base" sh -c 'apt-get update && DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends nodejs npm make git procps' >>"$cache/$1.log" 2>&1 || return 1
  touch "$base/.complete"
}

try() { # RELEASE
  if ! make_base "$1"; then
    tail -n 3 "$cache/$1.log"
    skip "Debian $1 can't be made here, see $cache/$1.log" 1
    return
  fi
  machine=$(mktemp -d "$cache/machine.XXXXXX")
  mkdir "$machine/upper" "$machine/work" "$machine/root"
  if ! mount -t overlay overlay -o "lowerdir=$cache/$1,upperdir=$machine/upper,workdir=$machine/work" "$machine/root"; then
    rm -rf "$machine"
    skip 'folders can not be laid over others here (mount -t overlay)' 1
    return
  fi
  git clone --quiet --no-hardlinks . "$machine/root/srv/shop"
  : >"$machine/out" # tail may come first
  mkdir -p "$cache/archives-$1" "$cache/npm"
  # A name space of processes ends everything on the machine with its first process; one of mounts takes those along.
  # shellcheck disable=SC2016
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "FRESH_PORTS=$FRESH_PORTS" "ROOT=$machine/root" "ARCHIVES=$cache/archives-$1" \
    "NPM=$cache/npm" "NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-}" "https_proxy=${https_proxy:-}" "http_proxy=${http_proxy:-}" \
    unshare --mount --pid --fork --kill-child --mount-proc="$machine/root/proc" sh -ec '
      mount --rbind /dev "$ROOT/dev"
      mount -t sysfs sysfs "$ROOT/sys"
      mount --bind "$ARCHIVES" "$ROOT/var/cache/apt/archives"
      mkdir -p "$ROOT/srv/npm"
      mount --bind "$NPM" "$ROOT/srv/npm"
      exec chroot "$ROOT" sh /srv/shop/stack/fresh/on-machine.sh' >"$machine/out" 2>&1 </dev/null &
  tail -n +1 -f --pid=$! "$machine/out" | sed -u "s/^/$1: /"
  wait $! || true
  passed=$((passed + $(grep -c '^ok ' "$machine/out" || true)))
  # What was not reached has failed, too.
  failed=$((failed + tests_each - $(grep -c '^ok ' "$machine/out" || true)))
  umount "$machine/root"
  rm -rf "$machine"
}

if [ "$(id -u)" -ne 0 ]; then
  skip 'only root can make machines' $#
  end
fi
if ! command -v debootstrap >/dev/null && command -v apt-get >/dev/null; then
  { apt-get update && apt-get install -y --no-install-recommends debootstrap; } >/dev/null 2>&1 || true
fi
if ! command -v debootstrap >/dev/null; then
  skip 'debootstrap is not here, and can not be installed' $#
  end
fi
[ -n "${FRESH_PORTS:-}" ] || exec sh stack/run.sh node stack/fresh/with-ports.ts sh stack/fresh/test.sh "$@"
mkdir -p "$cache"
for release in "$@"; do try "$release"; done
end

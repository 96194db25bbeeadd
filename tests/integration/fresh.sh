#!/usr/bin/env bash
# fresh.sh SUITE root|user: a clean clone of this tree passes `./run demo --once` and `./run test` in a
# bare Debian of that suite, after set-up was refused network, disk and rights and was killed once.
# Called by `./run fresh`.
#
# The root is a minimal debootstrap, kept as a tarball so that repeats are quick, with nothing added
# but what lets a user be: an account, sudo, the host's name server, proxy settings and additional
# certificate authorities. It lives in a mount and process namespace of its own and is removed at the
# end, however it ends. Only committed work is tested: that is what others get.
# shellcheck disable=SC2317 # remove_root is called by the trap
set -euo pipefail
export LC_ALL=C.UTF-8

tree=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=core/cmake/setup.sh
source "$tree/core/cmake/setup.sh"

suite=${1:?suite}
who=${2:?root or user}
mirror=${VELD_DEBIAN_MIRROR:-http://deb.debian.org/debian}
security_mirror=${VELD_DEBIAN_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
fresh=${VELD_FRESH:-$(cache_root)/fresh}
base=$fresh/base-$suite.tar.gz

# From here on as root; the settings that matter are handed through sudo by name.
if ((EUID != 0)); then
  exec sudo env VELD_FRESH="$fresh" VELD_DEBIAN_MIRROR="$mirror" \
    VELD_DEBIAN_SECURITY_MIRROR="$security_mirror" http_proxy="${http_proxy:-}" \
    https_proxy="${https_proxy:-}" no_proxy="${no_proxy:-}" \
    NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-}" bash "${BASH_SOURCE[0]}" "$@"
fi
# A namespace of its own: what is mounted and started inside ends with it.
if [[ ${VELD_FRESH_INSIDE:-} != yes ]]; then
  VELD_FRESH_INSIDE=yes exec unshare --mount --pid --fork --kill-child bash "${BASH_SOURCE[0]}" "$@"
fi

make_base() {
  [[ -e $base ]] && return
  say "making a bare Debian $suite (once)"
  debootstrap --variant=minbase --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
    "$suite" "$root" "$mirror" >"$fresh/debootstrap-$suite.log" 2>&1 || {
    tail -n 5 "$fresh/debootstrap-$suite.log" >&2
    refuse "$EXIT_NETWORK" "making a bare Debian $suite" \
      "debootstrap failed (see above and $fresh/debootstrap-$suite.log)" "connect and repeat"
  }
  tar --one-file-system -C "$root" -czf "$base.part" .
  mv -- "$base.part" "$base"
}

mount_system() {
  mkdir -p "$root/proc" "$root/dev" "$root/tmp" "$fresh/debs-$suite/partial"
  mount -t proc proc "$root/proc"
  mount -t tmpfs -o mode=755,size=1m dev "$root/dev"
  local node
  for node in null zero full random urandom tty; do
    touch "$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
  done
  mkdir -p "$root/dev/pts" "$root/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  ln -s /proc/self/fd "$root/dev/fd"
  mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
  # Packages are fetched once per suite, not once per run.
  mount --bind "$fresh/debs-$suite" "$root/var/cache/apt/archives"
}

# The network as the host has it, without which nothing could be fetched; nothing else of the host.
lend_network() {
  cp -- /etc/resolv.conf "$root/etc/resolv.conf"
  printf '127.0.0.1 localhost %s\n' "$(hostname)" >"$root/etc/hosts"
  rm -f -- "$root"/etc/apt/sources.list
  cat >"$root/etc/apt/sources.list.d/debian.sources" <<SOURCES
Types: deb
URIs: $mirror
Suites: $suite $suite-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: $security_mirror
Suites: $suite-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
  apt-config dump | grep -E '^Acquire::(http|https|Check-|Retries|ForceIPv)' \
    >"$root/etc/apt/apt.conf.d/90host" || true
  if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
    mkdir -p "$root/usr/local/share/ca-certificates"
    cp -- /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
  fi
}

# inside COMMAND...: in the root, with a clean environment, as root.
inside() {
  env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb \
    LANG=C.UTF-8 http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" \
    no_proxy="${no_proxy:-}" NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-}" CI=true \
    chroot "$root" "$@"
}

# in_clone SCRIPT: in the clone, as who is being tested.
in_clone() {
  if [[ $who == root ]]; then
    inside bash -c "cd /root/veldkit && $1" </dev/null
  else
    inside setpriv --reuid veld --regid veld --init-groups env HOME=/home/veld USER=veld \
      bash -c "cd /home/veld/veldkit && $1" </dev/null
  fi
}

# refused CODE SCRIPT: the set-up must end so here, with the bare machine as the reason.
refused() {
  local got=0
  in_clone "$2" >"$root/tmp/refused" 2>&1 || got=$?
  if ((got != $1)); then
    cat -- "$root/tmp/refused" >&2
    say "expected code $1, got $got from: $2"
    exit 1
  fi
  sed -n '/cannot go on/,$p' "$root/tmp/refused"
}

bring_clone() {
  local home=/root
  if [[ $who == user ]]; then
    home=/home/veld
    inside useradd --create-home --shell /bin/bash veld
  fi
  git -c safe.directory='*' clone -q --no-hardlinks "$tree" "$root$home/veldkit"
  [[ $who == root ]] || inside chown -R veld:veld "$home/veldkit"
}

give_sudo() {
  inside bash -c 'apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
    install --no-install-recommends sudo >/dev/null 2>&1
    echo "veld ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/veld
    rm -rf /var/lib/apt/lists/*' # as bare as before
}

# On the way to a build everything goes wrong once; each time the same command then goes on.
refuse_everything_once() {
  local nowhere=http://127.0.0.1:9
  if [[ $who == user ]]; then
    refused "$EXIT_RIGHTS" "./run build"
    give_sudo
  fi
  refused "$EXIT_NETWORK" "VELD_RETRY_SECONDS=0 http_proxy=$nowhere ./run build"
  mount -t tmpfs -o mode=1777,size=50m small "$root/mnt"
  refused "$EXIT_DISK" "VELD_CACHE=/mnt/cache ./run build"
  umount "$root/mnt"
  refused "$EXIT_NETWORK" "VELD_RETRY_SECONDS=0 VELD_DEBIAN_MIRROR=$nowhere/debian ./run build"
  say "and stopped in the middle of building a library"
  refused 137 "setsid --wait timeout --signal=KILL 15 ./run build"
}

enter() {
  bring_clone
  refuse_everything_once
  in_clone "./run demo --once && ./run test"
}

remove_root() {
  # All that was mounted below, also by tests that were stopped: the deepest first.
  awk -v root="$root/" 'index($2, root) == 1 { print $2 }' /proc/self/mounts | sort -r |
    xargs -r -d '\n' -n 1 umount -l || true
  rm -rf --one-file-system -- "$root"
}

main() {
  local started=$SECONDS
  mount --make-rprivate /
  need_room "$fresh" 4000 "making a bare Debian"
  # A root that a killed run left behind is only files: its mounts went with its namespace.
  find "$fresh" -maxdepth 1 -name "root-$suite.*" -mmin +240 -exec rm -rf --one-file-system {} +
  root=$(mktemp -d "$fresh/root-$suite.XXXXXX")
  chmod 755 "$root"
  trap remove_root EXIT
  trap 'exit 130' INT TERM HUP
  make_base
  [[ -e $root/etc/debian_version ]] || tar -C "$root" -xzf "$base"
  mount_system
  lend_network
  say "Debian $(cat "$root/etc/debian_version") ($suite), as $who"
  enter
  say "fresh: Debian $suite as $who passed in $((SECONDS - started)) s"
}

main; exit # on one line: an edit of this file under a running one does no harm

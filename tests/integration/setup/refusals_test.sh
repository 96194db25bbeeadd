#!/usr/bin/env bash
# Without network, disk or rights the set-up says what, why and what to do, leaves nothing half-made,
# and goes on when repeated. It runs on a copy of the scripts, with stubs in front of PATH where the
# real command would be slow or would change this machine.
# shellcheck disable=SC2016 # the stubs expand when they run
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
chmod 755 "$work"
mkdir -p "$work"/{tree/core,bin,cache,home}
cp -- "$VELD_SOURCE_DIR/run" "$work/tree/"
cp -R -- "$VELD_SOURCE_DIR/core/cmake" "$work/tree/core/"
chmod -R a+rX "$work"
export VELD_CACHE=$work/cache HOME=$work/home VELD_RETRY_SECONDS=0 CI=true
export VELD_DEBIAN_MIRROR=http://127.0.0.1:9/debian
export VELD_DEBIAN_SECURITY_MIRROR=http://127.0.0.1:9/debian-security
unset http_proxy
PATH=$work/bin:$PATH

# stub NAME TEXT: a command of that name in front of the real one.
stub() {
  printf '#!/bin/bash\n%s\n' "$2" >"$work/bin/$1"
  chmod 755 "$work/bin/$1"
}
unstub() { rm -f -- "${@/#/$work/bin/}"; }

# ends CODE TEXT COMMAND...: the command ends so, and says so.
ends() {
  local code=$1 text=$2 got=0
  shift 2
  "$@" >"$work/out" 2>&1 </dev/null || got=$?
  if ((got != code)) || ! grep -qF -- "$text" "$work/out"; then
    echo "expected code $code and '$text', got code $got from: $*"
    cat "$work/out"
    exit 1
  fi
  if ((code >= 10)) && ! { grep -q '  why: ' "$work/out" && grep -q '  do: ' "$work/out"; }; then
    echo "it does not say why and what to do:"
    cat "$work/out"
    exit 1
  fi
}

nothing_half_made() {
  local left
  left=$(find "$work/cache/deps" -mindepth 1 ! -name lock)
  [[ -z $left ]] || { echo "left behind: $left"; exit 1; }
}

deps=$work/tree/core/cmake/deps.sh
run=$work/tree/run

# ---- disk ----
stub df 'printf "Filesystem 1M Used Available Use Mounted\nx 10 5 5 50%% /\n"'
ends 11 "has 5 MB free and this needs" "$deps"
unstub df
VELD_CACHE=/proc/veldkit ends 11 "cannot be made or written" "$deps"

# ---- network: real apt, an address where nobody listens. The repeat is past the disk. ----
ends 10 "did not answer" "$deps"
nothing_half_made

# ---- trust: what the archive offers is held against the lock file ----
stub apt-get '[[ " $* " == *" source "* ]] && { echo "E: Failed to fetch"; exit 100; }; exit 0'
read -r package version file hash < <(grep '^mbedtls .*orig' "$work/tree/core/cmake/deps.lock")
sources() {
  stub apt-cache "cat <<'END'
Package: $package
Version: $1
Checksums-Sha256:
 $2 1 $file
Directory: pool
END"
}
sources "$version" "${hash//[0-9]/0}"
ends 13 "are not those in core/cmake/deps.lock" "$deps"
sources 3.6.999-1 "$hash"
ends 10 "fetching the source package" "$deps"
grep -q "is newer than what Veldkit was tested with" "$work/out"
sources 4.0.0-1 "$hash"
ends 13 "has no mbedtls 3.6.x any more" "$deps"
unstub apt-cache
nothing_half_made

# ---- stopped half-way: the next run clears away and goes on ----
stub apt-get 'echo ready >"$VELD_CACHE/started"; exec sleep 60'
setsid "$deps" >/dev/null 2>&1 </dev/null & # a group of its own, to be killed whole
pid=$!
for _ in $(seq 100); do
  [[ ! -e $work/cache/started ]] || break
  sleep 0.1
done
kill -KILL -- "-$pid"
wait "$pid" 2>/dev/null || true
compgen -G "$work/cache/deps/.work.*" >/dev/null || { echo "the stop left nothing to test"; exit 1; }
stub apt-get 'exit 100'
ends 10 "did not answer" "$deps"
nothing_half_made

# ---- rights and packages, through ./run; building itself is stubbed ----
prefix=$("$deps" --prefix)
mkdir -p "$prefix"
touch "$prefix/complete"
chmod -R a+rwX "$work/tree" "$work/cache" "$work/home"
stub cmake 'echo "cmake $*"'
stub dpkg-query '[[ $* == *libcbor-dev* ]] && echo not-installed || echo installed'
stub sudo 'exit 1'
as_user=()
((EUID != 0)) || as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
ends 12 "is not root and may not use sudo" "${as_user[@]}" "$run" build
grep -qF "apt-get install --no-install-recommends libcbor-dev" "$work/out"

# sudo works now, the archive does not answer, then the disk is full, then all is well
stub sudo '[[ $1 == -n ]] && exit 0; exec "$@"'
stub apt-get 'echo "E: Failed to fetch http://127.0.0.1:9/x  Could not connect"; exit 100'
ends 10 "was not reached" "${as_user[@]}" "$run" build
stub apt-get 'echo "E: You do not have enough free space in /var/cache/apt/archives/."; exit 100'
ends 11 "the disk of /var or /usr is full" "${as_user[@]}" "$run" build
stub apt-get 'exit 0'
ends 0 "built build/bin/veldkit" "${as_user[@]}" "$run" build
echo "every refusal was clear, and every repeat went on"

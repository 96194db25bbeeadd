#!/usr/bin/env bash
# install.sh: the npm packages of package-lock.json, into a cache outside the tree.
#
#   install.sh            install when missing, then print the node_modules folder
#   install.sh --prefix   print that folder, install nothing
#
# A test in JavaScript loads them with createRequire(`${process.env.VELD_NODE_MODULES}/`), because an
# import statement looks beside the source only. Scripts of packages are not run.
set -euo pipefail
export LC_ALL=C

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=core/cmake/setup.sh
source "$here/../../core/cmake/setup.sh"

node_cache=$(cache_root)/node
prefix=$node_cache/$(cat -- "$here/package.json" "$here/package-lock.json" | sha256sum | cut -c 1-16)

if [[ ${1:-} != --prefix && ! -e $prefix/complete ]]; then
  command -v npm >/dev/null || refuse "$EXIT_RIGHTS" "installing the test packages" \
    "npm was not found" "./run test installs what is needed"
  need_room "$node_cache" 50 "installing the test packages"
  exec 9>"$node_cache/lock"
  flock 9
  if [[ ! -e $prefix/complete ]]; then
    rm -rf -- "$node_cache"/.work.*
    work=$(mktemp -d "$node_cache/.work.XXXXXX")
    trap 'rm -rf -- "$work"' EXIT
    cp -- "$here/package.json" "$here/package-lock.json" "$work"
    say "installing the test packages from npm"
    retry npm --prefix "$work" ci --ignore-scripts --no-audit --no-fund --loglevel=error \
      >"$node_cache/npm.log" 2>&1 || {
      tail -n 5 "$node_cache/npm.log" >&2
      refuse "$EXIT_NETWORK" "installing the test packages" \
        "npm failed (see above and $node_cache/npm.log)" "connect to the npm registry and repeat"
    }
    touch "$work/complete"
    rm -rf -- "$prefix"
    mv -T -- "$work" "$prefix"
  fi
fi
printf '%s\n' "$prefix/node_modules"

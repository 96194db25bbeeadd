#!/usr/bin/env bash
# deps.sh: Mbed TLS 3.6 and libgit2 1.9 as static libraries, from Debian 13's source packages.
#
#   deps.sh            build what is missing, then print the prefix
#   deps.sh --prefix   print the prefix, build nothing
#   deps.sh --lock     print the lines of deps.lock for what the archive holds now
#
# Debian 12 has versions that will not do (see core/DESIGN.md), so both Debians build the same ones.
# apt fetches and verifies with lists and sources of its own in a temporary folder; the system's apt
# is not touched and no rights are needed. The result is moved into the cache in one rename: a stop
# half-way leaves nothing that a later run could take for finished.
set -euo pipefail
export LC_ALL=C

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=core/cmake/setup.sh
source "$here/setup.sh"

readonly SERIES="mbedtls=3.6. libgit2=1.9."
readonly ROOM_MB=400 # lists 25, sources 90, objects 120, with some air
mirror=${VELD_DEBIAN_MIRROR:-http://deb.debian.org/debian}
security_mirror=${VELD_DEBIAN_SECURITY_MIRROR:-http://deb.debian.org/debian-security}

# The key covers all that decides what comes out: recipe, configuration, versions, compiler, system.
key() {
  {
    cat -- "$here/deps.sh" "$here/mbedtls_config.h" "$here/deps.lock"
    uname -m
    ${CC:-cc} --version 2>/dev/null | head -n 1 || true
    grep -h '^VERSION_ID=' /etc/os-release || true
  } | sha256sum | cut -c 1-16
}

# ---- the archive ----
apt_private() {
  local command=$1
  shift
  "$command" -q -o Dir::Etc::SourceList="$work/apt/veldkit.sources" -o Dir::Etc::SourceParts=- \
    -o Dir::State::Lists="$work/apt/lists" -o Dir::Cache::archives="$work/apt/archives" \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User="$(id -un)" \
    -o Acquire::Languages=none -o Acquire::http::Timeout=30 -o Acquire::Retries=1 "$@"
}

fetch_lists() {
  mkdir -p "$work/apt/lists/partial" "$work/apt/archives/partial"
  cat >"$work/apt/veldkit.sources" <<SOURCES
Types: deb-src
URIs: $mirror
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb-src
URIs: $security_mirror
Suites: trixie-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
  retry apt_private apt-get update -o APT::Update::Error-Mode=any >"$work/apt.log" 2>&1 || {
    tail -n 5 "$work/apt.log" >&2
    refuse "$EXIT_NETWORK" "reading Debian 13's list of source packages" \
      "$mirror or $security_mirror did not answer, or its signature does not hold (see above)" \
      "connect, or name a mirror in VELD_DEBIAN_MIRROR and VELD_DEBIAN_SECURITY_MIRROR; repeat"
  }
}

# newest PACKAGE SERIES: "version" of the newest source package that starts with the series.
newest() {
  local version best=""
  while read -r version; do
    [[ $version == "$2"* ]] || continue
    if [[ -z $best ]] || dpkg --compare-versions "$version" gt "$best"; then
      best=$version
    fi
  done < <(apt_private apt-cache showsrc --only-source "$1" | sed -n 's/^Version: //p')
  [[ $best ]] || refuse "$EXIT_TRUST" "choosing $1" "Debian 13 has no $1 $2x any more" \
    "take a newer version of Veldkit, or change SERIES in core/cmake/deps.sh"
  printf '%s\n' "$best"
}

# hashes PACKAGE VERSION: lines "package version file sha256", from the Sources file apt verified.
hashes() {
  apt_private apt-cache showsrc --only-source "$1" | awk -v package="$1" -v version="$2" '
    /^Version:/ { mine = ($2 == version) }
    /^[^ ]/     { sums = /^Checksums-Sha256:/ }
    mine && sums && /^ / { print package, version, $3, $1 }' | sort -u
}

# check_lock PACKAGE VERSION: a known version must be the very files that were tested.
check_lock() {
  local known now
  known=$(grep -F "$1 $2 " "$here/deps.lock" || true)
  now=$(hashes "$1" "$2")
  if [[ -z $known ]]; then
    say "warning: $1 $2 is newer than what Veldkit was tested with; going on with it"
  elif [[ $known != "$now" ]]; then
    refuse "$EXIT_TRUST" "fetching $1 $2" "its files are not those in core/cmake/deps.lock" \
      "do not use this mirror; report it (SECURITY.md)"
  fi
}

# fetch PACKAGE VERSION: unpacks, with Debian's patches, into $work/PACKAGE.
fetch() {
  (
    cd -- "$work"
    retry apt_private apt-get source --only-source --download-only "$1=$2" >"$work/apt.log" 2>&1 || {
      tail -n 5 "$work/apt.log" >&2
      refuse "$EXIT_NETWORK" "fetching the source package $1 $2" \
        "$mirror did not deliver it (see above)" "connect and repeat"
    }
    # apt has checked this already; a second, independent look costs nothing.
    hashes "$1" "$2" | awk '{ print $4 "  " $3 }' | sha256sum --check --quiet --strict >&2 ||
      refuse "$EXIT_TRUST" "fetching $1 $2" "a file has another hash than the signed list says" \
        "repeat; when it stays so, report it (SECURITY.md)"
    dpkg-source --no-check -x ./"$1"_*.dsc "$work/$1" >"$work/$1.log" 2>&1
  ) || {
    local code=$?
    ((code >= EXIT_NETWORK && code <= EXIT_BUILD)) && exit "$code"
    build_failed "$1"
  }
}

# ---- the builds ----
build_failed() {
  tail -n 30 "$work/$1.log" >&2
  cp -- "$work/$1.log" "$deps/failed-$1.log" || true
  df -Pm -- "$deps" | awk 'NR == 2 && $4 < 20 { exit 1 }' ||
    refuse "$EXIT_DISK" "building $1" "$deps is full" "free some room and repeat"
  refuse "$EXIT_BUILD" "building $1" "see above and $deps/failed-$1.log" \
    "repair what it names, then repeat"
}

# build PACKAGE OPTION...: the options are CMake's.
build() {
  local package=$1
  shift
  say "building $package (once; a minute or so)"
  {
    cmake -S "$work/$package" -B "$work/$package-build" -G Ninja \
      -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS="-O2 -g -fPIC" \
      -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_INSTALL_LIBDIR=lib \
      -DCMAKE_INSTALL_PREFIX="$work/out" "$@" &&
      cmake --build "$work/$package-build" --parallel "${VELD_JOBS:-$(nproc)}" &&
      cmake --install "$work/$package-build"
  } >>"$work/$package.log" 2>&1 || build_failed "$package"
}

build_mbedtls() {
  # The header is replaced before building, so library and users read the same file.
  cp -- "$here/mbedtls_config.h" "$work/mbedtls/include/mbedtls/mbedtls_config.h"
  build mbedtls -DENABLE_TESTING=OFF -DENABLE_PROGRAMS=OFF -DGEN_FILES=OFF \
    -DMBEDTLS_FATAL_WARNINGS=OFF -DUSE_STATIC_MBEDTLS_LIBRARY=ON -DUSE_SHARED_MBEDTLS_LIBRARY=OFF
}

build_libgit2() {
  build libgit2 -DBUILD_SHARED_LIBS=OFF -DBUILD_TESTS=OFF -DBUILD_CLI=OFF -DUSE_THREADS=ON \
    -DUSE_HTTPS=OFF -DUSE_SSH=OFF -DUSE_NTLMCLIENT=OFF -DUSE_GSSAPI=OFF \
    -DREGEX_BACKEND=regcomp -DUSE_HTTP_PARSER=http-parser -DUSE_BUNDLED_ZLIB=OFF
}

need_tools() {
  local tool missing=()
  for tool in apt-get dpkg-source cmake ninja cc flock; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  ((${#missing[@]} == 0)) || refuse "$EXIT_RIGHTS" "building the libraries" \
    "not found: ${missing[*]}" "./run build installs what is needed"
}

begin_work() {
  work=$(mktemp -d "$deps/.work.XXXXXX")
  trap 'rm -rf -- "$work"' EXIT
  trap 'exit 130' INT TERM HUP
}

main() {
  local pair package version prefix
  deps=$(cache_root)/deps
  prefix=$deps/$(key)
  case ${1:-} in
  --prefix)
    printf '%s\n' "$prefix"
    return
    ;;
  --lock) ;;
  "")
    if [[ -e $prefix/complete ]]; then
      printf '%s\n' "$prefix"
      return
    fi
    ;;
  *)
    say "unknown option $1; known: --prefix --lock"
    exit "$EXIT_USAGE"
    ;;
  esac
  need_tools
  need_room "$deps" "$ROOM_MB" "building the libraries"
  # One builder at a time; who waited finds the work done. The lock dies with its process.
  exec 9>"$deps/lock"
  flock --nonblock 9 || {
    say "waiting for another build of the libraries"
    flock 9
  }
  if [[ ${1:-} != --lock && -e $prefix/complete ]]; then
    printf '%s\n' "$prefix"
    return
  fi
  rm -rf -- "$deps"/.work.* # left by a run that was killed: nobody else holds the lock
  begin_work
  fetch_lists
  for pair in $SERIES; do
    package=${pair%%=*}
    version=$(newest "$package" "${pair#*=}")
    if [[ ${1:-} == --lock ]]; then
      hashes "$package" "$version"
      continue
    fi
    check_lock "$package" "$version"
    say "fetching $package $version"
    fetch "$package" "$version"
    "build_$package"
    printf '%s %s\n' "$package" "$version" >>"$work/out/complete"
  done
  [[ ${1:-} != --lock ]] || return 0
  # Paths of the temporary folder must not survive in what users of the prefix read.
  grep -rlIF -- "$work/out" "$work/out/lib" | while read -r version; do
    sed -i "s|$work/out|$prefix|g" "$version"
  done
  rm -rf -- "$prefix"
  mv -T -- "$work/out" "$prefix"
  printf '%s\n' "$prefix"
}

main "$@"

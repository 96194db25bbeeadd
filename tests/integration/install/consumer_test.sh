#!/usr/bin/env bash
# A stranger's program builds against the installed tree, by CMake and by pkg-config, and runs.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }; }

quietly cmake --install "$VELD_BINARY_DIR" --prefix "$work/usr" --component library

expect() {
  local got
  got=$("$1")
  [[ $got == 6f6b21 ]] || { echo "$1 printed '$got'"; exit 1; }
}

quietly cmake -S "$here/consumer" -B "$work/cmake" -G Ninja -DCMAKE_PREFIX_PATH="$work/usr"
quietly cmake --build "$work/cmake"
expect "$work/cmake/consumer"

pc=$(find "$work/usr" -name veldkit.pc)
export PKG_CONFIG_PATH=${pc%/*}
# --define-prefix: the test installs elsewhere than where it was configured for.
flags=$(pkg-config --define-prefix --cflags --libs veldkit)
# shellcheck disable=SC2086 # the flags are words
cc -o "$work/by-pkg-config" "$here/consumer/main.c" $flags
expect "$work/by-pkg-config"

if grep -rlF --include='*.cmake' --include='*.pc' -- "$VELD_SOURCE_DIR" "$work/usr"; then
  echo "the files above name the source tree"
  exit 1
fi
# Every public header compiles on its own, as C and with only what was installed.
for header in "$work"/usr/include/veldkit/*.h; do
  printf '#include <veldkit/%s>\nint something;\n' "${header##*/}" >"$work/one.c"
  cc -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$work/usr/include" "$work/one.c"
done

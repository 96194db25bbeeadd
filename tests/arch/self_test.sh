#!/usr/bin/env bash
# The check of the layers must be able to fail: each wrong tree below has exactly one fault.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# tree FILE TEXT: a tiny sound tree, with TEXT added to FILE.
tree() {
  rm -rf -- "$work/t"
  mkdir -p "$work/t"/core/{include/veldkit,base,crypto,json,store,cases,host,attic} \
    "$work/t"/{field-client,sync-server,tests}
  printf 'span.h base\ngate.h json\nseal.h crypto\nvault.h store\n' >"$work/t/rooms.txt"
  local header
  for header in span gate seal vault; do
    : >"$work/t/core/include/veldkit/$header.h"
  done
  printf '#include "veldkit/span.h"\n#include <psa/crypto.h>\n' >"$work/t/core/crypto/seal.c"
  printf '/* not time(NULL) but\n * clock_gettime() */\nint a; // fork()\nint time_of(int);\n' \
    >"$work/t/core/base/span.c"
  printf '#include <time.h>\nint f(void) { return (int)time(0); }\n' >"$work/t/core/host/clock.c"
  printf '#include "veldkit/vault.h"\n#include "veldkit/span.h"\n' >"$work/t/field-client/main.c"
  [[ $# -eq 0 ]] || printf '%b\n' "$2" >>"$work/t/$1"
}

refuses() {
  tree "$2" "$3"
  if bash "$here/check.sh" "$work/t" "$work/t/rooms.txt" >"$work/out"; then
    echo "not found: $1"
    exit 1
  fi
  grep -q '^1 finding' "$work/out" || { echo "$1:"; cat "$work/out"; exit 1; }
}

tree
bash "$here/check.sh" "$work/t" "$work/t/rooms.txt"

refuses "a room above" core/base/span.c '#include "veldkit/seal.h"'
refuses "a room above, in a public header" core/include/veldkit/span.h '#include "veldkit/vault.h"'
refuses "a sibling" core/json/gate.c '#include "veldkit/seal.h"'
refuses "a private header of a sibling" core/json/gate.c '#include "../crypto/psa.h"'
refuses "the host room" core/store/vault.c '#  include "../host/clock.h"'
refuses "a third-party header elsewhere" core/cases/join.c '#include <sqlite3.h>'
refuses "a third-party header in a program" field-client/main.c '#include <cJSON.h>'
refuses "a primitive outside crypto" field-client/main.c '#include <mbedtls/gcm.h>'
refuses "a socket" core/cases/join.c '#include <sys/socket.h>'
refuses "a thread" core/cases/join.c '#include <pthread.h>'
refuses "a clock" core/cases/join.c 'long now(void) { return time(0); }'
refuses "random bytes" core/crypto/seal.c 'int r = getrandom(p, 1, 0);'
refuses "a room of no layer" core/attic/old.c ''
refuses "the other program" sync-server/main.c '#include "../field-client/net.h"'
echo "every fault was found"

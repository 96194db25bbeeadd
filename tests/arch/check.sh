#!/usr/bin/env bash
# check.sh TREE ROOMS: holds every #include of the tree against the layers of core/DESIGN.md.
#
#   1. a room of core includes headers of the rooms below it and of itself, and no others
#   2. a third-party header is included in the one directory that owns it
#   3. core asks the operating system for nothing: no socket, thread, clock or random source, but in
#      core/host, and in core/cli, which only programs link
#
# ROOMS has lines "header room" for the public headers (written by the configure step). Prints one
# line per finding and fails when there is any.
set -euo pipefail
export LC_ALL=C

tree=${1:?tree}
rooms=${2:?rooms.txt}
findings=0

found() {
  printf '%s\n' "$*"
  findings=$((findings + 1))
}

# What each room may include besides itself. A room that is not listed is a finding, so a new room
# is a decision that shows in this table.
declare -A BELOW=(
  [base]=""
  [host]="base crypto net host_net"
  [crypto]="base"
  [net]="base crypto"
  [host_net]="base crypto net"
  [json]="base"
  [cli]="base json host"
  [wire]="base crypto json"
  [store]="base crypto json wire"
  [tpm]="base store"
  [history]="base crypto json wire"
  [cases]="base crypto json wire store history"
  [clocks]="base crypto json wire store history"
  [labels]="base json cli wire cases"
  [trail]="base crypto json wire store history cases"
  [authority]="base crypto json wire store history cases clocks trail"
  [sync]="base crypto json wire store history cases clocks trail authority"
  [relay]="base crypto wire authority sync"
)

# Which directories may include a third-party header. Tests and benches may include what the room
# they test owns; they are checked by review.
third_party() {
  case $1 in
  mbedtls/ssl*.h | mbedtls/x509*.h) echo "core/net" ;;
  mbedtls/net_sockets.h) echo "nowhere" ;;
  psa/* | mbedtls/*) echo "core/crypto core/net" ;;
  argon2.h) echo "core/crypto" ;;
  cJSON.h | cjson/*) echo "core/json" ;;
  cbor.h | cbor/* | zstd*.h) echo "core/wire" ;;
  sqlite3*.h) echo "core/store sync-server/store/sqlite" ;;
  git2.h | git2/*) echo "core/history" ;;
  nghttp2/*) echo "core/net" ;;
  tss2/*) echo "core/tpm" ;;
  event2/*)
    echo "field-client/http sync-server/net sync-server/relay sync-server/merger sync-server/console"
    ;;
  libpq-fe.h) echo "sync-server/store/postgres" ;;
  seccomp.h) echo "sync-server/sandbox" ;;
  cmocka.h) echo "tests" ;;
  esac
}

# Headers and calls of the operating system that core must not know.
readonly SYSTEM_HEADERS='^(sys/socket|sys/un|sys/select|sys/epoll|sys/time|sys/random|netinet/|arpa/|netdb|poll|pthread|threads)'
readonly SYSTEM_CALLS='(^|[^A-Za-z0-9_>.])(time|clock|clock_gettime|clock_nanosleep|gettimeofday|nanosleep|sleep|usleep|getrandom|getentropy|socket|connect|fork|pthread_[a-z_]+|thrd_[a-z_]+)[[:space:]]*\('

declare -A ROOM_OF=()
while read -r header room; do
  [[ $header ]] && ROOM_OF[$header]=$room
done <"$rooms"

for path in "$tree"/core/include/veldkit/*.h; do
  [[ -e $path ]] || continue
  header=${path##*/}
  [[ ${ROOM_OF[$header]:-} ]] ||
    echo "note: core/include/veldkit/$header belongs to no room: add it to HEADERS of a veld_module()"
done

# allowed_room FILE USER OWNER
allowed_room() {
  [[ $2 == "$3" || " ${BELOW[$2]-} " == *" $3 "* ]] ||
    found "$1: room $2 includes a header of room $3, which is not below it"
}

inside() {
  local file=$1 folder
  shift
  for folder in "$@"; do
    [[ $file == "$folder"/* ]] && return 0
  done
  return 1
}

check_include() {
  local file=$1 header=$2 room=$3 owners
  owners=$(third_party "$header")
  # shellcheck disable=SC2086 # the owners are words
  if [[ $owners && $file != tests/* ]] && ! inside "$file" $owners; then
    found "$file: <$header> may be included in $owners only"
  fi
  if [[ $header == veldkit/* ]]; then
    [[ -z $room ]] || allowed_room "$file" "$room" "${ROOM_OF[${header#veldkit/}]:-unknown}"
    return
  fi
  [[ $room ]] || return 0
  if [[ $room != host && $room != cli && $header =~ $SYSTEM_HEADERS ]]; then
    found "$file: core includes <$header>; only core/host and core/cli speak to the operating system"
  fi
  # A private header of another room: by path, since rooms share no include directory.
  if [[ $header =~ ^(\.\./)+([a-z]+)/ && -d $tree/core/${BASH_REMATCH[2]} ]]; then
    allowed_room "$file" "$room" "${BASH_REMATCH[2]}"
  elif [[ $header =~ ^(core/)?([a-z]+)/ && -d $tree/core/${BASH_REMATCH[2]} ]]; then
    allowed_room "$file" "$room" "${BASH_REMATCH[2]}"
  fi
  case $header in
  *field-client/* | *sync-server/*) found "$file: core includes $header of a program" ;;
  esac
}

check_file() {
  local file=$1 room="" header line
  if [[ $file == core/include/veldkit/* ]]; then
    room=${ROOM_OF[${file##*/}]:-}
  elif [[ $file == core/*/* && $file != core/cmake/* ]]; then
    room=${file#core/}
    room=${room%%/*}
    [[ -v BELOW[$room] ]] || found "$file: room $room is not in the table of tests/arch/check.sh"
  fi
  while read -r header; do
    check_include "$file" "$header" "$room"
    case $file:$header in
    field-client/*:*sync-server/* | sync-server/*:*field-client/*)
      found "$file: a program includes $header of the other program"
      ;;
    esac
  done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]([^>"]+)[>"].*/\1/p' "$tree/$file")
  if [[ $room && $room != host && $room != cli && $file == *.c ]]; then
    while read -r line; do
      found "$file:$line: core calls the operating system; only core/host and core/cli may"
    done < <(without_comments "$tree/$file" | grep -nE "$SYSTEM_CALLS" || true)
  fi
}

# Comments and texts may speak of time( and fork(; line numbers stay.
without_comments() {
  sed -E 's/"([^"\\]|\\.)*"/""/g; s@//.*@@; s@/\*[^*]*\*+([^/*][^*]*\*+)*/@@g' "$1" |
    awk '{
      line = $0; out = ""
      while (line != "") {
        if (inside) { i = index(line, "*/"); if (!i) break; line = substr(line, i + 2); inside = 0 }
        else { i = index(line, "/*"); if (!i) { out = out line; break }
               out = out substr(line, 1, i - 1); line = substr(line, i + 2); inside = 1 }
      }
      print out
    }'
}

while IFS= read -r path; do
  check_file "${path#"$tree"/}"
done < <(find "$tree/core" "$tree/field-client" "$tree/sync-server" "$tree/tests" \
  \( -name '*.c' -o -name '*.h' \) -not -path '*/node_modules/*' 2>/dev/null | sort)

((findings == 0)) || {
  printf '%d finding(s); the layers are in core/DESIGN.md\n' "$findings"
  exit 1
}

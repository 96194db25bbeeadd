# shellcheck shell=bash
# setup.sh: what `run` and deps.sh share, to be sourced: how they speak, and how they refuse.
#
# A set-up that cannot go on says what it was doing, where, why it failed and what to do, and ends
# with one of these codes. Nothing half-made is left behind, so the same command simply goes on.

readonly EXIT_USAGE=2
readonly EXIT_NETWORK=10 # the archive cannot be reached
readonly EXIT_DISK=11    # too little room, or a folder that cannot be written
readonly EXIT_RIGHTS=12  # packages are missing and may not be installed
readonly EXIT_TRUST=13   # what was fetched is not what was expected
readonly EXIT_BUILD=14   # a library did not build
export EXIT_USAGE EXIT_NETWORK EXIT_DISK EXIT_RIGHTS EXIT_TRUST EXIT_BUILD

say() { printf '%s\n' "veldkit: $*" >&2; }

# refuse CODE WHAT WHY DO
refuse() {
  printf 'veldkit: cannot go on: %s\n  why:  %s\n  do:   %s\n' "$2" "$3" "$4" >&2
  exit "$1"
}

cache_root() { printf '%s\n' "${VELD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/veldkit}"; }

# need_room FOLDER MEGABYTES WHAT: makes the folder, and refuses when it has too little room.
need_room() {
  local folder=$1 need_mb=$2 what=$3 free_mb
  mkdir -p -- "$folder" 2>/dev/null || true
  [[ -d $folder && -w $folder ]] ||
    refuse "$EXIT_DISK" "$what" "the folder $folder cannot be made or written" \
      "make it writable, or choose another: VELD_CACHE=/some/folder ./run ..."
  free_mb=$(df -Pm -- "$folder" | awk 'NR == 2 { print $4 }')
  ((free_mb >= need_mb)) ||
    refuse "$EXIT_DISK" "$what" "$folder has $free_mb MB free and this needs $need_mb MB" \
      "free some room, or choose another place: VELD_CACHE=/some/folder ./run ..."
}

# retry COMMAND...: three attempts, since mirrors and night-time networks hiccup.
retry() {
  local attempt
  for attempt in 1 2 3; do
    "$@" && return 0
    ((attempt == 3)) || sleep "${VELD_RETRY_SECONDS:-3}"
  done
  return 1
}

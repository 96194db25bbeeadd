#!/usr/bin/env bash
# ./run lists its verbs, knows what is not one, and the programs do not pretend to have any.
set -euo pipefail

fail() { echo "$*"; exit 1; }

ends() {
  local code=$1 text=$2 got=0 out
  shift 2
  out=$("$@" 2>&1 </dev/null) || got=$?
  ((got == code)) || fail "code $got instead of $code from: $*"
  [[ $out == *"$text"* ]] || fail "'$text' is not in the answer to $*: $out"
}

run=$VELD_SOURCE_DIR/run
for verb in build demo test bench lint fuzz fresh; do
  ends 0 "  $verb " "$run"
done
ends 2 "did you mean test?" "$run" tset
ends 2 "there is no verb zzzzzzzzz" "$run" zzzzzzzzz
ends 2 "takes no arguments" "$run" build all
ends 2 "takes --quick or nothing" "$run" test --fast
ends 2 "takes 12, 13 or nothing" "$run" fresh 11
ends 2 "no fuzz target nothing" "$run" fuzz nothing

for program in veldkit veldkit-server; do
  ends 0 "$program " "$VELD_BINARY_DIR/bin/$program" --version
  ends 0 "$program" "$VELD_BINARY_DIR/bin/$program" --help
  ends 2 "" "$VELD_BINARY_DIR/bin/$program" no-such-verb
  ! "$VELD_BINARY_DIR/bin/$program" --version >/dev/full 2>&1 || fail "$program: a full disk went unseen"
done

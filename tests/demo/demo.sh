#!/usr/bin/env bash
# demo.sh: a visit day on this machine, played with the real program: two tablets, no network, one
# file carried by hand. Every step is checked; --once ends with 0 only if all of them held.
#
#   demo.sh [--once] [--keep DIR] [--bin DIR]
set -euo pipefail
export LC_ALL=C.UTF-8

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
bin=$here/../../build/bin
dossiers=$here/../data/dossiers
once="" keep=""

usage() {
  printf 'usage: demo.sh [--once] [--keep DIR] [--bin DIR]\n' >&2
  exit 2
}

while (($# > 0)); do
  case $1 in
  --once) once=1 ;;
  --keep) keep=${2:-} && [[ -n $keep ]] || usage && shift ;;
  --bin) bin=${2:-} && [[ -n $bin ]] || usage && shift ;;
  *) usage ;;
  esac
  shift
done
bin=$(cd -- "$bin" && pwd)

if [[ -n $keep ]]; then
  mkdir -p -- "$keep"
  keep=$(cd -- "$keep" && pwd)
  work=$(mktemp -d -- "$keep/veldkit-demo.XXXXXX")
else
  work=$(mktemp -d)
fi
chmod 700 "$work"

finish() {
  local status=$?
  if [[ -n $keep || (-z $once && $status == 0) ]]; then
    printf '\nthe demo folder is kept: %s\n' "$work"
  else
    rm -rf -- "$work"
  fi
  ((status == 0)) || printf 'demo: a step did not hold (see above)\n' >&2
}
trap finish EXIT

number=0
step() { printf '\n%2d. %s\n' "$((++number))" "$*"; }
tell() { printf '    %s\n' "$*"; }
fail() {
  printf '    FAILED: %s\n' "$*" >&2
  exit 1
}

# tablet NAME VERB...: the program on that worker's tablet. Notes for people are left out; errors of
# a --json verb are on standard output and end the demo.
tablet() {
  local who=$1
  shift
  "$bin/veldkit" --home "$work/$who" --pin-file "$work/$who.pin" --quiet "$@"
}

# json_text NAME: the first member of that name, from one line of JSON that the program wrote.
json_text() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" | head -n 1; }

# record_of WHO CASE TYPE: the first record of a type. Members come sorted, so a record's id stands
# beside its type.
record_of() {
  tablet "$1" case show "$2" --json | grep -o '"record":"[^"]*","type":"[^"]*"' |
    sed -n "s/\"record\":\"\([^\"]*\)\",\"type\":\"$3\"/\1/p" | head -n 1
}

state_of() { tablet "$1" case show "$2" --json | json_text stateId; }
conflicts_of() { tablet "$1" conflicts "$2" --json; }

# carry FROM TO CASE: a bundle on a stick.
carry() {
  local name=${2^}
  tablet "$1" bundle make "$3" --to "$name" --file "$work/stick.vkb" >/dev/null
  tablet "$2" bundle take "$work/stick.vkb" --json >"$work/taken"
  rm -f -- "$work/stick.vkb"
}

step "Two tablets, each with a vault of its own"
for who in anna bert; do
  # Eight random letters and digits four times: far over the 50 bits that a vault without a
  # hardware keystore asks for.
  tr -dc 'a-z0-9' </dev/urandom 2>/dev/null | head -c 32 >"$work/$who.pin" || true
  echo >>"$work/$who.pin"
  tablet "$who" init --local --name "${who^}" --json >/dev/null
done
tell "passphrases are random and stay in $work"

step "Anna and Bert show each other their cards and compare the check code"
for pair in "anna bert" "bert anna"; do
  read -r from to <<<"$pair"
  tablet "$from" card >"$work/$from.card"
  code=$(tablet "$from" card --json | json_text code)
  tablet "$to" card add "$work/$from.card" --yes --check "$code" --json >/dev/null
  tell "${to^} keeps the card of ${from^}: $code"
done

step "Anna opens a crisis case at the kitchen table, without any network"
case_id=$(tablet anna case new --file "$dossiers/gezin-aan-de-vaart.json" --json | json_text case)
[[ -n $case_id ]] || fail "no case was made"
tell "$(tablet anna case list | head -n 1)"

step "She gives Bert the case in a file: key and changes, sealed to his tablet"
carry anna bert "$case_id"
tell "$(tablet bert case list | head -n 1)"
[[ $(state_of anna "$case_id") == "$(state_of bert "$case_id")" ]] || fail "states differ"

step "Both go on apart: other fields, and the same field of the same agreement"
agreement=$(record_of anna "$case_id" safety-agreement)
visit=$(record_of anna "$case_id" visit)
tablet anna record set "$case_id" "$agreement" 'when="elke vrijdag om 16.00 uur"' --json >/dev/null
tablet bert record set "$case_id" "$agreement" 'when="elke zaterdag om 10.00 uur"' --json >/dev/null
tablet anna record set "$case_id" "$visit" 'outcome=["spoken"]' --json >/dev/null
printf '{"fields":{"kind":"fact","text":"Buurvrouw haalt de kinderen op tot het gesprek."}}' \
  >"$work/note.json"
tablet bert record put "$case_id" note --file "$work/note.json" --json >/dev/null
tell "Anna: vrijdag; Bert: zaterdag, and a note"

step "Files in both directions: nothing is lost, nothing silently won"
carry anna bert "$case_id"
carry bert anna "$case_id"
[[ $(state_of anna "$case_id") == "$(state_of bert "$case_id")" ]] || fail "states differ"
for who in anna bert; do
  conflicts_of "$who" "$case_id" | grep -q 'vrijdag' || fail "$who misses Anna's value"
  conflicts_of "$who" "$case_id" | grep -q 'zaterdag' || fail "$who misses Bert's value"
done
[[ $(conflicts_of anna "$case_id" | json_text conflict) == \
  "$(conflicts_of bert "$case_id" | json_text conflict)" ]] || fail "not one conflict"
tell "both show the same open choice, with both values and who gave them"
tell "state on both: $(state_of anna "$case_id" | cut -c1-16)..."

step "They agree; the decision is an ordinary change and reaches the other tablet"
tablet anna record set "$case_id" "$agreement" 'when="elke vrijdag om 16.00 uur"' --json >/dev/null
carry anna bert "$case_id"
[[ $(state_of anna "$case_id") == "$(state_of bert "$case_id")" ]] || fail "states differ"
[[ $(conflicts_of bert "$case_id") == "[]" ]] || fail "the choice is still open"
tell "no open choice on either tablet; state: $(state_of bert "$case_id" | cut -c1-16)..."

step "Anyone can check it with stock tools"
tablet bert export "$case_id" "$work/export" --json >/dev/null
git -C "$work/export" fsck --strict >/dev/null 2>&1 || fail "git fsck"
signed=0
for commit in $(git -C "$work/export" rev-list main); do
  git -C "$work/export" verify-commit "$commit" 2>/dev/null || fail "git verify-commit $commit"
  signed=$((signed + 1))
done
tell "git fsck --strict is content; git verify-commit holds for all $signed changes"
first=$(git -C "$work/export" rev-list main | tail -n 1)
object() { git -C "$work/export" cat-file commit "$first"; }
object | sed -n '/^gpgsig /,/END SSH/{s/^gpgsig //;s/^ //;p}' >"$work/first.sig"
object | sed '/^gpgsig /,/END SSH/d' >"$work/first.text"
signer=$(git -C "$work/export" log -1 --format=%ce "$first")
ssh-keygen -Y verify -f "$work/export/allowed_signers" -I "$signer" -n git -s "$work/first.sig" \
  <"$work/first.text" >/dev/null 2>&1 || fail "ssh-keygen"
tell "ssh-keygen accepts the signature of the first change"
tablet bert verify "$case_id" --json >/dev/null || fail "verify"

step "Nothing of it is readable at rest"
for word in vrijdag zaterdag Buurvrouw; do
  ! grep -rqa -- "$word" "$work/anna" "$work/bert" || fail "\"$word\" stands in a vault"
done
tell "the words of the visit are in neither vault's files"

printf '\nall %d steps held\n' "$number"
if [[ -z $once ]]; then
  cat <<TEXT

To try it yourself:
  $bin/veldkit --home $work/anna --pin-file $work/anna.pin case show $case_id
  $bin/veldkit --home $work/anna --pin-file $work/anna.pin log $case_id
  git -C $work/export log --graph main
TEXT
fi

#!/usr/bin/env bash
# demo.sh: a visit day on this machine, played with the real programs: an agency with its server,
# three tablets and five invented households. Every step is checked; --once ends with 0 only if all of
# them held, without it the server stays up to be tried.
#
#   demo.sh [--once] [--keep DIR] [--bin DIR]
set -euo pipefail
export LC_ALL=C.UTF-8

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
bin=$here/../../build/bin
dossiers=$here/../data/dossiers
once="" keep="" server="" held="" tpms=()

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

stop_server() {
  [[ -n $server ]] || return 0
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=""
}

finish() {
  local status=$? who
  for who in anna bert; do
    "$bin/veldkit" --home "$work/$who" --no-input --quiet lock >/dev/null 2>&1 || true
  done
  stop_server
  for who in "${tpms[@]}"; do kill "$who" 2>/dev/null || true; done
  if [[ -n $keep ]]; then
    printf '\nthe demo folder is kept: %s\n' "$work"
  else
    rm -rf -- "$work"
  fi
  ((status == 0 || status == 130)) || printf 'demo: a step did not hold (see above)\n' >&2
  exit "$status"
}
trap finish EXIT
trap '[[ -z $held ]] && exit 130 || exit 0' INT TERM

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

# office VERB...: the administration, where --dir stands behind the verb's words.
office() { "$bin/veldkit-server" "$@" --dir "$work/agency" --quiet; }

# json_text NAME, json_count NAME: the last member of that name, from one line of JSON that a program
# wrote. Texts inside have their quotes escaped, so they cannot look like members.
json_text() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
json_count() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"; }

# record_of WHO CASE TYPE: the first record of a type. Members come sorted, so a record's id stands
# beside its type.
record_of() {
  tablet "$1" case show "$2" --json | grep -o '"record":"[^"]*","type":"[^"]*"' |
    sed -n "s/\"record\":\"\([^\"]*\)\",\"type\":\"$3\"/\1/p" | head -n 1
}

state_of() { tablet "$1" case show "$2" --json | json_text stateId; }
office_state() { office case show "$1" --json | json_text stateId; }
set_field() { tablet "$1" record set "$2" "$3" "$4" >/dev/null; }

# sync WHO: one call; its answer is in $work/sync.WHO.
sync() {
  tablet "$1" sync --once --json >"$work/sync.$1" || fail "sync of $1: $(cat "$work/sync.$1")"
}
# sync_until WHO COMMAND...: until the command agrees; a busy office may need more calls.
sync_until() {
  local who=$1 tries
  shift
  for ((tries = 0; tries < 30; tries++)); do
    sync "$who"
    ! "$@" || return 0
  done
  return 1
}
# shows WHO CASE CODE: does showing the case end with this exit code? Its answer is in $work/shut.
shows() {
  local code=0
  tablet "$1" case show "$2" --json >"$work/shut" 2>/dev/null || code=$?
  [[ $code == "$3" ]]
}
# sync_all WHO: until the office has taken in all that is here; a busy machine may need more calls.
sync_all() {
  local tries
  for ((tries = 0; tries < 20; tries++)); do
    sync "$1"
    [[ $(tablet "$1" status --json | json_count unsent) != 0 ]] || return 0
  done
  fail "$1 has unsent work: $(cat "$work/sync.$1")"
}
synced() { json_count "$2" <"$work/sync.$1"; }

same_everywhere() {
  local id a b c
  for id in "$@"; do
    a=$(state_of anna "$id") b=$(state_of bert "$id") c=$(office_state "$id")
    [[ -n $a && $a == "$b" && $b == "$c" ]] || fail "states of case $id differ: $a $b $c"
  done
}

# decide CONFLICT TAKE REASON: one person proposes, the other confirms.
decide() {
  office conflict resolve "$1" --take "$2" --reason "$3" --by carla \
    --pin-file "$work/carla.pin" >/dev/null
  [[ $(office conflict list --json) != "[]" ]] || fail "one person decided alone"
  office conflict confirm "$1" --by dirk --pin-file "$work/dirk.pin" >/dev/null
}

# says WORDS COMMAND...: are these words in its answer? Read whole: a program whose reader leaves
# early ends with an error.
says() {
  local words=$1 answer
  shift
  answer=$("$@") || return 1
  [[ $answer == *"$words"* ]]
}

# start_server: waits for its first line.
start_server() {
  : >"$work/server.out"
  "$bin/veldkit-server" serve --dir "$work/agency" --json >"$work/server.out" 2>"$work/server.err" &
  server=$!
  local tries
  for ((tries = 0; tries < 200; tries++)); do
    grep -q '"event":"listening"' "$work/server.out" && return
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  fail "the server did not start: $(cat "$work/server.err")"
}

# start_tpm WHO: a software TPM for this tablet, so that six digits do. Without swtpm, or where the
# path is too long for a socket, the key is in a file and the program makes a passphrase up.
start_tpm() {
  local folder=$work/tpm-$1 tries
  command -v swtpm >/dev/null && ((${#folder} < 80)) || return 1
  mkdir "$folder"
  swtpm socket --tpm2 --tpmstate "dir=$folder" --flags not-need-init,startup-clear \
    --server "type=unixio,disconnect,path=$folder/socket" \
    --ctrl "type=unixio,path=$folder/socket.ctrl" >"$folder/log" 2>&1 &
  tpms+=("$!")
  for ((tries = 0; tries < 100; tries++)); do
    [[ ! -S $folder/socket ]] || return 0
    sleep 0.05
  done
  return 1
}

# enrol_compared WHO KEYSTORE: the tablet waits until the office has typed the code on its screen.
enrol_compared() {
  local who=$1 tries code waiting asking shown=""
  code=$(office device invite --worker "${who^}" --confirm --json | json_text code)
  "$bin/veldkit" --home "$work/$who" --pin-file "$work/$who.pin" enrol "$code" --keystore "$2" \
    --json >"$work/enrol.$who" 2>"$work/screen.$who" &
  asking=$!
  for ((tries = 0; tries < 200; tries++)); do
    waiting=$(office device list --json | grep -o '{[^{}]*"state":"waiting"[^{}]*}') || true
    shown=$(sed -n 's/^.*Controlecode: \([0-9A-Z-]*\).*/\1/p' "$work/screen.$who")
    [[ -z $waiting ]] || break
    kill -0 "$asking" 2>/dev/null || break
    sleep 0.1
  done
  [[ -n $shown && $(json_text check <<<"$waiting") == "$shown" ]] ||
    fail "not one check code: $waiting, $(cat "$work/screen.$who" "$work/enrol.$who")"
  office device approve "$(json_text device <<<"$waiting")" --check "$shown" >/dev/null
  wait "$asking" || fail "$(cat "$work/enrol.$who")"
  tell "${who^} reads check code $shown from his screen; the office's list says the same, so it lets him in"
}

# random_digits: six, the PIN of a worker whose tablet has a TPM.
random_digits() { od -An -N4 -tu4 /dev/urandom | tr -d ' ' | sed 's/^/00000/; s/.*\(.\{6\}\)$/\1/'; }

step "An agency is founded, and its server starts"
office init --name "Veilig Thuis Voorbeeld" >/dev/null
mv -- "$work/agency/root" "$work/stick"
start_server
tell "the root key, which signs the other keys, went to a stick that lies in a safe"
tell "it listens on $(json_text url <"$work/server.out"), relay and merger as processes of their own"

step "Two people of the office get a name, a role and a PIN, and with it a key to sign with"
for who in carla dirk; do
  tr -dc '0-9' </dev/urandom 2>/dev/null | head -c 12 >"$work/$who.pin" || true
  office user add "$who" --role case_manager --pin-file "$work/$who.pin" >/dev/null
done
tell "Carla and Dirk: what protects a family is changed by two people together"

step "Two tablets are enrolled, each with a code of the office that works once"
for who in anna bert; do
  if start_tpm "$who"; then
    keystore=tpm2:swtpm:path=$work/tpm-$who/socket
    random_digits >"$work/$who.pin"
  else
    # Thirty-two random letters and digits: far over the 50 bits that a file asks for.
    keystore="file"
    tr -dc 'a-z0-9' </dev/urandom 2>/dev/null | head -c 32 >"$work/$who.pin" || true
    echo >>"$work/$who.pin"
  fi
  if [[ $who == bert ]]; then
    enrol_compared bert "$keystore"
  else
    code=$(office device invite --worker "${who^}" --json | json_text code)
    tablet "$who" enrol "$code" --keystore "$keystore" --json >"$work/enrol.$who" || fail "$(cat "$work/enrol.$who")"
    tell "${who^} is let in by the invitation alone; her check code is $(json_text check <"$work/enrol.$who")"
  fi
  tablet "$who" unlock --idle 60 >/dev/null
  tell "  the key of this tablet is in a" \
    "$(tablet "$who" status --json | json_text keystore | sed 's/tpm2/software TPM, six digits open it/')"
done

step "Anna brings four households to the office; it gives Bert the keys of all four"
cases=()
for dossier in gezin-aan-de-vaart drie-broers jong-stel mevrouw-in-de-bloemenbuurt; do
  cases+=("$(tablet anna case new --file "$dossiers/$dossier.json" --json | json_text case)")
done
read -r vaart broers stel bloemen <<<"${cases[*]}"
sync anna
sent=$(synced anna bytesUp)
sync_all anna
for id in "${cases[@]}"; do office case assign "$id" Bert >/dev/null; done
sync bert
[[ $(synced bert received) == 4 ]] || fail "Bert did not get the cases: $(cat "$work/sync.bert")"
same_everywhere "${cases[@]}"
tell "Anna sent $sent bytes; on Bert's tablet $(synced bert bytesDown) bytes later:"
tablet bert case list | sed 's/^[^ ]*/   /'

step "They leave; there is no network. Anna opens a crisis case at a kitchen table"
stop_server
crisis=$(tablet anna case new --file "$dossiers/stalking-na-scheiding.json" --json | json_text case)
cases+=("$crisis")
tell "$(tablet anna case list | grep -F "$crisis" | sed 's/^[^ ]* *//')"

step "Both work on the same households: on some in other fields, on one in the same"
agreement=$(record_of anna "$vaart" safety-agreement)
set_field anna "$vaart" "$agreement" 'when="elke vrijdag om 16.00 uur"'
set_field bert "$vaart" "$agreement" 'when="elke zaterdag om 10.00 uur"'
set_field anna "$broers" "$(record_of anna "$broers" person)" 'language="Fries"'
set_field bert "$broers" "$(record_of bert "$broers" visit)" 'purpose="Met de broers praten."'
set_field bert "$broers" "$(record_of bert "$broers" person)" 'language="Engels"'
set_field anna "$bloemen" "$(record_of anna "$bloemen" visit)" 'purpose="Samen naar het geld kijken."'
printf '{"fields":{"kind":"fact","text":"Buurvrouw haalt de kinderen op tot het gesprek."}}' \
  >"$work/note.json"
tablet bert record put "$stel" note --file "$work/note.json" >/dev/null
tell "one agreement: Anna writes vrijdag, Bert zaterdag; one language: Fries, Engels"

step "A sync without a server keeps all, and says what waits"
code=0
tablet anna sync --once --json >"$work/sync.anna" || code=$?
[[ $code == 7 ]] || fail "exit code $code, not 7"
grep -q '4 wijzigingen wachten op dit apparaat' "$work/sync.anna" || fail "$(cat "$work/sync.anna")"
tell "exit code 7: $(json_text detail <"$work/sync.anna" | cut -d';' -f1)"

step "By hand meanwhile: Bert's note goes to Anna in a file, sealed to her tablet"
for pair in "anna bert" "bert anna"; do
  read -r from to <<<"$pair"
  tablet "$from" card >"$work/$from.card"
  tablet "$to" card add "$work/$from.card" --yes --json \
    --check "$(tablet "$from" card --json | json_text code)" >/dev/null
done
tablet bert bundle make "$stel" --to Anna --file "$work/stick.vkb" >/dev/null
tablet anna bundle take "$work/stick.vkb" --json >"$work/taken"
[[ $(state_of anna "$stel") == "$(state_of bert "$stel")" ]] || fail "states differ"
tell "$(stat -c %s "$work/stick.vkb") bytes on the stick; both have the same state of that case"

step "There is signal again: everything goes up, nothing is lost, nothing silently won"
start_server
sync_all anna
sync_all bert
sync anna
same_everywhere "$vaart" "$broers" "$stel" "$bloemen"
for who in anna bert; do
  tablet "$who" conflicts --json >"$work/conflicts.$who"
done
office conflict list --json >"$work/conflicts.office"
conflict=$(json_text conflict <"$work/conflicts.office")
[[ -n $conflict ]] || fail "the office sees no conflict"
for who in anna bert office; do
  [[ $(json_text conflict <"$work/conflicts.$who") == "$conflict" ]] || fail "not one conflict"
  [[ $(grep -o '"conflict":' "$work/conflicts.$who" | wc -l) == 1 ]] || fail "more than one conflict"
  grep -q 'vrijdag.*zaterdag\|zaterdag.*vrijdag' "$work/conflicts.$who" || fail "$who misses a side"
done
tell "both tablets and the office show the same open choice, with both values; a rule joined the rest:"
language=$(tablet bert case show "$broers" --json | grep -o '"language":"[^"]*"' | head -n 1)
[[ $language == "$(tablet anna case show "$broers" --json | grep -o '"language":"[^"]*"' | head -n 1)" ]] ||
  fail "two languages: $language"
tell "of a language the last one counts, everywhere alike; nobody is asked, nothing is lost"

step "The crisis case reached the office; Bert gets it, to help"
office case assign "$crisis" Bert >/dev/null
sync bert
tell "on Bert's tablet: $(tablet bert case list | grep -F "$crisis" | sed 's/^[^ ]* *//')"

step "The office decides, two people with a reason; a decision is a signed change like any other"
side=$(grep -o '"side":[0-9]*[^{}]*"value":"[^"]*vrijdag' "$work/conflicts.office" |
  sed 's/"side":\([0-9]*\).*/\1/')
decide "$conflict" "side=$side" "Nagebeld: vrijdag kan wel."
sync anna
sync bert
for who in anna bert; do
  [[ $(tablet "$who" conflicts --json) == "[]" ]] || fail "the choice is still open for $who"
done
[[ $(office conflict list --json) == "[]" ]] || fail "the choice is still open at the office"
says vrijdag tablet bert record show "$vaart" "$agreement" --json || fail "not the decision"
same_everywhere "${cases[@]}"
tell "no open choice anywhere; both tablets and the server show one state of all 5 cases:"
for id in "${cases[@]}"; do tell "  ${id:0:13}  $(state_of bert "$id" | cut -c1-32)..."; done

step "Anna locks her tablet in the car, with unsent work: it goes on handing in"
stop_server
set_field anna "$vaart" "$agreement" 'what="Oma haalt de kinderen van school."'
tablet anna lock >/dev/null
locked() { "$bin/veldkit" --home "$work/anna" status "$@"; }
[[ $(locked --json | json_count unsent) == 1 ]] || fail "the locked tablet says $(locked)"
tell "without a PIN it says: $(locked | sed -n 2p)"
start_server
for ((tries = 0; tries < 100; tries++)); do
  [[ $(locked --json | json_count unsent) != 0 ]] || break
  sleep 0.2
done
[[ $(locked --json | json_count unsent) == 0 ]] || fail "nothing was handed in: $(locked)"
for ((tries = 0; tries < 50; tries++)); do
  ! says "Oma haalt" office case show "$vaart" || break
  sleep 0.2
done
says "Oma haalt" office case show "$vaart" || fail "the office does not have it"
tell "there was signal; the office reads it, and nobody typed a PIN"

step "Bert forgot his PIN; staff check who he is, and give him a code that works once"
tablet bert lock >/dev/null
code=$(office device recovery Bert --json | json_text code)
if [[ $(tablet bert status --json | json_text keystore) == tpm2 ]]; then
  random_digits >"$work/bert.pin"
else
  tr -dc 'a-z0-9' </dev/urandom 2>/dev/null | head -c 32 >"$work/bert.pin" || true
fi
tablet bert unlock --recovery "$code" --idle 60 >/dev/null || fail "the code does not open"
tablet anna unlock --idle 60 >/dev/null
sync_all anna
sync bert
same_everywhere "$vaart"
[[ $(office device recovery Bert --json | json_text code) != "$code" ]] || fail "the code still works"
tell "his vault is open with a new PIN; the office has another code by now"

step "Anna lowers the urgency of a case while Bert, elsewhere, records an incident in it"
zaak=$(record_of anna "$broers" case)
set_field anna "$broers" "$zaak" 'priorityCode="yellow"'
printf '{"fields":{"occurredAt":"%s","description":"De jongste is geslagen.","weapon":false}}' \
  "$(date +%Y-%m-%dT%H:%M:%S%:z)" >"$work/incident.json"
tablet bert record put "$broers" incident --file "$work/incident.json" >/dev/null
rm -f -- "$work/incident.json"
sync_all anna
sync_all bert
sync anna
for who in anna bert; do
  says '"priorityCode":"orange"' tablet "$who" record show "$broers" "$zaak" --json ||
    fail "$who shows less protection"
done
office conflict list --json >"$work/conflicts.office"
conflict=$(json_text conflict <"$work/conflicts.office")
grep -q '"held":"danger"' "$work/conflicts.office" || fail "nothing is held back"
tell "everywhere it is still orange: Anna's yellow is kept, and held back until people decide"

step "Two people of the office decide about it too"
decide "$conflict" 'value="red"' "Na het incident: meteen erheen."
sync anna
sync bert
for who in anna bert; do
  says '"priorityCode":"red"' tablet "$who" record show "$broers" "$zaak" --json ||
    fail "$who has not the decision"
done
[[ $(office conflict list --json) == "[]" ]] || fail "the choice is still open at the office"
tell "red, for all; Anna's yellow and both names stay in the history"

step "Months later a complaint board asks what happened; the office prints it"
office conflict explain "$broers" >"$work/explained"
for words in 'Regel: bij dit veld staat de laatste invulling' 'schreef “Geel”' 'kende niet al het gevaar' \
  'Besloten: carla koos' 'Reden: “Na het incident: meteen erheen.”' 'Bevestigd door dirk'; do
  grep -qF -- "$words" "$work/explained" || fail "it does not say: $words"
done
sed 's/^/    | /' "$work/explained"
rm -f -- "$work/explained"

step "Anyone can check the history with stock tools"
tablet bert export "$vaart" "$work/export" >/dev/null
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
tablet bert verify "$vaart" >/dev/null || fail "verify"

step "A third tablet helps with one case for an hour: when that is over it can be read no more"
tr -dc 'a-z0-9' </dev/urandom 2>/dev/null | head -c 32 >"$work/eva.pin" || true
tablet eva enrol "$(office device invite --worker Eva --json | json_text code)" \
  --keystore file --quick-pin >/dev/null
office case assign "$stel" Eva --lease 1 >/dev/null
sync eva
[[ $(state_of eva "$stel") == "$(state_of anna "$stel")" ]] || fail "Eva has not the case"
agreed=$(record_of eva "$stel" note)
lib=$(find /usr/lib -path '*/faketime/libfaketime.so.1' 2>/dev/null | sed -n 1p) || true
if [[ -n $lib ]]; then
  code=0
  LD_PRELOAD=$lib FAKETIME=+2h tablet eva case show "$stel" --json >"$work/over" || code=$?
  [[ $code == 5 ]] || fail "exit code $code, not 5: $(cat "$work/over")"
  tell "two hours later: $(json_text detail <"$work/over" | cut -d';' -f1)"
else
  tell "(without libfaketime no hour goes by here)"
fi

step "A case goes from Bert to Eva: his tablet hands in, forgets it, and says so"
set_field bert "$bloemen" "$(record_of bert "$bloemen" visit)" 'purpose="Overdracht aan Eva."'
office case unassign "$bloemen" Bert >/dev/null
office case assign "$bloemen" Eva >/dev/null
sync_until bert shows bert "$bloemen" 10 || fail "the case is still on Bert's tablet"
for ((tries = 0; tries < 20; tries++)); do
  sync eva
  ! says 'Overdracht aan Eva' tablet eva case show "$bloemen" --json 2>/dev/null || break
done
says 'Overdracht aan Eva' tablet eva case show "$bloemen" --json || fail "his last words are lost"
tell "what he wrote last and had not sent is with Eva; the keys are gone from his tablet"

step "At night, without network, Eva stands before a door that is not her case: she breaks the glass"
office case assign "$broers" Eva --emergency >/dev/null
sync_until eva shows eva "$broers" 9 || fail "she does not have it sealed: $(cat "$work/shut")"
stop_server
tell "her tablet has it sealed: $(json_text detail <"$work/shut")"
tablet eva case open "$broers" --emergency --reason "Politie vraagt wie er binnen is." >"$work/opened" ||
  fail "it does not open"
says 'De jongste is geslagen' tablet eva case show "$broers" || fail "it cannot be read"
sed 's/^/    | /' "$work/opened"
start_server
sync_all eva
for ((tries = 0; tries < 20; tries++)); do
  "$bin/veldkit" --home "$work/anna" sync --once >/dev/null 2>"$work/told" || fail "$(cat "$work/told")"
  ! grep -q 'in nood geopend' "$work/told" || break
done
grep -q 'in nood geopend' "$work/told" || fail "Anna, whose case it is, hears nothing"
tell "Anna, whose case it is, is told at her next sync:"
sed -n 's/^.*\(zaak .* in nood geopend.*\)/    | \1/p' "$work/told"
office audit query --action emergency >"$work/lines"
grep -q Politie "$work/lines" || fail "the office does not see it"
tell "the office finds it in its access log:"
sed 's/^/    | /' "$work/lines"
if [[ -n $lib ]]; then
  code=0
  LD_PRELOAD=$lib FAKETIME=+5h tablet eva case show "$broers" --json >"$work/over" || code=$?
  [[ $code == 5 ]] || fail "exit code $code, not 5: $(cat "$work/over")"
  tell "five hours later it is shut again: $(json_text detail <"$work/over")"
fi

step "Eva's tablet is revoked while it holds unsent work: that arrives, waits for a person, is admitted"
set_field eva "$stel" "$agreed" 'text="Oma belt elke avond om acht uur."'
office device revoke Eva --json >"$work/revoked"
sync eva
office device quarantine --json >"$work/quarantine"
for ((tries = 0; tries < 50; tries++)); do
  [[ $(cat "$work/quarantine") == "[]" ]] || break
  office device quarantine --json >"$work/quarantine"
done
late=$(json_text change <"$work/quarantine")
[[ -n $late ]] || fail "her late work did not arrive: $(cat "$work/quarantine")"
sync anna
! says 'Oma belt' tablet anna case show "$stel" --json || fail "it was merged unseen"
tell "new keys for the $(json_count cases <"$work/revoked") cases she had; her change waits for the office alone:"
office device quarantine show "$late" | sed 's/^/    | /'
office device quarantine admit "$late" --reason "Nagebeld: dit schreef Eva zelf." >/dev/null
sync_until anna says 'Oma belt' tablet anna case show "$stel" --json || fail "it did not appear"
tell "admitted with a reason, it is on Anna's tablet; Eva's has nothing left of the case"

step "The agency changes its seal key, while Anna has work that is sealed to the old one"
stop_server
set_field anna "$vaart" "$agreement" 'what="Oma en opa halen de kinderen van school."'
code=0
tablet anna sync --once --json >"$work/sync.anna" || code=$?
[[ $code == 7 ]] || fail "exit code $code, not 7"
office keys change seal --root "$work/stick" --json >"$work/changed" || fail "$(cat "$work/changed")"
start_server
sync_all anna
sync_all bert
says 'Oma en opa' office case show "$vaart" || fail "late work is lost"
same_everywhere "$vaart"
tell "$(json_count wrapped <"$work/changed") case keys are sealed to the new one; Anna's work came in, no tablet had to be touched:"
office keys list | sed 's/^/    | /'

step "Nothing of it is readable at rest, on a tablet or at the server"
rm -f -- "$work/note.json"
# Long enough not to stand by chance in a million and a half of sealed bytes.
for word in vrijdag zaterdag Buurvrouw Weronika geslagen Overdracht Politie 'Oma haalt' \
  'Oma belt' 'Oma en opa'; do
  ! grep -rqa -- "$word" "$work/anna" "$work/bert" "$work/eva" "$work/agency" ||
    fail "\"$word\" stands in a file"
done
tell "the words of the visit are in no file of the tablets, the relay or the merger"

printf '\nall %d steps held\n' "$number"
[[ -z $once ]] || exit 0
held=1
cat <<TEXT

The server and the tablets of Anna and Bert stay open. To try in another terminal:
  $bin/veldkit --home $work/anna case show $vaart
  $bin/veldkit --home $work/anna record set $vaart $agreement 'when="elke dag"'
  $bin/veldkit --home $work/anna sync --once
  $bin/veldkit --home $work/bert status
  $bin/veldkit-server case list --dir $work/agency
  git -C $work/export log --graph main
Ctrl-C ends it${keep:+; the folder is kept}.
TEXT
wait "$server"

#!/usr/bin/env bash
# The man pages are installed with the programs and say all that --help says: every verb, every
# option, every exit code; and man takes them without a warning.
set -euo pipefail
export LC_ALL=C.UTF-8

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cmake --install "$VELD_BINARY_DIR" --prefix "$work/usr" --component program >/dev/null

fail() { echo "$1"; exit 1; }
plain() { sed -e 's/\\-/-/g' -e 's/\\e/\\/g' -e 's/\\&//g'; }

check() {
  local program=$1 page=$2 verb option
  [[ -s $page ]] || fail "${page##*/} is not installed"
  plain <"$page" >"$work/page"
  "$program" --help >"$work/help"
  grep -A100 '^Opdrachten:$' "$work/help" | sed -n 's/^  \([a-z].*\)/\1/p' >"$work/verbs"
  [[ $(grep -c '^\.SS ' "$work/page") == $(wc -l <"$work/verbs") ]] || fail "not one section a verb"
  while read -r verb; do
    sed -n 's/^\.SS //p' "$work/page" | grep -qxF -e "${verb%% *}" \
      -e "$(cut -d' ' -f1,2 <<<"$verb")" || fail "no section for: $verb"
  done <"$work/verbs"
  sed -n 's/^\.SS //p' "$work/page" >"$work/sections"
  while read -r verb; do
    # shellcheck disable=SC2086 # one or two words
    "$program" $verb --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p' >"$work/options"
    sed -n "/^\.SS $verb\$/,/^\.S[SH]/p" "$work/page" >"$work/section"
    while read -r option; do
      grep -qF -- "$option" "$work/section" || fail "$verb: $option is missing"
    done <"$work/options"
  done <"$work/sections"
  grep -q '^Afsluitcodes: 0 gelukt' "$work/page" || fail "no exit codes"
  for part in BESTANDEN OMGEVING; do
    grep -qxF ".SH $part" "$work/page" || fail "no $part"
  done
  if command -v man >/dev/null; then
    man --warnings -l "$page" 2>"$work/warnings" >/dev/null
    [[ ! -s $work/warnings ]] || { cat "$work/warnings"; exit 1; }
  fi
}

check "$1" "$(find "$work/usr" -name veldkit.1)"
check "$2" "$(find "$work/usr" -name veldkit-server.8)"
[[ -s $work/usr/lib/systemd/system/veldkit-server.service ]] || fail "no sample unit"

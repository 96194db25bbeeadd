#!/usr/bin/env bash
# man.sh PROGRAM SECTION EXTRA: the man page of a program, on standard output. Verbs, options,
# examples and exit codes are what --help says when the page is made, so it cannot go stale; what
# --help does not say (files, environment) is in EXTRA.
set -euo pipefail
export LC_ALL=C.UTF-8
program=$1 section=$2 extra=$3
name=${program##*/}

# As roff: nothing of the text is a command.
text() { sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^\([.']\)/\\\\\&\1/"; }
block() { printf '.nf\n'; text; printf '.fi\n'; }

help=$("$program" --help)
verbs=$(sed -n '/^Opdrachten:$/,/^$/p' <<<"$help" | sed -n 's/^  \([a-z].*\)$/\1/p')
version=$("$program" --version)
printf '.TH %s %s "" "%s" "Veldkit"\n' "${name^^}" "$section" "$version"
printf '.SH NAAM\n%s \\- %s\n' "$(text <<<"$name")" "$(sed -n '1p' "$extra" | text)"
printf '.SH OVERZICHT\n'
sed -n '/^Gebruik:/,/^$/p' <<<"$help" | block
printf '.SH OPDRACHTEN\n'
while read -r line; do
  # One or two words, then what it does.
  words=${line%% *}
  rest=${line#* }
  second=${rest%% *}
  "$program" "$words" "$second" --help >/dev/null 2>&1 &&
    "$program" "$words" "$second" --help | grep "^$name $words $second:" >/dev/null &&
    words="$words $second"
  printf '.SS %s\n' "$(text <<<"$words")"
  # shellcheck disable=SC2086 # one or two words
  "$program" $words --help | sed "1s/^$name $words: //" | block
done <<<"$verbs"
printf '.SH OPTIES\n'
sed -n '/^Opties van alle opdrachten:$/,/^$/p' <<<"$help" | sed 1d | block
printf '.SH AFSLUITCODES\n'
sed -n '/^Afsluitcodes:/,$p' <<<"$help" | text
sed 1d "$extra"

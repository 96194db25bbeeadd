#!/usr/bin/env bash
# words.sh TREE: what the library says of somebody's input, and what a check finds, has a row in
# core/cli/words.c, so that a worker reads it in her own language.
set -euo pipefail
export LC_ALL=C.UTF-8
tree=$1
findings=0 texts=0

# The texts of the checks on input: literals that begin small and have a space. What only says that
# memory or random bytes are gone has its own sentence, and canonical form is nobody's to type.
while IFS= read -r text; do
  case $text in
  *memory\ for* | no\ memory | no\ random* | *canonical* | json,* | *'parser refuses'*) continue ;;
  esac
  texts=$((texts + 1))
  row=$(sed -E 's/%[a-z]+/*/g' <<<"$text")
  grep -qF -- "{\"$row\"," "$tree/core/cli/words.c" || {
    printf 'core/cli/words.c has no row for: %s\n' "$text"
    findings=$((findings + 1))
  }
done < <(
  {
    grep -hE -A2 'checker_wrong|veld_fail\(|json_gate_(fail|note)|expected\(|[?:] "|made_by_program|return note' \
      "$tree"/core/cases/dossier.c "$tree"/core/cases/dossier_value.c \
      "$tree"/core/cases/schema_value.c "$tree"/core/json/gate.c "$tree"/core/json/scan.c
  } | grep -oE '"[a-zA-Z%][^"]* [^"]*"' | tr -d '"' | sort -u
)

# What a check finds is read by who ran it.
while IFS= read -r text; do
  texts=$((texts + 1))
  row=$(sed -E 's/%[.0-9]*[a-z]+/*/g' <<<"$text")
  grep -qF -- "{\"$row\"," "$tree/core/cli/words.c" || {
    printf 'core/cli/words.c has no row for the finding: %s\n' "$text"
    findings=$((findings + 1))
  }
done < <(
  {
    grep -hoE 'tell\(by, [^"]*"[^"]+"' "$tree"/core/cases/case_proof.c | sed 's/.*"\(.*\)"/change %s: \1/'
    grep -hoE 'break_it\(|"[a-z][^"]* [^"]*"' "$tree"/core/authority/decision_list.c |
      sed -nE 's/^"(.*)"$/decision %s: \1/p' | grep -v ' memory'
    grep -hA2 'audit_report(' "$tree"/core/history/audit*.c | grep -oE '"[a-z][^"]+"' | tr -d '"'
    grep -hoE '(found\(on, [^"]*|findings_add\(|findings->context, case_id, |snprintf\(text, sizeof text, )"[^"]+"' \
      "$tree"/core/store/fsck.c "$tree"/field-client/{verify,verify_export,fsck_own}.c "$tree"/sync-server/admin/fsck.c |
      sed 's/.*"\(.*\)"/\1/'
    grep -hA1 'findings_add($' "$tree"/field-client/verify.c | grep -oE '"[a-z][^"]+"' | tr -d '"'
  } | grep -vE '^(change|decision) %s: %s$|^%$' | sort -u
)

((texts > 80)) || {
  printf 'only %d texts were found: the search does not fit the sources any more\n' "$texts"
  exit 1
}
((findings == 0)) || exit 1

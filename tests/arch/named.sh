#!/usr/bin/env bash
# named.sh: a document that names a test which is not there promises what nobody checks. Every test
# and every file of tests/ that a document names must exist.
#
#   named.sh TREE BUILD     TREE: where the documents are; BUILD: a configured build folder
#
# shellcheck disable=SC2016 # documents write names in back ticks
set -euo pipefail
export LC_ALL=C.UTF-8
tree=$1 build=$2
findings=0
found() {
  printf '%s\n' "$*"
  findings=$((findings + 1))
}

tests=$(ctest --test-dir "$build" -N | sed -n 's/^ *Test *#[0-9]*: //p')
[[ -n $tests ]] || {
  printf 'no tests in %s\n' "$build"
  exit 1
}

# `kind.room.{a,b}` stands for two.
expand() {
  local name=$1 one
  if [[ $name =~ ^(.*)\{([^}]*)\}(.*)$ ]]; then
    for one in ${BASH_REMATCH[2]//,/ }; do printf '%s\n' "${BASH_REMATCH[1]}$one${BASH_REMATCH[3]}"; done
  else
    printf '%s\n' "$name"
  fi
}

checked=0
while IFS= read -r document; do
  while IFS= read -r name; do
    while IFS= read -r one; do
      checked=$((checked + 1))
      grep -qE "^${one//./\\.}(\$|\\.)" <<<"$tests" || found "${document#"$tree"/}: there is no test $one"
    done < <(expand "$name")
  done < <(grep -oE '`(unit|property|integration|sim|arch|fuzz)\.[a-z0-9_.{},-]+`' "$document" | tr -d '`' | sort -u)
  while IFS= read -r path; do
    checked=$((checked + 1))
    [[ -e $tree/$path ]] || found "${document#"$tree"/}: there is no $path"
  done < <(grep -oE '`tests/[A-Za-z0-9_./-]+`' "$document" | tr -d '`' | sort -u)
done < <(find "$tree" -maxdepth 2 -name '*.md' -not -path '*/build*' | sort)

((checked > 0)) || found "no document names a test"
((findings == 0)) || {
  printf '%d finding(s)\n' "$findings"
  exit 1
}

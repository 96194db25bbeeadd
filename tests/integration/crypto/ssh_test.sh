#!/usr/bin/env bash
# ssh_test.sh TOOL: ssh-keygen and git accept what we sign and refuse what was changed; we read back
# what ssh-keygen writes.
set -euo pipefail
export LC_ALL=C

tool=${1:?}
command -v ssh-keygen >/dev/null || exit 77
command -v git >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
export HOME=$work GIT_CONFIG_NOSYSTEM=1

fail() {
  echo "failed: $*" >&2
  exit 1
}

# refuses WHAT COMMAND...: the command fails.
refuses() {
  local what=$1
  shift
  if "$@" >refused.log 2>&1; then fail "accepted: $what"; fi
}

check() { ssh-keygen -Y verify -f signers -I tester -n veldkit-grant-1 -s sig <"$1"; }
check_novalidate() { ssh-keygen -Y check-novalidate -n veldkit-grant-1 -s sig <message; }
check_ours() { "$tool" verify veldkit-grant-1 message <sig; }

printf 'a grant\nof two lines\n' >message
"$tool" public >key.pub
"$tool" allowed veldkit-grant-1 >signers
"$tool" sign veldkit-grant-1 <message >sig

# ---- accepted ----
check message >/dev/null || fail "ssh-keygen -Y verify refuses ours"
check_novalidate >/dev/null || fail "ssh-keygen -Y check-novalidate refuses ours"
check_ours || fail "we refuse ours"
ssh-keygen -l -f key.pub >/dev/null || fail "ssh-keygen does not read our key line"

# ---- refused ----
printf 'another grant\n' >other
refuses "another message" check other
refuses "another namespace" ssh-keygen -Y verify -f signers -I tester -n git -s sig <message
refuses "another principal" \
  ssh-keygen -Y verify -f signers -I someone -n veldkit-grant-1 -s sig <message

# Every tenth character of the base64, changed: by ssh-keygen and by us.
cp sig good
letters=$(sed '1d;$d' good | tr -d '\n' | wc -c)
count=0
for ((at = 0; at < letters; at += 10)); do
  awk -v at="$at" '
    /^-/ { print; next }
    {
      line = $0
      if (at >= seen && at < seen + length(line)) {
        place = at - seen + 1
        new = substr(line, place, 1) == "A" ? "B" : "A"
        line = substr(line, 1, place - 1) new substr(line, place + 1)
      }
      seen += length($0)
      print line
    }' good >sig
  cmp -s sig good && fail "nothing was changed at $at"
  refuses "character $at" check message
  refuses "character $at (ours)" check_ours
  count=$((count + 1))
done
((count >= 25)) || fail "only $count changes"
cp good sig

# ---- ssh-keygen signs, we read: same layout; half of its signatures have a high s ----
accepted=0
ssh-keygen -q -t ecdsa -b 256 -N '' -C other -f theirs
for round in 1 2 3 4 5 6; do
  printf 'round %s\n' "$round" >message
  rm -f message.sig
  ssh-keygen -q -Y sign -f theirs -n veldkit-grant-1 message 2>/dev/null
  "$tool" verify veldkit-grant-1 message <message.sig 2>why && fail "a stranger's key is taken"
  grep -qx forged why || fail "its layout is not read: $(cat why)"
  accepted=$((accepted + 1))
done
((accepted == 6)) || fail "rounds"

# ---- git ----
git init -q repo
cd repo
git config user.name tester
git config user.email tester@example.invalid
git config gpg.format ssh
git config gpg.ssh.allowedSignersFile "$work/signers-git"
"$tool" allowed git >"$work/signers-git"
tree=$(git hash-object -w -t tree /dev/null)
plain=$(git commit-tree -m "veldkit: a change" "$tree")
git cat-file commit "$plain" >../commit

# signed NAMESPACE: the commit with our signature as its gpgsig header.
signed() {
  "$tool" sign "$1" <../commit | sed '1s/^/gpgsig /; 1!s/^/ /' >../gpgsig
  sed -e '/^committer /r ../gpgsig' "${2:-../commit}" | git hash-object -w -t commit --stdin
}

ours=$(signed git)
git verify-commit "$ours" 2>../git.log || fail "git verify-commit refuses ours: $(cat ../git.log)"
grep -q 'Good "git" signature for tester' ../git.log || fail "git does not name the signer"
sed 's/a change/another change/' ../commit >../changed
refuses "a changed commit" git verify-commit "$(signed git ../changed)"
refuses "a commit signed for another use" git verify-commit "$(signed veldkit-grant-1)"
echo "ssh-keygen and git: accepted; $count changed signatures refused"

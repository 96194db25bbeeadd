#!/usr/bin/env bash
# What stock tools see of the server: TLS 1.3 and nothing older, two cipher suites, two groups, the
# right certificates let in and others refused. Loopback only.
set -euo pipefail
export LC_ALL=C

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
tool=${1:?net_tool}
for need in openssl sslscan; do
  command -v "$need" >/dev/null || { echo "$need is missing: skipped"; exit 77; }
done
work=$(mktemp -d)
coproc SERVER { exec "$tool" "$work"; }
trap 'kill "$SERVER_PID" 2>/dev/null || true; rm -rf -- "$work"' EXIT
read -r -t 60 port <&"${SERVER[0]}"

fail() { printf '%s\n' "$*"; exit 1; }

# client ARGS...: openssl's view of one connection. The line stays open for a moment, since in
# TLS 1.3 the server's verdict on a certificate comes after the handshake.
client() {
  { sleep 1; } | timeout 30 openssl s_client -connect "127.0.0.1:$port" -alpn h2 \
    -CAfile "$work/ca.pem" -no_check_time -verify_return_error "$@" 2>&1 | tr -d '\000' || true
}

seen=$(client -verify_ip 127.0.0.1 -cert "$work/client.pem" -key "$work/client.key")
grep -q 'New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384' <<<"$seen" || fail "no TLS 1.3: $seen"
grep -q 'Verification: OK' <<<"$seen" || fail "the server's certificate does not verify: $seen"
grep -q 'ALPN protocol: h2' <<<"$seen" || fail "no ALPN: $seen"
grep -q 'alert' <<<"$seen" && fail "our own device was refused: $seen"
grep -q 'NewSessionTicket\|TLS session ticket:' <<<"$seen" && fail "a ticket was given: $seen"

seen=$(client -cert "$work/other.pem" -key "$work/other.key")
grep -q 'alert unknown ca' <<<"$seen" || fail "another agency's device was let in: $seen"
seen=$(client -tls1_2)
grep -q 'alert protocol version' <<<"$seen" || fail "TLS 1.2 was not refused: $seen"
seen=$(client -ciphersuites TLS_AES_128_GCM_SHA256)
grep -q 'alert handshake failure' <<<"$seen" || fail "AES-128 was not refused: $seen"
seen=$(client -ciphersuites TLS_CHACHA20_POLY1305_SHA256)
grep -q 'Cipher is TLS_CHACHA20_POLY1305_SHA256' <<<"$seen" || fail "no ChaCha20: $seen"
seen=$(client -groups P-384)
grep -q 'Cipher is (NONE)' <<<"$seen" || fail "P-384 was not refused: $seen"
seen=$(client -groups P-256)
grep -q 'Cipher is TLS_AES_256_GCM_SHA384' <<<"$seen" || fail "no P-256: $seen"

# The lines about what is spoken; what the tool says about itself differs between its versions.
sslscan --no-colour --no-check-certificate --connect-timeout=30 "127.0.0.1:$port" |
  grep -E '^(SSLv|TLSv|Preferred|Accepted|Session)' | tr -s ' ' >"$work/sslscan.txt"
diff -u "$here/sslscan.txt" "$work/sslscan.txt" || fail "sslscan sees something else"
echo "TLS is as it should be"

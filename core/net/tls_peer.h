/* tls_peer.h: judging who is at the other end, once the handshake is done. Not installed. */
#ifndef VELD_NET_TLS_PEER_H
#define VELD_NET_TLS_PEER_H

#include "tls_inner.h"

/* veld_tls_reason_of_flags: what the library's findings about a certificate amount to. */
veld_tls_reason veld_tls_reason_of_flags(uint32_t flags);

/* veld_tls_judge: fills `peer` and adds the CA to `ca` when we are the client.
 * Expects: VELD_E_FORGED (see `reason`), VELD_E_MEMORY, VELD_E_CRYPTO. */
veld_status veld_tls_judge(const veld_tls_identity *identity, const mbedtls_ssl_context *ssl,
    const char *host, veld_tls_peer *peer, veld_buf *ca, veld_tls_reason *reason,
    veld_error *err) VELD_MUST_CHECK;

#endif

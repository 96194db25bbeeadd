/* tls.h: one TLS 1.3 connection, as bytes in and bytes out. Knows no socket and no clock.
 *
 *   network --feed--> veld_tls --read--> plaintext
 *   network <--take-- veld_tls <--write- plaintext
 *
 * TLS 1.3 only; AES-256-GCM and ChaCha20-Poly1305; X25519 and P-256; ECDSA P-256 certificates of
 * one pinned agency; ALPN "h2" required; no tickets, no 0-RTT, so every connection shows its
 * certificate. A server asks for a client certificate and takes a connection without one (enrolment
 * comes so): the application decides. A certificate of another agency is refused. Expiry is judged
 * by the application, see x509.h.
 *
 * Ephemeral keys and handshake randoms come from the generator inside Mbed TLS, which is seeded by
 * the system and notices a fork. Record sizes are not padded.
 * Source: RFC 8446; security.md 4, rule 1. */
#ifndef VELDKIT_TLS_H
#define VELDKIT_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "veldkit/bytes.h"
#include "veldkit/p256.h"
#include "veldkit/status.h"
#include "veldkit/x509.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- who we are: shared by the connections of one program ---- */
typedef struct veld_tls_identity veld_tls_identity;

typedef struct veld_tls_settings {
    bool server;
    veld_span ca;                 /* the agency's CA in DER; a client may leave it empty */
    veld_span pin;                /* then: the first 6 bytes of the hash of the CA's key */
    veld_span certificate;        /* ours in DER; a client may leave it empty */
    const veld_p256_private *key; /* of `certificate`; NULL without */
    veld_span own_ca; /* that signed `certificate`, when it was not `ca`; no peer counts by it */
    const veld_span *others; /* CAs of before, by which a peer counts too */
    size_t others_count;     /* at most VELD_TLS_CAS_MAX */
    const veld_span
        *bridges;         /* what a server shows besides: its CA signed by the one before, that */
    size_t bridges_count; /* signed by the one before it, ...; at most VELD_TLS_CAS_MAX */
} veld_tls_settings;

/* veld_tls_identity_new: copies all it needs; the key goes into the library's key store.
 * Expects: VELD_E_FORM (not a certificate), VELD_E_INVALID (key and certificate do not belong
 *          together, or the certificate is of another kind), VELD_E_FORGED (not signed by `ca`),
 *          VELD_E_CRYPTO, VELD_E_MEMORY.
 * Thread:  connections of one identity may be used from several threads. */
veld_status veld_tls_identity_new(
    const veld_tls_settings *settings, veld_tls_identity **out, veld_error *err) VELD_MUST_CHECK;
/* veld_tls_identity_free: after all its connections. */
void veld_tls_identity_free(veld_tls_identity *identity);

/* ---- one connection ---- */
typedef struct veld_tls veld_tls;

typedef enum veld_tls_state {
    VELD_TLS_HANDSHAKE = 0,
    VELD_TLS_OPEN,   /* plaintext flows */
    VELD_TLS_CLOSED, /* the peer said it sends no more (close_notify) */
    VELD_TLS_FAILED  /* for good; an alert may wait in veld_tls_output */
} veld_tls_state;

/* Why a connection failed, for a message a person can act on. The status is in brackets. */
typedef enum veld_tls_reason {
    VELD_TLS_NO_REASON = 0,
    VELD_TLS_OTHER_AGENCY, /* [FORGED] the peer's certificate is of another agency */
    VELD_TLS_OTHER_HOST,   /* [FORGED] ours, but for other host names than the one asked for */
    VELD_TLS_BAD_PEER,     /* [FORGED] a certificate that may not act in this role, or is damaged */
    VELD_TLS_REFUSED,      /* [NOT_ALLOWED] the peer refused our certificate */
    VELD_TLS_NOT_VELDKIT,  /* [UNSUPPORTED] the peer speaks no TLS 1.3, or not our protocol */
    VELD_TLS_CUT,          /* [NETWORK] the line ended in the middle */
    VELD_TLS_DAMAGED,      /* [NETWORK] records that do not decrypt or are no TLS */
    VELD_TLS_PEER_GAVE_UP, /* [NETWORK] the peer ended with another alert */
    VELD_TLS_LIBRARY_FAILED /* [CRYPTO, MEMORY] on our side */
} veld_tls_reason;

/* Who is at the other end. */
typedef struct veld_tls_peer {
    bool known;            /* showed a certificate of the agency; else the rest is zero */
    veld_x509_facts facts; /* of it */
} veld_tls_peer;

/* veld_tls_new: a connection at its start; a client has bytes to send at once. `host` is the name
 * or address that a client asked for and that the server's certificate must carry; NULL when any
 * server of the agency will do, and for a server.
 * Owns:    borrows `identity` while it lives.
 * Expects: VELD_E_CRYPTO, VELD_E_MEMORY, VELD_E_INVALID (`host` is too long). */
veld_status veld_tls_new(const veld_tls_identity *identity, const char *host, veld_tls **out,
    veld_error *err) VELD_MUST_CHECK;
void veld_tls_free(veld_tls *tls);

/* veld_tls_feed: bytes from the network. Copied; read what they gave before feeding more.
 * Expects: VELD_E_LIMIT (more than VELD_TLS_FEED_BYTES_MAX not yet read: nothing was taken), and
 *          the statuses of veld_tls_reason. After a failure only output, reason and free make
 *          sense; repeated calls return the same status. */
veld_status veld_tls_feed(veld_tls *tls, veld_span bytes, veld_error *err) VELD_MUST_CHECK;
/* veld_tls_feed_end: the network ended. VELD_OK when the peer had said so before (close_notify),
 * else VELD_E_NETWORK: bytes may be missing. */
veld_status veld_tls_feed_end(veld_tls *tls, veld_error *err) VELD_MUST_CHECK;

/* veld_tls_output: what has to go to the network, borrowed until the next call on `tls`;
 * veld_tls_sent: the first `len` bytes of it went. */
veld_span veld_tls_output(const veld_tls *tls);
void veld_tls_sent(veld_tls *tls, size_t len);

/* veld_tls_read: up to `out_size` bytes of plaintext into `out`; `*len` is 0 when there is nothing
 * now. Expects: as feed. */
veld_status veld_tls_read(
    veld_tls *tls, uint8_t *out, size_t out_size, size_t *len, veld_error *err) VELD_MUST_CHECK;

/* veld_tls_write: seal all of `plain` into the output. The caller keeps the output small; over
 * VELD_TLS_OUTPUT_BYTES_MAX is VELD_E_LIMIT and nothing is written.
 * Expects: VELD_E_LIMIT, VELD_E_BUSY (the handshake is not done), and as feed. */
veld_status veld_tls_write(veld_tls *tls, veld_span plain, veld_error *err) VELD_MUST_CHECK;

/* veld_tls_close: put our close_notify behind the output, once; before the handshake is done it
 * does nothing. What the peer still sends can be read. */
void veld_tls_close(veld_tls *tls);

veld_tls_state veld_tls_get_state(const veld_tls *tls);
veld_tls_reason veld_tls_get_reason(const veld_tls *tls);
/* veld_tls_get_peer: zero until the state is VELD_TLS_OPEN. */
const veld_tls_peer *veld_tls_get_peer(const veld_tls *tls);
/* veld_tls_get_ca: the CA certificate in DER that the server's was checked against: how a client
 * that knew only the pin learns it. Empty for a server and before the handshake is done. */
veld_span veld_tls_get_ca(const veld_tls *tls);

#ifdef __cplusplus
}
#endif
#endif

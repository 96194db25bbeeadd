/* host_net.h: asking a server of Veldkit, over TCP with TLS or over a Unix-domain socket without.
 * The blocking driver of http2.h: it owns the socket, asks for names and sleeps in poll(2). Used by
 * the tablet and by the merger; no other room of core has sockets.
 *
 * A link keeps its connection warm between requests and makes another when the server has closed
 * it. A request whose warm connection turns out dead before any of the answer came is sent once
 * more on a new one; so a server may see a request twice (ours are all idempotent). Nothing else is
 * retried here. */
#ifndef VELDKIT_HOST_NET_H
#define VELDKIT_HOST_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/env.h"
#include "veldkit/status.h"
#include "veldkit/tls.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct veld_host_link veld_host_link;

typedef struct veld_host_link_settings {
    const veld_env *env;
    const char
        *address; /* "host:port", "[v6]:port", or "unix:/path"; "https://" in front is fine */
    const veld_tls_identity *identity; /* for TCP; NULL for a Unix-domain socket */
    bool any_name; /* do not ask the server's certificate for the host of `address` */
} veld_host_link_settings;

/* veld_host_link_new: does not connect yet.
 * Owns:    copies `address`, borrows `env` and `identity`; free it.
 * Expects: VELD_E_FORM (address), VELD_E_INVALID (identity missing, or not wanted), VELD_E_MEMORY.
 * Thread:  one link per thread. */
veld_status veld_host_link_new(
    const veld_host_link_settings *settings, veld_host_link **out, veld_error *err) VELD_MUST_CHECK;
/* veld_host_link_free: says goodbye to the server without waiting. NULL is fine. */
void veld_host_link_free(veld_host_link *link);

typedef struct veld_host_request {
    const char *method; /* "POST", "GET", "PUT" */
    const char *path;
    const char *type; /* media type of the body, or NULL for application/cbor-seq */
    veld_span body;
    size_t answer_bytes_max;
    int64_t timeout_ms; /* for all of it, names and connection too; absolute from the call */
    int cancel_fd;      /* stop when it becomes readable; -1 for none */
} veld_host_request;

/* veld_host_link_request: one request and its answer.
 * Owns:    `*http_status` and `answer` are the caller's; `answer` is initialised here and holds
 *          what came, on success only; release it.
 * Expects: VELD_E_NETWORK (not reached, refused or cut), VELD_E_TIMEOUT, VELD_E_INTERRUPTED
 *          (cancel_fd), VELD_E_LIMIT (larger answer), VELD_E_NOT_ALLOWED (the server refused our
 *          certificate), VELD_E_FORGED (another agency's server, or another host's),
 *          VELD_E_UNSUPPORTED (no TLS 1.3 or no HTTP/2 there), VELD_E_FORM, VELD_E_MEMORY,
 *          VELD_E_CRYPTO. An HTTP status of 400 and up is no error here.
 *          DNS: getaddrinfo cannot be interrupted and may outlast the deadline by its own. */
veld_status veld_host_link_request(veld_host_link *link, const veld_host_request *request,
    unsigned *http_status, veld_buf *answer, veld_error *err) VELD_MUST_CHECK;

/* Bytes on the socket since the link was made, so with TLS and HTTP/2 but without TCP and IP. */
typedef struct veld_host_counters {
    uint64_t bytes_up;
    uint64_t bytes_down;
    uint64_t connections;
    uint64_t requests;
} veld_host_counters;

veld_host_counters veld_host_link_counters(const veld_host_link *link);
/* veld_host_link_reason: why the last connection failed in TLS. */
veld_tls_reason veld_host_link_reason(const veld_host_link *link);
/* veld_host_link_ca: as veld_tls_get_ca for the present connection; empty without one. Borrowed
 * until the next call on the link. */
veld_span veld_host_link_ca(const veld_host_link *link);

#ifdef __cplusplus
}
#endif
#endif

/* http2.h: one HTTP/2 connection of Veldkit, inside TLS or (on one machine) without. Bytes in,
 * bytes out; time comes in with each call; deadlines are absolute.
 *
 *   driver: feed(bytes, now), output/sent, tick(now), deadline ----+
 *                                                                  v
 *   sockets <-- bytes --> [ veld_tls ] <-- plaintext --> [ HTTP/2 ] --events--> application
 *
 * Requests and answers are a method or status, a path, and a body that is collected here, up to a
 * limit that the application names when the head is known. No other header fields are handed on.
 *
 * Deadlines, from their beginning and whatever trickles in: handshake 5 s; head 10 s (the first of
 * a connection counts from the handshake, later ones from their first frame); body 30 s plus 1 s
 * per 8 KiB, for what we receive as server and for what we send as either; a connection without
 * streams 60 s. When one passes, the connection ends. A request that waits for the application's
 * answer has no deadline here; a client's wait for an answer is bounded by its own driver.
 *
 * Floods: at most VELD_HTTP2_STREAMS_MAX streams, heads of VELD_HTTP2_HEAD_BYTES_MAX, and a budget
 * of frames that carry no work (resets, settings, pings, priorities, empty data, heads that were
 * refused): VELD_HTTP2_IDLE_FRAMES_MAX, refilled by VELD_HTTP2_IDLE_FRAMES_PER_REQUEST for each
 * finished request. Over it the connection ends.
 * Source: RFC 9113; security.md 4; libraries.md 4. */
#ifndef VELDKIT_HTTP2_H
#define VELDKIT_HTTP2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/status.h"
#include "veldkit/tls.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct veld_http2 veld_http2;

/* A head as it came in. Borrowed for the time of the event. */
typedef struct veld_http2_head {
    const char *method;      /* server: "GET", "POST", ...; client: "" */
    const char *path;        /* server: as sent, with "/" in front; client: "" */
    unsigned status;         /* client: 200 to 599; server: 0 */
    int64_t declared_length; /* content-length; -1 when there was none */
} veld_http2_head;

/* What the application is told. Events come from within feed, tick and end; they may call submit,
 * respond and cancel on the connection, but not feed, tick, end or free. */
typedef struct veld_http2_events {
    void *context;
    /* head: a request (server) or an answer (client) begins; returns the most bytes of body to
     * take. A server answers more than that with 413 by itself; a client ends the stream with
     * VELD_E_LIMIT. Either way no `message` follows. */
    size_t (*head)(void *context, int32_t stream, const veld_http2_head *head);
    /* message: the body of `stream` is complete. Borrowed for the time of the event. */
    void (*message)(void *context, int32_t stream, veld_span body);
    /* ended: the stream is gone: VELD_OK when both sides finished, else why. Last event of a stream
     * whose `head` was told, and of every stream a client submitted. A server's application must
     * not answer it any more. VELD_E_BUSY: the peer did not look at the request; it may be sent
     * again on another connection. */
    void (*ended)(void *context, int32_t stream, veld_status status);
} veld_http2_events;

typedef struct veld_http2_settings {
    const veld_tls_identity *identity; /* NULL: without TLS */
    const char *host;                  /* client: name to check, as veld_tls_new; or NULL */
    bool server;
    veld_http2_events events;
} veld_http2_settings;

/* veld_http2_new: a connection at its start.
 * Owns:    copies the settings, borrows `identity`; free it.
 * Units:   now_ms, here and below = monotonic ms (veld_now.monotonic_ms).
 * Expects: VELD_E_MEMORY, VELD_E_CRYPTO, VELD_E_INVALID (`host`).
 * Thread:  one connection per thread. */
veld_status veld_http2_new(const veld_http2_settings *settings, int64_t now_ms, veld_http2 **out,
    veld_error *err) VELD_MUST_CHECK;
/* veld_http2_free: open streams get `ended` with VELD_E_INTERRUPTED first. NULL is fine. */
void veld_http2_free(veld_http2 *connection);

/* veld_http2_feed: bytes from the network, any number. On error the connection is over: its streams
 * got `ended`; send what output still gives, then free it.
 * Expects: VELD_E_NETWORK, VELD_E_FORGED, VELD_E_NOT_ALLOWED, VELD_E_UNSUPPORTED (see tls.h),
 *          VELD_E_FORM (not HTTP/2), VELD_E_LIMIT (a flood), VELD_E_MEMORY, VELD_E_CRYPTO. */
veld_status veld_http2_feed(
    veld_http2 *connection, veld_span bytes, int64_t now_ms, veld_error *err) VELD_MUST_CHECK;
/* veld_http2_end: the network ended. VELD_OK when nothing was open, else VELD_E_NETWORK. */
veld_status veld_http2_end(veld_http2 *connection, veld_error *err) VELD_MUST_CHECK;

/* veld_http2_output: the next bytes for the network, borrowed until the next call; empty when there
 * is nothing now. About VELD_HTTP2_OUTPUT_BYTES at a time, more follows when they are sent.
 * veld_http2_sent: the first `len` bytes of it went. */
veld_span veld_http2_output(veld_http2 *connection, int64_t now_ms);
void veld_http2_sent(veld_http2 *connection, size_t len);

/* veld_http2_deadline: when to call tick at the latest; INT64_MAX when never.
 * veld_http2_tick: end the connection if it is late. Expects: VELD_E_TIMEOUT, then as after a
 * failed feed. */
int64_t veld_http2_deadline(const veld_http2 *connection);
veld_status veld_http2_tick(
    veld_http2 *connection, int64_t now_ms, veld_error *err) VELD_MUST_CHECK;

/* veld_http2_close: no new streams (GOAWAY); what is open may finish. */
void veld_http2_close(veld_http2 *connection);
/* veld_http2_is_over: failed, or closed with nothing open and nothing to send: end the socket. */
bool veld_http2_is_over(const veld_http2 *connection);
/* veld_http2_is_open: the handshake is done and new requests may be submitted. */
bool veld_http2_is_open(const veld_http2 *connection);
/* veld_http2_get_tls: for peer, reason and CA; NULL without TLS. */
const veld_tls *veld_http2_get_tls(const veld_http2 *connection);
size_t veld_http2_get_streams(const veld_http2 *connection);

/* ---- client ---- */
/* veld_http2_submit: send a request; may be called before the handshake is done.
 * Owns:    copies method, authority and path; borrows `body` until `ended`. A body is application/
 *          cbor-seq unless `type` names another media type.
 * Expects: VELD_E_LIMIT (path over VELD_HTTP2_PATH_BYTES_MAX), VELD_E_BUSY (closing: use another
 *          connection), VELD_E_MEMORY. */
typedef struct veld_http2_request {
    const char *method;
    const char *path;
    const char *authority; /* "host:port"; NULL: "veldkit" */
    const char *type;      /* media type of the body, or NULL */
    veld_span body;
} veld_http2_request;

veld_status veld_http2_submit(veld_http2 *connection, const veld_http2_request *request,
    int64_t now_ms, int32_t *stream, veld_error *err) VELD_MUST_CHECK;

/* ---- server ---- */
/* veld_http2_respond: answer a request whose `head` was told and which has not `ended`; once. Also
 * allowed before `message`: the rest of the request is then not waited for.
 * Owns:    takes the memory of `body` and leaves it empty, also on error.
 * Expects: VELD_E_MEMORY. */
veld_status veld_http2_respond(veld_http2 *connection, int32_t stream, unsigned http_status,
    const char *type, veld_buf *body, int64_t now_ms, veld_error *err) VELD_MUST_CHECK;

/* ---- both ---- */
/* veld_http2_cancel: reset the stream; `ended` follows with VELD_E_INTERRUPTED. Fine for a stream
 * that is gone. */
void veld_http2_cancel(veld_http2 *connection, int32_t stream);

#ifdef __cplusplus
}
#endif
#endif

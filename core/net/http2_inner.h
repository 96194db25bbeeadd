/* http2_inner.h: a connection and its streams as the files of http2 share them. Not installed.
 *
 * A stream lives from its first frame (server) or from submit (client) until nghttp2 closes it:
 *
 *   server:  HEAD --head--> BODY --complete--> WAITING --respond--> SENDING --> gone
 *   client:  SENDING --request is out--> WAITING --answer complete--> gone
 *
 * Each phase has one deadline, counted from its beginning. */
#ifndef VELD_NET_HTTP2_INNER_H
#define VELD_NET_HTTP2_INNER_H

#include <nghttp2/nghttp2.h>

#include "veldkit/http2.h"
#include "veldkit/limits.h"

enum { HTTP2_METHOD_SIZE = 16 };

typedef enum stream_phase {
    STREAM_HEAD,
    STREAM_BODY,
    STREAM_WAITING, /* for the application, or for the peer's answer */
    STREAM_SENDING
} stream_phase;

typedef struct http2_stream {
    struct http2_stream *next;
    struct http2_stream *previous;
    int32_t id;
    stream_phase phase;
    int64_t deadline_ms;
    /* what comes in */
    size_t head_bytes; /* names, values and 32 each, as RFC 9113 counts */
    char method[HTTP2_METHOD_SIZE];
    char path[VELD_HTTP2_PATH_BYTES_MAX + 1];
    unsigned status;
    int64_t declared_length;
    bool head_done;
    bool head_told;
    bool complete;      /* the peer sent all of its message */
    bool discard;       /* its body is not wanted any more */
    bool answered;      /* server: an answer was submitted */
    veld_status ending; /* why it will end, when we decided that */
    size_t body_max;
    veld_buf body;
    /* what goes out */
    veld_buf owned; /* of a server's answer */
    veld_span sending;
    size_t sent;
} http2_stream;

struct veld_http2 {
    veld_http2_settings settings;
    veld_tls *tls;
    nghttp2_session *session;
    http2_stream *streams;
    size_t streams_count;
    int64_t now_ms;      /* of the latest call */
    int64_t deadline_ms; /* of the connection: handshake, first head, or idle */
    bool open;           /* HTTP/2 may flow */
    bool closing;
    bool busy; /* inside nghttp2: no feed, tick, free */
    size_t idle_frames_left;
    size_t moved_bytes; /* of bodies, not yet turned into frames that are allowed */
    veld_error error;   /* once failed */
    veld_buf out;       /* without TLS: on the way; with TLS: being collected */
    size_t out_at;
};

/* ---- http2_stream.c ---- */
/* http2_session_open: the nghttp2 session with our callbacks and settings. */
veld_status http2_session_open(veld_http2 *connection, veld_error *err) VELD_MUST_CHECK;
http2_stream *http2_stream_find(const veld_http2 *connection, int32_t id);
http2_stream *http2_stream_new(veld_http2 *connection, int32_t id);
/* http2_stream_forget: take it out and free it.  http2_stream_drop: and tell its end. */
void http2_stream_forget(veld_http2 *connection, http2_stream *stream);
void http2_stream_drop(veld_http2 *connection, http2_stream *stream, veld_status status);
/* http2_body_deadline: when `bytes` must be through that begin now. */
int64_t http2_body_deadline(const veld_http2 *connection, uint64_t bytes);

/* ---- http2_message.c ---- */
/* The four events of a stream's incoming message; 0 or an nghttp2 callback error. */
int http2_take_field(http2_stream *stream, veld_span name, veld_span value);
int http2_take_head(veld_http2 *connection, http2_stream *stream);
int http2_take_body(veld_http2 *connection, http2_stream *stream, veld_span piece);
void http2_take_end(veld_http2 *connection, http2_stream *stream);

#endif

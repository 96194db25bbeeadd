/* Messages on streams: heads and bodies as they come in, answers and requests as they go out. Holds
 * every limit on a message; what is over one is answered or ended here and never reaches the
 * application. */
#include <stdio.h>
#include <string.h>

#include "http2_inner.h"
#include "veldkit/assert.h"
#include "veldkit/env.h"

enum { HTTP_TOO_LARGE = 413, HTTP_URI_TOO_LONG = 414, HTTP_HEAD_TOO_LARGE = 431 };

/* ---- coming in: fields ---- */
static bool is(veld_span name, const char *text)
{
    return veld_span_equal(name, veld_span_text(text));
}

/* Digits only, at most 12; -1 for anything else. */
static int64_t number_of(veld_span text)
{
    int64_t number = 0;
    if (text.len == 0 || text.len > 12)
        return -1;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return -1;
        number = number * 10 + (text.data[i] - '0');
    }
    return number;
}

/* True when it fits and holds no zero byte; `out` is then a C string. */
static bool copy_text(veld_span text, char *out, size_t out_size)
{
    if (text.len >= out_size || memchr(text.data, 0, text.len) != NULL)
        return false;
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

/* A head over a limit goes on to be read and is then answered, so `status` says which limit. */
int http2_take_field(http2_stream *stream, veld_span name, veld_span value)
{
    stream->head_bytes += name.len + value.len + 32;
    if (stream->head_bytes > VELD_HTTP2_HEAD_BYTES_MAX)
        stream->status = HTTP_HEAD_TOO_LARGE;
    else if (is(name, ":method") && !copy_text(value, stream->method, sizeof stream->method))
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    else if (is(name, ":path") && !copy_text(value, stream->path, sizeof stream->path))
        stream->status = HTTP_URI_TOO_LONG;
    else if (is(name, ":status"))
        stream->status = (unsigned)number_of(value);
    else if (is(name, "content-length"))
        stream->declared_length = number_of(value);
    return 0;
}

/* ---- coming in: refusing ---- */
/* The stream ends as `status` says, and no more of it reaches the application. */
static int reset(veld_http2 *connection, http2_stream *stream, veld_status status, uint32_t code)
{
    stream->discard = true;
    stream->ending = status;
    veld_buf_wipe(&stream->body);
    return nghttp2_submit_rst_stream(connection->session, NGHTTP2_FLAG_NONE, stream->id, code) == 0
               ? 0
               : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int answer_empty(veld_http2 *connection, http2_stream *stream, unsigned status)
{
    veld_buf none;
    veld_buf_init(&none, 1);
    stream->discard = true;
    stream->ending = VELD_E_LIMIT;
    veld_buf_wipe(&stream->body);
    return veld_http2_respond(
               connection, stream->id, status, NULL, &none, connection->now_ms, NULL) == VELD_OK
               ? 0
               : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int refuse_size(veld_http2 *connection, http2_stream *stream)
{
    if (connection->settings.server)
        return answer_empty(connection, stream, HTTP_TOO_LARGE);
    return reset(connection, stream, VELD_E_LIMIT, NGHTTP2_CANCEL);
}

/* ---- coming in: the message ---- */
static size_t tell_head(veld_http2 *connection, http2_stream *stream)
{
    const veld_http2_head head = {
        .method = stream->method,
        .path = stream->path,
        .status = connection->settings.server ? 0 : stream->status,
        .declared_length = stream->declared_length,
    };
    const size_t wanted =
        connection->settings.events.head(connection->settings.events.context, stream->id, &head);
    stream->head_told = true;
    return wanted < VELD_HTTP2_BODY_BYTES_MAX ? wanted : VELD_HTTP2_BODY_BYTES_MAX;
}

int http2_take_head(veld_http2 *connection, http2_stream *stream)
{
    const bool server = connection->settings.server;
    if (!server && stream->status >= 100 && stream->status < 200) {
        stream->status = 0; /* an interim answer: the real one follows */
        return 0;
    }
    stream->head_done = true;
    if (server) {
        connection->deadline_ms = INT64_MAX;
        stream->phase = STREAM_BODY;
        stream->deadline_ms = http2_body_deadline(connection, 0);
        if (stream->status != 0)
            return answer_empty(connection, stream, stream->status);
    } else if (stream->head_bytes > VELD_HTTP2_HEAD_BYTES_MAX) {
        return reset(connection, stream, VELD_E_LIMIT, NGHTTP2_CANCEL);
    } else if (stream->status < 200 || stream->status > 599) {
        return reset(connection, stream, VELD_E_FORM, NGHTTP2_PROTOCOL_ERROR);
    }
    stream->body_max = tell_head(connection, stream);
    stream->body.max = stream->body_max > 0 ? stream->body_max : 1;
    if (stream->declared_length > (int64_t)stream->body_max)
        return stream->answered || stream->discard ? 0 : refuse_size(connection, stream);
    if (server && !stream->answered)
        stream->deadline_ms = http2_body_deadline(connection,
            stream->declared_length >= 0 ? (uint64_t)stream->declared_length : stream->body_max);
    return 0;
}

int http2_take_body(veld_http2 *connection, http2_stream *stream, veld_span piece)
{
    if (stream->discard || stream->answered)
        return 0;
    if (piece.len > stream->body_max - stream->body.len)
        return refuse_size(connection, stream);
    if (veld_buf_append_span(&stream->body, piece) != VELD_OK)
        return reset(connection, stream, VELD_E_MEMORY, NGHTTP2_INTERNAL_ERROR);
    return 0;
}

void http2_take_end(veld_http2 *connection, http2_stream *stream)
{
    stream->complete = true;
    if (stream->discard || stream->answered)
        return;
    if (connection->settings.server) {
        stream->phase = STREAM_WAITING;
        stream->deadline_ms = INT64_MAX;
    }
    /* The application may answer at once; the memory of the body stays until the stream ends. */
    connection->settings.events.message(
        connection->settings.events.context, stream->id, veld_buf_span(&stream->body));
}

/* ---- going out ---- */
static ssize_t give_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t out_bytes,
    uint32_t *flags, nghttp2_data_source *source, void *context)
{
    (void)session;
    (void)id;
    (void)context;
    http2_stream *stream = source->ptr;
    const size_t left = stream->sending.len - stream->sent;
    const size_t len = left < out_bytes ? left : out_bytes;
    if (len > 0)
        memcpy(out, stream->sending.data + stream->sent, len);
    stream->sent += len;
    if (stream->sent == stream->sending.len)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)len;
}

static nghttp2_nv field(const char *name, const char *value, uint8_t flags)
{
    /* nghttp2 takes names and values as writable and copies them. */
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
        strlen(value), flags};
}

/* Type and length of a body; returns how many fields were added. A length differs each time, so it
 * stays out of the compression table. */
static size_t body_fields(
    const http2_stream *stream, const char *type, char length[24], nghttp2_nv fields[2])
{
    if (stream->sending.len == 0)
        return 0;
    snprintf(length, 24, "%zu", stream->sending.len);
    fields[0] = field("content-type", type != NULL ? type : "application/cbor-seq", 0);
    fields[1] = field("content-length", length, NGHTTP2_NV_FLAG_NO_INDEX);
    return 2;
}

static void begin_sending(veld_http2 *connection, http2_stream *stream)
{
    stream->phase = STREAM_SENDING;
    stream->deadline_ms = http2_body_deadline(connection, stream->sending.len);
}

veld_status veld_http2_respond(veld_http2 *connection, int32_t id, unsigned http_status,
    const char *type, veld_buf *body, int64_t now_ms, veld_error *err)
{
    VELD_ASSERT(connection->settings.server && http_status >= 200 && http_status <= 599);
    connection->now_ms = now_ms;
    http2_stream *stream = http2_stream_find(connection, id);
    VELD_ASSERT(stream != NULL && !stream->answered);
    stream->owned = *body;
    *body = (veld_buf){.max = body->max};
    stream->sending = veld_buf_span(&stream->owned);
    stream->answered = true;

    char status[4];
    char length[24];
    nghttp2_nv fields[3];
    snprintf(status, sizeof status, "%u", http_status % 1000u);
    fields[0] = field(":status", status, 0);
    const size_t count = 1 + body_fields(stream, type, length, fields + 1);
    const nghttp2_data_provider provider = {{.ptr = stream}, give_body};
    int failed = nghttp2_submit_response(
        connection->session, id, fields, count, count > 1 ? &provider : NULL);
    if (failed != 0) {
        stream->answered = false;
        veld_buf_wipe(&stream->owned);
        return veld_fail(err, VELD_E_MEMORY, "no memory for an answer");
    }
    begin_sending(connection, stream);
    return VELD_OK;
}

veld_status veld_http2_submit(veld_http2 *connection, const veld_http2_request *request,
    int64_t now_ms, int32_t *id, veld_error *err)
{
    VELD_ASSERT(!connection->settings.server);
    connection->now_ms = now_ms;
    if (strlen(request->path) > VELD_HTTP2_PATH_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "the path is too long");
    if (connection->closing || connection->error.status != VELD_OK ||
        nghttp2_session_check_request_allowed(connection->session) == 0)
        return veld_fail(err, VELD_E_BUSY, "the connection takes no new requests");
    http2_stream *stream = http2_stream_new(connection, 0);
    if (stream == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a request");
    stream->sending = request->body;

    char length[24];
    nghttp2_nv fields[6];
    fields[0] = field(":method", request->method, 0);
    fields[1] = field(":scheme", "https", 0);
    fields[2] = field(":authority", request->authority != NULL ? request->authority : "veldkit", 0);
    fields[3] = field(":path", request->path, 0);
    const size_t count = 4 + body_fields(stream, request->type, length, fields + 4);
    const nghttp2_data_provider provider = {{.ptr = stream}, give_body};
    const int32_t given = nghttp2_submit_request(
        connection->session, NULL, fields, count, count > 4 ? &provider : NULL, stream);
    if (given < 0) {
        http2_stream_forget(connection, stream);
        return veld_fail(err, given == NGHTTP2_ERR_NOMEM ? VELD_E_MEMORY : VELD_E_BUSY,
            "the request cannot be sent");
    }
    stream->id = given;
    begin_sending(connection, stream);
    if (connection->open)
        connection->deadline_ms = INT64_MAX;
    *id = given;
    return VELD_OK;
}

void veld_http2_cancel(veld_http2 *connection, int32_t id)
{
    http2_stream *stream = http2_stream_find(connection, id);
    if (stream != NULL && stream->ending == VELD_OK)
        (void)reset(connection, stream, VELD_E_INTERRUPTED, NGHTTP2_CANCEL);
}

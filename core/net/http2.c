/* A connection: TLS (or none) below, nghttp2 above, and the clock that ends what is late. It only
 * moves bytes and looks at deadlines; frames are in http2_stream.c, messages in http2_message.c. A
 * connection that failed gives out what lay ready (an alert, a close) and nothing new. */
#include "veldkit/http2.h"

#include "http2_inner.h"
#include "veldkit/assert.h"
#include "veldkit/env.h"

enum { PIECE_BYTES = 16384, FRAME_BYTES_MAX = 16384 + 9 };

/* ---- failing ---- */
static void end_streams(veld_http2 *connection, veld_status status)
{
    while (connection->streams != NULL)
        http2_stream_drop(connection, connection->streams, status);
}

static veld_status report(const veld_http2 *connection, veld_error *err)
{
    if (err != NULL)
        *err = connection->error;
    return connection->error.status;
}

/* The error stands in connection->error already; the streams hear of it and TLS says goodbye. */
static veld_status give_up(veld_http2 *connection, veld_error *err)
{
    VELD_ASSERT(connection->error.status != VELD_OK);
    if (connection->tls != NULL)
        veld_tls_close(connection->tls);
    end_streams(connection, connection->error.status);
    connection->deadline_ms = INT64_MAX;
    return report(connection, err);
}

static veld_status fail(
    veld_http2 *connection, veld_status status, const char *text, veld_error *err)
{
    (void)veld_fail(&connection->error, status, "%s", text);
    return give_up(connection, err);
}

/* ---- making and freeing ---- */
veld_status veld_http2_new(
    const veld_http2_settings *settings, int64_t now_ms, veld_http2 **out, veld_error *err)
{
    veld_status status;
    veld_http2 *made = veld_allocate(sizeof *made);
    if (made == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a connection");
    made->settings = *settings;
    made->now_ms = now_ms;
    veld_buf_init(&made->out, VELD_HTTP2_OUTPUT_BYTES + FRAME_BYTES_MAX);
    VELD_TRY(http2_session_open(made, err));
    if (settings->identity != NULL) {
        VELD_TRY(veld_tls_new(settings->identity, settings->host, &made->tls, err));
        made->deadline_ms = now_ms + VELD_NET_HANDSHAKE_MS;
    } else {
        made->open = true;
        made->deadline_ms = now_ms + (settings->server ? VELD_NET_HEAD_MS : VELD_NET_IDLE_MS);
    }
    *out = made;
    made = NULL;
done:
    veld_http2_free(made);
    return status;
}

void veld_http2_free(veld_http2 *connection)
{
    if (connection == NULL)
        return;
    VELD_ASSERT(!connection->busy);
    end_streams(connection, VELD_E_INTERRUPTED);
    nghttp2_session_del(connection->session);
    veld_tls_free(connection->tls);
    veld_buf_wipe(&connection->out);
    veld_release(connection);
}

/* ---- bytes in ---- */
static veld_status take_frames(veld_http2 *connection, veld_span bytes, veld_error *err)
{
    connection->busy = true;
    const ssize_t got = nghttp2_session_mem_recv(connection->session, bytes.data, bytes.len);
    connection->busy = false;
    if (got >= 0)
        return VELD_OK;
    if (connection->error.status != VELD_OK)
        return give_up(connection, err);
    switch (got) {
    case NGHTTP2_ERR_NOMEM:
    case NGHTTP2_ERR_CALLBACK_FAILURE:
        return fail(connection, VELD_E_MEMORY, "no memory for a connection", err);
    case NGHTTP2_ERR_FLOODED:
        return fail(connection, VELD_E_LIMIT, "a flood of frames without work", err);
    default:
        return fail(connection, VELD_E_FORM, "the peer speaks no HTTP/2", err);
    }
}

static void handshake_done(veld_http2 *connection)
{
    connection->open = true;
    if (connection->settings.server)
        connection->deadline_ms = connection->now_ms + VELD_NET_HEAD_MS;
    else
        connection->deadline_ms =
            connection->streams_count > 0 ? INT64_MAX : connection->now_ms + VELD_NET_IDLE_MS;
}

static veld_status fail_in_tls(veld_http2 *connection, const veld_error *why, veld_error *err)
{
    connection->error = *why;
    return give_up(connection, err);
}

static veld_status take_sealed(veld_http2 *connection, veld_span bytes, veld_error *err)
{
    uint8_t plain[PIECE_BYTES];
    veld_error why = {0};
    size_t len = 0;
    if (veld_tls_feed(connection->tls, bytes, &why) != VELD_OK)
        return fail_in_tls(connection, &why, err);
    if (!connection->open && veld_tls_get_state(connection->tls) == VELD_TLS_OPEN)
        handshake_done(connection);
    do {
        if (veld_tls_read(connection->tls, plain, sizeof plain, &len, &why) != VELD_OK)
            return fail_in_tls(connection, &why, err);
        if (len > 0) {
            veld_status status = take_frames(connection, veld_span_of(plain, len), err);
            veld_wipe(plain, len);
            if (status != VELD_OK)
                return status;
        }
    } while (len > 0);
    if (veld_tls_get_state(connection->tls) != VELD_TLS_CLOSED)
        return VELD_OK;
    connection->closing = true;
    if (connection->streams_count > 0)
        return fail(connection, VELD_E_NETWORK, "the peer closed the connection", err);
    return VELD_OK;
}

veld_status veld_http2_feed(
    veld_http2 *connection, veld_span bytes, int64_t now_ms, veld_error *err)
{
    VELD_ASSERT(!connection->busy);
    connection->now_ms = now_ms;
    if (connection->error.status != VELD_OK)
        return report(connection, err);
    if (connection->tls == NULL)
        return bytes.len > 0 ? take_frames(connection, bytes, err) : VELD_OK;
    for (size_t at = 0; at < bytes.len; at += PIECE_BYTES) {
        const size_t left = bytes.len - at;
        veld_status status = take_sealed(
            connection, veld_span_part(bytes, at, left < PIECE_BYTES ? left : PIECE_BYTES), err);
        if (status != VELD_OK)
            return status;
        if (veld_tls_get_state(connection->tls) == VELD_TLS_CLOSED)
            break; /* nothing counts behind the peer's goodbye */
    }
    return VELD_OK;
}

veld_status veld_http2_end(veld_http2 *connection, veld_error *err)
{
    VELD_ASSERT(!connection->busy);
    if (connection->error.status != VELD_OK)
        return report(connection, err);
    connection->closing = true;
    if (connection->open && connection->streams_count == 0)
        return VELD_OK;
    return fail(connection, VELD_E_NETWORK,
        connection->open ? "the line was cut" : "the line was cut in the handshake", err);
}

/* ---- bytes out ---- */
static bool is_finished(const veld_http2 *connection)
{
    if (connection->error.status != VELD_OK)
        return true;
    if (connection->streams_count > 0)
        return false;
    if (!connection->open)
        return connection->closing;
    return (connection->closing || nghttp2_session_want_read(connection->session) == 0) &&
           nghttp2_session_want_write(connection->session) == 0;
}

/* Frames are gathered before they are sealed, so a small message is one record. */
static void collect(veld_http2 *connection)
{
    const uint8_t *piece = NULL;
    ssize_t len = 0;
    veld_status status = VELD_OK;
    connection->busy = true;
    while (connection->out.len < VELD_HTTP2_OUTPUT_BYTES && status == VELD_OK &&
           (len = nghttp2_session_mem_send(connection->session, &piece)) > 0)
        status = veld_buf_append(&connection->out, piece, (size_t)len);
    connection->busy = false;
    if (len < 0)
        status = VELD_E_MEMORY;
    if (status == VELD_OK && connection->tls != NULL) {
        veld_error why = {0};
        status = veld_tls_write(connection->tls, veld_buf_span(&connection->out), &why);
        veld_buf_wipe(&connection->out);
    }
    if (status != VELD_OK)
        (void)fail(connection, status, "no memory for what goes out", NULL);
    else if (connection->streams_count > 0 && nghttp2_session_want_read(connection->session) == 0)
        (void)fail(connection, VELD_E_FORM, "the peer broke the rules of HTTP/2", NULL);
}

static veld_span waiting(const veld_http2 *connection)
{
    if (connection->tls != NULL)
        return veld_tls_output(connection->tls);
    const size_t left = connection->out.len - connection->out_at;
    return left > 0 ? veld_span_of(connection->out.data + connection->out_at, left)
                    : (veld_span){0};
}

veld_span veld_http2_output(veld_http2 *connection, int64_t now_ms)
{
    VELD_ASSERT(!connection->busy);
    connection->now_ms = now_ms;
    if (waiting(connection).len > 0)
        return waiting(connection);
    if (connection->open && connection->error.status == VELD_OK &&
        nghttp2_session_want_write(connection->session) != 0)
        collect(connection);
    if (is_finished(connection) && connection->tls != NULL)
        veld_tls_close(connection->tls);
    return waiting(connection);
}

void veld_http2_sent(veld_http2 *connection, size_t len)
{
    if (connection->tls != NULL) {
        veld_tls_sent(connection->tls, len);
        return;
    }
    VELD_ASSERT(len <= connection->out.len - connection->out_at);
    connection->out_at += len;
    if (connection->out_at == connection->out.len) {
        veld_buf_wipe(&connection->out);
        connection->out_at = 0;
    }
}

/* ---- time ---- */
int64_t veld_http2_deadline(const veld_http2 *connection)
{
    int64_t first = connection->deadline_ms;
    for (const http2_stream *stream = connection->streams; stream != NULL; stream = stream->next)
        if (stream->deadline_ms < first)
            first = stream->deadline_ms;
    return first;
}

static const char *what_is_late(const veld_http2 *connection, int64_t now_ms)
{
    if (!connection->open)
        return "the handshake took too long";
    for (const http2_stream *stream = connection->streams; stream != NULL; stream = stream->next)
        if (stream->deadline_ms <= now_ms)
            return stream->phase == STREAM_SENDING ? "the peer takes what we send too slowly"
                                                   : "the peer sends its request too slowly";
    return "nothing happened on the connection for too long";
}

veld_status veld_http2_tick(veld_http2 *connection, int64_t now_ms, veld_error *err)
{
    VELD_ASSERT(!connection->busy);
    connection->now_ms = now_ms;
    if (connection->error.status != VELD_OK)
        return report(connection, err);
    if (now_ms < veld_http2_deadline(connection))
        return VELD_OK;
    return fail(connection, VELD_E_TIMEOUT, what_is_late(connection, now_ms), err);
}

/* ---- closing ---- */
void veld_http2_close(veld_http2 *connection)
{
    if (connection->closing || connection->error.status != VELD_OK)
        return;
    connection->closing = true;
    if (connection->open)
        (void)nghttp2_submit_goaway(connection->session, NGHTTP2_FLAG_NONE,
            nghttp2_session_get_last_proc_stream_id(connection->session), NGHTTP2_NO_ERROR, NULL,
            0);
}

bool veld_http2_is_over(const veld_http2 *connection)
{
    return is_finished(connection) && waiting(connection).len == 0;
}

bool veld_http2_is_open(const veld_http2 *connection)
{
    return connection->open && !connection->closing && connection->error.status == VELD_OK &&
           (connection->settings.server ||
               nghttp2_session_check_request_allowed(connection->session) != 0);
}

const veld_tls *veld_http2_get_tls(const veld_http2 *connection)
{
    return connection->tls;
}

size_t veld_http2_get_streams(const veld_http2 *connection)
{
    return connection->streams_count;
}

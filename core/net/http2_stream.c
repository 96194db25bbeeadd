/* The nghttp2 session of a connection: its settings, its callbacks, and the list of our streams.
 * nghttp2 knows frames, HPACK and flow control; what a message may be is in http2_message.c.
 * Every frame costs one of a budget that only real work refills, so a peer cannot keep us busy with
 * frames that mean nothing. */
#include <string.h>

#include "http2_inner.h"
#include "veldkit/assert.h"
#include "veldkit/env.h"

enum {
    STREAM_WINDOW_BYTES = 256 << 10,
    CONNECTION_WINDOW_BYTES = 1 << 20,
    FRAME_PER_BYTES = 256, /* of bodies, for which one more frame is allowed */
    ACKS_WAITING_MAX = 100,
    SETTINGS_ENTRIES_MAX = 16
};

/* ---- memory ---- */
static void *library_malloc(size_t bytes, void *context)
{
    (void)context;
    return veld_allocate(bytes > 0 ? bytes : 1);
}

static void library_free(void *block, void *context)
{
    (void)context;
    veld_release(block);
}

static void *library_calloc(size_t count, size_t size, void *context)
{
    if (size > 0 && count > SIZE_MAX / size)
        return NULL;
    return library_malloc(count * size, context);
}

static void *library_realloc(void *block, size_t bytes, void *context)
{
    (void)context;
    return veld_resize(block, bytes > 0 ? bytes : 1);
}

/* nghttp2 copies the table and takes it as writable. */
static const nghttp2_mem memory = {
    NULL, library_malloc, library_free, library_calloc, library_realloc};

/* ---- streams ---- */
http2_stream *http2_stream_find(const veld_http2 *connection, int32_t id)
{
    return nghttp2_session_get_stream_user_data(connection->session, id);
}

http2_stream *http2_stream_new(veld_http2 *connection, int32_t id)
{
    http2_stream *made = veld_allocate(sizeof *made);
    if (made == NULL)
        return NULL;
    made->id = id;
    made->deadline_ms = INT64_MAX;
    made->declared_length = -1;
    veld_buf_init(&made->body, 1);
    veld_buf_init(&made->owned, 1);
    made->next = connection->streams;
    if (made->next != NULL)
        made->next->previous = made;
    connection->streams = made;
    connection->streams_count++;
    return made;
}

void http2_stream_forget(veld_http2 *connection, http2_stream *stream)
{
    if (stream->next != NULL)
        stream->next->previous = stream->previous;
    if (stream->previous != NULL)
        stream->previous->next = stream->next;
    else
        connection->streams = stream->next;
    VELD_ASSERT(connection->streams_count > 0);
    connection->streams_count--;
    veld_buf_wipe(&stream->body);
    veld_buf_wipe(&stream->owned);
    veld_release(stream);
}

void http2_stream_drop(veld_http2 *connection, http2_stream *stream, veld_status status)
{
    const int32_t id = stream->id;
    const bool tell = stream->head_told || !connection->settings.server;
    (void)nghttp2_session_set_stream_user_data(connection->session, id, NULL);
    http2_stream_forget(connection, stream);
    /* The clock of the first head goes on when all there was are streams without a whole head. */
    if (connection->streams_count == 0 && connection->deadline_ms == INT64_MAX)
        connection->deadline_ms = connection->now_ms + VELD_NET_IDLE_MS;
    if (tell)
        connection->settings.events.ended(connection->settings.events.context, id, status);
}

int64_t http2_body_deadline(const veld_http2 *connection, uint64_t bytes)
{
    const uint64_t ms = bytes * 1000 / VELD_NET_BODY_BYTES_PER_S;
    return connection->now_ms + VELD_NET_BODY_MS + (int64_t)ms;
}

/* ---- the budget of frames ---- */
static void allow_frames(veld_http2 *connection, size_t frames)
{
    const size_t room = VELD_HTTP2_IDLE_FRAMES_MAX - connection->idle_frames_left;
    connection->idle_frames_left += frames < room ? frames : room;
}

static void allow_for_bytes(veld_http2 *connection, size_t bytes)
{
    connection->moved_bytes += bytes;
    allow_frames(connection, connection->moved_bytes / FRAME_PER_BYTES);
    connection->moved_bytes %= FRAME_PER_BYTES;
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *head, void *context)
{
    (void)session;
    (void)head;
    veld_http2 *connection = context;
    if (connection->idle_frames_left == 0) {
        (void)veld_fail(&connection->error, VELD_E_LIMIT, "a flood of frames without work");
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    connection->idle_frames_left--;
    return 0;
}

/* ---- what comes in ---- */
static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    veld_http2 *connection = context;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    http2_stream *stream = http2_stream_new(connection, frame->hd.stream_id);
    if (stream == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    stream->phase = STREAM_HEAD;
    stream->deadline_ms = connection->now_ms + VELD_NET_HEAD_MS;
    /* The first head of a connection keeps the clock that runs since the handshake. */
    if (connection->deadline_ms < stream->deadline_ms)
        stream->deadline_ms = connection->deadline_ms;
    (void)nghttp2_session_set_stream_user_data(session, stream->id, stream);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
    size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *context)
{
    (void)session;
    (void)flags;
    http2_stream *stream = http2_stream_find(context, frame->hd.stream_id);
    if (stream == NULL || stream->head_done)
        return 0; /* trailers are of no interest */
    return http2_take_field(stream, veld_span_of(name, name_len), veld_span_of(value, value_len));
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    (void)session;
    veld_http2 *connection = context;
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
        return 0;
    http2_stream *stream = http2_stream_find(connection, frame->hd.stream_id);
    if (stream == NULL)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && !stream->head_done) {
        int failed = http2_take_head(connection, stream);
        if (failed != 0)
            return failed;
    }
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 && stream->head_done)
        http2_take_end(connection, stream);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
    size_t len, void *context)
{
    (void)session;
    (void)flags;
    veld_http2 *connection = context;
    allow_for_bytes(connection, len);
    http2_stream *stream = http2_stream_find(connection, id);
    return stream == NULL ? 0 : http2_take_body(connection, stream, veld_span_of(data, len));
}

static veld_status status_of_close(const http2_stream *stream, uint32_t code, bool server)
{
    if (stream->ending != VELD_OK)
        return stream->ending;
    if (code == NGHTTP2_REFUSED_STREAM)
        return VELD_E_BUSY;
    const bool whole = stream->complete && (!server || stream->answered);
    return code == NGHTTP2_NO_ERROR && whole ? VELD_OK : VELD_E_NETWORK;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *context)
{
    (void)session;
    veld_http2 *connection = context;
    http2_stream *stream = http2_stream_find(connection, id);
    if (stream == NULL)
        return 0;
    const veld_status status = status_of_close(stream, code, connection->settings.server);
    if (status == VELD_OK)
        allow_frames(connection, VELD_HTTP2_IDLE_FRAMES_PER_REQUEST);
    http2_stream_drop(connection, stream, status);
    return 0;
}

/* ---- what goes out ---- */
static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    veld_http2 *connection = context;
    if (frame->hd.type == NGHTTP2_DATA)
        allow_for_bytes(connection, frame->hd.length);
    if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) ||
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
        return 0;
    http2_stream *stream = http2_stream_find(connection, frame->hd.stream_id);
    if (stream == NULL)
        return 0;
    stream->phase = STREAM_WAITING;
    stream->deadline_ms = INT64_MAX;
    /* The answer is out and the rest of the request is of no use: say so, or it would still come.
     */
    if (connection->settings.server && !stream->complete)
        return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
    return 0;
}

/* ---- the session ---- */
static int make_options(nghttp2_option **out)
{
    int failed = nghttp2_option_new(out);
    if (failed != 0)
        return failed;
    nghttp2_option_set_max_outbound_ack(*out, ACKS_WAITING_MAX);
    nghttp2_option_set_max_settings(*out, SETTINGS_ENTRIES_MAX);
    nghttp2_option_set_no_closed_streams(*out, 1);
    return 0;
}

static int make_callbacks(nghttp2_session_callbacks **out)
{
    int failed = nghttp2_session_callbacks_new(out);
    if (failed != 0)
        return failed;
    nghttp2_session_callbacks_set_on_begin_frame_callback(*out, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(*out, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(*out, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(*out, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(*out, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(*out, on_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(*out, on_sent);
    return 0;
}

static int greet(nghttp2_session *session, bool server)
{
    const nghttp2_settings_entry entries[] = {
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, VELD_HTTP2_HEAD_BYTES_MAX},
        {server ? NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS : NGHTTP2_SETTINGS_ENABLE_PUSH,
            server ? VELD_HTTP2_STREAMS_MAX : 0},
    };
    int failed = nghttp2_submit_settings(
        session, NGHTTP2_FLAG_NONE, entries, sizeof entries / sizeof entries[0]);
    if (failed == 0)
        failed = nghttp2_session_set_local_window_size(
            session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW_BYTES);
    return failed;
}

veld_status http2_session_open(veld_http2 *connection, veld_error *err)
{
    nghttp2_option *options = NULL;
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_mem allocator = memory;
    connection->idle_frames_left = VELD_HTTP2_IDLE_FRAMES_MAX;
    int failed = make_options(&options);
    if (failed == 0)
        failed = make_callbacks(&callbacks);
    if (failed == 0)
        failed = connection->settings.server ? nghttp2_session_server_new3(&connection->session,
                                                   callbacks, connection, options, &allocator)
                                             : nghttp2_session_client_new3(&connection->session,
                                                   callbacks, connection, options, &allocator);
    if (failed == 0)
        failed = greet(connection->session, connection->settings.server);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(options);
    /* With our settings and callbacks there is nothing but memory that can fail here. */
    if (failed != 0)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a connection");
    return VELD_OK;
}

/* A server's HTTP/2 as a peer behind TLS can reach it: any plaintext, in pieces, with answers that
 * come at once or never, and time that goes on. The first byte says which. */
#include <stddef.h>
#include <stdint.h>

#include "veldkit/assert.h"
#include "veldkit/http2.h"

typedef struct judge {
    veld_http2 *connection;
    unsigned open;
    int silent;
} judge;

static size_t on_head(void *context, int32_t stream, const veld_http2_head *head)
{
    (void)stream;
    judge *of = context;
    VELD_ASSERT(head->method != NULL && head->path != NULL);
    of->open++;
    return 1000;
}

static void on_message(void *context, int32_t stream, veld_span body)
{
    judge *of = context;
    VELD_ASSERT(body.len <= 1000);
    if (of->silent)
        return;
    veld_buf answer;
    veld_buf_init(&answer, 1000);
    if (veld_buf_append_span(&answer, body) == VELD_OK)
        (void)!veld_http2_respond(of->connection, stream, 200, NULL, &answer, 0, NULL);
}

static void on_ended(void *context, int32_t stream, veld_status status)
{
    (void)stream;
    (void)status;
    judge *of = context;
    VELD_ASSERT(of->open > 0);
    of->open--;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    judge of = {.silent = data[0] & 1};
    const size_t step = (data[0] & 2) != 0 ? 7 : size;
    const veld_http2_settings settings = {
        .server = true, .events = {&of, on_head, on_message, on_ended}};
    if (veld_http2_new(&settings, 0, &of.connection, NULL) != VELD_OK)
        return 0;
    veld_status status = VELD_OK;
    int64_t now_ms = 0;
    for (size_t at = 1; at < size && status == VELD_OK; at += step) {
        const size_t len = size - at < step ? size - at : step;
        status = veld_http2_feed(of.connection, veld_span_of(data + at, len), now_ms, NULL);
        const veld_span out = veld_http2_output(of.connection, now_ms);
        if ((data[0] & 4) == 0 && out.len > 0)
            veld_http2_sent(of.connection, out.len);
        now_ms += data[0];
        if (status == VELD_OK)
            status = veld_http2_tick(of.connection, now_ms, NULL);
    }
    veld_http2_free(of.connection);
    VELD_ASSERT(of.open == 0);
    return 0;
}

/* Writing a stream of frames, with the running hash that its end tells. */
#include <string.h>

#include "frame_inner.h"
#include "veldkit/assert.h"
#include "veldkit/cbor.h"
#include "veldkit/frame.h"

static bool program_is_valid(const char *program)
{
    size_t len = strlen(program);
    if (len == 0 || len > VELD_FRAME_PROGRAM_BYTES_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (program[i] < 0x20 || program[i] > 0x7E)
            return false;
    return true;
}

/* append: one frame, hashed unless it is the end, which cannot hold its own hash. */
static veld_status append(
    veld_frame_writer *writer, veld_frame_type type, veld_span body, veld_error *err)
{
    size_t start = writer->out->len;
    veld_cbor_writer cbor = veld_cbor_write(writer->out);
    veld_cbor_put_array(&cbor, 2);
    veld_cbor_put_uint(&cbor, (uint64_t)type);
    veld_cbor_put_bytes(&cbor, body);
    veld_status status = veld_cbor_writer_finish(&cbor, err);
    if (status != VELD_OK || type == VELD_FRAME_END)
        return status;
    veld_span frame = veld_span_part(veld_buf_span(writer->out), start, writer->out->len - start);
    status = veld_sha256_add(&writer->hash, frame, err);
    if (status == VELD_OK)
        writer->count++;
    else
        writer->out->len = start;
    return status;
}

veld_status veld_frame_writer_begin(veld_frame_writer *writer, veld_frame_carrier carrier,
    const char *program, veld_buf *out, veld_error *err)
{
    VELD_ASSERT(program_is_valid(program));
    *writer = (veld_frame_writer){.out = out};
    veld_status status;
    size_t start = out->len;
    veld_buf body;
    veld_buf_init(&body, VELD_FRAME_VERSION_BYTES_MAX);
    veld_cbor_writer cbor = veld_cbor_write(&body);
    VELD_TRY(veld_sha256_start(&writer->hash, NULL, err));
    if (carrier == VELD_FRAME_FILE) {
        VELD_TRY(veld_buf_append_text(out, VELD_FRAME_MAGIC_TEXT));
        VELD_TRY(veld_sha256_add(&writer->hash, veld_span_text(VELD_FRAME_MAGIC_TEXT), err));
    }
    veld_cbor_put_array(&cbor, 3);
    veld_cbor_put_uint(&cbor, VELD_EXCHANGE_MAJOR);
    veld_cbor_put_uint(&cbor, VELD_EXCHANGE_MINOR);
    veld_cbor_put_text(&cbor, veld_span_text(program));
    VELD_TRY(veld_cbor_writer_finish(&cbor, err));
    status = append(writer, VELD_FRAME_VERSION, veld_buf_span(&body), err);
done:
    veld_buf_release(&body);
    if (status != VELD_OK) {
        out->len = start;
        veld_frame_writer_abort(writer);
    }
    return status;
}

veld_status veld_frame_writer_add(
    veld_frame_writer *writer, veld_frame_type type, veld_span body, veld_error *err)
{
    VELD_ASSERT(writer->out != NULL);
    VELD_ASSERT(type != VELD_FRAME_VERSION && type != VELD_FRAME_END);
    if (body.len > VELD_FRAME_BYTES_MAX || writer->count >= VELD_FRAME_COUNT_MAX)
        return veld_fail(err, VELD_E_LIMIT, "too much for one stream of frames");
    return append(writer, type, body, err);
}

veld_status veld_frame_writer_end(veld_frame_writer *writer, veld_error *err)
{
    VELD_ASSERT(writer->out != NULL);
    veld_status status;
    veld_hash hash;
    veld_buf body;
    veld_buf_init(&body, VELD_FRAME_VERSION_BYTES_MAX);
    VELD_TRY(veld_sha256_finish(&writer->hash, &hash, err));
    veld_cbor_writer cbor = veld_cbor_write(&body);
    veld_cbor_put_array(&cbor, 2);
    veld_cbor_put_uint(&cbor, writer->count);
    veld_cbor_put_bytes(&cbor, veld_hash_span(&hash));
    VELD_TRY(veld_cbor_writer_finish(&cbor, err));
    status = append(writer, VELD_FRAME_END, veld_buf_span(&body), err);
done:
    veld_buf_release(&body);
    veld_frame_writer_abort(writer);
    return status;
}

void veld_frame_writer_abort(veld_frame_writer *writer)
{
    veld_sha256_abort(&writer->hash);
    *writer = (veld_frame_writer){0};
}

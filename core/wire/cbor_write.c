/* The writer over libcbor's encoders, which choose the shortest form of a number themselves. Holds
 * the first failure so that callers write straight-line code. Knows no format. */
#include "veldkit/cbor.h"

#include <cbor/encoding.h>

#include "veldkit/assert.h"

enum { HEAD_BYTES_MAX = 9 };

veld_cbor_writer veld_cbor_write(veld_buf *out)
{
    VELD_ASSERT(out != NULL);
    return (veld_cbor_writer){.out = out, .start = out->len, .status = VELD_OK};
}

static void append(veld_cbor_writer *writer, const void *data, size_t len)
{
    if (writer->status == VELD_OK)
        writer->status = veld_buf_append(writer->out, data, len);
}

void veld_cbor_put_uint(veld_cbor_writer *writer, uint64_t value)
{
    uint8_t head[HEAD_BYTES_MAX];
    append(writer, head, cbor_encode_uint(value, head, sizeof head));
}

void veld_cbor_put_int(veld_cbor_writer *writer, int64_t value)
{
    uint8_t head[HEAD_BYTES_MAX];
    if (value >= 0)
        veld_cbor_put_uint(writer, (uint64_t)value);
    else /* CBOR holds -1 - value */
        append(writer, head, cbor_encode_negint((uint64_t)(-1 - value), head, sizeof head));
}

void veld_cbor_put_bytes(veld_cbor_writer *writer, veld_span bytes)
{
    uint8_t head[HEAD_BYTES_MAX];
    append(writer, head, cbor_encode_bytestring_start(bytes.len, head, sizeof head));
    append(writer, bytes.data, bytes.len);
}

bool veld_cbor_put_run(veld_cbor_writer *writer, size_t len, uint8_t **out)
{
    uint8_t head[HEAD_BYTES_MAX];
    append(writer, head, cbor_encode_bytestring_start(len, head, sizeof head));
    if (writer->status == VELD_OK)
        writer->status = veld_buf_extend(writer->out, len, out);
    return writer->status == VELD_OK;
}

void veld_cbor_put_text(veld_cbor_writer *writer, veld_span text)
{
    uint8_t head[HEAD_BYTES_MAX];
    append(writer, head, cbor_encode_string_start(text.len, head, sizeof head));
    append(writer, text.data, text.len);
}

void veld_cbor_put_boolean(veld_cbor_writer *writer, bool value)
{
    uint8_t head[HEAD_BYTES_MAX];
    append(writer, head, cbor_encode_bool(value, head, sizeof head));
}

void veld_cbor_put_null(veld_cbor_writer *writer)
{
    uint8_t head[HEAD_BYTES_MAX];
    append(writer, head, cbor_encode_null(head, sizeof head));
}

void veld_cbor_put_array(veld_cbor_writer *writer, size_t count)
{
    uint8_t head[HEAD_BYTES_MAX];
    append(writer, head, cbor_encode_array_start(count, head, sizeof head));
}

void veld_cbor_put_map(veld_cbor_writer *writer, size_t count)
{
    uint8_t head[HEAD_BYTES_MAX];
    append(writer, head, cbor_encode_map_start(count, head, sizeof head));
}

void veld_cbor_put_raw(veld_cbor_writer *writer, veld_span cbor)
{
    append(writer, cbor.data, cbor.len);
}

veld_status veld_cbor_writer_finish(veld_cbor_writer *writer, veld_error *err)
{
    if (writer->status == VELD_OK)
        return VELD_OK;
    writer->out->len = writer->start;
    return veld_fail(err, writer->status, "cannot hold the encoded bytes");
}

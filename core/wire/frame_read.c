/* Reading a stream of frames as its bytes come in. A frame is given out when it is whole; how long
 * it wants to be is looked at as soon as its head is there, so a hostile one costs no memory.
 *
 *   MAGIC --magic--> FIRST --version--> OPEN --end--> ENDED
 *     any failure --> BROKEN */
#include <string.h>

#include "frame_inner.h"
#include "veldkit/assert.h"
#include "veldkit/cbor.h"
#include "veldkit/frame.h"
#include "veldkit/number.h"

enum { HEADS_BYTES_MAX = 32, PENDING_BYTES_MAX = 2 * (VELD_FRAME_BYTES_MAX + HEADS_BYTES_MAX) };

veld_status veld_frame_reader_init(
    veld_frame_reader *reader, veld_frame_carrier carrier, veld_error *err)
{
    *reader = (veld_frame_reader){
        .state = carrier == VELD_FRAME_FILE ? VELD_FRAME_MAGIC : VELD_FRAME_FIRST};
    veld_buf_init(&reader->pending, PENDING_BYTES_MAX);
    return veld_sha256_start(&reader->hash, NULL, err);
}

void veld_frame_reader_release(veld_frame_reader *reader)
{
    veld_sha256_abort(&reader->hash);
    veld_buf_release(&reader->pending);
    *reader = (veld_frame_reader){.state = VELD_FRAME_BROKEN};
}

veld_status veld_frame_reader_add(veld_frame_reader *reader, veld_span bytes, veld_error *err)
{
    if (bytes.len > VELD_FRAME_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "more than %u bytes at once", VELD_FRAME_BYTES_MAX);
    if (bytes.len == 0)
        return VELD_OK;
    if (reader->at > 0) {
        memmove(reader->pending.data, reader->pending.data + reader->at,
            reader->pending.len - reader->at);
        reader->pending.len -= reader->at;
        reader->at = 0;
    }
    veld_status status = veld_buf_append_span(&reader->pending, bytes);
    return status == VELD_OK ? VELD_OK : veld_fail(err, status, "cannot hold more of the stream");
}

static veld_span unread(const veld_frame_reader *reader)
{
    return veld_span_part(
        veld_buf_span(&reader->pending), reader->at, reader->pending.len - reader->at);
}

/* wanted_bytes: the length that the head of a byte string tells; 0 when it is no such head, or not
 * whole yet. */
static uint64_t wanted_bytes(veld_span head)
{
    if (head.len == 0 || head.data[0] >> 5 != 2)
        return 0;
    unsigned info = head.data[0] & 31u;
    if (info == 25 && head.len >= 3)
        return veld_get_u16(head.data + 1);
    if (info == 26 && head.len >= 5)
        return veld_get_u32(head.data + 1);
    return info == 27 && head.len >= 9 ? veld_get_u64(head.data + 1) : 0;
}

/* read_frame: the next frame, not checked against the state. `*have` false: more bytes are needed.
 */
static veld_status read_frame(
    veld_frame_reader *reader, veld_frame *frame, bool *have, veld_error *err)
{
    veld_span bytes = unread(reader);
    veld_cbor_reader cbor = veld_cbor_read(bytes);
    if (veld_cbor_array(&cbor, 2) != 2)
        veld_cbor_reader_fail(&cbor, VELD_E_FORM);
    frame->type = veld_cbor_uint(&cbor);
    size_t body_at = cbor.at;
    frame->body = veld_cbor_bytes(&cbor);
    if (cbor.status == VELD_OK) {
        if (frame->body.len > VELD_FRAME_BYTES_MAX)
            return veld_fail(err, VELD_E_LIMIT, "a frame is over %u bytes", VELD_FRAME_BYTES_MAX);
        *have = true;
        reader->at += cbor.at;
        if (frame->type == VELD_FRAME_END)
            return VELD_OK;
        return veld_sha256_add(&reader->hash, veld_span_part(bytes, 0, cbor.at), err);
    }
    if (!cbor.is_short)
        return veld_fail(err, VELD_E_FORM, "not a frame");
    if (wanted_bytes(veld_span_part(bytes, body_at, bytes.len - body_at)) > VELD_FRAME_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "a frame is over %u bytes", VELD_FRAME_BYTES_MAX);
    return VELD_OK;
}

static veld_status read_magic(veld_frame_reader *reader, bool *have, veld_error *err)
{
    veld_span bytes = unread(reader);
    size_t len = bytes.len < VELD_FRAME_MAGIC_BYTES ? bytes.len : VELD_FRAME_MAGIC_BYTES;
    if (len > 0 && memcmp(bytes.data, VELD_FRAME_MAGIC_TEXT, len) != 0)
        return veld_fail(err, VELD_E_FORM, "not a bundle");
    if (len < VELD_FRAME_MAGIC_BYTES)
        return VELD_OK;
    *have = true;
    reader->at += VELD_FRAME_MAGIC_BYTES;
    reader->state = VELD_FRAME_FIRST;
    return veld_sha256_add(&reader->hash, veld_span_part(bytes, 0, len), err);
}

static veld_status read_version(veld_frame_reader *reader, const veld_frame *frame, veld_error *err)
{
    if (frame->type != VELD_FRAME_VERSION)
        return veld_fail(err, VELD_E_FORM, "the stream does not begin with its version");
    veld_cbor_reader cbor = veld_cbor_read(frame->body);
    size_t items = veld_cbor_array(&cbor, HEADS_BYTES_MAX);
    reader->major = veld_cbor_uint(&cbor);
    reader->minor = veld_cbor_uint(&cbor);
    if (cbor.status == VELD_OK && reader->major > VELD_EXCHANGE_MAJOR)
        return veld_fail(err, VELD_E_NEWER,
            "the peer speaks exchange %llu.%llu, this program %d.%d",
            (unsigned long long)reader->major, (unsigned long long)reader->minor,
            VELD_EXCHANGE_MAJOR, VELD_EXCHANGE_MINOR);
    veld_span program = veld_cbor_text(&cbor);
    for (size_t i = 3; i < items; i++) /* of a newer minor */
        (void)veld_cbor_skip(&cbor);
    if (items < 3 || program.len == 0 || program.len > VELD_FRAME_PROGRAM_BYTES_MAX)
        veld_cbor_reader_fail(&cbor, VELD_E_FORM);
    for (size_t i = 0; i < program.len; i++)
        if (program.data[i] < 0x20 || program.data[i] > 0x7E)
            veld_cbor_reader_fail(&cbor, VELD_E_FORM);
    veld_status status = veld_cbor_reader_finish(&cbor, err);
    if (status != VELD_OK)
        return status;
    memcpy(reader->program, program.data, program.len);
    reader->state = VELD_FRAME_OPEN;
    return VELD_OK;
}

static veld_status read_end(veld_frame_reader *reader, const veld_frame *frame, veld_error *err)
{
    veld_hash told;
    veld_hash hash;
    veld_cbor_reader cbor = veld_cbor_read(frame->body);
    if (veld_cbor_array(&cbor, 2) != 2)
        veld_cbor_reader_fail(&cbor, VELD_E_FORM);
    uint64_t count = veld_cbor_uint(&cbor);
    veld_cbor_fixed(&cbor, told.bytes, sizeof told.bytes);
    veld_status status = veld_cbor_reader_finish(&cbor, err);
    if (status != VELD_OK)
        return status;
    status = veld_sha256_finish(&reader->hash, &hash, err);
    if (status != VELD_OK)
        return status;
    if (count != reader->count || !veld_hash_equal(&hash, &told))
        return veld_fail(err, VELD_E_DAMAGED, "the stream is not what its end says");
    reader->state = VELD_FRAME_ENDED;
    return VELD_OK;
}

/* step: read one thing. `*have` says whether something was read, `*given` whether it is a frame for
 * the caller. */
static veld_status step(
    veld_frame_reader *reader, veld_frame *frame, bool *have, bool *given, veld_error *err)
{
    *have = false;
    if (reader->state == VELD_FRAME_BROKEN)
        return veld_fail(err, VELD_E_FORM, "the stream was refused before");
    if (unread(reader).len == 0)
        return VELD_OK;
    if (reader->state == VELD_FRAME_MAGIC)
        return read_magic(reader, have, err);
    if (reader->state == VELD_FRAME_ENDED)
        return veld_fail(err, VELD_E_FORM, "bytes behind the end of the stream");
    veld_status status = read_frame(reader, frame, have, err);
    if (status != VELD_OK || !*have)
        return status;
    if (reader->state == VELD_FRAME_OPEN && frame->type == VELD_FRAME_END)
        return read_end(reader, frame, err);
    if (reader->count++ >= VELD_FRAME_COUNT_MAX)
        return veld_fail(err, VELD_E_LIMIT, "over %u frames", VELD_FRAME_COUNT_MAX);
    if (reader->state == VELD_FRAME_FIRST)
        return read_version(reader, frame, err);
    if (frame->type == VELD_FRAME_VERSION)
        return veld_fail(err, VELD_E_FORM, "a second version in the stream");
    *given = true;
    return VELD_OK;
}

veld_status veld_frame_reader_next(
    veld_frame_reader *reader, veld_frame *frame, bool *have, veld_error *err)
{
    *have = false;
    *frame = (veld_frame){0};
    bool progress = true;
    bool given = false;
    while (progress && !given) {
        veld_status status = step(reader, frame, &progress, &given, err);
        if (status != VELD_OK) {
            *frame = (veld_frame){0};
            reader->state = VELD_FRAME_BROKEN;
            return status;
        }
    }
    *have = given;
    if (!given)
        *frame = (veld_frame){0};
    return VELD_OK;
}

veld_status veld_frame_reader_finish(const veld_frame_reader *reader, veld_error *err)
{
    if (reader->state == VELD_FRAME_ENDED && unread(reader).len == 0)
        return VELD_OK;
    return veld_fail(err, VELD_E_DAMAGED, "the stream was cut before its end");
}

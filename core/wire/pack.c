/* Packing with zstd and the static dictionary. A packed body comes from whoever holds the case's
 * key, who may be hostile: one frame, its own size field refused, window and output bounded before
 * memory is spent. Knows nothing of what it packs. */
#include "pack.h"

#include <string.h>
#include <zstd.h>

#include "veldkit/limits.h"
#include "veldkit/number.h"

enum { MODE_STORED = 0, MODE_ZSTD_BODY_1 = 1, HEAD_BYTES = 5, LEVEL = 3, STEP_BYTES = 64 * 1024 };

static ZSTD_CCtx *new_packer(void)
{
    ZSTD_CCtx *packer = ZSTD_createCCtx();
    if (packer == NULL)
        return NULL;
    if (ZSTD_isError(ZSTD_CCtx_setParameter(packer, ZSTD_c_compressionLevel, LEVEL)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(packer, ZSTD_c_contentSizeFlag, 0)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(packer, ZSTD_c_dictIDFlag, 0)) ||
        ZSTD_isError(
            ZSTD_CCtx_loadDictionary(packer, veld_body_dictionary, veld_body_dictionary_bytes))) {
        ZSTD_freeCCtx(packer);
        return NULL;
    }
    return packer;
}

static ZSTD_DCtx *new_unpacker(void)
{
    ZSTD_DCtx *unpacker = ZSTD_createDCtx();
    if (unpacker == NULL)
        return NULL;
    if (ZSTD_isError(
            ZSTD_DCtx_setParameter(unpacker, ZSTD_d_windowLogMax, VELD_ENVELOPE_WINDOW_LOG_MAX)) ||
        ZSTD_isError(
            ZSTD_DCtx_loadDictionary(unpacker, veld_body_dictionary, veld_body_dictionary_bytes))) {
        ZSTD_freeDCtx(unpacker);
        return NULL;
    }
    return unpacker;
}

/* output_max: the most that `packed` may become. */
static size_t output_max(size_t packed)
{
    if (packed > VELD_ENVELOPE_BODY_BYTES_MAX / VELD_ENVELOPE_BODY_RATIO_MAX)
        return VELD_ENVELOPE_BODY_BYTES_MAX;
    return packed * VELD_ENVELOPE_BODY_RATIO_MAX;
}

/* squeeze: append one zstd frame to `out`; `*packed` 0 when it is no gain. */
static veld_status squeeze(veld_span body, veld_buf *out, size_t *packed, veld_error *err)
{
    veld_status status;
    uint8_t *place = NULL;
    size_t start = out->len;
    size_t room = ZSTD_compressBound(body.len);
    ZSTD_CCtx *packer = new_packer();
    if (packer == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory to pack");
    VELD_TRY(veld_buf_extend(out, room, &place));
    size_t len = ZSTD_compress2(packer, place, room, body.data, body.len);
    if (ZSTD_isError(len)) {
        status = veld_fail(err, VELD_E_MEMORY, "cannot pack: %s", ZSTD_getErrorName(len));
        goto done;
    }
    *packed = len < body.len && body.len <= output_max(len) ? len : 0;
    out->len = start + *packed;
done:
    if (status != VELD_OK)
        out->len = start;
    ZSTD_freeCCtx(packer);
    return status;
}

veld_status veld_pack(veld_span body, veld_buf *out, veld_error *err)
{
    veld_status status;
    size_t start = out->len;
    size_t packed = 0;
    uint8_t head[HEAD_BYTES] = {MODE_ZSTD_BODY_1};
    VELD_TRY(veld_buf_append(out, head, sizeof head));
    VELD_TRY(squeeze(body, out, &packed, err));
    if (packed == 0) {
        out->data[start] = MODE_STORED;
        packed = body.len;
        VELD_TRY(veld_buf_append_span(out, body));
    }
    veld_put_u32(out->data + start + 1, (uint32_t)packed);
    return VELD_OK;
done:
    out->len = start;
    return veld_fail(err, status, "cannot hold the packed bytes");
}

static bool is_one_frame_without_size(veld_span packed)
{
    static const uint8_t magic[4] = {0x28, 0xB5, 0x2F, 0xFD};
    return packed.len > sizeof magic && memcmp(packed.data, magic, sizeof magic) == 0 &&
           ZSTD_getFrameContentSize(packed.data, packed.len) == ZSTD_CONTENTSIZE_UNKNOWN;
}

/* expand_into: run the decoder until the frame ends, some room at a time. */
static veld_status expand_into(ZSTD_DCtx *unpacker, veld_span packed, veld_buf *out, size_t max)
{
    ZSTD_inBuffer in = {packed.data, packed.len, 0};
    size_t start = out->len;
    for (;;) {
        size_t made = out->len - start;
        if (made >= max)
            return VELD_E_LIMIT;
        size_t room = max - made < STEP_BYTES ? max - made : STEP_BYTES;
        uint8_t *place = NULL;
        veld_status status = veld_buf_extend(out, room, &place);
        if (status != VELD_OK)
            return status;
        ZSTD_outBuffer step = {place, room, 0};
        size_t left = ZSTD_decompressStream(unpacker, &step, &in);
        out->len = start + made + step.pos;
        if (ZSTD_isError(left))
            return VELD_E_FORM;
        if (left == 0)
            return in.pos == in.size ? VELD_OK : VELD_E_FORM;
        if (in.pos == in.size && step.pos < step.size)
            return VELD_E_FORM; /* the frame is cut */
    }
}

static veld_status expand(veld_span packed, veld_buf *out, veld_error *err)
{
    if (!is_one_frame_without_size(packed))
        return veld_fail(err, VELD_E_FORM, "the packed bytes are not one frame without size");
    ZSTD_DCtx *unpacker = new_unpacker();
    if (unpacker == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory to unpack");
    veld_status status = expand_into(unpacker, packed, out, output_max(packed.len));
    ZSTD_freeDCtx(unpacker);
    if (status != VELD_OK)
        return veld_fail(err, status, "the packed bytes do not unpack within the limits");
    return VELD_OK;
}

veld_status veld_unpack(veld_span plain, veld_buf *out, size_t *used, veld_error *err)
{
    if (plain.len < HEAD_BYTES)
        return veld_fail(err, VELD_E_FORM, "the body is cut");
    size_t len = veld_get_u32(plain.data + 1);
    if (len == 0 || len > plain.len - HEAD_BYTES)
        return veld_fail(err, VELD_E_FORM, "the body is cut");
    veld_span packed = veld_span_part(plain, HEAD_BYTES, len);
    *used = HEAD_BYTES + len;
    switch (plain.data[0]) {
    case MODE_STORED:
        if (veld_buf_append_span(out, packed) != VELD_OK)
            return veld_fail(err, VELD_E_MEMORY, "no memory for the body");
        return VELD_OK;
    case MODE_ZSTD_BODY_1:
        return expand(packed, out, err);
    default:
        return veld_fail(err, VELD_E_NEWER, "packing %u is not known", (unsigned)plain.data[0]);
    }
}

/* The strict reader over libcbor's stateless decoder, one item a call. libcbor tells what an item
 * is and how many bytes its head took; a head that is longer than its number needs is refused here,
 * and so is every kind of item that our formats do not have. No item is ever copied or nested, so
 * time and memory follow the bytes. Knows no format. */
#include "veldkit/cbor.h"

#include <cbor/streaming.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/limits.h"

typedef struct item {
    veld_cbor_type type;
    uint64_t value; /* number, length, count, or 1 for true */
    veld_span bytes;
} item;

/* ---- what libcbor calls ---- */
static void take(void *context, veld_cbor_type type, uint64_t value)
{
    item *out = context;
    out->type = type;
    out->value = value;
}

static void on_uint8(void *context, uint8_t value)
{
    take(context, VELD_CBOR_UINT, value);
}
static void on_uint16(void *context, uint16_t value)
{
    take(context, VELD_CBOR_UINT, value);
}
static void on_uint32(void *context, uint32_t value)
{
    take(context, VELD_CBOR_UINT, value);
}
static void on_uint64(void *context, uint64_t value)
{
    take(context, VELD_CBOR_UINT, value);
}
static void on_negint8(void *context, uint8_t value)
{
    take(context, VELD_CBOR_NEGATIVE, value);
}
static void on_negint16(void *context, uint16_t value)
{
    take(context, VELD_CBOR_NEGATIVE, value);
}
static void on_negint32(void *context, uint32_t value)
{
    take(context, VELD_CBOR_NEGATIVE, value);
}
static void on_negint64(void *context, uint64_t value)
{
    take(context, VELD_CBOR_NEGATIVE, value);
}
static void on_bytes(void *context, cbor_data data, size_t len)
{
    take(context, VELD_CBOR_BYTES, len);
    ((item *)context)->bytes = veld_span_of(data, len);
}
static void on_text(void *context, cbor_data data, size_t len)
{
    take(context, VELD_CBOR_TEXT, len);
    ((item *)context)->bytes = veld_span_of(data, len);
}
static void on_array(void *context, size_t count)
{
    take(context, VELD_CBOR_ARRAY, count);
}
static void on_map(void *context, size_t count)
{
    take(context, VELD_CBOR_MAP, count);
}
static void on_boolean(void *context, bool value)
{
    take(context, VELD_CBOR_BOOLEAN, value ? 1 : 0);
}
static void on_null(void *context)
{
    take(context, VELD_CBOR_NULL, 0);
}
static void refuse(void *context)
{
    take(context, VELD_CBOR_NONE, 0);
}
static void refuse_tag(void *context, uint64_t value)
{
    (void)value;
    refuse(context);
}
static void refuse_float(void *context, float value)
{
    (void)value;
    refuse(context);
}
static void refuse_double(void *context, double value)
{
    (void)value;
    refuse(context);
}

static const struct cbor_callbacks callbacks = {
    .uint8 = on_uint8,
    .uint16 = on_uint16,
    .uint32 = on_uint32,
    .uint64 = on_uint64,
    .negint8 = on_negint8,
    .negint16 = on_negint16,
    .negint32 = on_negint32,
    .negint64 = on_negint64,
    .byte_string = on_bytes,
    .byte_string_start = refuse,
    .string = on_text,
    .string_start = refuse,
    .array_start = on_array,
    .indef_array_start = refuse,
    .map_start = on_map,
    .indef_map_start = refuse,
    .tag = refuse_tag,
    .float2 = refuse_float,
    .float4 = refuse_float,
    .float8 = refuse_double,
    .undefined = refuse,
    .null = on_null,
    .boolean = on_boolean,
    .indef_break = refuse,
};

/* ---- one item ---- */
static size_t head_bytes(const item *it)
{
    if (it->type == VELD_CBOR_BOOLEAN || it->type == VELD_CBOR_NULL || it->value < 24)
        return 1;
    return it->value <= UINT8_MAX    ? 2
           : it->value <= UINT16_MAX ? 3
           : it->value <= UINT32_MAX ? 5
                                     : 9;
}

static void fail_short(veld_cbor_reader *reader)
{
    veld_cbor_reader_fail(reader, VELD_E_FORM);
    reader->is_short = true;
}

/* read_item: the next item of any type; false and the reader failed when there is none. */
static bool read_item(veld_cbor_reader *reader, item *out)
{
    *out = (item){0};
    if (reader->status != VELD_OK)
        return false;
    VELD_ASSERT(reader->at <= reader->bytes.len);
    size_t left = reader->bytes.len - reader->at;
    if (left == 0) { /* libcbor may not be handed a null pointer */
        fail_short(reader);
        return false;
    }
    struct cbor_decoder_result result =
        cbor_stream_decode(reader->bytes.data + reader->at, left, &callbacks, out);
    if (result.status == CBOR_DECODER_NEDATA) {
        fail_short(reader);
        return false;
    }
    if (result.status != CBOR_DECODER_FINISHED || out->type == VELD_CBOR_NONE ||
        result.read != head_bytes(out) + out->bytes.len) {
        veld_cbor_reader_fail(reader, VELD_E_FORM);
        *out = (item){0};
        return false;
    }
    reader->at += result.read;
    return true;
}

static bool read_typed(veld_cbor_reader *reader, veld_cbor_type type, item *out)
{
    if (!read_item(reader, out))
        return false;
    if (out->type == type)
        return true;
    veld_cbor_reader_fail(reader, VELD_E_FORM);
    *out = (item){0};
    return false;
}

veld_cbor_reader veld_cbor_read(veld_span bytes)
{
    return (veld_cbor_reader){.bytes = bytes, .status = VELD_OK};
}

veld_cbor_type veld_cbor_next(const veld_cbor_reader *reader)
{
    static const veld_cbor_type by_major[] = {VELD_CBOR_UINT, VELD_CBOR_NEGATIVE, VELD_CBOR_BYTES,
        VELD_CBOR_TEXT, VELD_CBOR_ARRAY, VELD_CBOR_MAP, VELD_CBOR_NONE};
    if (reader->status != VELD_OK || reader->at == reader->bytes.len)
        return VELD_CBOR_NONE;
    uint8_t first = reader->bytes.data[reader->at];
    if (first < 0xE0)
        return by_major[first >> 5];
    if (first == 0xF4 || first == 0xF5)
        return VELD_CBOR_BOOLEAN;
    return first == 0xF6 ? VELD_CBOR_NULL : VELD_CBOR_NONE;
}

uint64_t veld_cbor_uint(veld_cbor_reader *reader)
{
    item it;
    return read_typed(reader, VELD_CBOR_UINT, &it) ? it.value : 0;
}

int64_t veld_cbor_int(veld_cbor_reader *reader)
{
    item it;
    if (!read_item(reader, &it))
        return 0;
    if ((it.type == VELD_CBOR_UINT || it.type == VELD_CBOR_NEGATIVE) && it.value <= INT64_MAX)
        return it.type == VELD_CBOR_UINT ? (int64_t)it.value : -1 - (int64_t)it.value;
    veld_cbor_reader_fail(reader, VELD_E_FORM);
    return 0;
}

bool veld_cbor_boolean(veld_cbor_reader *reader)
{
    item it;
    return read_typed(reader, VELD_CBOR_BOOLEAN, &it) && it.value == 1;
}

void veld_cbor_null(veld_cbor_reader *reader)
{
    item it;
    (void)read_typed(reader, VELD_CBOR_NULL, &it);
}

veld_span veld_cbor_bytes(veld_cbor_reader *reader)
{
    item it;
    (void)read_typed(reader, VELD_CBOR_BYTES, &it);
    return it.bytes;
}

void veld_cbor_fixed(veld_cbor_reader *reader, uint8_t *out, size_t len)
{
    veld_span bytes = veld_cbor_bytes(reader);
    if (bytes.len == len && reader->status == VELD_OK)
        memcpy(out, bytes.data, len);
    else
        veld_cbor_reader_fail(reader, VELD_E_FORM);
}

/* utf8_bytes: length of the sequence at the start of `text` (not empty), 0 when it is none. RFC
 * 3629: shortest form, no surrogates, up to U+10FFFF. */
static size_t utf8_bytes(const uint8_t *text, size_t len)
{
    uint8_t first = text[0];
    if (first < 0x80)
        return 1;
    size_t wanted = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    if (wanted == 0 || wanted > len)
        return 0;
    for (size_t i = 1; i < wanted; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    if ((first == 0xE0 && text[1] < 0xA0) || (first == 0xED && text[1] > 0x9F) ||
        (first == 0xF0 && text[1] < 0x90) || (first == 0xF4 && text[1] > 0x8F))
        return 0;
    return wanted;
}

bool veld_cbor_text_is_valid(veld_span text)
{
    for (size_t at = 0; at < text.len;) {
        size_t step = utf8_bytes(text.data + at, text.len - at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

veld_span veld_cbor_text(veld_cbor_reader *reader)
{
    item it;
    if (read_typed(reader, VELD_CBOR_TEXT, &it) && !veld_cbor_text_is_valid(it.bytes)) {
        veld_cbor_reader_fail(reader, VELD_E_FORM);
        return (veld_span){0};
    }
    return it.bytes;
}

/* bounded: the count of a container whose every entry takes at least `entry_bytes`. */
static size_t bounded(veld_cbor_reader *reader, const item *it, size_t max, size_t entry_bytes)
{
    if (reader->status != VELD_OK)
        return 0;
    if (it->value > max)
        veld_cbor_reader_fail(reader, VELD_E_LIMIT);
    else if (it->value > (reader->bytes.len - reader->at) / entry_bytes)
        fail_short(reader);
    return reader->status == VELD_OK ? (size_t)it->value : 0;
}

size_t veld_cbor_array(veld_cbor_reader *reader, size_t max)
{
    item it;
    (void)read_typed(reader, VELD_CBOR_ARRAY, &it);
    return bounded(reader, &it, max, 1);
}

size_t veld_cbor_map(veld_cbor_reader *reader, size_t max)
{
    item it;
    (void)read_typed(reader, VELD_CBOR_MAP, &it);
    return bounded(reader, &it, max, 2);
}

uint64_t veld_cbor_key(veld_cbor_reader *reader, uint64_t *last)
{
    uint64_t key = veld_cbor_uint(reader);
    if (key == VELD_CBOR_NO_KEY || (*last != VELD_CBOR_NO_KEY && key <= *last))
        veld_cbor_reader_fail(reader, VELD_E_FORM);
    *last = key;
    return reader->status == VELD_OK ? key : VELD_CBOR_NO_KEY;
}

/* ---- skipping ---- */
typedef struct open_container {
    uint64_t left; /* items that are still to come */
    uint64_t last_key;
    bool is_map;
    bool value_is_next;
} open_container;

/* enter: one item of the innermost container was begun; keys of maps rise. */
static void enter(veld_cbor_reader *reader, open_container *inner, const item *it)
{
    inner->left--;
    if (!inner->is_map)
        return;
    if (!inner->value_is_next) {
        if (it->type != VELD_CBOR_UINT || it->value == VELD_CBOR_NO_KEY ||
            (inner->last_key != VELD_CBOR_NO_KEY && it->value <= inner->last_key))
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        inner->last_key = it->value;
    }
    inner->value_is_next = !inner->value_is_next;
}

veld_span veld_cbor_skip(veld_cbor_reader *reader)
{
    open_container stack[VELD_CBOR_DEPTH_MAX + 1] = {{.left = 1}};
    size_t depth = 0;
    size_t begin = reader->at;
    while (reader->status == VELD_OK && (depth > 0 || stack[0].left > 0)) {
        if (stack[depth].left == 0) {
            depth--;
            continue;
        }
        item it;
        if (!read_item(reader, &it))
            break;
        enter(reader, &stack[depth], &it);
        if (it.type == VELD_CBOR_TEXT && !veld_cbor_text_is_valid(it.bytes))
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        if (it.type != VELD_CBOR_ARRAY && it.type != VELD_CBOR_MAP)
            continue;
        bool is_map = it.type == VELD_CBOR_MAP;
        size_t count = bounded(reader, &it, SIZE_MAX, is_map ? 2 : 1);
        if (depth == VELD_CBOR_DEPTH_MAX)
            veld_cbor_reader_fail(reader, VELD_E_LIMIT);
        else
            stack[++depth] = (open_container){
                .left = is_map ? 2 * count : count, .last_key = VELD_CBOR_NO_KEY, .is_map = is_map};
    }
    if (reader->status != VELD_OK)
        return (veld_span){0};
    return veld_span_part(reader->bytes, begin, reader->at - begin);
}

/* ---- end ---- */
void veld_cbor_reader_fail(veld_cbor_reader *reader, veld_status status)
{
    VELD_ASSERT(status != VELD_OK);
    if (reader->status == VELD_OK)
        reader->status = status;
}

veld_status veld_cbor_reader_finish(const veld_cbor_reader *reader, veld_error *err)
{
    if (reader->status == VELD_OK && reader->at == reader->bytes.len)
        return VELD_OK;
    veld_status status = reader->status == VELD_OK ? VELD_E_FORM : reader->status;
    if (status == VELD_E_NEWER)
        return veld_fail(err, status, "has parts of a newer format at byte %zu", reader->at);
    return veld_fail(err, status, "not the promised form at byte %zu", reader->at);
}

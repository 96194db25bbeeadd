/* Ids and hashes. Text forms are lower case only: one id has one text. */
#include "veldkit/id.h"

#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/number.h"

veld_status veld_id_new(const veld_env *env, veld_id *out, veld_error *err)
{
    veld_status status = veld_env_random(env, out->bytes, sizeof out->bytes, err);
    if (status != VELD_OK)
        return status;
    int64_t ms = veld_env_now(env).wall_utc_ms;
    uint64_t stamp = ms > 0 ? (uint64_t)ms : 0;
    veld_put_u16(out->bytes, (uint16_t)(stamp >> 32));
    veld_put_u32(out->bytes + 2, (uint32_t)stamp);
    out->bytes[6] = (uint8_t)((out->bytes[6] & 0x0F) | 0x70);
    out->bytes[8] = (uint8_t)((out->bytes[8] & 0x3F) | 0x80);
    return VELD_OK;
}

static bool is_dash_place(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

veld_status veld_id_parse(veld_span text, veld_id *out)
{
    uint8_t digits[2 * VELD_ID_BYTES];
    size_t count = 0;
    if (text.len != VELD_ID_TEXT_SIZE - 1)
        return VELD_E_FORM;
    for (size_t i = 0; i < text.len; i++) {
        if (is_dash_place(i)) {
            if (text.data[i] != '-')
                return VELD_E_FORM;
        } else {
            digits[count++] = text.data[i];
        }
    }
    VELD_ASSERT(count == sizeof digits);
    return veld_hex_decode(veld_span_of(digits, sizeof digits), out->bytes, sizeof out->bytes);
}

void veld_id_format(const veld_id *id, char out[VELD_ID_TEXT_SIZE])
{
    char digits[2 * VELD_ID_BYTES + 1];
    veld_hex_encode(veld_id_span(id), digits, sizeof digits);
    size_t from = 0;
    for (size_t i = 0; i < VELD_ID_TEXT_SIZE - 1; i++)
        out[i] = is_dash_place(i) ? '-' : digits[from++];
    out[VELD_ID_TEXT_SIZE - 1] = '\0';
}

bool veld_id_equal(const veld_id *a, const veld_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

int veld_id_compare(const veld_id *a, const veld_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

bool veld_id_is_zero(const veld_id *id)
{
    static const veld_id zero;
    return veld_id_equal(id, &zero);
}

veld_span veld_id_span(const veld_id *id)
{
    return (veld_span){.data = id->bytes, .len = sizeof id->bytes};
}

veld_status veld_hash_parse(veld_span text, veld_hash *out)
{
    return veld_hex_decode(text, out->bytes, sizeof out->bytes);
}

void veld_hash_format(const veld_hash *hash, char out[VELD_HASH_TEXT_SIZE])
{
    veld_hex_encode(veld_hash_span(hash), out, VELD_HASH_TEXT_SIZE);
}

bool veld_hash_equal(const veld_hash *a, const veld_hash *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

int veld_hash_compare(const veld_hash *a, const veld_hash *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

bool veld_hash_is_zero(const veld_hash *hash)
{
    static const veld_hash zero;
    return veld_hash_equal(hash, &zero);
}

veld_span veld_hash_span(const veld_hash *hash)
{
    return (veld_span){.data = hash->bytes, .len = sizeof hash->bytes};
}

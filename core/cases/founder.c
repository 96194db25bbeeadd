/* Ids of cases that name their founder without saying who it is. */
#include "veldkit/founder.h"

#include <string.h>

#include "veldkit/context.h"
#include "veldkit/hash.h"

enum { VERSION_AT = 6, VERSION = 0x80, VARIANT_AT = 8, VARIANT = 0x80 };

veld_status veld_founder_id(const veld_id *device, const uint8_t chance[VELD_FOUNDER_CHANCE_BYTES],
    veld_id *out, veld_error *err)
{
    veld_hash hash;
    const veld_span parts[] = {
        veld_id_span(device), veld_span_of(chance, VELD_FOUNDER_CHANCE_BYTES)};
    veld_status status = veld_hash_named(VELD_CONTEXT_HASH_CASE, parts, 2, &hash, err);
    if (status != VELD_OK)
        return status;
    memcpy(out->bytes, chance, VELD_FOUNDER_CHANCE_BYTES);
    memcpy(out->bytes + VELD_FOUNDER_CHANCE_BYTES, hash.bytes,
        VELD_ID_BYTES - VELD_FOUNDER_CHANCE_BYTES);
    out->bytes[VERSION_AT] = (uint8_t)((out->bytes[VERSION_AT] & 0x0F) | VERSION);
    out->bytes[VARIANT_AT] = (uint8_t)((out->bytes[VARIANT_AT] & 0x3F) | VARIANT);
    return VELD_OK;
}

veld_status veld_founder_new_id(
    const veld_env *env, const veld_id *device, veld_id *out, veld_error *err)
{
    uint8_t chance[VELD_FOUNDER_CHANCE_BYTES] = {0};
    veld_status status = veld_env_random(env, chance, sizeof chance, err);
    return status == VELD_OK ? veld_founder_id(device, chance, out, err) : status;
}

veld_status veld_founder_fits(
    const veld_id *case_id, const veld_id *device, bool *out, veld_error *err)
{
    veld_id expected;
    veld_status status = veld_founder_id(device, case_id->bytes, &expected, err);
    *out = status == VELD_OK && veld_id_equal(&expected, case_id);
    return status;
}

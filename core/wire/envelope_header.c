/* The open part of an envelope: fixed offsets, no key. The relay reads it and believes nothing but
 * that the length is what it says. */
#include "envelope_header.h"

#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"

enum {
    AT_ALG = 4,
    AT_CASE = 6,
    AT_EPOCH = 22,
    AT_DEVICE = 26,
    AT_INCARNATION = 42,
    AT_NUMBER = 50,
    AT_COUNT = 58,
    AT_PRIORITY = 60,
    AT_BUCKET = 61,
    AT_CHANGE = 65,
    MAGIC_BYTES = 4,
    PLAIN_BUCKET_BYTES_MAX = 4096
};

_Static_assert(AT_CHANGE + VELD_HASH_BYTES == VELD_ENVELOPE_HEADER_BYTES, "layout");

static const uint8_t magic[MAGIC_BYTES] = {'V', 'K', 'E', '1'};

void veld_envelope_write_header(
    const veld_envelope_header *header, uint8_t out[VELD_ENVELOPE_HEADER_BYTES])
{
    memcpy(out, magic, MAGIC_BYTES);
    veld_put_u16(out + AT_ALG, (uint16_t)header->alg);
    memcpy(out + AT_CASE, header->case_id.bytes, VELD_ID_BYTES);
    veld_put_u32(out + AT_EPOCH, header->epoch);
    memcpy(out + AT_DEVICE, header->device.bytes, VELD_ID_BYTES);
    memcpy(out + AT_INCARNATION, header->incarnation, VELD_INCARNATION_BYTES);
    veld_put_u64(out + AT_NUMBER, header->number);
    veld_put_u16(out + AT_COUNT, header->count);
    out[AT_PRIORITY] = (uint8_t)header->priority;
    veld_put_u32(out + AT_BUCKET, header->bucket);
    memcpy(out + AT_CHANGE, header->change_id.bytes, VELD_HASH_BYTES);
}

static unsigned floor_log2(size_t value)
{
    unsigned log = 0;
    while (value > 1) {
        value >>= 1;
        log++;
    }
    return log;
}

size_t veld_envelope_bucket(size_t bytes)
{
    VELD_ASSERT(bytes <= SIZE_MAX / 2);
    for (size_t bucket = VELD_ENVELOPE_BUCKET_BYTES_MIN; bucket <= PLAIN_BUCKET_BYTES_MAX;
         bucket *= 2)
        if (bytes <= bucket)
            return bucket;
    /* Padmé: keep the leading bits only, as many as the exponent has binary digits. */
    unsigned exponent = floor_log2(bytes);
    unsigned kept = floor_log2(exponent) + 1;
    size_t mask = ((size_t)1 << (exponent - kept)) - 1;
    return (bytes + mask) & ~mask;
}

static veld_status check_magic(veld_span bytes, veld_error *err)
{
    if (bytes.len < VELD_ENVELOPE_HEADER_BYTES || memcmp(bytes.data, magic, 3) != 0)
        return veld_fail(err, VELD_E_FORM, "not an envelope");
    if (bytes.data[3] != magic[3])
        return veld_fail(err, VELD_E_NEWER, "an envelope of another layout");
    if (bytes.len > VELD_ENVELOPE_BYTES_MAX)
        return veld_fail(
            err, VELD_E_LIMIT, "the envelope is over %u bytes", VELD_ENVELOPE_BYTES_MAX);
    return VELD_OK;
}

veld_status veld_envelope_read_header(veld_span bytes, veld_envelope_header *out, veld_error *err)
{
    *out = (veld_envelope_header){0};
    veld_status status = check_magic(bytes, err);
    if (status != VELD_OK)
        return status;
    const uint8_t *at = bytes.data;
    veld_envelope_header header = {.epoch = veld_get_u32(at + AT_EPOCH),
        .number = veld_get_u64(at + AT_NUMBER),
        .count = veld_get_u16(at + AT_COUNT),
        .bucket = veld_get_u32(at + AT_BUCKET)};
    uint16_t alg = veld_get_u16(at + AT_ALG);
    if (alg != VELD_ENVELOPE_CASE && alg != VELD_ENVELOPE_BLIND)
        return veld_fail(err, VELD_E_NEWER, "seal %u is not known", (unsigned)alg);
    header.alg = (veld_envelope_alg)alg;
    header.priority = (veld_priority)at[AT_PRIORITY];
    memcpy(header.case_id.bytes, at + AT_CASE, VELD_ID_BYTES);
    memcpy(header.device.bytes, at + AT_DEVICE, VELD_ID_BYTES);
    memcpy(header.incarnation, at + AT_INCARNATION, VELD_INCARNATION_BYTES);
    memcpy(header.change_id.bytes, at + AT_CHANGE, VELD_HASH_BYTES);
    if (header.bucket != bytes.len || veld_envelope_bucket(bytes.len) != bytes.len)
        return veld_fail(err, VELD_E_FORM, "the envelope is cut, or not of a bucket's length");
    if (header.count == 0 || header.count > VELD_ENVELOPE_CHANGES_MAX || header.number == 0 ||
        header.number > (uint64_t)INT64_MAX - header.count ||
        at[AT_PRIORITY] > VELD_PRIORITY_ATTACHMENT ||
        (header.epoch == 0) != (header.alg == VELD_ENVELOPE_BLIND) ||
        veld_id_is_zero(&header.case_id) || veld_id_is_zero(&header.device))
        return veld_fail(err, VELD_E_FORM, "a field of the envelope's header is out of range");
    *out = header;
    return VELD_OK;
}

veld_status veld_envelope_id(veld_span bytes, veld_hash *out, veld_error *err)
{
    return veld_sha256(bytes, out, err);
}

/* Sealing and opening envelopes: header, body, padding and the two kinds of seal. Everything that
 * decides about bytes from outside happens after the seal was checked, but for the header, which
 * the relay reads alone. Says nothing about signatures. */
#include "veldkit/envelope.h"

#include <string.h>

#include "body.h"
#include "envelope_header.h"
#include "pack.h"
#include "veldkit/assert.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"

enum { PROOF_BYTES = VELD_NONCE_BYTES + VELD_COMMIT_BYTES };

/* ---- sealing ---- */
static bool are_consecutive(const veld_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!veld_id_equal(&changes[i].case_id, &changes[0].case_id) ||
            !veld_id_equal(&changes[i].device, &changes[0].device) ||
            memcmp(changes[i].incarnation, changes[0].incarnation, VELD_INCARNATION_BYTES) != 0 ||
            changes[i].number != changes[0].number + i || changes[i].format != changes[0].format)
            return false;
    return true;
}

static veld_envelope_header header_of(veld_envelope_alg alg, uint32_t epoch, veld_priority priority,
    const veld_change *changes, size_t count)
{
    veld_envelope_header header = {.alg = alg,
        .case_id = changes[0].case_id,
        .epoch = epoch,
        .device = changes[0].device,
        .number = changes[0].number,
        .count = (uint16_t)count,
        .priority = priority,
        .change_id = changes[count - 1].id};
    memcpy(header.incarnation, changes[0].incarnation, sizeof header.incarnation);
    return header;
}

static veld_status append_fixed(const veld_change *change, veld_buf *plain)
{
    veld_status status;
    VELD_TRY(veld_buf_append(plain, change->signature.bytes, sizeof change->signature.bytes));
    VELD_TRY(veld_buf_append(plain, change->tree.bytes, sizeof change->tree.bytes));
    VELD_TRY(veld_buf_append(plain, change->tree_git.bytes, sizeof change->tree_git.bytes));
    VELD_TRY(veld_buf_append(plain, change->salt, sizeof change->salt));
done:
    return status;
}

/* make_plain: what is sealed, padded so that the envelope fills its bucket. */
static veld_status make_plain(const veld_change *changes, size_t count, size_t overhead_bytes,
    veld_buf *plain, uint32_t *bucket, veld_error *err)
{
    veld_status status;
    uint8_t *padding = NULL;
    veld_buf body;
    veld_buf_init(&body, VELD_ENVELOPE_BODY_BYTES_MAX);
    VELD_TRY(veld_body_encode(changes, count, &body, err));
    VELD_TRY(veld_pack(veld_buf_span(&body), plain, err));
    for (size_t i = 0; i < count; i++)
        VELD_TRY(append_fixed(&changes[i], plain));
    size_t bytes = overhead_bytes + plain->len;
    size_t padded = veld_envelope_bucket(bytes);
    if (padded > VELD_ENVELOPE_BYTES_MAX) {
        status = veld_fail(err, VELD_E_LIMIT, "too much for one envelope: %zu bytes", padded);
        goto done;
    }
    VELD_TRY(veld_buf_extend(plain, padded - bytes, &padding));
    memset(padding, 0, padded - bytes);
    *bucket = (uint32_t)padded;
done:
    veld_buf_wipe(&body);
    return status;
}

static veld_status check_count(size_t count, veld_error *err)
{
    if (count > VELD_ENVELOPE_CHANGES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "%zu changes are too many for one envelope", count);
    return VELD_OK;
}

veld_status veld_envelope_seal(const veld_sealer *sealer, uint32_t epoch, veld_priority priority,
    const veld_change *changes, size_t count, veld_buf *out, veld_error *err)
{
    VELD_ASSERT(epoch > 0 && count > 0);
    VELD_ASSERT(are_consecutive(changes, count));
    veld_status status = check_count(count, err);
    if (status != VELD_OK)
        return status;
    size_t start = out->len;
    uint8_t hdr[VELD_ENVELOPE_HEADER_BYTES];
    uint8_t hedge[VELD_INCARNATION_BYTES + 8];
    uint8_t *place = NULL;
    veld_message_proof proof;
    veld_envelope_header header = header_of(VELD_ENVELOPE_CASE, epoch, priority, changes, count);
    veld_buf plain;
    veld_buf_init(&plain, VELD_SEAL_BYTES_MAX);
    size_t overhead = sizeof hdr + PROOF_BYTES + VELD_TAG_BYTES;
    VELD_TRY(make_plain(changes, count, overhead, &plain, &header.bucket, err));
    veld_envelope_write_header(&header, hdr);
    memcpy(hedge, header.incarnation, sizeof header.incarnation);
    veld_put_u64(hedge + sizeof header.incarnation, header.number);
    VELD_TRY(veld_buf_append(out, hdr, sizeof hdr));
    VELD_TRY(veld_buf_extend(out, PROOF_BYTES, &place));
    VELD_TRY(veld_sealer_seal_message(sealer, veld_span_of(hdr, sizeof hdr),
        veld_span_of(hedge, sizeof hedge), veld_buf_span(&plain), &proof, out, err));
    memcpy(out->data + start + sizeof hdr, proof.nonce, sizeof proof.nonce);
    memcpy(out->data + start + sizeof hdr + sizeof proof.nonce, proof.commit, sizeof proof.commit);
    VELD_ASSERT(out->len - start == header.bucket);
done:
    veld_buf_wipe(&plain);
    if (status != VELD_OK)
        out->len = start;
    return status;
}

veld_status veld_envelope_seal_blind(const veld_env *env, const veld_p256_public *to,
    veld_priority priority, const veld_change *changes, size_t count, veld_buf *out,
    veld_error *err)
{
    VELD_ASSERT(count > 0 && are_consecutive(changes, count));
    veld_status status = check_count(count, err);
    if (status != VELD_OK)
        return status;
    size_t start = out->len;
    uint8_t hdr[VELD_ENVELOPE_HEADER_BYTES];
    veld_envelope_header header = header_of(VELD_ENVELOPE_BLIND, 0, priority, changes, count);
    veld_buf plain;
    veld_buf_init(&plain, VELD_SEAL_BYTES_MAX);
    size_t overhead = sizeof hdr + VELD_HPKE_OVERHEAD_BYTES;
    VELD_TRY(make_plain(changes, count, overhead, &plain, &header.bucket, err));
    veld_envelope_write_header(&header, hdr);
    VELD_TRY(veld_buf_append(out, hdr, sizeof hdr));
    VELD_TRY(veld_hpke_seal(
        env, to, VELD_HPKE_BLIND, veld_span_of(hdr, sizeof hdr), veld_buf_span(&plain), out, err));
    VELD_ASSERT(out->len - start == header.bucket);
done:
    veld_buf_wipe(&plain);
    if (status != VELD_OK)
        out->len = start;
    return status;
}

/* ---- opening ---- */
static bool is_padding(veld_span rest)
{
    for (size_t i = 0; i < rest.len; i++)
        if (rest.data[i] != 0)
            return false;
    return true;
}

veld_status veld_envelope_read_content(const veld_envelope_header *header, veld_span plain,
    const veld_change_namer *namer, veld_arena *arena, veld_change **changes, veld_error *err)
{
    VELD_ASSERT(header->count > 0 && header->count <= VELD_ENVELOPE_CHANGES_MAX);
    *changes = NULL;
    veld_status status;
    size_t used = 0;
    veld_span kept = {0};
    veld_change *out = NULL;
    veld_buf body;
    veld_buf_init(&body, VELD_ENVELOPE_BODY_BYTES_MAX);
    VELD_TRY(veld_unpack(plain, &body, &used, err));
    size_t fixed_bytes = (size_t)header->count * VELD_FIXED_BYTES;
    if (plain.len - used < fixed_bytes ||
        !is_padding(veld_span_part(plain, used + fixed_bytes, plain.len - used - fixed_bytes))) {
        status = veld_fail(err, VELD_E_FORM, "the envelope's content is not whole");
        goto done;
    }
    VELD_TRY(veld_arena_copy(arena, veld_buf_span(&body), &kept));
    out = veld_arena_get(arena, header->count, sizeof *out);
    if (out == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for the envelope's changes");
        goto done;
    }
    VELD_TRY(veld_body_decode(
        header, kept, veld_span_part(plain, used, fixed_bytes), namer, arena, out, err));
    if (!veld_hash_equal(&out[header->count - 1].id, &header->change_id)) {
        status = veld_fail(err, VELD_E_INVALID, "the header names another change than is inside");
        goto done;
    }
    *changes = out;
done:
    veld_buf_wipe(&body);
    return status;
}

static veld_status open_start(veld_span bytes, veld_envelope_alg alg, veld_envelope_header *header,
    veld_change **changes, veld_error *err)
{
    *changes = NULL;
    veld_status status = veld_envelope_read_header(bytes, header, err);
    if (status == VELD_OK && header->alg != alg)
        return veld_fail(err, VELD_E_UNSUPPORTED, "the envelope is sealed in the other way");
    return status;
}

veld_status veld_envelope_open(const veld_sealer *sealer, veld_span bytes,
    const veld_change_namer *namer, veld_arena *arena, veld_envelope_header *header,
    veld_change **changes, veld_error *err)
{
    veld_status status = open_start(bytes, VELD_ENVELOPE_CASE, header, changes, err);
    if (status != VELD_OK)
        return status;
    veld_message_proof proof;
    const uint8_t *at = bytes.data + VELD_ENVELOPE_HEADER_BYTES;
    memcpy(proof.nonce, at, sizeof proof.nonce);
    memcpy(proof.commit, at + sizeof proof.nonce, sizeof proof.commit);
    size_t sealed_at = VELD_ENVELOPE_HEADER_BYTES + PROOF_BYTES;
    veld_buf plain;
    veld_buf_init(&plain, VELD_SEAL_BYTES_MAX);
    VELD_TRY(veld_sealer_open_message(sealer, veld_span_part(bytes, 0, VELD_ENVELOPE_HEADER_BYTES),
        &proof, veld_span_part(bytes, sealed_at, bytes.len - sealed_at), &plain, err));
    status = veld_envelope_read_content(header, veld_buf_span(&plain), namer, arena, changes, err);
done:
    veld_buf_wipe(&plain);
    return status;
}

veld_status veld_envelope_open_blind(const veld_p256_private *key, veld_span bytes,
    const veld_change_namer *namer, veld_arena *arena, veld_envelope_header *header,
    veld_change **changes, veld_error *err)
{
    veld_status status = open_start(bytes, VELD_ENVELOPE_BLIND, header, changes, err);
    if (status != VELD_OK)
        return status;
    size_t sealed_at = VELD_ENVELOPE_HEADER_BYTES;
    veld_buf plain;
    veld_buf_init(&plain, VELD_SEAL_BYTES_MAX);
    VELD_TRY(veld_hpke_open(key, VELD_HPKE_BLIND, veld_span_part(bytes, 0, sealed_at),
        veld_span_part(bytes, sealed_at, bytes.len - sealed_at), &plain, err));
    status = veld_envelope_read_content(header, veld_buf_span(&plain), namer, arena, changes, err);
done:
    veld_buf_wipe(&plain);
    return status;
}

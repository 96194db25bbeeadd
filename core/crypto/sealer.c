/* The sealer: the keys of one use, kept inside the library, and the only place that chooses nonces.
 * Its invariant: a nonce depends on fresh random bytes and on every byte that is sealed or bound,
 * so neither a repeated generator nor a repeated call can seal two messages under one nonce. Knows
 * nothing of envelopes, tables or compression. */
#include <string.h>

#include "primitive.h"
#include "veldkit/assert.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"
#include "veldkit/seal.h"

enum { RANDOM_BYTES = 32, LENGTH_BYTES = 4 };

struct veld_sealer {
    veld_sealer_kind kind;
    veld_env env;
    veld_key enc;    /* outer key of XAES */
    veld_key commit; /* 0 but for messages */
    veld_key hedge;  /* 0 in a sealer that only opens */
};

/* What the ciphertext is bound to, joined: PSA takes it in one piece. */
typedef struct binding {
    uint8_t bytes[VELD_SEAL_AAD_BYTES_MAX];
    size_t len;
} binding;

static const char *enc_context(veld_sealer_kind kind)
{
    switch (kind) {
    case VELD_SEALER_CASE_MESSAGE:
        return VELD_CONTEXT_CASE_ENC;
    case VELD_SEALER_CASE_ROW:
        return VELD_CONTEXT_CASE_ROW;
    case VELD_SEALER_CHUNK:
        return VELD_CONTEXT_CHUNK;
    case VELD_SEALER_VAULT_ROW:
        return VELD_CONTEXT_VAULT_ROW;
    case VELD_SEALER_VAULT_LOG:
        return VELD_CONTEXT_VAULT_LOG;
    case VELD_SEALER_VAULT_WRAP:
        return VELD_CONTEXT_VAULT_WRAP;
    case VELD_SEALER_VAULT_SNAPSHOT:
        return VELD_CONTEXT_VAULT_SNAPSHOT;
    case VELD_SEALER_UNLOCK_WRAP:
        return VELD_CONTEXT_UNLOCK_WRAP;
    case VELD_SEALER_STAFF_WRAP:
        return VELD_CONTEXT_STAFF_WRAP;
    }
    VELD_ASSERT(false);
    return NULL;
}

static veld_status open_derived(
    veld_span root, const char *context, veld_key_use use, veld_key *out, veld_error *err)
{
    veld_secret key = {0};
    veld_status status;
    VELD_TRY(veld_key_derive(root, context, veld_span_of(NULL, 0), VELD_SEAL_KEY_BYTES, &key, err));
    VELD_TRY(veld_key_open(use, veld_secret_span(&key), out, err));
done:
    veld_secret_release(&key);
    return status;
}

veld_status veld_sealer_new(veld_sealer_kind kind, veld_span root, veld_span hedge,
    const veld_env *env, veld_sealer **out, veld_error *err)
{
    VELD_ASSERT(root.len == VELD_SEAL_KEY_BYTES);
    VELD_ASSERT(hedge.len == 0 || hedge.len == VELD_SEAL_KEY_BYTES);
    VELD_ASSERT(hedge.len == 0 || env != NULL);
    veld_sealer *sealer = veld_allocate(sizeof *sealer);
    if (sealer == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a sealer");
    sealer->kind = kind;
    veld_status status;
    VELD_TRY(open_derived(root, enc_context(kind), VELD_KEY_CMAC, &sealer->enc, err));
    if (kind == VELD_SEALER_CASE_MESSAGE)
        VELD_TRY(open_derived(
            root, VELD_CONTEXT_CASE_COMMIT, VELD_KEY_HMAC_SHA256, &sealer->commit, err));
    if (hedge.len > 0) {
        sealer->env = *env;
        VELD_TRY(veld_key_open(VELD_KEY_HMAC_SHA256, hedge, &sealer->hedge, err));
    }
    *out = sealer;
    sealer = NULL;
done:
    veld_sealer_free(sealer);
    return status;
}

void veld_sealer_free(veld_sealer *sealer)
{
    if (sealer == NULL)
        return;
    veld_key_close(&sealer->enc);
    veld_key_close(&sealer->commit);
    veld_key_close(&sealer->hedge);
    veld_release(sealer);
}

/* random 32 | more | SHA256(bound) | SHA256(plain), under the hedge key. */
static veld_status make_nonce(const veld_sealer *sealer, veld_span more, veld_span bound,
    veld_span plain, uint8_t nonce[VELD_NONCE_BYTES], veld_error *err)
{
    uint8_t random[RANDOM_BYTES] = {0};
    veld_hash of_bound = {0};
    veld_hash of_plain = {0};
    veld_hash mac = {0};
    veld_status status;
    VELD_TRY(veld_env_random(&sealer->env, random, sizeof random, err));
    VELD_TRY(veld_sha256(bound, &of_bound, err));
    VELD_TRY(veld_sha256(plain, &of_plain, err));
    const veld_span parts[] = {veld_span_of(random, sizeof random), more, veld_hash_span(&of_bound),
        veld_hash_span(&of_plain)};
    VELD_TRY(veld_hmac_with(sealer->hedge, parts, 4, &mac, err));
    memcpy(nonce, mac.bytes, VELD_NONCE_BYTES);
done:
    veld_wipe(random, sizeof random);
    veld_wipe(&of_plain, sizeof of_plain);
    return status;
}

/* hdr | commit32 */
static veld_status bind_header(binding *bound, veld_span hdr, veld_error *err)
{
    if (hdr.len > sizeof bound->bytes - VELD_COMMIT_BYTES)
        return veld_fail(err, VELD_E_LIMIT, "a header of more than %u bytes",
            VELD_SEAL_AAD_BYTES_MAX - VELD_COMMIT_BYTES);
    if (hdr.len > 0)
        memcpy(bound->bytes, hdr.data, hdr.len);
    bound->len = hdr.len + VELD_COMMIT_BYTES;
    return VELD_OK;
}

/* The length of each part goes before it, so {"a", "bc"} and {"ab", "c"} are different places. */
static veld_status bind_place(binding *bound, const veld_span *place, size_t count, veld_error *err)
{
    bound->len = 0;
    for (size_t i = 0; i < count; i++) {
        size_t room = sizeof bound->bytes - bound->len;
        if (room < LENGTH_BYTES || place[i].len > room - LENGTH_BYTES)
            return veld_fail(
                err, VELD_E_LIMIT, "a place of more than %u bytes", VELD_SEAL_AAD_BYTES_MAX);
        veld_put_u32(bound->bytes + bound->len, (uint32_t)place[i].len);
        bound->len += LENGTH_BYTES;
        if (place[i].len > 0)
            memcpy(bound->bytes + bound->len, place[i].data, place[i].len);
        bound->len += place[i].len;
    }
    return VELD_OK;
}

static veld_status make_commit(const veld_sealer *sealer, veld_span hdr,
    const uint8_t nonce[VELD_NONCE_BYTES], veld_hash *commit, veld_error *err)
{
    const veld_span parts[] = {hdr, veld_span_of(nonce, VELD_NONCE_BYTES)};
    return veld_hmac_with(sealer->commit, parts, 2, commit, err);
}

static veld_status grow(veld_buf *out, size_t len, uint8_t **bytes, veld_error *err)
{
    veld_status status = veld_buf_extend(out, len, bytes);
    return status == VELD_OK ? VELD_OK : veld_fail(err, status, "no room for %zu bytes", len);
}

veld_status veld_sealer_seal_message(const veld_sealer *sealer, veld_span hdr, veld_span hedge_more,
    veld_span plain, veld_message_proof *proof, veld_buf *sealed, veld_error *err)
{
    VELD_ASSERT(sealer->kind == VELD_SEALER_CASE_MESSAGE && sealer->hedge != 0);
    if (plain.len > VELD_SEAL_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "more than %u bytes to seal", VELD_SEAL_BYTES_MAX);
    binding bound;
    veld_hash commit = {0};
    veld_message_proof made = {0};
    uint8_t *bytes = NULL;
    size_t before = sealed->len;
    veld_status status;
    VELD_TRY(bind_header(&bound, hdr, err));
    VELD_TRY(make_nonce(sealer, hedge_more, hdr, plain, made.nonce, err));
    VELD_TRY(make_commit(sealer, hdr, made.nonce, &commit, err));
    memcpy(made.commit, commit.bytes, VELD_COMMIT_BYTES);
    memcpy(bound.bytes + hdr.len, commit.bytes, VELD_COMMIT_BYTES);
    VELD_TRY(grow(sealed, plain.len + VELD_TAG_BYTES, &bytes, err));
    VELD_TRY(veld_xaes_seal_with(
        sealer->enc, made.nonce, veld_span_of(bound.bytes, bound.len), plain, bytes, err));
    *proof = made;
done:
    if (status != VELD_OK)
        sealed->len = before;
    return status;
}

/* Open into `plain`, or leave it as it was. */
static veld_status open_bound(const veld_sealer *sealer, const uint8_t nonce[VELD_NONCE_BYTES],
    const binding *bound, veld_span sealed, veld_buf *plain, veld_error *err)
{
    if (sealed.len < VELD_TAG_BYTES)
        return veld_fail(err, VELD_E_FORM, "shorter than a tag");
    if (sealed.len - VELD_TAG_BYTES > VELD_SEAL_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "more than %u bytes to open", VELD_SEAL_BYTES_MAX);
    uint8_t *bytes = NULL;
    size_t before = plain->len;
    veld_status status = grow(plain, sealed.len - VELD_TAG_BYTES, &bytes, err);
    if (status != VELD_OK)
        return status;
    status = veld_xaes_open_with(
        sealer->enc, nonce, veld_span_of(bound->bytes, bound->len), sealed, bytes, err);
    if (status != VELD_OK)
        plain->len = before;
    return status;
}

veld_status veld_sealer_open_message(const veld_sealer *sealer, veld_span hdr,
    const veld_message_proof *proof, veld_span sealed, veld_buf *plain, veld_error *err)
{
    VELD_ASSERT(sealer->kind == VELD_SEALER_CASE_MESSAGE);
    binding bound;
    veld_hash commit = {0};
    veld_status status;
    VELD_TRY(bind_header(&bound, hdr, err));
    VELD_TRY(make_commit(sealer, hdr, proof->nonce, &commit, err));
    if (!veld_span_equal_secret(
            veld_hash_span(&commit), veld_span_of(proof->commit, VELD_COMMIT_BYTES)))
        return veld_fail(err, VELD_E_FORGED, "not sealed with this key, or the header changed");
    memcpy(bound.bytes + hdr.len, commit.bytes, VELD_COMMIT_BYTES);
    VELD_TRY(open_bound(sealer, proof->nonce, &bound, sealed, plain, err));
done:
    return status;
}

veld_status veld_sealer_seal_row(const veld_sealer *sealer, const veld_span *place, size_t count,
    veld_span plain, veld_buf *sealed, veld_error *err)
{
    VELD_ASSERT(sealer->kind != VELD_SEALER_CASE_MESSAGE && sealer->hedge != 0);
    if (plain.len > VELD_SEAL_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "more than %u bytes to seal", VELD_SEAL_BYTES_MAX);
    binding bound;
    uint8_t *bytes = NULL;
    size_t before = sealed->len;
    veld_status status;
    VELD_TRY(bind_place(&bound, place, count, err));
    const veld_span aad = {bound.bytes, bound.len};
    VELD_TRY(grow(sealed, plain.len + VELD_ROW_OVERHEAD_BYTES, &bytes, err));
    VELD_TRY(make_nonce(sealer, veld_span_of(NULL, 0), aad, plain, bytes, err));
    VELD_TRY(veld_xaes_seal_with(sealer->enc, bytes, aad, plain, bytes + VELD_NONCE_BYTES, err));
done:
    if (status != VELD_OK)
        sealed->len = before;
    return status;
}

veld_status veld_sealer_open_row(const veld_sealer *sealer, const veld_span *place, size_t count,
    veld_span sealed, veld_buf *plain, veld_error *err)
{
    VELD_ASSERT(sealer->kind != VELD_SEALER_CASE_MESSAGE);
    if (sealed.len < VELD_ROW_OVERHEAD_BYTES)
        return veld_fail(err, VELD_E_FORM, "shorter than an empty row");
    binding bound;
    veld_status status = bind_place(&bound, place, count, err);
    if (status != VELD_OK)
        return status;
    return open_bound(sealer, sealed.data, &bound,
        veld_span_of(sealed.data + VELD_NONCE_BYTES, sealed.len - VELD_NONCE_BYTES), plain, err);
}

veld_status veld_key_check(
    veld_span key, const char *context, uint8_t out[VELD_KEY_CHECK_BYTES], veld_error *err)
{
    veld_secret check = {0};
    veld_status status =
        veld_key_derive(key, context, veld_span_of(NULL, 0), VELD_KEY_CHECK_BYTES, &check, err);
    if (status == VELD_OK)
        memcpy(out, check.data, VELD_KEY_CHECK_BYTES);
    veld_secret_release(&check);
    return status;
}

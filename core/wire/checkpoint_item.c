/* The form of a checkpoint that travels. What is sealed is bound to case, epoch and state, so that
 * it opens as nothing else. */
#include "veldkit/checkpoint_item.h"

#include <string.h>

#include "pack.h"
#include "veldkit/context.h"
#include "veldkit/envelope.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"
#include "veldkit/signed_part.h"
#include "veldkit/sshsig.h"

enum {
    FORMAT = 0,
    KEY_FORMAT = 0,
    KEY_CASE,
    KEY_EPOCH,
    KEY_TIME,
    KEY_JOURNAL,
    KEY_POSITION,
    KEY_DIRECTORY,
    KEY_STATE,
    KEY_HELD,
    KEY_CONTENT,
    KEY_SEALED,
    KEY_LOG,
    KEYS,
    SIGNED_BYTES_MAX = 1024,
    PROOF_BYTES = VELD_NONCE_BYTES + VELD_COMMIT_BYTES,
    HDR_BYTES = 4 + VELD_ID_BYTES + 4 + 2 * VELD_HASH_BYTES
};

veld_status veld_checkpoint_content(veld_span checkpoint, veld_hash *out, veld_error *err)
{
    return veld_hash_named(VELD_CONTEXT_HASH_CHECKPOINT, &checkpoint, 1, out, err);
}

/* ---- sealing ---- */

static void make_hdr(const veld_checkpoint_head *head, uint8_t out[HDR_BYTES])
{
    memcpy(out, "VKC1", 4);
    memcpy(out + 4, head->case_id.bytes, VELD_ID_BYTES);
    veld_put_u32(out + 4 + VELD_ID_BYTES, head->epoch);
    memcpy(out + 8 + VELD_ID_BYTES, head->state_id.bytes, VELD_HASH_BYTES);
    memcpy(out + 8 + VELD_ID_BYTES + VELD_HASH_BYTES, head->held.bytes, VELD_HASH_BYTES);
}

static veld_status pad(veld_buf *plain, veld_error *err)
{
    uint8_t *padding = NULL;
    size_t bytes = plain->len + PROOF_BYTES + VELD_TAG_BYTES;
    size_t padded = veld_envelope_bucket(bytes);
    if (padded > VELD_CHECKPOINT_ITEM_BYTES_MAX - SIGNED_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "a checkpoint of %zu bytes does not travel", padded);
    veld_status status = veld_buf_extend(plain, padded - bytes, &padding);
    if (status != VELD_OK)
        return veld_fail(err, status, "no memory for a checkpoint");
    memset(padding, 0, padded - bytes);
    return VELD_OK;
}

static veld_status seal(const veld_checkpoint_head *head, const veld_sealer *sealer,
    veld_span checkpoint, veld_buf *out, veld_error *err)
{
    veld_status status;
    uint8_t hdr[HDR_BYTES], hedge[16], *place = NULL;
    veld_message_proof proof;
    veld_buf plain;
    veld_buf_init(&plain, VELD_SEAL_BYTES_MAX);
    make_hdr(head, hdr);
    veld_put_u64(hedge, head->position);
    veld_put_u64(hedge + 8, (uint64_t)head->utc_ms);
    VELD_TRY(veld_pack(checkpoint, &plain, err));
    VELD_TRY(pad(&plain, err));
    VELD_TRY(veld_buf_extend(out, PROOF_BYTES, &place));
    VELD_TRY(veld_sealer_seal_message(sealer, veld_span_of(hdr, sizeof hdr),
        veld_span_of(hedge, sizeof hedge), veld_buf_span(&plain), &proof, out, err));
    memcpy(out->data, proof.nonce, sizeof proof.nonce);
    memcpy(out->data + sizeof proof.nonce, proof.commit, sizeof proof.commit);
done:
    veld_buf_wipe(&plain);
    return status;
}

/* ---- writing ---- */

static void put_hash(veld_cbor_writer *writer, uint64_t key, const veld_hash *hash)
{
    veld_cbor_put_uint(writer, key);
    veld_cbor_put_bytes(writer, veld_hash_span(hash));
}

static veld_status encode(const veld_checkpoint_head *head, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_map(&writer, KEYS);
    veld_cbor_put_uint(&writer, KEY_FORMAT);
    veld_cbor_put_uint(&writer, FORMAT);
    veld_cbor_put_uint(&writer, KEY_CASE);
    veld_cbor_put_bytes(&writer, veld_id_span(&head->case_id));
    veld_cbor_put_uint(&writer, KEY_EPOCH);
    veld_cbor_put_uint(&writer, head->epoch);
    veld_cbor_put_uint(&writer, KEY_TIME);
    veld_cbor_put_int(&writer, head->utc_ms);
    veld_cbor_put_uint(&writer, KEY_JOURNAL);
    veld_cbor_put_bytes(&writer, veld_id_span(&head->journal));
    veld_cbor_put_uint(&writer, KEY_POSITION);
    veld_cbor_put_uint(&writer, head->position);
    veld_cbor_put_uint(&writer, KEY_DIRECTORY);
    veld_cbor_put_uint(&writer, head->directory);
    put_hash(&writer, KEY_STATE, &head->state_id);
    put_hash(&writer, KEY_HELD, &head->held);
    put_hash(&writer, KEY_CONTENT, &head->content);
    put_hash(&writer, KEY_SEALED, &head->sealed);
    veld_cbor_put_uint(&writer, KEY_LOG);
    veld_cbor_put_array(&writer, 2);
    veld_cbor_put_uint(&writer, head->log_size);
    veld_cbor_put_bytes(&writer, veld_hash_span(&head->log_root));
    return veld_cbor_writer_finish(&writer, err);
}

veld_status veld_checkpoint_item_make(veld_checkpoint_head *head, const veld_sealer *sealer,
    veld_span checkpoint, const veld_signer *signer, veld_buf *out, veld_error *err)
{
    veld_status status;
    veld_buf sealed, body, part;
    size_t before = out->len;
    veld_buf_init(&sealed, VELD_CHECKPOINT_ITEM_BYTES_MAX);
    veld_buf_init(&body, SIGNED_BYTES_MAX);
    veld_buf_init(&part, SIGNED_BYTES_MAX);
    VELD_TRY(veld_checkpoint_content(checkpoint, &head->content, err));
    VELD_TRY(seal(head, sealer, checkpoint, &sealed, err));
    VELD_TRY(veld_sha256(veld_buf_span(&sealed), &head->sealed, err));
    VELD_TRY(encode(head, &body, err));
    VELD_TRY(
        veld_signed_write(signer, VELD_NAMESPACE_CHECKPOINT, veld_buf_span(&body), &part, err));
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_array(&writer, 2);
    veld_cbor_put_bytes(&writer, veld_buf_span(&part));
    veld_cbor_put_bytes(&writer, veld_buf_span(&sealed));
    status = veld_cbor_writer_finish(&writer, err);
done:
    veld_buf_release(&sealed);
    veld_buf_release(&body);
    veld_buf_release(&part);
    if (status != VELD_OK)
        out->len = before;
    return status;
}

/* ---- reading ---- */

static void read_hash(veld_cbor_reader *reader, veld_hash *out)
{
    veld_cbor_fixed(reader, out->bytes, sizeof out->bytes);
}

static void read_number(veld_cbor_reader *reader, uint64_t least, uint64_t most, uint64_t *out)
{
    *out = veld_cbor_uint(reader);
    if (reader->status == VELD_OK && (*out < least || *out > most))
        veld_cbor_reader_fail(reader, VELD_E_FORM);
}

static void read_key(veld_cbor_reader *reader, uint64_t key, veld_checkpoint_head *out)
{
    uint64_t number = 0;
    switch (key) {
    case KEY_FORMAT:
        if (veld_cbor_uint(reader) > FORMAT)
            veld_cbor_reader_fail(reader, VELD_E_NEWER);
        break;
    case KEY_CASE:
        veld_cbor_fixed(reader, out->case_id.bytes, sizeof out->case_id.bytes);
        break;
    case KEY_EPOCH:
        read_number(reader, 1, UINT32_MAX, &number);
        out->epoch = (uint32_t)number;
        break;
    case KEY_TIME:
        out->utc_ms = veld_cbor_int(reader);
        break;
    case KEY_JOURNAL:
        veld_cbor_fixed(reader, out->journal.bytes, sizeof out->journal.bytes);
        break;
    case KEY_POSITION:
        read_number(reader, 0, INT64_MAX, &out->position);
        break;
    case KEY_DIRECTORY:
        read_number(reader, 0, INT64_MAX, &out->directory);
        break;
    case KEY_STATE:
        read_hash(reader, &out->state_id);
        break;
    case KEY_HELD:
        read_hash(reader, &out->held);
        break;
    case KEY_CONTENT:
        read_hash(reader, &out->content);
        break;
    case KEY_SEALED:
        read_hash(reader, &out->sealed);
        break;
    default:
        if (veld_cbor_array(reader, 2) != 2)
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        read_number(reader, 0, INT64_MAX, &out->log_size);
        read_hash(reader, &out->log_root);
        break;
    }
}

veld_status veld_checkpoint_head_read(
    veld_span signed_part, veld_checkpoint_head *out, veld_error *err)
{
    veld_span body = {0};
    veld_signature signature;
    veld_checkpoint_head head = {0};
    *out = head;
    veld_status status = veld_signed_read(signed_part, SIGNED_BYTES_MAX, &body, &signature, err);
    if (status != VELD_OK)
        return status;
    veld_cbor_reader reader = veld_cbor_read(body);
    uint64_t last = VELD_CBOR_NO_KEY;
    size_t count = veld_cbor_map(&reader, VELD_SIGNED_KEYS_MAX);
    for (uint64_t i = 0; i < count && reader.status == VELD_OK; i++)
        if (veld_signed_next(&reader, &last, i, KEYS))
            read_key(&reader, i, &head);
    if (count < KEY_LOG || veld_id_is_zero(&head.case_id))
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    status = veld_cbor_reader_finish(&reader, err);
    if (status == VELD_OK)
        *out = head;
    return status;
}

veld_status veld_checkpoint_item_read(veld_span bytes, veld_checkpoint_item *out, veld_error *err)
{
    *out = (veld_checkpoint_item){0};
    if (bytes.len > VELD_CHECKPOINT_ITEM_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "a checkpoint of %zu bytes", bytes.len);
    veld_checkpoint_item item = {0};
    veld_cbor_reader reader = veld_cbor_read(bytes);
    if (veld_cbor_array(&reader, 2) != 2)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    item.signed_part = veld_cbor_bytes(&reader);
    item.sealed = veld_cbor_bytes(&reader);
    if (reader.status == VELD_OK && item.sealed.len < PROOF_BYTES + VELD_TAG_BYTES)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    veld_status status = veld_cbor_reader_finish(&reader, err);
    if (status == VELD_OK)
        status = veld_checkpoint_head_read(item.signed_part, &item.head, err);
    if (status == VELD_OK)
        *out = item;
    return status;
}

veld_status veld_checkpoint_verify(veld_span signed_part, const veld_verifier *verifier,
    const veld_p256_public *key, veld_error *err)
{
    veld_span body = {0};
    veld_signature signature;
    veld_checkpoint_head head;
    veld_verifier_bound bound = {.inner = *verifier};
    const veld_verifier at = veld_verifier_at(&bound);
    veld_status status = veld_signed_read(signed_part, SIGNED_BYTES_MAX, &body, &signature, err);
    if (status == VELD_OK)
        status = veld_checkpoint_head_read(signed_part, &head, err);
    if (status != VELD_OK)
        return status;
    bound.place.position = head.directory;
    return veld_sshsig_verify(&at, key, VELD_NAMESPACE_CHECKPOINT, body, &signature, err);
}

veld_status veld_checkpoint_item_open(
    const veld_checkpoint_item *item, const veld_sealer *sealer, veld_buf *out, veld_error *err)
{
    veld_status status;
    veld_hash hash;
    size_t used, before = out->len;
    uint8_t hdr[HDR_BYTES];
    veld_message_proof proof;
    veld_buf plain;
    veld_buf_init(&plain, VELD_SEAL_BYTES_MAX);
    make_hdr(&item->head, hdr);
    memcpy(proof.nonce, item->sealed.data, sizeof proof.nonce);
    memcpy(proof.commit, item->sealed.data + sizeof proof.nonce, sizeof proof.commit);
    VELD_TRY(veld_sha256(item->sealed, &hash, err));
    if (!veld_hash_equal(&hash, &item->head.sealed)) {
        status = veld_fail(err, VELD_E_FORGED, "another checkpoint than was signed");
        goto done;
    }
    VELD_TRY(veld_sealer_open_message(sealer, veld_span_of(hdr, sizeof hdr), &proof,
        veld_span_part(item->sealed, PROOF_BYTES, item->sealed.len - PROOF_BYTES), &plain, err));
    VELD_TRY(veld_unpack(veld_buf_span(&plain), out, &used, err));
    VELD_TRY(veld_checkpoint_content(
        veld_span_part(veld_buf_span(out), before, out->len - before), &hash, err));
    if (!veld_hash_equal(&hash, &item->head.content))
        status = veld_fail(err, VELD_E_FORGED, "another checkpoint than was signed");
done:
    veld_buf_wipe(&plain);
    if (status != VELD_OK)
        out->len = before;
    return status;
}

/* Frame 20: entries of a device on their way to the agency, and the agency's word that it keeps
 * them. Padded before sealing, so that its length does not tell how much a worker looked up. */
#include <string.h>

#include "veldkit/access.h"
#include "veldkit/assert.h"
#include "veldkit/cbor.h"
#include "veldkit/context.h"
#include "veldkit/envelope.h"
#include "veldkit/hpke.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"
#include "veldkit/signed_part.h"
#include "veldkit/sshsig.h"

enum {
    KEY_FORM = 0,
    KEY_DEVICE = 1,
    KEY_SEALED = 2, /* batch */
    BATCH_KEYS = 3,
    KEY_NUMBER = 2, /* kept */
    KEY_HASH = 3,
    KEY_TIME = 4,
    KEPT_KEYS = 5,
    LENGTH_BYTES = 4,
    KEPT_BYTES_MAX = 256
};

/* ---- making ---- */

/* length u32 | CBOR array of byte strings | zeros */
static veld_status make_plain(const veld_access_batch *batch, veld_buf *out, veld_error *err)
{
    static const uint8_t zeros[LENGTH_BYTES];
    veld_status status;
    VELD_TRY(veld_buf_append(out, zeros, sizeof zeros));
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_array(&writer, batch->count);
    for (size_t i = 0; i < batch->count; i++)
        veld_cbor_put_bytes(&writer, batch->entries[i]);
    VELD_TRY(veld_cbor_writer_finish(&writer, err));
    veld_put_u32(out->data, (uint32_t)(out->len - LENGTH_BYTES));
    size_t padded = veld_envelope_bucket(out->len);
    while (out->len < padded && status == VELD_OK)
        status = veld_buf_append_byte(out, 0);
    if (status != VELD_OK)
        veld_fail(err, status, "too many lines of the access log at once");
done:
    return status;
}

static void put_start(
    veld_cbor_writer *writer, size_t keys, veld_access_form form, const veld_id *device)
{
    veld_cbor_put_map(writer, keys);
    veld_cbor_put_uint(writer, KEY_FORM);
    veld_cbor_put_uint(writer, (uint64_t)form);
    veld_cbor_put_uint(writer, KEY_DEVICE);
    veld_cbor_put_bytes(writer, veld_id_span(device));
}

veld_status veld_access_batch_make(const veld_env *env, const veld_access_batch *batch,
    const veld_p256_public *to, const veld_signer *device, veld_buf *out, veld_error *err)
{
    VELD_ASSERT(batch->count > 0 && batch->count <= VELD_ACCESS_BATCH_ENTRIES_MAX);
    veld_buf plain, sealed, body;
    veld_status status;
    veld_buf_init(&plain, VELD_ACCESS_BATCH_BYTES_MAX);
    veld_buf_init(&sealed, VELD_ACCESS_BATCH_BYTES_MAX);
    veld_buf_init(&body, VELD_ACCESS_BATCH_BYTES_MAX);
    VELD_TRY(make_plain(batch, &plain, err));
    VELD_TRY(veld_hpke_seal(env, to, VELD_HPKE_ACCESS, veld_id_span(&batch->device),
        veld_buf_span(&plain), &sealed, err));
    veld_cbor_writer writer = veld_cbor_write(&body);
    put_start(&writer, BATCH_KEYS, VELD_ACCESS_BATCH, &batch->device);
    veld_cbor_put_uint(&writer, KEY_SEALED);
    veld_cbor_put_bytes(&writer, veld_buf_span(&sealed));
    VELD_TRY(veld_cbor_writer_finish(&writer, err));
    status = veld_signed_write(device, VELD_NAMESPACE_ACCESS, veld_buf_span(&body), out, err);
done:
    veld_buf_wipe(&plain);
    veld_buf_release(&sealed);
    veld_buf_release(&body);
    return status;
}

veld_status veld_access_kept_make(
    const veld_access_kept *kept, const veld_signer *merger, veld_buf *out, veld_error *err)
{
    veld_buf body;
    veld_status status;
    veld_buf_init(&body, KEPT_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&body);
    put_start(&writer, KEPT_KEYS, VELD_ACCESS_KEPT, &kept->device);
    veld_cbor_put_uint(&writer, KEY_NUMBER);
    veld_cbor_put_uint(&writer, kept->number);
    veld_cbor_put_uint(&writer, KEY_HASH);
    veld_cbor_put_bytes(&writer, veld_hash_span(&kept->hash));
    veld_cbor_put_uint(&writer, KEY_TIME);
    veld_cbor_put_int(&writer, kept->utc_ms);
    VELD_TRY(veld_cbor_writer_finish(&writer, err));
    status = veld_signed_write(merger, VELD_NAMESPACE_KEPT, veld_buf_span(&body), out, err);
done:
    veld_buf_release(&body);
    return status;
}

/* ---- reading ---- */

static void read_kept(veld_cbor_reader *reader, uint64_t key, veld_access_item *out)
{
    if (key == KEY_NUMBER) {
        out->kept.number = veld_cbor_uint(reader);
        if (out->kept.number == 0 || out->kept.number > INT64_MAX)
            veld_cbor_reader_fail(reader, VELD_E_FORM);
    } else if (key == KEY_HASH) {
        veld_cbor_fixed(reader, out->kept.hash.bytes, sizeof out->kept.hash.bytes);
    } else {
        out->kept.utc_ms = veld_cbor_int(reader);
    }
}

static void read_form(veld_cbor_reader *reader, veld_access_item *out)
{
    uint64_t form = veld_cbor_uint(reader);
    if (form > VELD_ACCESS_KEPT)
        veld_cbor_reader_fail(reader, VELD_E_NEWER);
    else
        out->form = (veld_access_form)form;
}

veld_status veld_access_item_read(veld_span bytes, veld_access_item *out, veld_error *err)
{
    veld_access_item item = {0};
    uint64_t last = VELD_CBOR_NO_KEY;
    uint64_t keys = BATCH_KEYS;
    *out = (veld_access_item){0};
    veld_status status =
        veld_signed_read(bytes, VELD_ACCESS_BATCH_BYTES_MAX, &item.body, &item.signature, err);
    if (status != VELD_OK)
        return status;
    veld_cbor_reader reader = veld_cbor_read(item.body);
    size_t count = veld_cbor_map(&reader, VELD_SIGNED_KEYS_MAX);
    for (uint64_t key = 0; key < count && reader.status == VELD_OK; key++) {
        if (!veld_signed_next(&reader, &last, key, keys))
            continue;
        if (key == KEY_FORM)
            read_form(&reader, &item);
        else if (key == KEY_DEVICE)
            veld_cbor_fixed(&reader, item.device.bytes, sizeof item.device.bytes);
        else if (item.form == VELD_ACCESS_BATCH)
            item.sealed = veld_cbor_bytes(&reader);
        else
            read_kept(&reader, key, &item);
        keys = item.form == VELD_ACCESS_KEPT ? KEPT_KEYS : BATCH_KEYS;
    }
    if (count < keys || veld_id_is_zero(&item.device))
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    item.kept.device = item.device;
    status = veld_cbor_reader_finish(&reader, err);
    if (status == VELD_OK)
        *out = item;
    return status;
}

veld_status veld_access_item_verify(const veld_access_item *item, const veld_verifier *verifier,
    const veld_p256_public *key, veld_error *err)
{
    const char *name_space =
        item->form == VELD_ACCESS_BATCH ? VELD_NAMESPACE_ACCESS : VELD_NAMESPACE_KEPT;
    return veld_sshsig_verify(verifier, key, name_space, item->body, &item->signature, err);
}

/* ---- opening ---- */

/* What is behind the entries must be what padding gives, so that a batch has one form. */
static veld_status take_plain(veld_span plain, veld_span *out, veld_error *err)
{
    size_t len = plain.len >= LENGTH_BYTES ? veld_get_u32(plain.data) : SIZE_MAX;
    bool whole = len <= plain.len - (plain.len >= LENGTH_BYTES ? LENGTH_BYTES : plain.len) &&
                 veld_envelope_bucket(len + LENGTH_BYTES) == plain.len;
    for (size_t i = LENGTH_BYTES + len; whole && i < plain.len; i++)
        whole = plain.data[i] == 0;
    if (!whole)
        return veld_fail(err, VELD_E_FORM, "lines of the access log are not whole");
    *out = veld_span_part(plain, LENGTH_BYTES, len);
    return VELD_OK;
}

/* Each of the device, and on the chain behind the one before. */
static veld_status check_chain(const veld_access_batch *batch, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_hash before = {0};
    uint64_t number = 0;
    for (size_t i = 0; i < batch->count; i++) {
        veld_access_entry entry;
        VELD_TRY(veld_access_decode(batch->entries[i], &entry, err));
        if (!veld_id_equal(&entry.device, &batch->device) ||
            (i > 0 && (entry.number != number + 1 || !veld_hash_equal(&entry.previous, &before)))) {
            status = veld_fail(err, VELD_E_FORGED, "lines of the access log are no chain");
            goto done;
        }
        number = entry.number;
        VELD_TRY(veld_access_hash(batch->entries[i], &before, err));
    }
done:
    return status;
}

veld_status veld_access_batch_open(const veld_access_item *item, const veld_p256_private *key,
    veld_arena *arena, veld_access_batch *out, veld_error *err)
{
    veld_access_batch batch = {.device = item->device};
    veld_buf plain;
    veld_span inside = {0}, kept = {0};
    veld_span *entries = NULL;
    veld_status status;
    *out = (veld_access_batch){0};
    VELD_ASSERT(item->form == VELD_ACCESS_BATCH);
    veld_buf_init(&plain, VELD_ACCESS_BATCH_BYTES_MAX);
    VELD_TRY(veld_hpke_open(
        key, VELD_HPKE_ACCESS, veld_id_span(&item->device), item->sealed, &plain, err));
    VELD_TRY(take_plain(veld_buf_span(&plain), &inside, err));
    status = veld_arena_copy(arena, inside, &kept);
    veld_cbor_reader reader = veld_cbor_read(kept);
    batch.count = veld_cbor_array(&reader, VELD_ACCESS_BATCH_ENTRIES_MAX);
    entries = veld_arena_get(arena, batch.count, sizeof *entries);
    if (status != VELD_OK || entries == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for the access log");
        goto done;
    }
    for (size_t i = 0; i < batch.count; i++)
        entries[i] = veld_cbor_bytes(&reader);
    if (batch.count == 0)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    VELD_TRY(veld_cbor_reader_finish(&reader, err));
    batch.entries = entries;
    VELD_TRY(check_chain(&batch, err));
    *out = batch;
done:
    veld_buf_wipe(&plain);
    return status;
}

/* Erasing a case at the agency. The keys go last of what can be read and the stub first, so a crash
 * leaves a case that is whole or one that is erased as soon as somebody starts again. */
#include "veldkit/erase.h"

#include <string.h>

#include "sync_inner.h"
#include "veldkit/assert.h"
#include "veldkit/assignment.h"
#include "veldkit/context.h"
#include "veldkit/number.h"
#include "veldkit/signed_part.h"
#include "veldkit/sshsig.h"

#define ERASED  "erased"
#define ERASING "erasing"
#define LATE    "erased.late"

enum { FORMAT = 0, KEYS = 2, FORGET_BYTES_MAX = 256, NUMBER_BYTES = 8, NAMES_BYTES_MAX = 64 << 20 };

/* ---- the word to the relay ---- */

veld_status veld_forget_make(
    const veld_id *case_id, const veld_signer *merger, veld_buf *out, veld_error *err)
{
    veld_buf body;
    veld_status status;
    veld_buf_init(&body, FORGET_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&body);
    veld_cbor_put_map(&writer, KEYS);
    veld_cbor_put_uint(&writer, 0);
    veld_cbor_put_uint(&writer, FORMAT);
    veld_cbor_put_uint(&writer, 1);
    veld_cbor_put_bytes(&writer, veld_id_span(case_id));
    VELD_TRY(veld_cbor_writer_finish(&writer, err));
    status = veld_signed_write(merger, VELD_NAMESPACE_FORGET, veld_buf_span(&body), out, err);
done:
    veld_buf_release(&body);
    return status;
}

veld_status veld_forget_read(veld_span bytes, const veld_verifier *verifier,
    const veld_p256_public *key, veld_id *case_id, veld_error *err)
{
    veld_span body;
    veld_signature signature;
    veld_id found = {{0}};
    uint64_t last = VELD_CBOR_NO_KEY;
    *case_id = found;
    veld_status status = veld_signed_read(bytes, FORGET_BYTES_MAX, &body, &signature, err);
    if (status != VELD_OK)
        return status;
    veld_cbor_reader reader = veld_cbor_read(body);
    size_t count = veld_cbor_map(&reader, VELD_SIGNED_KEYS_MAX);
    for (uint64_t i = 0; i < count && reader.status == VELD_OK; i++) {
        if (!veld_signed_next(&reader, &last, i, KEYS))
            continue;
        if (i == 1)
            veld_cbor_fixed(&reader, found.bytes, sizeof found.bytes);
        else if (veld_cbor_uint(&reader) > FORMAT)
            veld_cbor_reader_fail(&reader, VELD_E_NEWER);
    }
    if (count < KEYS || veld_id_is_zero(&found))
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    VELD_TRY(veld_cbor_reader_finish(&reader, err));
    VELD_TRY(veld_sshsig_verify(verifier, key, VELD_NAMESPACE_FORGET, body, &signature, err));
    *case_id = found;
done:
    return status;
}

/* ---- what is kept ---- */

veld_status veld_erased_get(
    veld_store *store, const veld_id *case_id, veld_buf *stub, veld_error *err)
{
    return veld_store_get_value(store, ERASED, veld_id_span(case_id), stub, err);
}

veld_status veld_erased_late(
    veld_store *store, const veld_id *case_id, uint64_t *out, veld_error *err)
{
    veld_buf value;
    veld_buf_init(&value, NUMBER_BYTES);
    veld_status status = veld_store_get_value(store, LATE, veld_id_span(case_id), &value, err);
    *out = status == VELD_OK && value.len == NUMBER_BYTES ? veld_get_u64(value.data) : 0;
    veld_buf_release(&value);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status sync_is_erased(veld_sync *sync, const veld_id *case_id, bool *out, veld_error *err)
{
    veld_buf stub;
    veld_buf_init(&stub, VELD_STORE_BODY_BYTES_MAX);
    veld_status status = veld_erased_get(sync->config.desk->store, case_id, &stub, err);
    *out = status == VELD_OK;
    veld_buf_release(&stub);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* What comes of an erased case is not taken: nothing here opens it, and nothing is to. */
veld_status sync_refuse_erased(
    veld_sync *sync, const veld_id *case_id, size_t count, veld_error *err)
{
    uint64_t late;
    uint8_t number[NUMBER_BYTES];
    veld_store *store = sync->config.desk->store;
    veld_status status;
    VELD_TRY(veld_erased_late(store, case_id, &late, err));
    veld_put_u64(number, late + count);
    VELD_TRY(veld_store_put_value(
        store, LATE, veld_id_span(case_id), veld_span_of(number, sizeof number), err));
    sync->result.refused += count;
    sync_tell(sync, &(veld_sync_event){.kind = VELD_SYNC_REFUSED,
                        .case_id = *case_id,
                        .count = count,
                        .status = VELD_E_NOT_ALLOWED,
                        .text = "the case is erased"});
done:
    return status;
}

/* ---- beginning ---- */

/* Grants and heads of the case under way or kept for another relay. */
static bool is_of_case(veld_span name, const veld_id *case_id)
{
    return name.len > VELD_ID_BYTES && (name.data[0] == 'g' || name.data[0] == 'h') &&
           memcmp(name.data + 1, case_id->bytes, VELD_ID_BYTES) == 0;
}

static veld_status drop_group(
    veld_store *store, const char *group, const veld_id *case_id, veld_error *err)
{
    veld_store_cursor *cursor = NULL;
    bool more = true;
    veld_buf names;
    veld_status status;
    veld_buf_init(&names, NAMES_BYTES_MAX);
    VELD_TRY(veld_store_values(store, group, &cursor, err));
    while (more) {
        veld_store_value value;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more || !is_of_case(value.name, case_id))
            continue;
        VELD_TRY(veld_buf_append_byte(&names, (uint8_t)value.name.len));
        VELD_TRY(veld_buf_append_span(&names, value.name));
    }
    veld_store_cursor_close(cursor);
    cursor = NULL;
    for (size_t at = 0; at < names.len; at += 1u + names.data[at])
        VELD_TRY(veld_store_delete_value(
            store, group, veld_span_of(names.data + at + 1, names.data[at]), err));
done:
    veld_store_cursor_close(cursor);
    veld_buf_release(&names);
    return status;
}

static veld_status order_holders(veld_sync *sync, const veld_id *case_id, veld_error *err)
{
    veld_assignment *rows = NULL;
    size_t count = 0;
    veld_store *store = sync->config.desk->store;
    veld_status status;
    VELD_TRY(veld_assignments_of_case(store, case_id, &rows, &count, err));
    for (size_t i = 0; i < count; i++) {
        VELD_TRY(veld_assignment_remove(store, case_id, &rows[i].device, err));
        VELD_TRY(veld_sync_post_order(
            sync, &rows[i].device, VELD_ORDER_ERASE, case_id, VELD_ORDER_ERASURE, NULL, err));
    }
done:
    veld_release(rows);
    return status;
}

static veld_status post_forget(veld_sync *sync, const veld_id *case_id, veld_error *err)
{
    uint8_t name[1 + VELD_ID_BYTES] = {'f'};
    veld_buf bytes;
    veld_status status;
    memcpy(name + 1, case_id->bytes, VELD_ID_BYTES);
    veld_buf_init(&bytes, FORGET_BYTES_MAX);
    VELD_TRY(veld_forget_make(case_id, &sync->config.desk->signer, &bytes, err));
    status = sync_post(
        sync, veld_span_of(name, sizeof name), VELD_FRAME_FORGET, veld_buf_span(&bytes), err);
done:
    veld_buf_release(&bytes);
    return status;
}

static veld_status begin_erasure(
    veld_sync *sync, const veld_id *case_id, veld_span stub, veld_error *err)
{
    veld_store *store = sync->config.desk->store;
    veld_span id = veld_id_span(case_id);
    veld_status status;
    VELD_TRY(veld_store_put_value(store, ERASED, id, stub, err));
    VELD_TRY(veld_store_put_value(store, ERASING, id, id, err));
    VELD_TRY(drop_group(store, SYNC_POST, case_id, err));
    VELD_TRY(drop_group(store, SYNC_POSTED, case_id, err));
    VELD_TRY(order_holders(sync, case_id, err));
    status = post_forget(sync, case_id, err);
done:
    return status;
}

/* ---- ending ---- */

static veld_status end_erasure(veld_store *store, const veld_id *case_id, veld_error *err)
{
    veld_status status = veld_store_erase_case(store, case_id, err);
    if (status == VELD_OK || status == VELD_E_NOT_FOUND)
        status = veld_store_delete_value(store, ERASING, veld_id_span(case_id), err);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status sync_end_erasures(veld_sync *sync, veld_error *err)
{
    veld_store *store = sync->config.desk->store;
    veld_store_cursor *cursor = NULL;
    bool more = true;
    veld_buf ids;
    veld_status status;
    veld_buf_init(&ids, NAMES_BYTES_MAX);
    VELD_TRY(veld_store_values(store, ERASING, &cursor, err));
    while (more) {
        veld_store_value value;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (more && value.name.len == VELD_ID_BYTES)
            VELD_TRY(veld_buf_append_span(&ids, value.name));
    }
    veld_store_cursor_close(cursor);
    cursor = NULL;
    for (size_t at = 0; at < ids.len; at += VELD_ID_BYTES) {
        veld_id case_id;
        memcpy(case_id.bytes, ids.data + at, sizeof case_id.bytes);
        VELD_TRY(end_erasure(store, &case_id, err));
    }
done:
    veld_store_cursor_close(cursor);
    veld_buf_release(&ids);
    return status;
}

veld_status veld_sync_erase(
    veld_sync *sync, const veld_id *case_id, veld_span stub, veld_error *err)
{
    VELD_ASSERT(sync->config.role == VELD_SYNC_MERGER);
    veld_store *store = sync->config.desk->store;
    veld_store_case *keys = NULL;
    bool is_erased;
    veld_status status;
    VELD_TRY(sync_is_erased(sync, case_id, &is_erased, err));
    if (is_erased)
        return veld_fail(err, VELD_E_EXISTS, "the case is erased already");
    VELD_TRY(veld_store_case_open(store, case_id, &keys, err));
    veld_store_case_close(keys);
    VELD_TRY(veld_store_begin(store, err));
    status = begin_erasure(sync, case_id, stub, err);
    if (status == VELD_OK)
        status = veld_store_commit(store, err);
    else
        veld_store_rollback(store);
    VELD_TRY(status);
    status = end_erasure(store, case_id, err);
    for (size_t i = 0; i < sync->outs_count; i++)
        if (veld_id_equal(&sync->outs[i].case_id, case_id) ||
            is_of_case(veld_buf_span(&sync->outs[i].name), case_id))
            sync->outs[i].is_done = true;
    veld_sync_wake(sync);
done:
    return status;
}

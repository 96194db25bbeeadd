/* Erasing a case at the agency. The keys go last of what can be read and the stub first, so a crash
 * leaves a case that is whole or one that is erased as soon as somebody starts again. */
#include "veldkit/erase.h"

#include <stdlib.h>
#include <string.h>

#include "intake_inner.h"
#include "sync_inner.h"
#include "veldkit/assert.h"
#include "veldkit/assignment.h"
#include "veldkit/commit.h"
#include "veldkit/context.h"
#include "veldkit/envelope.h"
#include "veldkit/number.h"
#include "veldkit/quarantine.h"
#include "veldkit/signed_part.h"

#define ERASING "erasing"
#define LATE    "erased.late"
#define KNOWN   "erased.known"

enum { FORMAT = 0, KEYS = 3, FORGET_BYTES_MAX = 256, NUMBER_BYTES = 8 };

/* ---- the word to the relay ---- */

veld_status veld_forget_make(const veld_id *case_id, uint64_t serial, const veld_signer *merger,
    veld_buf *out, veld_error *err)
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
    veld_cbor_put_uint(&writer, 2);
    veld_cbor_put_uint(&writer, serial);
    VELD_TRY(veld_cbor_writer_finish(&writer, err));
    status = veld_signed_write(merger, VELD_NAMESPACE_FORGET, veld_buf_span(&body), out, err);
done:
    veld_buf_release(&body);
    return status;
}

static void read_key(veld_cbor_reader *reader, uint64_t key, void *to)
{
    veld_id *case_id = to;
    /* The serial makes two words about one case two entries of the log; nobody reads it. */
    if (key == 1)
        veld_cbor_fixed(reader, case_id->bytes, sizeof case_id->bytes);
    else if (veld_cbor_uint(reader) > FORMAT && key == 0)
        veld_cbor_reader_fail(reader, VELD_E_NEWER);
}

static const veld_signed_form FORM = {
    VELD_NAMESPACE_FORGET, FORGET_BYTES_MAX, KEYS, KEYS, read_key};

veld_status veld_forget_read(veld_span bytes, const veld_verifier *verifier,
    const veld_p256_public *key, veld_id *case_id, veld_error *err)
{
    veld_status status;
    veld_id found = {{0}};
    *case_id = found;
    VELD_TRY(veld_signed_decode(bytes, &FORM, &found, err));
    if (veld_id_is_zero(&found))
        VELD_TRY(veld_fail(err, VELD_E_FORM, "a case without an id to be forgotten"));
    VELD_TRY(veld_signed_verify(bytes, &FORM, verifier, key, err));
    *case_id = found;
done:
    return status;
}

/* ---- what is kept ---- */

veld_status veld_erased_get(
    veld_store *store, const veld_id *case_id, veld_buf *stub, veld_error *err)
{
    return veld_store_get_value(store, SYNC_ERASED, veld_id_span(case_id), stub, err);
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

/* A relay drops what we have heard of when it says so; each time it is another item. */
static veld_status post_forget(veld_sync *sync, const veld_id *case_id, veld_error *err)
{
    uint8_t name[1 + VELD_ID_BYTES] = {'f'};
    uint64_t serial;
    veld_buf bytes;
    veld_status status;
    memcpy(name + 1, case_id->bytes, VELD_ID_BYTES);
    veld_buf_init(&bytes, FORGET_BYTES_MAX);
    VELD_TRY(sync_next_serial(sync, &serial, err));
    VELD_TRY(veld_forget_make(case_id, serial, &sync->config.desk->signer, &bytes, err));
    status = sync_post(
        sync, veld_span_of(name, sizeof name), VELD_FRAME_FORGET, veld_buf_span(&bytes), err);
done:
    veld_buf_release(&bytes);
    return status;
}

/* ---- what comes afterwards ---- */

veld_status veld_erased_order(veld_store *store, const veld_id *case_id,
    const veld_verifier *verifier, const veld_p256_public *merger, veld_order *out, veld_error *err)
{
    veld_buf order;
    veld_buf_init(&order, VELD_ORDER_BYTES_MAX);
    veld_status status =
        veld_store_get_value(store, SYNC_ERASED, veld_id_span(case_id), &order, err);
    if (status == VELD_OK)
        status = veld_order_read(veld_buf_span(&order), verifier, merger, out, err);
    if (status == VELD_OK &&
        (out->kind != VELD_ORDER_ERASE || !veld_id_equal(&out->case_id, case_id)))
        status = veld_fail(err, VELD_E_FORGED, "what is kept of an erased case is of another one");
    veld_buf_release(&order);
    return status;
}

veld_status veld_erased_each(veld_store *store, void *context,
    veld_status (*each)(void *context, const veld_id *case_id, veld_error *err), veld_error *err)
{
    veld_id *ids;
    size_t count;
    veld_status status = veld_store_value_ids(store, SYNC_ERASED, &ids, &count, err);
    for (size_t i = 0; status == VELD_OK && i < count; i++)
        status = each(context, &ids[i], err);
    veld_release(ids);
    return status;
}

static int compare_hashes(const void *a, const void *b)
{
    return memcmp(a, b, VELD_HASH_BYTES);
}

/* The ids of all changes that are here, so that a relay which is put back from an old copy does not
 * bring the case again under the name of late work. */
static veld_status put_known(veld_sync *sync, const veld_id *case_id, veld_error *err)
{
    veld_case *opened = NULL;
    size_t count = 0;
    veld_buf ids;
    veld_status status;
    veld_buf_init(&ids, VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(veld_case_open(&sync->desk, case_id, &opened, err));
    const veld_node *const *order = veld_graph_order(veld_case_graph(opened), &count);
    if (order == NULL)
        status = veld_fail(err, VELD_E_MEMORY, "no memory for the changes of a case");
    for (size_t i = 0; status == VELD_OK && i < count; i++) {
        status = veld_buf_append_span(&ids, veld_hash_span(&order[i]->id));
        if (status != VELD_OK)
            veld_fail(err, status, "a case of %zu changes is more than can be erased", count);
    }
    VELD_TRY(status);
    if (ids.len > 0)
        qsort(ids.data, ids.len / VELD_HASH_BYTES, VELD_HASH_BYTES, compare_hashes);
    status = veld_store_put_value(
        sync->config.desk->store, KNOWN, veld_id_span(case_id), veld_buf_span(&ids), err);
done:
    veld_case_close(opened);
    veld_buf_release(&ids);
    return status;
}

static bool is_among(const veld_buf *known, veld_span envelope)
{
    veld_envelope_header header;
    return veld_envelope_read_header(envelope, &header, NULL) == VELD_OK && known->len > 0 &&
           bsearch(header.change_id.bytes, known->data, known->len / VELD_HASH_BYTES,
               VELD_HASH_BYTES, compare_hashes) != NULL;
}

static veld_status count_late(
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
    sync_tell(sync, &(veld_sync_event){.kind = VELD_SYNC_SET_ASIDE,
                        .case_id = *case_id,
                        .count = count,
                        .status = VELD_E_NOT_ALLOWED,
                        .text = "the case is erased"});
done:
    return status;
}

/* Blind work is kept readable, and its author need not have the case: no order tells her that it is
 * erased. So she gets the word that her change is here, when it is hers. */
static veld_status sign_for_blind(veld_sync *sync, const intake_part *part, veld_error *err)
{
    const veld_desk *desk = sync->config.desk;
    const intake by = {.desk = desk};
    intake_changes list = {0};
    veld_change *changes;
    uint16_t count = 0;
    veld_p256_public key;
    veld_error why = {0};
    if (!intake_is_blind(part))
        return VELD_OK;
    veld_arena_init(&list.arena, VELD_STATE_BYTES_MAX);
    veld_status status = intake_open_one(&by, NULL, part->body, &list, &changes, &count, &why);
    for (uint16_t i = 0; status == VELD_OK && i < count; i++) {
        VELD_TRY(veld_keyring_signer(&desk->keyring, &desk->verifier, &changes[i], &key, &why));
        VELD_TRY(veld_commit_verify(&changes[i], &key, &desk->verifier, &why));
        VELD_TRY(sync_post_aside(sync, &changes[i], &why));
    }
done:
    intake_changes_release(&list);
    if (status == VELD_E_MEMORY || status == VELD_E_CRYPTO || status == VELD_E_IO)
        return veld_fail(err, status, "%s", why.text);
    return VELD_OK; /* else it is nobody's that is known, and kept all the same */
}

/* Keys that come late are not kept: they would open what is to stay closed. */
veld_status sync_take_late(veld_sync *sync, const intake_part *parts, size_t count, veld_error *err)
{
    const veld_id *case_id = &parts[0].case_id;
    veld_store *store = sync->config.desk->store;
    int64_t now_ms = veld_env_now(sync->config.desk->env).wall_utc_ms;
    size_t late = 0;
    veld_buf known;
    veld_status status;
    veld_buf_init(&known, VELD_STORE_BODY_BYTES_MAX);
    status = veld_store_get_value(store, KNOWN, veld_id_span(case_id), &known, err);
    if (status == VELD_E_NOT_FOUND)
        status = VELD_OK;
    VELD_TRY(status);
    for (size_t i = 0; i < count; i++) {
        if (parts[i].type != VELD_FRAME_ENVELOPE || is_among(&known, parts[i].body))
            continue;
        VELD_TRY(veld_quarantine_put_late(store, parts[i].body, now_ms, err));
        VELD_TRY(sign_for_blind(sync, &parts[i], err));
        late++;
    }
    if (late > 0)
        VELD_TRY(count_late(sync, case_id, late, err));
    status = post_forget(sync, case_id, err); /* envelopes, keys, a checkpoint: it has them again */
done:
    veld_buf_release(&known);
    return status;
}

/* ---- beginning ---- */

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

static veld_status begin_erasure(
    veld_sync *sync, const veld_id *case_id, veld_span stub, veld_error *err)
{
    veld_store *store = sync->config.desk->store;
    veld_span id = veld_id_span(case_id);
    veld_status status;
    VELD_TRY(put_known(sync, case_id, err));
    VELD_TRY(veld_quarantine_drop(store, case_id, err));
    VELD_TRY(veld_store_put_value(store, SYNC_ERASED, id, stub, err));
    VELD_TRY(veld_store_put_value(store, ERASING, id, id, err));
    VELD_TRY(sync_drop_posts(store, case_id, err));
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
    veld_id *ids;
    size_t count;
    veld_store *store = sync->config.desk->store;
    veld_status status = veld_store_value_ids(store, ERASING, &ids, &count, err);
    for (size_t i = 0; status == VELD_OK && i < count; i++)
        status = end_erasure(store, &ids[i], err);
    veld_release(ids);
    return status;
}

static void drop_outs(veld_sync *sync, const veld_id *case_id)
{
    for (size_t i = 0; i < sync->outs_count; i++)
        if (veld_id_equal(&sync->outs[i].case_id, case_id) ||
            sync_is_post_of(veld_buf_span(&sync->outs[i].name), (veld_span){0}, case_id))
            sync->outs[i].is_done = true;
    veld_sync_wake(sync);
}

veld_status veld_sync_erase(
    veld_sync *sync, const veld_id *case_id, veld_span stub, veld_error *err)
{
    VELD_ASSERT(sync->config.role == VELD_SYNC_MERGER);
    veld_store *store = sync->config.desk->store;
    bool own = !veld_store_in_transaction(store);
    veld_store_case *keys = NULL;
    bool is_erased;
    veld_status status;
    VELD_TRY(sync_is_erased(sync, case_id, &is_erased, err));
    if (is_erased)
        return veld_fail(err, VELD_E_EXISTS, "the case is erased already");
    VELD_TRY(veld_store_case_open(store, case_id, &keys, err));
    veld_store_case_close(keys);
    if (own)
        VELD_TRY(veld_store_begin(store, err));
    status = begin_erasure(sync, case_id, stub, err);
    if (!own)
        return status;
    status = veld_store_end(store, status, err);
    VELD_TRY(status);
    status = end_erasure(store, case_id, err);
    drop_outs(sync, case_id);
done:
    return status;
}

veld_status veld_sync_end_erasure(veld_sync *sync, const veld_id *case_id, veld_error *err)
{
    drop_outs(sync, case_id);
    return end_erasure(sync->config.desk->store, case_id, err);
}

veld_status veld_sync_follow_anew(
    veld_sync *sync, const veld_id *old, const veld_id *anew, veld_error *err)
{
    VELD_ASSERT(sync->config.role == VELD_SYNC_MERGER);
    veld_assignment *rows = NULL;
    size_t count = 0;
    veld_store *store = sync->config.desk->store;
    veld_span id = veld_id_span(anew);
    veld_status status;
    VELD_TRY(veld_store_put_value(store, INTAKE_FOUNDED, id, id, err));
    VELD_TRY(veld_assignments_of_case(store, old, &rows, &count, err));
    for (size_t i = 0; i < count; i++) {
        veld_directory_entry entry;
        VELD_TRY(veld_directory_find(store, &rows[i].device, &entry, err));
        if (entry.state == VELD_DEVICE_ACTIVE)
            VELD_TRY(
                veld_sync_post_grant(sync, anew, &entry, rows[i].purpose, rows[i].lease_ms, err));
    }
    status = sync_set_dirty(sync, anew, err);
done:
    veld_release(rows);
    return status;
}

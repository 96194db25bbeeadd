/* After the agency's seal key was changed: every case key that the merger holds is wrapped to the
 * new one, so that who has the relay's journal and the old key opens nothing that is wrapped from
 * now on, and a merger that is restored needs the new key only. What is done is kept case by case:
 * it may be stopped anywhere and goes on. */
#include <stdlib.h>
#include <string.h>

#include "sync_inner.h"
#include "veldkit/assert.h"

#define NAME_LAST "rewrap" /* in SYNC_GROUP: the last case that was done; zeros at first */

enum { CASES_PER_TRANSACTION = 64 };

veld_status veld_sync_rewrap_begin(veld_sync *sync, veld_error *err)
{
    const veld_id none = {{0}};
    VELD_ASSERT(sync->config.role == VELD_SYNC_MERGER);
    return veld_store_put_value(
        sync->config.desk->store, SYNC_GROUP, veld_span_text(NAME_LAST), veld_id_span(&none), err);
}

static veld_status load_last(veld_sync *sync, veld_id *out, bool *is_due, veld_error *err)
{
    veld_buf bytes;
    veld_buf_init(&bytes, VELD_ID_BYTES);
    veld_status status = veld_store_get_value(
        sync->config.desk->store, SYNC_GROUP, veld_span_text(NAME_LAST), &bytes, err);
    *is_due = status == VELD_OK;
    if (status == VELD_OK && bytes.len != VELD_ID_BYTES)
        status = veld_fail(err, VELD_E_DAMAGED, "the place of wrapping keys is damaged");
    if (status == VELD_OK)
        memcpy(out->bytes, bytes.data, VELD_ID_BYTES);
    veld_buf_release(&bytes);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

static veld_status wrap_case(veld_sync *sync, const veld_id *case_id, veld_error *err)
{
    veld_status status;
    veld_store_case *keys = NULL;
    const veld_agency *agency = sync->config.agency;
    veld_grant_terms terms = {
        .case_id = *case_id, .recipient = agency->id, .purpose = VELD_GRANT_AGENCY};
    VELD_TRY(veld_store_case_open(sync->config.desk->store, case_id, &keys, err));
    VELD_TRY(sync_next_serial(sync, &terms.serial, err));
    for (terms.epoch = 1; terms.epoch <= veld_store_case_epoch(keys); terms.epoch++) {
        status = sync_post_grant(sync, keys, &terms, &agency->seal_key, err);
        if (status != VELD_OK && status != VELD_E_NOT_FOUND)
            goto done;
        status = VELD_OK; /* an epoch that never came here */
    }
done:
    veld_store_case_close(keys);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status; /* erased meanwhile */
}

static veld_status wrap_some(veld_sync *sync, const veld_id *ids, size_t count, veld_error *err)
{
    veld_store *store = sync->config.desk->store;
    veld_status status = veld_store_begin(store, err);
    if (status != VELD_OK)
        return status;
    for (size_t i = 0; i < count && status == VELD_OK; i++)
        status = wrap_case(sync, &ids[i], err);
    if (status == VELD_OK)
        status = veld_store_put_value(
            store, SYNC_GROUP, veld_span_text(NAME_LAST), veld_id_span(&ids[count - 1]), err);
    return veld_store_end(store, status, err);
}

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, VELD_ID_BYTES);
}

veld_status veld_sync_rewrap(veld_sync *sync, size_t *done_count, veld_error *err)
{
    veld_status status;
    veld_id last = {{0}};
    bool is_due = false;
    veld_buf list;
    *done_count = 0;
    VELD_ASSERT(sync->config.role == VELD_SYNC_MERGER);
    veld_buf_init(&list, 64u << 20);
    VELD_TRY(load_last(sync, &last, &is_due, err));
    if (!is_due)
        goto done;
    VELD_TRY(sync_list_cases(sync, &list, err));
    size_t count = list.len / VELD_ID_BYTES, at = 0;
    if (count > 0)
        qsort(list.data, count, VELD_ID_BYTES, by_id);
    const veld_id *ids = (const veld_id *)(const void *)list.data;
    while (at < count && memcmp(ids[at].bytes, last.bytes, VELD_ID_BYTES) <= 0)
        at++;
    for (size_t some; at < count; at += some) {
        some = count - at < CASES_PER_TRANSACTION ? count - at : CASES_PER_TRANSACTION;
        VELD_TRY(wrap_some(sync, ids + at, some, err));
        *done_count += some;
    }
    status = veld_store_delete_value(
        sync->config.desk->store, SYNC_GROUP, veld_span_text(NAME_LAST), err);
    veld_sync_wake(sync);
done:
    veld_buf_release(&list);
    return status;
}

veld_status veld_sync_last_serial(veld_sync *sync, uint64_t *out, veld_error *err)
{
    VELD_ASSERT(sync->config.role == VELD_SYNC_MERGER);
    return sync_next_serial(sync, out, err); /* one that nobody gets */
}

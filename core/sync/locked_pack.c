/* What a locked tablet has to know to carry out an order to wipe: written when the vault is locked.
 * Changes are named by their ids, which say nothing; the keys in it are public. */
#include <stdlib.h>
#include <string.h>

#include "locked_watch.h"
#include "order_row.h"
#include "sync_inner.h"
#include "veldkit/access_log.h"
#include "veldkit/assert.h"
#include "veldkit/blind.h"
#include "veldkit/locked.h"

typedef struct packing {
    veld_sync *sync;
    veld_store *store;
    veld_cbor_writer awaited;
    size_t count;
    bool is_whole; /* all that is unsent is in an item that goes along */
} packing;

static bool is_packed(const veld_sync *sync, const veld_hash *change)
{
    for (size_t i = 0; i < sync->outs_count; i++) {
        const sync_out *out = &sync->outs[i];
        for (size_t k = 0; k < out->changes_count && !out->is_done; k++)
            if (veld_hash_equal(&out->changes[k], change))
                return true;
    }
    return false;
}

/* The office keeps it for review already, or it has to sign for it yet. */
static veld_status add(
    packing *by, const veld_id *case_id, const veld_hash *change, bool alone, veld_error *err)
{
    veld_handover step;
    veld_status status = veld_handover_get(by->store, change, &step, err);
    if (status != VELD_OK || step.aside_utc_ms != 0)
        return status;
    by->is_whole = by->is_whole && (step.seq != 0 || is_packed(by->sync, change));
    veld_cbor_put_array(&by->awaited, WATCH_AWAITED_ITEMS);
    veld_cbor_put_bytes(&by->awaited, veld_id_span(case_id));
    veld_cbor_put_bytes(&by->awaited, veld_hash_span(change));
    veld_cbor_put_boolean(&by->awaited, alone);
    by->count++;
    return VELD_OK;
}

static veld_status add_blind(void *context, const veld_blind *blind, veld_error *err)
{
    return add(context, &blind->case_id, &blind->change, true, err);
}

/* Of each case in the order in which they were made: so who has one has those before it. */
static veld_status add_outbox(packing *by, veld_error *err)
{
    veld_status status;
    uint64_t most;
    size_t count = 0;
    bool more = true;
    veld_store_unsent *rows = NULL;
    veld_store_cursor *cursor = NULL;
    VELD_TRY(veld_store_count_unsent(by->store, NULL, &most, err));
    rows = veld_allocate((most + 1) * sizeof *rows);
    if (rows == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for the outbox");
        goto done;
    }
    VELD_TRY(veld_store_outbox(by->store, &cursor, err));
    while (more && count < most) {
        VELD_TRY(veld_store_outbox_next(cursor, &more, &rows[count], err));
        count += more;
    }
    if (count > 1)
        qsort(rows, count, sizeof *rows, sync_by_case);
    for (size_t i = 0; i < count; i++)
        VELD_TRY(add(by, &rows[i].case_id, &rows[i].id, false, err));
done:
    veld_store_cursor_close(cursor);
    veld_release(rows);
    return status;
}

/* What is being typed is work too, and only an open vault makes changes of it. */
static veld_status look_for_drafts(packing *by, veld_error *err)
{
    veld_status status;
    bool is_there = false;
    veld_store_draft draft;
    veld_store_cursor *cursor = NULL;
    VELD_TRY(veld_store_drafts(by->store, NULL, &cursor, err));
    VELD_TRY(veld_store_drafts_next(cursor, &is_there, &draft, err));
    by->is_whole = by->is_whole && !is_there;
done:
    veld_store_cursor_close(cursor);
    return status;
}

static veld_status put_place(packing *by, veld_cbor_writer *writer, veld_error *err)
{
    veld_buf bytes;
    exchange_cursor place = {0}; /* who compares with another server hears all of it anew */
    veld_buf_init(&bytes, EXCHANGE_SMALL_BYTES_MAX);
    if (by->sync->phase == SYNC_STEADY)
        place = by->sync->cursor;
    place.inside = place.flags = place.page_bytes = place.wait_ms = 0;
    veld_status status = exchange_put_cursor(&place, &bytes, err);
    if (status == VELD_OK)
        veld_cbor_put_bytes(writer, veld_buf_span(&bytes));
    veld_buf_release(&bytes);
    return status;
}

/* Nothing waits when no line is here: the agency keeps what there was. */
static veld_status put_lines(packing *by, veld_cbor_writer *writer, veld_error *err)
{
    veld_status status;
    uint64_t last = 0, here = 0;
    veld_hash hash = {{0}};
    const veld_id *device = veld_store_device(by->store);
    VELD_TRY(veld_store_count_access(by->store, device, &here, err));
    if (here > 0)
        VELD_TRY(veld_access_tail(by->store, device, &last, &hash, err));
    veld_cbor_put_uint(writer, last);
    veld_cbor_put_bytes(writer, veld_hash_span(&hash));
done:
    return status;
}

static veld_status put_keys(
    packing *by, const veld_p256_public *carrier, veld_cbor_writer *writer, veld_error *err)
{
    veld_status status;
    veld_buf statement, stand_in;
    veld_buf_init(&statement, VELD_DIRECTORY_BYTES_MAX);
    veld_buf_init(&stand_in, VELD_ORDER_BYTES_MAX);
    VELD_TRY(veld_agency_bytes(by->store, &statement, err));
    VELD_TRY(veld_stand_in_make(
        veld_store_device(by->store), carrier, &by->sync->config.desk->signer, &stand_in, err));
    veld_cbor_put_bytes(writer, veld_buf_span(&statement));
    veld_cbor_put_bytes(writer, veld_buf_span(&stand_in));
done:
    veld_buf_release(&statement);
    veld_buf_release(&stand_in);
    return status;
}

veld_status veld_locked_pack(
    veld_sync *sync, const veld_p256_public *carrier, veld_buf *out, veld_error *err)
{
    VELD_ASSERT(sync->config.role == VELD_SYNC_DEVICE && !sync->is_waiting);
    veld_status status;
    uint64_t done;
    veld_buf awaited;
    packing by = {.sync = sync, .store = sync->config.desk->store, .is_whole = true};
    const veld_id *device = veld_store_device(by.store);
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_buf_init(&awaited, WATCH_BYTES_MAX);
    by.awaited = veld_cbor_write(&awaited);
    VELD_TRY(add_outbox(&by, err));
    VELD_TRY(veld_blind_each(by.store, &by, add_blind, err));
    VELD_TRY(veld_cbor_writer_finish(&by.awaited, err));
    VELD_TRY(look_for_drafts(&by, err));
    VELD_TRY(order_last_get(by.store, device, &done, err));
    veld_cbor_put_array(&writer, WATCH_ITEMS);
    veld_cbor_put_uint(&writer, WATCH_FORMAT);
    veld_cbor_put_bytes(&writer, veld_id_span(device));
    VELD_TRY(put_keys(&by, carrier, &writer, err));
    VELD_TRY(put_place(&by, &writer, err));
    veld_cbor_put_uint(&writer, done);
    VELD_TRY(sync_put_todo(by.store, &writer, err));
    veld_cbor_put_boolean(&writer, by.is_whole);
    veld_cbor_put_array(&writer, by.count);
    veld_cbor_put_raw(&writer, veld_buf_span(&awaited));
    VELD_TRY(put_lines(&by, &writer, err));
    status = veld_cbor_writer_finish(&writer, err);
done:
    veld_buf_release(&awaited);
    return status;
}

/* What this device wrote is either still to be handed in or taken in by the agency. A row of the
 * outbox that is gone says nothing of itself: then a change would never be sent and nobody told. */
#include <stdlib.h>
#include <string.h>

#include "fc.h"
#include "veldkit/sync.h"

enum { WAITING_BYTES_MAX = 64 << 20 };

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, VELD_HASH_BYTES);
}

/* Ids of all changes in the outbox, rising. */
static veld_status list_waiting(veld_store *store, veld_buf *out, veld_error *err)
{
    veld_store_cursor *cursor = NULL;
    veld_store_unsent row;
    bool more = true;
    veld_status status;
    VELD_TRY(veld_store_outbox(store, &cursor, err));
    while (more) {
        status = veld_store_outbox_next(cursor, &more, &row, err);
        if (status == VELD_E_DAMAGED) { /* told by the check of the store */
            status = VELD_OK;
            continue;
        }
        VELD_TRY(status);
        if (more)
            VELD_TRY(veld_buf_append_span(out, veld_hash_span(&row.id)));
    }
    if (out->len > 0)
        qsort(out->data, out->len / VELD_HASH_BYTES, VELD_HASH_BYTES, compare);

done:
    veld_store_cursor_close(cursor);
    return status;
}

static bool is_waiting(const veld_buf *waiting, const veld_hash *change)
{
    return waiting->len > 0 && bsearch(change->bytes, waiting->data, waiting->len / VELD_HASH_BYTES,
                                   VELD_HASH_BYTES, compare) != NULL;
}

/* Did this store write it, or did it come back from elsewhere, after a restore? */
static veld_status is_own(
    veld_store *store, const veld_store_case *keys, const veld_hash *id, bool *out, veld_error *err)
{
    veld_change change;
    veld_arena arena;
    veld_buf body;
    veld_status status;
    *out = false;
    veld_arena_init(&arena, FC_ARENA_BYTES_MAX);
    veld_buf_init(&body, VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(veld_store_get_change(store, keys, id, &body, err));
    VELD_TRY(veld_change_decode(veld_buf_span(&body), VELD_CHANGE_ROW, &arena, &change, err));
    *out = change.arrived_utc_ms == 0;

done:
    veld_buf_wipe(&body);
    veld_arena_release(&arena);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status; /* folded into a base */
}

/* What a relay showed of a device before this one heard that it is revoked, or of the office before
 * it heard that its key was changed. */
static veld_status list_doubtful(fc_session *session, veld_case *opened,
    void (*finding)(void *context, const char *text), void *context, veld_error *err)
{
    veld_buf ids;
    veld_status status;
    veld_buf_init(&ids, WAITING_BYTES_MAX);
    VELD_TRY(veld_sync_doubtful(&session->desk, opened, &ids, err));
    for (size_t at = 0; at < ids.len; at += VELD_HASH_BYTES) {
        veld_hash change;
        char text[128], id[VELD_HASH_TEXT_SIZE];
        memcpy(change.bytes, ids.data + at, sizeof change.bytes);
        veld_hash_format(&change, id);
        (void)snprintf(
            text, sizeof text, "change %s is of a revoked device or key and not taken in", id);
        finding(context, text);
    }

done:
    veld_buf_release(&ids);
    return status;
}

veld_status fc_fsck_own(fc_session *session, veld_case *opened,
    void (*finding)(void *context, const char *text), void *context, veld_error *err)
{
    veld_store *store = session->store;
    size_t count = 0;
    veld_buf waiting;
    veld_status status;
    veld_buf_init(&waiting, WAITING_BYTES_MAX);
    VELD_TRY(list_waiting(store, &waiting, err));
    const veld_node *const *order = veld_graph_order(veld_case_graph(opened), &count);
    for (size_t i = 0; order != NULL && i < count; i++) {
        char text[128], id[VELD_HASH_TEXT_SIZE];
        bool own = false;
        veld_handover step;
        if (!order[i]->here || is_waiting(&waiting, &order[i]->id) ||
            !veld_id_equal(&order[i]->chain.device, veld_store_device(store)))
            continue;
        VELD_TRY(veld_handover_get(store, &order[i]->id, &step, err));
        if (step.taken_in_utc_ms == 0 && step.aside_utc_ms == 0)
            VELD_TRY(is_own(store, veld_case_keys(opened), &order[i]->id, &own, err));
        if (!own)
            continue;
        veld_hash_format(&order[i]->id, id);
        (void)snprintf(text, sizeof text, "change %s was never taken in and is not to be sent", id);
        finding(context, text);
    }
    status = list_doubtful(session, opened, finding, context, err);

done:
    veld_buf_release(&waiting);
    return status;
}

/* The merger's heads: for each case that changed, what it holds of it now, signed; and what else
 * follows from a change. */
#include <string.h>

#include "sync_inner.h"
#include "veldkit/head.h"

static veld_status post_head(veld_sync *sync, const veld_id *case_id, veld_error *err)
{
    veld_status status;
    veld_buf head;
    veld_case *opened = NULL;
    uint8_t name[1 + VELD_ID_BYTES] = {'h'};
    memcpy(name + 1, case_id->bytes, VELD_ID_BYTES);
    veld_buf_init(&head, VELD_FRAME_BYTES_MAX);
    status = veld_case_open(sync->config.desk, case_id, &opened, err);
    /* A crash may come after the mark and before the case: then it will be heard of again. Of a
     * case that cannot be read nothing is signed, so tablets keep what is theirs. */
    if (status == VELD_E_DAMAGED)
        sync_tell_refused(sync, case_id, status, "the case cannot be read here");
    else if (status != VELD_OK && status != VELD_E_NOT_FOUND)
        goto done;
    if (status == VELD_OK && veld_graph_count(veld_case_graph(opened)) > 0) {
        if (sync->config.changed != NULL)
            VELD_TRY(sync->config.changed(sync->config.context, case_id, err));
        VELD_TRY(veld_head_of_case(sync->config.desk, opened, &head, err));
        VELD_TRY(sync_note_authors(sync, opened, err));
        VELD_TRY(sync_note_forks(sync, case_id, opened, err));
        VELD_TRY(sync_post(
            sync, veld_span_of(name, sizeof name), VELD_FRAME_HEAD, veld_buf_span(&head), err));
    }
    status =
        veld_store_delete_value(sync->config.desk->store, SYNC_DIRTY, veld_id_span(case_id), err);
done:
    veld_case_close(opened);
    veld_buf_release(&head);
    return status;
}

veld_status sync_post_heads(veld_sync *sync, veld_error *err)
{
    veld_id *ids;
    size_t count;
    veld_status status =
        veld_store_value_ids(sync->config.desk->store, SYNC_DIRTY, &ids, &count, err);
    for (size_t i = 0; status == VELD_OK && i < count; i++)
        status = post_head(sync, &ids[i], err);
    veld_release(ids);
    return status;
}

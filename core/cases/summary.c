/* Summaries: a small row beside each case, and the way from there into the index. */
#include "veldkit/summary.h"

#include "case_inner.h"
#include "veldkit/cbor.h"
#include "veldkit/json.h"
#include "veldkit/limits.h"
#include "veldkit/view.h"

static veld_status write_summary(const veld_summary *summary, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_array(&writer, 3);
    veld_cbor_put_text(&writer, summary->title);
    veld_cbor_put_uint(&writer, summary->records);
    veld_cbor_put_int(&writer, summary->updated_utc_ms);
    return veld_cbor_writer_finish(&writer, err);
}

veld_status veld_summary_read(veld_span bytes, veld_summary *out, veld_error *err)
{
    *out = (veld_summary){0};
    if (bytes.len == 0)
        return VELD_OK;
    veld_cbor_reader reader = veld_cbor_read(bytes);
    if (veld_cbor_array(&reader, 3) != 3)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    out->title = veld_cbor_text(&reader);
    out->records = veld_cbor_uint(&reader);
    out->updated_utc_ms = veld_cbor_int(&reader);
    return veld_cbor_reader_finish(&reader, err);
}

veld_status veld_summary_put(veld_case *opened, veld_error *err)
{
    veld_status status;
    veld_arena arena;
    veld_buf row;
    veld_json_doc *title = NULL;
    veld_view_summary view;
    veld_arena_init(&arena, VELD_CHANGE_MEMORY_MAX);
    veld_buf_init(&row, VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(veld_view_summarise(opened->state, opened->desk.schemas, &arena, &view, err));
    VELD_TRY(veld_json_parse(view.title, VELD_JSON_CANONICAL, &title, NULL, err));
    veld_summary summary = {
        .records = view.records,
        .updated_utc_ms = opened->newest_utc_ms,
    };
    /* A case without a title, or with something else there, is listed without one. */
    (void)veld_json_text(veld_json_root(title), &summary.title);
    VELD_TRY(write_summary(&summary, &row, err));
    VELD_TRY(veld_store_put_summary(opened->desk.store, &opened->id, veld_buf_span(&row), err));
done:
    veld_json_doc_free(title);
    veld_buf_wipe(&row);
    veld_arena_release(&arena);
    return status;
}

static veld_status index_case(
    veld_store *store, veld_index *index, const veld_id *case_id, veld_error *err)
{
    veld_status status;
    veld_buf row;
    veld_summary summary;
    uint64_t unsent = 0;
    veld_buf_init(&row, VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(veld_store_get_summary(store, case_id, &row, err));
    VELD_TRY(veld_summary_read(veld_buf_span(&row), &summary, err));
    VELD_TRY(veld_store_count_unsent(store, case_id, &unsent, err));
    veld_index_entry entry = {
        .case_id = *case_id,
        .title = summary.title,
        .records = summary.records,
        .unsent = unsent,
        .updated_utc_ms = summary.updated_utc_ms,
    };
    VELD_TRY(veld_index_put(index, &entry, err));
done:
    veld_buf_wipe(&row);
    return status;
}

veld_status veld_summary_index(veld_store *store, veld_index *index, veld_error *err)
{
    veld_status status = VELD_OK;
    for (;;) {
        size_t count;
        const veld_id *dirty = veld_index_dirty(index, &count);
        if (count == 0)
            break;
        veld_id case_id = dirty[0]; /* leaves the list when it is put or removed */
        status = index_case(store, index, &case_id, err);
        if (status == VELD_E_NOT_FOUND)
            status = veld_index_remove(index, &case_id, err);
        if (status != VELD_OK)
            break;
    }
    return status;
}

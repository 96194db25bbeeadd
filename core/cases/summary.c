/* Summaries: a small row beside each case, and the way from there into the index. */
#include "veldkit/summary.h"

#include <string.h>

#include "case_inner.h"
#include "part_inner.h"
#include "veldkit/cbor.h"
#include "veldkit/json.h"
#include "veldkit/limits.h"
#include "veldkit/view.h"

/* What a program wrote that knew no compartments is a main case's. */
enum { ITEMS = 6, ITEMS_WITHOUT_PLACE = 3 };

static veld_status write_summary(const veld_summary *summary, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_array(&writer, ITEMS);
    veld_cbor_put_text(&writer, summary->title);
    veld_cbor_put_uint(&writer, summary->records);
    veld_cbor_put_int(&writer, summary->updated_utc_ms);
    veld_cbor_put_uint(&writer, summary->compartment);
    veld_cbor_put_bytes(&writer, veld_id_span(&summary->dossier));
    veld_cbor_put_bytes(&writer, summary->links);
    return veld_cbor_writer_finish(&writer, err);
}

static void read_place(veld_cbor_reader *reader, veld_summary *out)
{
    uint64_t compartment = veld_cbor_uint(reader);
    veld_span dossier = veld_cbor_bytes(reader);
    out->links = veld_cbor_bytes(reader);
    if (compartment >= VELD_COMPARTMENT_ANY || dossier.len != VELD_ID_BYTES ||
        out->links.len % VELD_SUMMARY_LINK_BYTES != 0) {
        veld_cbor_reader_fail(reader, VELD_E_FORM);
        return;
    }
    out->compartment = (veld_compartment)compartment;
    memcpy(out->dossier.bytes, dossier.data, VELD_ID_BYTES);
}

veld_status veld_summary_read(veld_span bytes, veld_summary *out, veld_error *err)
{
    *out = (veld_summary){0};
    if (bytes.len == 0)
        return VELD_OK;
    veld_cbor_reader reader = veld_cbor_read(bytes);
    size_t items = veld_cbor_array(&reader, ITEMS);
    if (items != ITEMS && items != ITEMS_WITHOUT_PLACE)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    out->title = veld_cbor_text(&reader);
    out->records = veld_cbor_uint(&reader);
    out->updated_utc_ms = veld_cbor_int(&reader);
    if (items == ITEMS)
        read_place(&reader, out);
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
    VELD_TRY(
        part_read_place(opened->state, &opened->id, opened->desk.schemas, &arena, &summary, err));
    VELD_TRY(write_summary(&summary, &row, err));
    VELD_TRY(veld_store_put_summary(opened->desk.store, &opened->id, veld_buf_span(&row), err));
done:
    veld_json_doc_free(title);
    veld_buf_wipe(&row);
    veld_arena_release(&arena);
    return status;
}

/* Under which id a part is listed: as part.h says. */
static veld_status find_group(veld_store *store, const veld_id *case_id,
    const veld_summary *summary, veld_id *out, veld_error *err)
{
    veld_buf row;
    veld_summary main;
    *out = summary->dossier;
    if (veld_id_is_zero(&summary->dossier))
        return VELD_OK;
    veld_buf_init(&row, VELD_STORE_BODY_BYTES_MAX);
    veld_status status = veld_store_get_summary(store, &summary->dossier, &row, err);
    if (status == VELD_OK)
        status = veld_summary_read(veld_buf_span(&row), &main, err);
    if (status == VELD_OK && !veld_summary_links(&main, summary->compartment, case_id))
        *out = *case_id;
    veld_buf_wipe(&row);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* `row` gets the stored summary. */
static veld_status index_one(veld_store *store, veld_index *index, const veld_id *case_id,
    veld_buf *row, veld_summary *out, veld_error *err)
{
    veld_status status;
    veld_summary summary;
    veld_id group;
    uint64_t unsent = 0;
    VELD_TRY(veld_store_get_summary(store, case_id, row, err));
    VELD_TRY(veld_summary_read(veld_buf_span(row), &summary, err));
    VELD_TRY(find_group(store, case_id, &summary, &group, err));
    VELD_TRY(veld_store_count_unsent(store, case_id, &unsent, err));
    veld_index_entry entry = {
        .case_id = *case_id,
        .group = group,
        .title = summary.title,
        .records = summary.records,
        .unsent = unsent,
        .updated_utc_ms = summary.updated_utc_ms,
    };
    VELD_TRY(veld_index_put(index, &entry, err));
    *out = summary;
done:
    return status;
}

/* A main case that changed may link a part that came before the link did. */
static veld_status index_case(
    veld_store *store, veld_index *index, const veld_id *case_id, veld_error *err)
{
    veld_status status;
    veld_buf row, part_row;
    veld_summary summary, part;
    veld_buf_init(&row, VELD_STORE_BODY_BYTES_MAX);
    veld_buf_init(&part_row, VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(index_one(store, index, case_id, &row, &summary, err));
    for (size_t at = 0; at < summary.links.len; at += VELD_SUMMARY_LINK_BYTES) {
        veld_id linked;
        memcpy(linked.bytes, summary.links.data + at + 1, VELD_ID_BYTES);
        veld_buf_clear(&part_row);
        status = index_one(store, index, &linked, &part_row, &part, err);
        if (status != VELD_OK && status != VELD_E_NOT_FOUND)
            goto done;
        status = VELD_OK;
    }
done:
    veld_buf_wipe(&row);
    veld_buf_wipe(&part_row);
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

/* Drafts: what is being typed, durable but not yet a change: a visit makes tens of changes, not
 * thousands. A draft holds edits, so what it replaces is decided when it is cut. */
#include "case_inner.h"

#include "veldkit/cbor.h"
#include "veldkit/limits.h"

enum { EDIT_PARTS = 5 };

static veld_status write_edits(const veld_edit *edits, size_t count, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_array(&writer, count);
    for (size_t i = 0; i < count; i++) {
        veld_cbor_put_array(&writer, EDIT_PARTS);
        veld_cbor_put_uint(&writer, (uint64_t)edits[i].kind);
        veld_cbor_put_bytes(&writer, veld_id_span(&edits[i].record));
        veld_cbor_put_text(&writer, edits[i].type);
        veld_cbor_put_text(&writer, edits[i].field);
        veld_cbor_put_bytes(&writer, edits[i].value);
    }
    return veld_cbor_writer_finish(&writer, err);
}

static veld_status read_edits(
    veld_span body, veld_arena *arena, veld_edit **edits, size_t *count, veld_error *err)
{
    veld_cbor_reader reader = veld_cbor_read(body);
    *count = veld_cbor_array(&reader, VELD_CHANGE_WRITES_MAX);
    *edits = veld_arena_get(arena, *count, sizeof **edits);
    if (*edits == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu edits", *count);
    for (size_t i = 0; i < *count; i++) {
        veld_edit *edit = &(*edits)[i];
        if (veld_cbor_array(&reader, EDIT_PARTS) != EDIT_PARTS)
            veld_cbor_reader_fail(&reader, VELD_E_FORM);
        uint64_t kind = veld_cbor_uint(&reader);
        if (kind > VELD_EDIT_RESTORE)
            veld_cbor_reader_fail(&reader, VELD_E_NEWER);
        edit->kind = (veld_edit_kind)kind;
        veld_cbor_fixed(&reader, edit->record.bytes, sizeof edit->record.bytes);
        edit->type = veld_cbor_text(&reader);
        edit->field = veld_cbor_text(&reader);
        edit->value = veld_cbor_bytes(&reader);
    }
    return veld_cbor_reader_finish(&reader, err);
}

veld_status veld_case_put_draft(
    veld_case *opened, const veld_id *draft, const veld_edit *edits, size_t count, veld_error *err)
{
    veld_status status;
    veld_buf body;
    veld_buf_init(&body, VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(case_usable(opened, err));
    if (count > VELD_CHANGE_WRITES_MAX) {
        status = veld_fail(err, VELD_E_LIMIT, "%zu edits in one draft", count);
        goto done;
    }
    VELD_TRY(write_edits(edits, count, &body, err));
    veld_store_draft row = {.id = *draft, .case_id = opened->id, .body = veld_buf_span(&body)};
    VELD_TRY(veld_store_put_draft(opened->desk.store, &row, err));
done:
    veld_buf_wipe(&body);
    return status;
}

veld_status veld_case_get_draft(veld_case *opened, const veld_id *draft, veld_arena *arena,
    veld_edit **edits, size_t *count, veld_error *err)
{
    veld_status status;
    veld_buf body;
    veld_id case_id;
    veld_span kept;
    *edits = NULL;
    *count = 0;
    veld_buf_init(&body, VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(case_usable(opened, err));
    VELD_TRY(veld_store_get_draft(opened->desk.store, draft, &case_id, &body, err));
    if (!veld_id_equal(&case_id, &opened->id)) {
        status = veld_fail(err, VELD_E_NOT_FOUND, "this draft is of another case");
        goto done;
    }
    VELD_TRY(veld_arena_copy(arena, veld_buf_span(&body), &kept));
    VELD_TRY(read_edits(kept, arena, edits, count, err));
done:
    veld_buf_wipe(&body);
    return status;
}

veld_status veld_case_cut_draft(
    veld_case *opened, const veld_id *draft, veld_hash *change, veld_error *err)
{
    veld_status status;
    veld_arena arena;
    veld_edit *edits;
    size_t count;
    *change = (veld_hash){0};
    veld_arena_init(&arena, VELD_CHANGE_MEMORY_MAX);
    VELD_TRY(case_begun(opened, err));
    VELD_TRY(veld_case_get_draft(opened, draft, &arena, &edits, &count, err));
    VELD_TRY(veld_store_begin(opened->desk.store, err));
    status = case_save_row(opened, edits, count, change, err);
    if (status == VELD_OK) {
        status = veld_store_delete_draft(opened->desk.store, draft, err);
        if (status != VELD_OK)
            case_break(opened, status);
    }
    status = case_commit(opened, status, err);
    if (status != VELD_OK)
        *change = (veld_hash){0};
done:
    veld_arena_release(&arena);
    return status;
}

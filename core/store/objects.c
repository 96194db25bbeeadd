/* The cache of git objects. It may be emptied at any time: all of it can be made again from the
 * changes. A row: type u8 | body, sealed by the case. */
#include "inner.h"
#include "veldkit/limits.h"

static const char table[] = "objects";

static veld_status object_row(
    const veld_store_case *opened, const veld_git_oid *oid, veld_row_id *out, veld_error *err)
{
    veld_span parts[] = {veld_id_span(&opened->id), veld_span_of(oid->bytes, sizeof oid->bytes)};
    return store_row_id(opened->store, table, parts, 2, out, err);
}

veld_status veld_store_put_object(veld_store *store, const veld_store_case *opened,
    const veld_git_oid *oid, uint8_t type, veld_span body, veld_error *err)
{
    VELD_ASSERT(opened->store == store);
    veld_row_id row;
    bool own = false;
    veld_span parts[] = {veld_span_of(&type, 1), body};
    veld_buf sealed;
    veld_status status = VELD_OK;
    if (body.len > VELD_STORE_BODY_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "the object is too long");
    veld_buf_init(&sealed, 1 + body.len + VELD_ROW_OVERHEAD_BYTES);
    VELD_TRY(store_write_begin(store, &own, err));
    VELD_TRY(object_row(opened, oid, &row, err));
    VELD_TRY(store_seal(store, opened->row, table, store_row_span(&row), parts, 2, &sealed, err));
    veld_span values[] = {
        store_row_span(&row), store_row_span(&opened->kase), veld_buf_span(&sealed)};
    VELD_TRY(store_run(store, STORE_OBJECT_PUT, values, 3, err));
done:
    veld_buf_release(&sealed);
    return store_write_end(store, own, status, err);
}

veld_status veld_store_get_object(veld_store *store, const veld_store_case *opened,
    const veld_git_oid *oid, uint8_t *type, veld_buf *out, veld_error *err)
{
    veld_row_id row;
    veld_buf plain;
    veld_status status = VELD_OK;
    veld_buf_init(&plain, 1 + VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(object_row(opened, oid, &row, err));
    VELD_TRY(store_get(store, STORE_OBJECT_GET, opened->row, table, &row, 1, &plain, err));
    status = veld_buf_append(out, plain.data + 1, plain.len - 1);
    if (status != VELD_OK)
        veld_fail(err, status, "no room for an object");
    else if (type != NULL)
        *type = plain.data[0];
done:
    veld_buf_wipe(&plain);
    return status;
}

veld_status veld_store_has_object(veld_store *store, const veld_store_case *opened,
    const veld_git_oid *oid, bool *out, veld_error *err)
{
    veld_row_id row;
    veld_status status = object_row(opened, oid, &row, err);
    return status == VELD_OK ? store_has(store, STORE_OBJECT_HAS, &row, out, err) : status;
}

veld_status veld_store_purge_objects(veld_store *store, const veld_id *case_id, veld_error *err)
{
    veld_row_id kase = {{0}};
    veld_span id = store_row_span(&kase);
    bool own = false;
    veld_status status = VELD_OK;
    VELD_TRY(store_write_begin(store, &own, err));
    if (case_id == NULL) {
        VELD_TRY(store_run(store, STORE_OBJECTS_PURGE_ALL, NULL, 0, err));
    } else {
        VELD_TRY(store_case_row(store, case_id, &kase, err));
        VELD_TRY(store_run(store, STORE_OBJECTS_PURGE, &id, 1, err));
    }
done:
    return store_write_end(store, own, status, err);
}

/* Bases: one row a case, for what its change rows do not say any more. */
#include "inner.h"
#include "veldkit/limits.h"

static const char table[] = "bases";

veld_status veld_store_put_base(
    veld_store *store, const veld_store_case *opened, veld_span body, veld_error *err)
{
    VELD_ASSERT(opened->store == store);
    bool own = false;
    veld_buf sealed;
    veld_status status = VELD_OK;
    if (body.len > VELD_STORE_BODY_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "the base of a case is too long to store");
    veld_buf_init(&sealed, body.len + VELD_ROW_OVERHEAD_BYTES);
    VELD_TRY(store_write_begin(store, &own, err));
    VELD_TRY(store_seal(
        store, opened->row, table, store_row_span(&opened->kase), &body, 1, &sealed, err));
    const veld_span values[] = {store_row_span(&opened->kase), veld_buf_span(&sealed)};
    VELD_TRY(store_run(store, STORE_BASE_PUT, values, 2, err));
done:
    veld_buf_release(&sealed);
    return store_write_end(store, own, status, err);
}

veld_status veld_store_get_base(
    veld_store *store, const veld_store_case *opened, veld_buf *out, veld_error *err)
{
    VELD_ASSERT(opened->store == store);
    return store_get(store, STORE_BASE_GET, opened->row, table, &opened->kase, 0, out, err);
}

veld_status veld_store_drop_base(veld_store *store, const veld_store_case *opened, veld_error *err)
{
    VELD_ASSERT(opened->store == store);
    bool own = false;
    const veld_span kase = store_row_span(&opened->kase);
    veld_status status = store_write_begin(store, &own, err);
    if (status == VELD_OK)
        status = store_run(store, STORE_BASE_DELETE, &kase, 1, err);
    return store_write_end(store, own, status, err);
}

/* Small things under a name, in groups that rooms keep apart. A row: length of the name u16 | name
 * | body, sealed under the vault. */
#include <string.h>

#include "inner.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"

static const char table[] = "vals";

static veld_status value_row(
    const veld_store *store, const char *group, veld_span name, veld_row_id *out, veld_error *err)
{
    size_t len = strlen(group);
    VELD_ASSERT(len > 0 && len < 64 && name.len > 0);
    uint8_t group_len = (uint8_t)len;
    veld_span parts[] = {veld_span_of(&group_len, 1), veld_span_text(group), name};
    return store_row_id(store, table, parts, 3, out, err);
}

static veld_status group_row(
    const veld_store *store, const char *group, veld_row_id *out, veld_error *err)
{
    veld_span part = veld_span_text(group);
    return store_row_id(store, "groups", &part, 1, out, err);
}

veld_status store_value_put(
    veld_store *store, const char *group, veld_span name, veld_span body, veld_error *err)
{
    veld_row_id row, grp;
    uint8_t name_len[2];
    veld_buf sealed;
    veld_status status;
    veld_put_u16(name_len, (uint16_t)name.len);
    veld_span parts[] = {veld_span_of(name_len, sizeof name_len), name, body};
    veld_buf_init(&sealed, sizeof name_len + name.len + body.len + VELD_ROW_OVERHEAD_BYTES);
    VELD_TRY(value_row(store, group, name, &row, err));
    VELD_TRY(group_row(store, group, &grp, err));
    VELD_TRY(store_seal(
        store, store_vault_row_sealer(store), table, store_row_span(&row), parts, 3, &sealed, err));
    veld_span values[] = {store_row_span(&row), store_row_span(&grp), veld_buf_span(&sealed)};
    status = store_run(store, STORE_VALUE_PUT, values, 3, err);
done:
    veld_buf_release(&sealed);
    return status;
}

veld_status veld_store_put_value(
    veld_store *store, const char *group, veld_span name, veld_span body, veld_error *err)
{
    bool own = false;
    if (name.len > VELD_STORE_NAME_BYTES_MAX || body.len > VELD_STORE_BODY_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "the value or its name is too long");
    veld_status status = store_write_begin(store, &own, err);
    if (status == VELD_OK)
        status = store_value_put(store, group, name, body, err);
    return store_write_end(store, own, status, err);
}

/* The two parts of an opened row. */
static veld_status split(veld_span plain, veld_store_value *out, veld_error *err)
{
    size_t name_len = plain.len >= 2 ? veld_get_u16(plain.data) : 0;
    if (plain.len < 2 + name_len)
        return veld_fail(err, VELD_E_DAMAGED, "a row of %s does not open", table);
    out->name = veld_span_part(plain, 2, name_len);
    out->body = veld_span_part(plain, 2 + name_len, plain.len - 2 - name_len);
    return VELD_OK;
}

veld_status veld_store_get_value(
    veld_store *store, const char *group, veld_span name, veld_buf *out, veld_error *err)
{
    veld_row_id row;
    veld_store_value value;
    veld_buf plain;
    veld_status status = VELD_OK;
    veld_buf_init(&plain, VELD_STORE_BODY_BYTES_MAX + VELD_STORE_NAME_BYTES_MAX + 2);
    VELD_TRY(value_row(store, group, name, &row, err));
    VELD_TRY(store_get(
        store, STORE_VALUE_GET, store_vault_row_sealer(store), table, &row, 2, &plain, err));
    VELD_TRY(split(veld_buf_span(&plain), &value, err));
    status = veld_buf_append_span(out, value.body);
    if (status != VELD_OK)
        veld_fail(err, status, "no room for a value");
done:
    veld_buf_wipe(&plain);
    return status;
}

veld_status veld_store_delete_value(
    veld_store *store, const char *group, veld_span name, veld_error *err)
{
    veld_row_id row = {{0}};
    veld_span id = store_row_span(&row);
    bool own = false;
    veld_status status = VELD_OK;
    VELD_TRY(store_write_begin(store, &own, err));
    VELD_TRY(value_row(store, group, name, &row, err));
    VELD_TRY(store_run(store, STORE_VALUE_DELETE, &id, 1, err));
    if (sqlite3_changes(store->db) == 0)
        status = veld_fail(err, VELD_E_NOT_FOUND, "there is no such value");
done:
    return store_write_end(store, own, status, err);
}

veld_status veld_store_values(
    veld_store *store, const char *group, veld_store_cursor **out, veld_error *err)
{
    veld_store_cursor *cursor = NULL;
    veld_row_id grp;
    veld_status status = store_cursor_new(
        store, STORE_WALK_VALUES, "SELECT id, body FROM vals WHERE grp = ?1", &cursor, err);
    if (status != VELD_OK)
        return status;
    VELD_TRY(group_row(store, group, &grp, err));
    if (sqlite3_bind_blob(cursor->statement, 1, grp.bytes, sizeof grp.bytes, SQLITE_TRANSIENT) !=
        SQLITE_OK)
        status = veld_fail(err, VELD_E_MEMORY, "no memory to list values");
done:
    if (status == VELD_OK)
        *out = cursor;
    else
        veld_store_cursor_close(cursor);
    return status;
}

veld_status veld_store_values_next(
    veld_store_cursor *cursor, bool *more, veld_store_value *out, veld_error *err)
{
    veld_status status = store_cursor_step(cursor, STORE_WALK_VALUES, more, err);
    if (status != VELD_OK || !*more)
        return status;
    status = store_open(cursor->store, store_vault_row_sealer(cursor->store), table,
        sql_column_span(cursor->statement, 0), sql_column_span(cursor->statement, 1), 2,
        &cursor->plain, err);
    return status == VELD_OK ? split(veld_buf_span(&cursor->plain), out, err) : status;
}

veld_status veld_store_value_names(veld_store *store, const char *group, void *context,
    bool (*wants)(void *context, const veld_store_value *value), veld_buf *names, veld_error *err)
{
    veld_status status;
    bool more = true;
    veld_store_cursor *cursor = NULL;
    VELD_TRY(veld_store_values(store, group, &cursor, err));
    while (more) {
        uint8_t length[2];
        veld_store_value value;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more || (wants != NULL && !wants(context, &value)))
            continue;
        veld_put_u16(length, (uint16_t)value.name.len);
        status = veld_buf_append(names, length, sizeof length);
        if (status == VELD_OK)
            status = veld_buf_append_span(names, value.name);
        VELD_TRY(status == VELD_OK ? status : veld_fail(err, status, "no memory for names"));
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

bool veld_store_next_name(const veld_buf *names, size_t *at, veld_span *out)
{
    if (*at == names->len)
        return false;
    *out = veld_span_of(names->data + *at + 2, veld_get_u16(names->data + *at));
    *at += 2 + out->len;
    return true;
}

veld_status veld_store_value_ids(
    veld_store *store, const char *group, veld_id **out, size_t *count, veld_error *err)
{
    veld_status status;
    bool more = true;
    size_t capacity = 0;
    veld_store_cursor *cursor = NULL;
    *out = NULL;
    *count = 0;
    VELD_TRY(veld_store_values(store, group, &cursor, err));
    while (more) {
        veld_store_value value;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more || value.name.len != VELD_ID_BYTES)
            continue;
        if (*count == capacity) {
            capacity = capacity == 0 ? 16 : 2 * capacity;
            veld_id *grown = veld_resize(*out, capacity * sizeof *grown);
            if (grown == NULL) {
                status = veld_fail(err, VELD_E_MEMORY, "no memory for %zu names", capacity);
                goto done;
            }
            *out = grown;
        }
        memcpy((*out)[(*count)++].bytes, value.name.data, VELD_ID_BYTES);
    }
done:
    veld_store_cursor_close(cursor);
    if (status != VELD_OK) {
        veld_release(*out);
        *out = NULL;
        *count = 0;
    }
    return status;
}

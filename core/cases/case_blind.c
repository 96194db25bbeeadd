/* Saving without a read key. The change is made, signed and sealed in memory; of its plain text
 * nothing is stored. Nothing of the case is looked at: what is not known cannot be replaced. */
#include "veldkit/blind.h"

#include <string.h>

#include "case_inner.h"
#include "veldkit/assert.h"
#include "veldkit/cbor.h"
#include "veldkit/commit.h"
#include "veldkit/limits.h"

#define GROUP "blind"

enum { ITEMS = 6, ITEMS_FIRST = 5 /* without the key that it is sealed to */ };

/* ---- the change ---- */

static veld_status make_writes(
    const veld_edit *edits, size_t count, veld_arena *arena, veld_change *change, veld_error *err)
{
    if (count == 0)
        return veld_fail(err, VELD_E_INVALID, "a change says something");
    if (count > VELD_CHANGE_WRITES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "%zu edits at once; at most %u fit one change", count,
            (unsigned)VELD_CHANGE_WRITES_MAX);
    change->writes = veld_arena_get(arena, count, sizeof *change->writes);
    if (change->writes == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu edits", count);
    for (size_t i = 0; i < count; i++) {
        if (edits[i].kind != VELD_EDIT_SET && edits[i].kind != VELD_EDIT_ADD)
            return veld_fail(
                err, VELD_E_UNSUPPORTED, "without the key of a case nothing is taken from it");
        change->writes[i] = (veld_write){.record = edits[i].record,
            .type = edits[i].type,
            .field = edits[i].field,
            .value = edits[i].value};
    }
    change->writes_count = count;
    return VELD_OK;
}

/* The tree is that of the change alone: so it follows from its past, which is empty. */
static veld_status set_tree(const veld_desk *desk, veld_change *change, veld_error *err)
{
    veld_status status;
    veld_state *state = NULL;
    veld_tree_name root;
    veld_tree *tree = veld_tree_new();
    if (tree == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a tree");
    VELD_TRY(veld_state_new(desk->env, &state, err));
    VELD_TRY(veld_state_apply(state, change, NULL, err));
    VELD_TRY(tree_follow(state, tree, NULL, err));
    VELD_TRY(veld_tree_root(tree, &root, err));
    change->tree = root.hash;
    change->tree_git = root.git;
done:
    veld_state_free(state);
    veld_tree_free(tree);
    return status;
}

static veld_status make_change(const veld_desk *desk, const veld_id *case_id,
    const veld_edit *edits, size_t count, veld_arena *arena, veld_change *out, veld_error *err)
{
    veld_status status;
    veld_now now = veld_env_now(desk->env);
    *out = (veld_change){.format = VELD_CHANGE_FORMAT,
        .case_id = *case_id,
        .device = *veld_store_device(desk->store),
        .number = 1};
    VELD_TRY(make_writes(edits, count, arena, out, err));
    VELD_TRY(veld_env_random(desk->env, out->incarnation, sizeof out->incarnation, err));
    VELD_TRY(veld_env_random(desk->env, out->salt, sizeof out->salt, err));
    veld_anchor_time(desk->anchor, &now, &out->time);
    if (desk->anchor != NULL) {
        out->log_size = desk->anchor->log_size;
        out->log_root = desk->anchor->log_root;
    }
    out->commit_utc_s = veld_commit_author_s(out->time.wall_utc_ms);
    VELD_TRY(veld_change_check_form(out, err));
    VELD_TRY(veld_change_derive(out, err));
    VELD_TRY(set_tree(desk, out, err));
    status = veld_commit_sign(out, &desk->signer, err);
done:
    return status;
}

/* ---- its row ---- */

static veld_priority priority_of(const veld_desk *desk, const veld_change *change)
{
    for (size_t i = 0; i < change->writes_count; i++) {
        const veld_write *write = &change->writes[i];
        if (veld_schema_is_urgent(desk->schemas, write->type, write->field))
            return VELD_PRIORITY_DANGER;
    }
    return VELD_PRIORITY_TEXT;
}

static veld_status keep(const veld_desk *desk, const veld_change *change, veld_priority priority,
    veld_span envelope, veld_error *err)
{
    veld_buf row;
    veld_hash key;
    veld_status status = veld_p256_fingerprint(desk->office, &key, err);
    if (status != VELD_OK)
        return status;
    veld_buf_init(&row, VELD_STORE_BODY_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&row);
    veld_cbor_put_array(&writer, ITEMS);
    veld_cbor_put_bytes(&writer, veld_id_span(&change->case_id));
    veld_cbor_put_int(&writer, change->time.wall_utc_ms);
    veld_cbor_put_int(&writer, change->time.offset_min);
    veld_cbor_put_uint(&writer, priority);
    veld_cbor_put_bytes(&writer, envelope);
    veld_cbor_put_bytes(&writer, veld_hash_span(&key));
    status = veld_cbor_writer_finish(&writer, err);
    if (status == VELD_OK)
        status = veld_store_put_value(
            desk->store, GROUP, veld_hash_span(&change->id), veld_buf_span(&row), err);
    veld_buf_release(&row);
    return status;
}

/* Row and watch are one transaction. */
static veld_status store(const veld_desk *desk, const veld_change *change, veld_priority priority,
    veld_span envelope, veld_error *err)
{
    bool own = !veld_store_in_transaction(desk->store);
    veld_status status = own ? veld_store_begin(desk->store, err) : VELD_OK;
    if (status != VELD_OK)
        return status;
    status = keep(desk, change, priority, envelope, err);
    if (status == VELD_OK && desk->watch.saving != NULL)
        status = desk->watch.saving(desk->watch.context, &change->case_id, false, err);
    return own ? veld_store_end(desk->store, status, err) : status;
}

veld_status veld_case_save_blind(const veld_desk *desk, const veld_id *case_id,
    const veld_edit *edits, size_t count, veld_hash *change, veld_error *err)
{
    veld_status status;
    veld_arena arena;
    veld_change made;
    veld_buf envelope;
    *change = (veld_hash){0};
    if (desk->office == NULL)
        return veld_fail(
            err, VELD_E_NOT_ALLOWED, "there is no agency here to which this could be sealed");
    veld_arena_init(&arena, VELD_CHANGE_MEMORY_MAX);
    veld_buf_init(&envelope, VELD_ENVELOPE_BYTES_MAX);
    VELD_TRY(make_change(desk, case_id, edits, count, &arena, &made, err));
    veld_priority priority = priority_of(desk, &made);
    VELD_TRY(veld_envelope_seal_blind(desk->env, desk->office, priority, &made, 1, &envelope, err));
    VELD_TRY(store(desk, &made, priority, veld_buf_span(&envelope), err));
    *change = made.id;
done:
    veld_buf_release(&envelope);
    veld_arena_release(&arena);
    return status;
}

/* ---- what waits ---- */

static veld_status read_row(const veld_store_value *value, veld_blind *out, veld_error *err)
{
    veld_cbor_reader reader = veld_cbor_read(value->body);
    size_t items = veld_cbor_array(&reader, ITEMS);
    if ((items != ITEMS && items != ITEMS_FIRST) || value->name.len != VELD_HASH_BYTES)
        veld_cbor_reader_fail(&reader, VELD_E_DAMAGED);
    veld_cbor_fixed(&reader, out->case_id.bytes, sizeof out->case_id.bytes);
    out->saved.utc_ms = veld_cbor_int(&reader);
    out->saved.offset_min = (int32_t)veld_cbor_int(&reader);
    out->priority = (veld_priority)veld_cbor_uint(&reader);
    out->envelope = veld_cbor_bytes(&reader);
    if (items == ITEMS)
        veld_cbor_fixed(&reader, out->sealed_to.bytes, sizeof out->sealed_to.bytes);
    veld_status status = veld_cbor_reader_finish(&reader, err);
    if (status == VELD_OK)
        memcpy(out->change.bytes, value->name.data, VELD_HASH_BYTES);
    return status;
}

veld_status veld_blind_each(veld_store *store, void *context,
    veld_status (*each)(void *context, const veld_blind *blind, veld_error *err), veld_error *err)
{
    veld_status status;
    bool more = true;
    veld_store_cursor *cursor = NULL;
    VELD_TRY(veld_store_values(store, GROUP, &cursor, err));
    while (more) {
        veld_store_value value;
        veld_blind blind = {0};
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more)
            break;
        VELD_TRY(read_row(&value, &blind, err));
        VELD_TRY(each(context, &blind, err));
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

veld_status veld_blind_drop(veld_store *store, const veld_id *case_id, const veld_hash *change,
    bool *was_here, veld_error *err)
{
    veld_buf row;
    veld_blind blind = {0};
    *was_here = false;
    veld_buf_init(&row, VELD_STORE_BODY_BYTES_MAX);
    veld_status status = veld_store_get_value(store, GROUP, veld_hash_span(change), &row, NULL);
    if (status == VELD_OK)
        status = read_row(
            &(veld_store_value){.name = veld_hash_span(change), .body = veld_buf_span(&row)},
            &blind, err);
    else if (status != VELD_E_NOT_FOUND)
        veld_fail(err, status, "a row of blind work does not open");
    if (status == VELD_OK && veld_id_equal(&blind.case_id, case_id)) {
        status = veld_store_delete_value(store, GROUP, veld_hash_span(change), err);
        *was_here = status == VELD_OK;
    }
    veld_buf_release(&row);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* Opening a case and keeping its parts together. The rows of the store are the truth: everything in
 * memory can be thrown away and made again, and is, as soon as a save or a take did not go through
 * to the end. */
#include "veldkit/case.h"

#include <string.h>

#include "case_inner.h"
#include "veldkit/assert.h"
#include "veldkit/limits.h"
#include "veldkit/summary.h"

veld_status case_new(const veld_desk *desk, const veld_id *case_id, veld_store_case *keys,
    veld_case **out, veld_error *err)
{
    veld_status status;
    *out = NULL;
    veld_case *opened = veld_allocate(sizeof *opened);
    if (opened == NULL) {
        veld_store_case_close(keys);
        return veld_fail(err, VELD_E_MEMORY, "no memory for a case");
    }
    opened->desk = *desk;
    opened->id = *case_id;
    opened->keys = keys;
    memcpy(opened->incarnation, veld_store_incarnation(desk->store), sizeof opened->incarnation);
    VELD_TRY(veld_state_new(desk->env, &opened->state, err));
    VELD_TRY(veld_graph_new(desk->env, &opened->graph, err));
    opened->tree = veld_tree_new();
    status = opened->tree == NULL ? VELD_E_MEMORY : VELD_OK;
done:
    if (status != VELD_OK) {
        veld_case_close(opened);
        return veld_fail(err, status, "no memory for a case");
    }
    *out = opened;
    return VELD_OK;
}

void veld_case_close(veld_case *opened)
{
    if (opened == NULL)
        return;
    veld_tree_free(opened->tree);
    veld_graph_free(opened->graph);
    veld_state_free(opened->state);
    veld_release(opened->base_heads);
    veld_store_case_close(opened->keys);
    veld_release(opened);
}

veld_status case_usable(const veld_case *opened, veld_error *err)
{
    if (opened->broken == VELD_OK)
        return VELD_OK;
    return veld_fail(err, opened->broken, "an earlier save or take failed; open the case again");
}

veld_status case_begun(const veld_case *opened, veld_error *err)
{
    veld_status status = case_usable(opened, err);
    if (status == VELD_OK && veld_graph_count(opened->graph) == 0)
        status = veld_fail(err, VELD_E_NOT_FOUND, "nothing of this case is here yet but its key");
    return status;
}

veld_status case_break(veld_case *opened, veld_status status)
{
    VELD_ASSERT(status != VELD_OK);
    opened->broken = status;
    return status;
}

void case_note_clock(veld_case *opened, const veld_change_time *time)
{
    if (time->hybrid_ms > opened->hybrid_ms) {
        opened->hybrid_ms = time->hybrid_ms;
        opened->hybrid_count = time->hybrid_count;
        opened->newest_utc_ms = time->wall_utc_ms;
    } else if (time->hybrid_ms == opened->hybrid_ms && time->hybrid_count > opened->hybrid_count) {
        opened->hybrid_count = time->hybrid_count;
        opened->newest_utc_ms = time->wall_utc_ms;
    }
}

void case_note_chain(veld_case *opened, const veld_id *device,
    const uint8_t incarnation[VELD_INCARNATION_BYTES], uint64_t number)
{
    bool own = veld_id_equal(device, veld_store_device(opened->desk.store)) &&
               memcmp(incarnation, opened->incarnation, sizeof opened->incarnation) == 0;
    if (own && number > opened->last_number)
        opened->last_number = number;
}

veld_status case_join(veld_case *opened, const veld_change *change, bool applied, veld_error *err)
{
    veld_status status = VELD_OK;
    if (!applied)
        VELD_TRY(veld_state_apply(opened->state, change, NULL, err));
    VELD_TRY(veld_graph_add(opened->graph, change, NULL, err));
    case_note_clock(opened, &change->time);
    case_note_chain(opened, &change->device, change->incarnation, change->number);
done:
    return status;
}

/* One row at a time: the state copies what it keeps, so the row's memory is used again. */
static veld_status load_rows(veld_case *opened, veld_store_cursor *cursor, veld_error *err)
{
    veld_status status;
    veld_arena arena;
    veld_arena_init(&arena, VELD_CHANGE_MEMORY_MAX);
    for (;;) {
        bool more = false;
        veld_store_change row;
        veld_change change;
        VELD_TRY(veld_store_changes_next(cursor, &more, &row, err));
        if (!more)
            break;
        VELD_TRY(veld_change_decode(row.body, VELD_CHANGE_ROW, &arena, &change, err));
        VELD_TRY(case_join(opened, &change, false, err));
        veld_arena_release(&arena);
    }
done:
    veld_arena_release(&arena);
    return status;
}

veld_desk veld_desk_quiet(const veld_desk *desk)
{
    veld_desk quiet = *desk;
    quiet.watch = (veld_case_watch){0};
    return quiet;
}

/* What a row may say that nobody wrote: its case cannot be read, whatever it is in the row. */
static bool is_of_row(veld_status status)
{
    return status == VELD_E_FORM || status == VELD_E_LIMIT || status == VELD_E_FORGED ||
           status == VELD_E_INVALID;
}

static veld_status open_case(
    const veld_desk *desk, const veld_id *case_id, veld_case **out, veld_error *err)
{
    veld_status status;
    veld_store_case *keys = NULL;
    veld_store_cursor *cursor = NULL;
    veld_case *opened = NULL;
    *out = NULL;
    VELD_TRY(veld_store_case_open(desk->store, case_id, &keys, err));
    VELD_TRY(case_new(desk, case_id, keys, &opened, err));
    VELD_ASSERT(opened != NULL);
    VELD_TRY(case_load_base(opened, err));
    VELD_TRY(veld_store_changes(desk->store, opened->keys, 0, &cursor, err));
    status = load_rows(opened, cursor, err);
    if (is_of_row(status))
        status = veld_fail(err, VELD_E_DAMAGED, "a row of the case cannot be read");
    VELD_TRY(status);
    *out = opened;
    opened = NULL;
done:
    veld_store_cursor_close(cursor);
    veld_case_close(opened);
    return status;
}

/* What cannot be told to the watch is not opened. That a case could not be opened is told as well,
 * and its own error stays the one that counts. */
veld_status veld_case_open(
    const veld_desk *desk, const veld_id *case_id, veld_case **out, veld_error *err)
{
    veld_status status = open_case(desk, case_id, out, err);
    if (desk->watch.opened == NULL)
        return status;
    veld_status told =
        desk->watch.opened(desk->watch.context, case_id, status, status == VELD_OK ? err : NULL);
    if (status == VELD_OK && told != VELD_OK) {
        veld_case_close(*out);
        *out = NULL;
        return told;
    }
    return status;
}

const veld_id *veld_case_id(const veld_case *opened)
{
    return &opened->id;
}

const veld_desk *veld_case_desk(const veld_case *opened)
{
    return &opened->desk;
}

veld_store_case *veld_case_keys(veld_case *opened)
{
    return opened->keys;
}

const veld_schema_set *veld_case_schemas(const veld_case *opened)
{
    return opened->desk.schemas;
}

veld_state *veld_case_state(veld_case *opened)
{
    return opened->state;
}

veld_graph *veld_case_graph(veld_case *opened)
{
    return opened->graph;
}

veld_status tree_follow(
    veld_state *state, veld_tree *tree, const veld_replay *replay, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_buf file;
    veld_buf_init(&file, VELD_TREE_FILE_BYTES_MAX);
    const veld_state_record *record;
    while ((record = veld_state_take_dirty(state)) != NULL) {
        veld_tree_name name;
        veld_buf_clear(&file);
        VELD_TRY(veld_state_render(record, &file));
        if (replay != NULL && replay->file != NULL)
            VELD_TRY(replay->file(replay->context, record, veld_buf_span(&file), &name, err));
        else
            VELD_TRY(veld_tree_file_name(veld_buf_span(&file), &name, err));
        VELD_TRY(veld_tree_set(tree, record->type, &record->id, &name, err));
    }
done:
    veld_buf_wipe(&file);
    return status;
}

veld_status case_tree(veld_case *opened, veld_tree_name *root, veld_error *err)
{
    veld_status status = tree_follow(opened->state, opened->tree, NULL, err);
    if (status != VELD_OK)
        return case_break(opened, status);
    return veld_tree_root(opened->tree, root, err);
}

veld_status veld_case_state_id(veld_case *opened, veld_hash *out, veld_error *err)
{
    veld_tree_name root;
    veld_status status = case_usable(opened, err);
    if (status == VELD_OK)
        status = case_tree(opened, &root, err);
    if (status == VELD_OK)
        *out = root.hash;
    return status;
}

veld_status case_put_row(
    veld_case *opened, const veld_change *change, unsigned flags, veld_error *err)
{
    veld_status status;
    veld_buf row;
    veld_buf_init(&row, VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(veld_change_encode(change, VELD_CHANGE_ROW, &row, err));
    VELD_TRY(veld_store_put_change(
        opened->desk.store, opened->keys, &change->id, veld_buf_span(&row), flags, NULL, err));
done:
    veld_buf_wipe(&row);
    return status;
}

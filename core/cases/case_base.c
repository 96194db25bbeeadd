/* The base of a case: a checkpoint that stands for changes whose rows are not here. Whose it is: of
 * this device, which dropped rows that the agency has, or of the agency, which began the case here
 * with it. A row: [format, time, from the agency, state id, what the agency signed, checkpoint]. */
#include <stdlib.h>
#include <string.h>

#include "case_inner.h"
#include "state_inner.h"
#include "veldkit/cbor.h"
#include "veldkit/checkpoint.h"
#include "veldkit/limits.h"

enum { FORMAT = 0, ITEMS = 6 };

/* ---- the row ---- */

static veld_status read_row(veld_span row, veld_case_base *out, veld_span *signed_by,
    veld_span *checkpoint, veld_error *err)
{
    veld_cbor_reader reader = veld_cbor_read(row);
    if (veld_cbor_array(&reader, ITEMS) != ITEMS || veld_cbor_uint(&reader) != FORMAT)
        veld_cbor_reader_fail(&reader, VELD_E_DAMAGED);
    out->utc_ms = veld_cbor_int(&reader);
    out->from_agency = veld_cbor_boolean(&reader);
    veld_cbor_fixed(&reader, out->state_id.bytes, sizeof out->state_id.bytes);
    *signed_by = veld_cbor_bytes(&reader);
    *checkpoint = veld_cbor_bytes(&reader);
    return veld_cbor_reader_finish(&reader, err);
}

veld_status case_put_base(veld_case *opened, const veld_case_base *base, veld_span signed_by,
    veld_span checkpoint, veld_error *err)
{
    veld_buf row;
    veld_buf_init(&row, VELD_STORE_BODY_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&row);
    veld_cbor_put_array(&writer, ITEMS);
    veld_cbor_put_uint(&writer, FORMAT);
    veld_cbor_put_int(&writer, base->utc_ms);
    veld_cbor_put_boolean(&writer, base->from_agency);
    veld_cbor_put_bytes(&writer, veld_hash_span(&base->state_id));
    veld_cbor_put_bytes(&writer, signed_by);
    veld_cbor_put_bytes(&writer, checkpoint);
    veld_status status = veld_cbor_writer_finish(&writer, err);
    if (status == VELD_OK)
        status = veld_store_put_base(opened->desk.store, opened->keys, veld_buf_span(&row), err);
    veld_buf_wipe(&row);
    return status;
}

/* ---- opening ---- */

static veld_status keep_heads(veld_case *opened, veld_error *err)
{
    size_t count;
    const veld_node *const *heads = veld_graph_heads(opened->graph, &count);
    opened->base_heads = veld_allocate((count + 1) * sizeof *opened->base_heads);
    if (heads == NULL || opened->base_heads == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu heads", count);
    for (size_t i = 0; i < count; i++)
        opened->base_heads[i] = heads[i]->id;
    opened->base_heads_count = count;
    return VELD_OK;
}

/* The number of our last change, which must never be given again, and the highest hybrid clock.
 * That of the latest changes stands on what is visible: nobody replaced it yet. */
static veld_status note_clock_and_chain(veld_case *opened, veld_error *err)
{
    size_t count, records;
    const veld_node *const *order = veld_graph_order(opened->graph, &count);
    const veld_state_record *const *list = veld_state_records(opened->state, &records);
    if (order == NULL || list == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu changes", count);
    for (size_t i = 0; i < count; i++)
        case_note_chain(
            opened, &order[i]->chain.device, order[i]->chain.incarnation, order[i]->number);
    for (size_t i = 0; i < records; i++)
        for (const veld_state_field *f = list[i]->fields; f != NULL; f = f->next)
            for (const veld_entry *e = f->entries; e != NULL; e = e->next)
                case_note_clock(opened, &e->origin->time);
    return VELD_OK;
}

static veld_status read_base(
    veld_case *opened, veld_buf *row, veld_case_base *base, veld_span *checkpoint, veld_error *err)
{
    veld_span signed_by;
    veld_status status = veld_store_get_base(opened->desk.store, opened->keys, row, err);
    return status == VELD_OK ? read_row(veld_buf_span(row), base, &signed_by, checkpoint, err)
                             : status;
}

veld_status case_load_base(veld_case *opened, veld_error *err)
{
    veld_buf row;
    veld_span checkpoint = {0};
    veld_state *state = NULL;
    veld_graph *graph = NULL;
    veld_buf_init(&row, VELD_STORE_BODY_BYTES_MAX);
    veld_status status = read_base(opened, &row, &opened->base, &checkpoint, err);
    if (status == VELD_E_NOT_FOUND) {
        veld_buf_wipe(&row);
        return VELD_OK;
    }
    VELD_TRY(status);
    VELD_TRY(veld_checkpoint_read(opened->desk.env, checkpoint, &state, &graph, err));
    veld_state_free(opened->state);
    veld_graph_free(opened->graph);
    opened->state = state;
    opened->graph = graph;
    opened->base.changes = veld_graph_count(graph);
    opened->has_base = true;
    VELD_TRY(keep_heads(opened, err));
    status = note_clock_and_chain(opened, err);
done:
    veld_buf_wipe(&row);
    return status;
}

veld_status case_base_state(veld_case *opened, veld_state **out, veld_error *err)
{
    veld_status status;
    veld_case_base base = {0};
    veld_buf row;
    veld_span checkpoint = {0};
    veld_graph *graph = NULL;
    *out = NULL;
    veld_buf_init(&row, VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(read_base(opened, &row, &base, &checkpoint, err));
    status = veld_checkpoint_read(opened->desk.env, checkpoint, out, &graph, err);
done:
    veld_graph_free(graph);
    veld_buf_wipe(&row);
    return status;
}

const veld_case_base *veld_case_get_base(const veld_case *opened)
{
    return opened->has_base ? &opened->base : NULL;
}

/* ---- folding ---- */

static int by_hash(const void *a, const void *b)
{
    return veld_hash_compare(a, b);
}

static int by_write_id(const void *a, const void *b)
{
    return veld_write_id_compare(a, b);
}

typedef struct folding {
    veld_case *opened;
    const veld_hash *ids; /* rising */
    size_t count;
    veld_arena arena;
    veld_state *state; /* of what is folded */
    veld_graph *graph;
    veld_buf keep; /* veld_write_id each: what stays refers to these */
} folding;

static bool is_folded(const folding *f, const veld_node *node)
{
    return node->early || bsearch(&node->id, f->ids, f->count, sizeof *f->ids, by_hash) != NULL;
}

static veld_status keep_named(folding *f, const veld_change *change)
{
    veld_status status = VELD_OK;
    for (size_t i = 0; status == VELD_OK && i < change->writes_count; i++) {
        const veld_write *write = &change->writes[i];
        status = veld_buf_append(
            &f->keep, write->replaces, write->replaces_count * sizeof *write->replaces);
        if (status == VELD_OK)
            status =
                veld_buf_append(&f->keep, write->basis, write->basis_count * sizeof *write->basis);
    }
    return status;
}

static bool has_folded_past(const folding *f, const veld_node *node)
{
    for (size_t i = 0; i < node->parents_count; i++)
        if (!node->parents[i]->here || !is_folded(f, node->parents[i]))
            return false;
    return node->complete;
}

static veld_status fold_one(folding *f, const veld_node *node, veld_error *err)
{
    veld_status status;
    veld_change change;
    if (node->early)
        return VELD_OK;
    VELD_TRY(veld_case_change(f->opened, &node->id, &f->arena, &change, err));
    if (!is_folded(f, node)) {
        if (keep_named(f, &change) != VELD_OK)
            status = veld_fail(err, VELD_E_MEMORY, "no memory to compact a case");
        goto done;
    }
    if (!has_folded_past(f, node)) {
        status = veld_fail(err, VELD_E_INVALID, "a change is folded with its whole past");
        goto done;
    }
    VELD_TRY(veld_state_apply(f->state, &change, NULL, err));
    status = veld_graph_add(f->graph, &change, NULL, err);
done:
    veld_arena_release(&f->arena);
    veld_arena_init(&f->arena, VELD_CHANGE_MEMORY_MAX);
    return status;
}

static veld_status start_fold(folding *f, veld_error *err)
{
    veld_status status;
    veld_buf row;
    veld_case_base base = {0};
    veld_span checkpoint = {0};
    const veld_env *env = f->opened->desk.env;
    veld_buf_init(&row, VELD_STORE_BODY_BYTES_MAX);
    if (f->opened->has_base) {
        VELD_TRY(read_base(f->opened, &row, &base, &checkpoint, err));
        status = veld_checkpoint_read(env, checkpoint, &f->state, &f->graph, err);
    } else {
        VELD_TRY(veld_state_new(env, &f->state, err));
        status = veld_graph_new(env, &f->graph, err);
    }
done:
    veld_buf_wipe(&row);
    return status;
}

/* What is left gives the same state: else nothing is dropped. */
static veld_status prove_fold(folding *f, veld_span checkpoint, veld_error *err)
{
    size_t count;
    veld_status status;
    veld_state *state = NULL;
    veld_graph *graph = NULL;
    veld_hash whole, again, held, held_again;
    const veld_node *const *order = veld_graph_order(f->opened->graph, &count);
    if (order == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory to compact a case");
        goto done;
    }
    VELD_TRY(veld_checkpoint_read(f->opened->desk.env, checkpoint, &state, &graph, err));
    for (size_t i = 0; i < count; i++) {
        veld_change change;
        if (is_folded(f, order[i]))
            continue;
        VELD_TRY(veld_case_change(f->opened, &order[i]->id, &f->arena, &change, err));
        VELD_TRY(veld_state_apply(state, &change, NULL, err));
        VELD_TRY(veld_graph_add(graph, &change, NULL, err));
        veld_arena_release(&f->arena);
        veld_arena_init(&f->arena, VELD_CHANGE_MEMORY_MAX);
    }
    VELD_TRY(veld_checkpoint_state_id(state, &again, err));
    VELD_TRY(veld_case_state_id(f->opened, &whole, err));
    VELD_TRY(veld_graph_held_hash(graph, &held_again, err));
    VELD_TRY(veld_graph_held_hash(f->opened->graph, &held, err));
    if (!veld_hash_equal(&whole, &again) || !veld_hash_equal(&held, &held_again))
        status = veld_fail(
            err, VELD_E_DAMAGED, "the compacted case is not the case: nothing is dropped");
done:
    veld_state_free(state);
    veld_graph_free(graph);
    return status;
}

veld_status veld_checkpoint_state_id(veld_state *state, veld_hash *out, veld_error *err)
{
    veld_tree_name name;
    veld_tree *tree = veld_tree_new();
    if (tree == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a tree");
    veld_status status = tree_follow(state, tree, NULL, err);
    if (status == VELD_OK)
        status = veld_tree_root(tree, &name, err);
    if (status == VELD_OK)
        *out = name.hash;
    veld_tree_free(tree);
    return status;
}

veld_status veld_case_set_base(veld_case *opened, const veld_case_base *base, veld_span signed_by,
    veld_span checkpoint, veld_error *err)
{
    return case_put_base(opened, base, signed_by, checkpoint, err);
}

veld_status veld_case_base_proof(
    veld_case *opened, veld_buf *signed_by, veld_buf *checkpoint, veld_error *err)
{
    veld_buf row;
    veld_case_base base = {0};
    veld_span proof = {0}, content = {0};
    veld_buf_init(&row, VELD_STORE_BODY_BYTES_MAX);
    veld_status status = veld_store_get_base(opened->desk.store, opened->keys, &row, err);
    if (status == VELD_OK)
        status = read_row(veld_buf_span(&row), &base, &proof, &content, err);
    if (status == VELD_OK)
        status = veld_buf_append_span(signed_by, proof);
    if (status == VELD_OK)
        status = veld_buf_append_span(checkpoint, content);
    veld_buf_wipe(&row);
    return status;
}

/* One transaction: the base stands for the rows from the moment that they are gone. */
static veld_status store_fold(folding *f, veld_span checkpoint, int64_t utc_ms, veld_error *err)
{
    veld_status status;
    veld_case_base base = {.utc_ms = utc_ms};
    veld_store *store = f->opened->desk.store;
    VELD_TRY(veld_checkpoint_state_id(f->state, &base.state_id, err));
    VELD_TRY(veld_store_begin(store, err));
    status = case_put_base(f->opened, &base, (veld_span){0}, checkpoint, err);
    if (status == VELD_OK)
        status = veld_store_drop_changes(store, f->ids, f->count, err);
    status = case_commit(f->opened, status, err);
done:
    return status;
}

veld_status veld_case_fold(
    veld_case *opened, const veld_hash *ids, size_t count, int64_t utc_ms, veld_error *err)
{
    size_t nodes;
    veld_buf checkpoint;
    folding f = {.opened = opened, .ids = ids, .count = count};
    const veld_node *const *order = veld_graph_order(opened->graph, &nodes);
    veld_status status = case_usable(opened, err);
    veld_arena_init(&f.arena, VELD_CHANGE_MEMORY_MAX);
    veld_buf_init(&f.keep, VELD_STATE_BYTES_MAX);
    veld_buf_init(&checkpoint, VELD_STORE_BODY_BYTES_MAX);
    if (status == VELD_OK && order == NULL)
        status = veld_fail(err, VELD_E_MEMORY, "no memory for %zu changes", nodes);
    VELD_TRY(status);
    VELD_TRY(start_fold(&f, err));
    for (size_t i = 0; i < nodes; i++)
        VELD_TRY(fold_one(&f, order[i], err));
    size_t keep_count = f.keep.len / sizeof(veld_write_id);
    if (keep_count > 0)
        qsort(f.keep.data, keep_count, sizeof(veld_write_id), by_write_id);
    VELD_TRY(veld_checkpoint_write_keeping(f.state, f.graph, opened->desk.schemas,
        (const veld_write_id *)(const void *)f.keep.data, keep_count, &checkpoint, err));
    VELD_TRY(prove_fold(&f, veld_buf_span(&checkpoint), err));
    VELD_TRY(store_fold(&f, veld_buf_span(&checkpoint), utc_ms, err));
    status = VELD_OK;
    opened->broken = VELD_E_STALE; /* memory is of before: open it again */
done:
    veld_state_free(f.state);
    veld_graph_free(f.graph);
    veld_buf_release(&f.keep);
    veld_buf_wipe(&checkpoint);
    veld_arena_release(&f.arena);
    return status;
}

/* ---- unfolding ---- */

static veld_status prove_rows(
    veld_case *opened, const veld_hash *state_id, const veld_hash *held, veld_error *err)
{
    veld_status status;
    veld_hash again, held_again;
    veld_case *whole = NULL;
    const veld_desk quiet = veld_desk_quiet(&opened->desk);
    VELD_TRY(veld_case_open(&quiet, &opened->id, &whole, err));
    VELD_TRY(veld_case_state_id(whole, &again, err));
    VELD_TRY(veld_graph_held_hash(whole->graph, &held_again, err));
    if (!veld_hash_equal(&again, state_id) || !veld_hash_equal(&held_again, held))
        status = veld_fail(err, VELD_E_DAMAGED, "without its base this would be another case");
done:
    veld_case_close(whole);
    return status;
}

veld_status veld_case_unfold(veld_case *opened, veld_error *err)
{
    veld_status status;
    veld_hash state_id, held;
    veld_store *store = opened->desk.store;
    VELD_TRY(case_usable(opened, err));
    VELD_TRY(veld_case_state_id(opened, &state_id, err));
    VELD_TRY(veld_graph_held_hash(opened->graph, &held, err));
    VELD_TRY(veld_store_begin(store, err));
    status = veld_store_drop_base(store, opened->keys, err);
    if (status == VELD_OK)
        status = prove_rows(opened, &state_id, &held, err);
    status = case_commit(opened, status, err);
    if (status == VELD_OK)
        opened->broken = VELD_E_STALE;
done:
    return status;
}

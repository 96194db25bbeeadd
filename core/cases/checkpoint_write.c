/* Writing a checkpoint: what checkpoint.h says is kept, as one CBOR array of five parts. Everything
 * is sorted, so that replicas with the same changes write the same bytes. */
#include "veldkit/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "checkpoint_parts.h"
#include "graph_inner.h"
#include "state_inner.h"
#include "veldkit/assert.h"
#include "veldkit/cbor.h"
#include "veldkit/policy.h"

static void put_write_ids(veld_cbor_writer *to, const veld_write_id *ids, size_t count)
{
    veld_cbor_put_array(to, count);
    for (size_t i = 0; i < count; i++)
        veld_cbor_put_bytes(to, veld_span_of(ids[i].bytes, sizeof ids[i].bytes));
}

static void put_origin(veld_cbor_writer *to, const veld_origin *origin)
{
    const veld_change_time *time = &origin->time;
    veld_cbor_put_array(to, CHECKPOINT_ORIGIN_PARTS);
    veld_cbor_put_bytes(to, veld_hash_span(&origin->change));
    veld_cbor_put_bytes(to, veld_hash_span(&origin->core));
    veld_cbor_put_bytes(to, veld_id_span(&origin->device));
    veld_cbor_put_bytes(to, veld_span_of(origin->incarnation, sizeof origin->incarnation));
    veld_cbor_put_uint(to, origin->number);
    veld_cbor_put_int(to, time->wall_utc_ms);
    veld_cbor_put_int(to, time->offset_min);
    veld_cbor_put_int(to, time->monotonic_ms);
    veld_cbor_put_int(to, time->server_utc_ms);
    veld_cbor_put_int(to, time->hybrid_ms);
    veld_cbor_put_uint(to, time->hybrid_count);
    veld_cbor_put_uint(to, (uint64_t)time->quality);
}

static int by_id(const void *a, const void *b)
{
    return veld_write_id_compare(
        &(*(const veld_entry *const *)a)->id, &(*(const veld_entry *const *)b)->id);
}

static int by_core(const void *a, const void *b)
{
    return veld_hash_compare(
        &(*(const veld_origin *const *)a)->core, &(*(const veld_origin *const *)b)->core);
}

/* What is gathered before anything is written. */
typedef struct gathered {
    const veld_entry **entries; /* by record, field and id */
    size_t count;
    const veld_origin **origins; /* by core, each once */
    size_t origins_count;
    const veld_write_id *keep; /* rising */
    size_t keep_count;
} gathered;

static int by_write_id(const void *a, const void *b)
{
    return veld_write_id_compare(a, b);
}

static size_t count_entries(const veld_state_record *const *records, size_t count)
{
    size_t entries = 0;
    for (size_t i = 0; i < count; i++) {
        for (const veld_state_field *f = records[i]->fields; f != NULL; f = f->next) {
            for (const veld_entry *e = f->entries; e != NULL; e = e->next)
                entries++;
        }
    }
    return entries;
}

/* The writes of a field that are kept: the visible ones, what was asked for, and all of them where
 * what is shown depends on the past, as it does where several stand beside each other. */
static void gather_field(const veld_state_field *field, bool whole, gathered *out)
{
    size_t first = out->count;
    whole = whole || field->visible_count > 1;
    for (const veld_entry *e = field->entries; e != NULL; e = e->next) {
        if (!e->replaced || whole ||
            (out->keep_count > 0 && bsearch(&e->id, out->keep, out->keep_count, sizeof *out->keep,
                                        by_write_id) != NULL))
            out->entries[out->count++] = e;
    }
    qsort(out->entries + first, out->count - first, sizeof *out->entries, by_id);
}

static veld_status gather(veld_state *state, const veld_schema_set *schemas, gathered *out)
{
    size_t count;
    const veld_state_record *const *records = veld_state_records(state, &count);
    if (records == NULL)
        return VELD_E_MEMORY;
    size_t most = count_entries(records, count);
    out->entries = veld_allocate((most + 1) * sizeof *out->entries);
    out->origins = veld_allocate((most + 1) * sizeof *out->origins);
    if (out->entries == NULL || out->origins == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; i < count; i++) {
        for (const veld_state_field *f = records[i]->fields; f != NULL; f = f->next) {
            const veld_schema_field *of =
                veld_schema_field_get(veld_schema_get(schemas, f->record->type), f->name);
            gather_field(f, veld_policy_weighs_past(of), out);
        }
    }
    for (size_t i = 0; i < out->count; i++)
        out->origins[i] = out->entries[i]->origin;
    qsort(out->origins, out->count, sizeof *out->origins, by_core);
    for (size_t i = 0; i < out->count; i++) {
        if (i == 0 || out->origins[i] != out->origins[out->origins_count - 1])
            out->origins[out->origins_count++] = out->origins[i];
    }
    return VELD_OK;
}

static size_t origin_index(const gathered *all, const veld_origin *origin)
{
    const veld_origin **found =
        bsearch(&origin, all->origins, all->origins_count, sizeof *all->origins, by_core);
    VELD_ASSERT(found != NULL);
    return (size_t)(found - all->origins);
}

static void put_place(veld_cbor_writer *to, const veld_state_field *field)
{
    veld_cbor_put_text(to, field->record->type);
    veld_cbor_put_bytes(to, veld_id_span(&field->record->id));
    veld_cbor_put_text(to, field->name);
}

static void put_entry(veld_cbor_writer *to, const gathered *all, const veld_entry *entry)
{
    veld_cbor_put_array(to, CHECKPOINT_ENTRY_PARTS);
    put_place(to, entry->field);
    veld_cbor_put_bytes(to, veld_span_of(entry->id.bytes, sizeof entry->id.bytes));
    veld_cbor_put_bytes(to, entry->value);
    veld_cbor_put_uint(to, origin_index(all, entry->origin));
    put_write_ids(to, entry->replaces, entry->replaces_count);
    put_write_ids(to, entry->basis, entry->basis_count);
    veld_cbor_put_boolean(to, entry->replaced);
}

/* ---- named and never seen ---- */

typedef struct waiting {
    const veld_write_id *id;
    const veld_state_field *field;
} waiting;

static int by_id_and_place(const void *a, const void *b)
{
    const waiting *left = a;
    const waiting *right = b;
    int order = veld_write_id_compare(left->id, right->id);
    if (order == 0)
        order = veld_span_compare(left->field->record->type, right->field->record->type);
    if (order == 0)
        order = veld_id_compare(&left->field->record->id, &right->field->record->id);
    return order != 0 ? order : veld_span_compare(left->field->name, right->field->name);
}

static veld_status put_waiting(veld_cbor_writer *to, const veld_state *state)
{
    size_t most = 0;
    for (const entry_node *node = state->named; node != NULL; node = node->next_named) {
        for (const named_from *from = node->named; from != NULL; from = from->next)
            most++;
    }
    waiting *list = veld_allocate((most + 1) * sizeof *list);
    if (list == NULL)
        return VELD_E_MEMORY;
    size_t count = 0;
    for (const entry_node *node = state->named; node != NULL; node = node->next_named) {
        for (const named_from *from = node->named; from != NULL; from = from->next)
            list[count++] = (waiting){.id = &node->open.id, .field = from->field};
    }
    qsort(list, count, sizeof *list, by_id_and_place);
    size_t single = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || by_id_and_place(&list[i], &list[single - 1]) != 0)
            list[single++] = list[i];
    }
    veld_cbor_put_array(to, single);
    for (size_t i = 0; i < single; i++) {
        veld_cbor_put_array(to, CHECKPOINT_WAITING_PARTS);
        veld_cbor_put_bytes(to, veld_span_of(list[i].id->bytes, sizeof list[i].id->bytes));
        put_place(to, list[i].field);
    }
    veld_release(list);
    return VELD_OK;
}

/* ---- held changes ---- */

static void put_parents(veld_cbor_writer *to, const veld_node *node)
{
    size_t count = node->complete ? 0 : node->parents_count;
    veld_cbor_put_array(to, count);
    for (size_t i = 0; i < count; i++)
        veld_cbor_put_bytes(to, veld_hash_span(&node->parents[i]->id));
}

static veld_status put_held(veld_cbor_writer *to, veld_graph *graph)
{
    size_t count;
    const veld_node *const *nodes = graph_held(graph, &count);
    if (nodes == NULL)
        return VELD_E_MEMORY;
    veld_cbor_put_array(to, count);
    for (size_t i = 0; i < count; i++) {
        const veld_node *node = nodes[i];
        veld_cbor_put_array(to, CHECKPOINT_HELD_PARTS);
        veld_cbor_put_bytes(to, veld_hash_span(&node->id));
        veld_cbor_put_bytes(to, veld_hash_span(&node->core));
        veld_cbor_put_bytes(to, veld_id_span(&node->chain.device));
        veld_cbor_put_bytes(
            to, veld_span_of(node->chain.incarnation, sizeof node->chain.incarnation));
        veld_cbor_put_uint(to, node->number);
        bool head = graph_is_head(node);
        veld_cbor_put_boolean(to, node->complete);
        veld_cbor_put_boolean(to, head);
        veld_cbor_put_bytes(to,
            veld_span_of(node->git.bytes, head || !node->complete ? sizeof node->git.bytes : 0));
        veld_cbor_put_int(to, head || !node->complete ? node->commit_utc_s : 0);
        put_parents(to, node);
    }
    veld_release((void *)(uintptr_t)nodes);
    return VELD_OK;
}

veld_status veld_checkpoint_write(veld_state *state, veld_graph *graph,
    const veld_schema_set *schemas, veld_buf *out, veld_error *err)
{
    return veld_checkpoint_write_keeping(state, graph, schemas, NULL, 0, out, err);
}

veld_status veld_checkpoint_write_keeping(veld_state *state, veld_graph *graph,
    const veld_schema_set *schemas, const veld_write_id *keep, size_t keep_count, veld_buf *out,
    veld_error *err)
{
    gathered all = {.keep = keep, .keep_count = keep_count};
    size_t before = out->len;
    veld_cbor_writer to = veld_cbor_write(out);
    veld_status status = gather(state, schemas, &all);
    if (status == VELD_OK) {
        veld_cbor_put_array(&to, CHECKPOINT_PARTS);
        veld_cbor_put_uint(&to, CHECKPOINT_FORMAT);
        veld_cbor_put_array(&to, all.origins_count);
        for (size_t i = 0; i < all.origins_count; i++)
            put_origin(&to, all.origins[i]);
        veld_cbor_put_array(&to, all.count);
        for (size_t i = 0; i < all.count; i++)
            put_entry(&to, &all, all.entries[i]);
        status = put_waiting(&to, state);
    }
    if (status == VELD_OK)
        status = put_held(&to, graph);
    veld_release(all.entries);
    veld_release(all.origins);
    if (status != VELD_OK) {
        out->len = before;
        return veld_fail(err, status, "no memory for a checkpoint");
    }
    return veld_cbor_writer_finish(&to, err);
}

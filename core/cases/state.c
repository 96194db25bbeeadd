/* The join. A write is either visible or named by another write on its field; everything here keeps
 * that one sentence true whatever the order in which changes come. It knows no schema, no policy
 * and no clock: those are for reading.
 *
 * A write may be named before it is seen. Then a node without value waits for it, with the fields
 * from which it was named: naming counts only from the same field of the same record, so nobody
 * makes a value vanish from a field without leaving another value there. */
#include "state_inner.h"

#include <stdlib.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/limits.h"

veld_status veld_state_new(const veld_env *env, veld_state **out, veld_error *err)
{
    veld_status status;
    *out = NULL;
    veld_state *state = veld_allocate(sizeof *state);
    if (state == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a case");
    veld_arena_init(&state->arena, VELD_STATE_BYTES_MAX);
    VELD_TRY(map_init(&state->writes, sizeof(veld_write_id), env, err));
    VELD_TRY(map_init(&state->records, sizeof(veld_id), env, err));
    VELD_TRY(map_init(&state->cores, sizeof(veld_hash), env, err));
    VELD_TRY(veld_env_random(env, (uint8_t *)&state->next_rank, sizeof state->next_rank, err));
    *out = state;
    state = NULL;
done:
    veld_state_free(state);
    return status;
}

void veld_state_free(veld_state *state)
{
    if (state == NULL)
        return;
    map_release(&state->writes);
    map_release(&state->records);
    map_release(&state->cores);
    veld_release(state->sorted);
    veld_arena_release(&state->arena);
    veld_release(state);
}

static void mark_dirty(veld_state *state, record_node *record)
{
    if (record->dirty)
        return;
    record->dirty = true;
    record->next_dirty = state->dirty;
    state->dirty = record;
}

/* The steps of splitmix64: different each time, and unknown to whom the seed is. */
static uint64_t next_rank(veld_state *state)
{
    uint64_t z = state->next_rank += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static record_node *record_by_type(name_node *node)
{
    return node == NULL ? NULL : (void *)((uint8_t *)node - offsetof(record_node, by_type));
}

static field_node *field_by_name(name_node *node)
{
    return node == NULL ? NULL : (void *)((uint8_t *)node - offsetof(field_node, by_name));
}

/* The record of this type among those under the id of `first`, which may be NULL. */
static record_node *find_type(const record_node *first, veld_span type)
{
    return first == NULL ? NULL : record_by_type(name_tree_find(first->same_id, type, NULL));
}

/* The record, made when it is not there yet. NULL without memory. */
static record_node *record_make(veld_state *state, veld_span type, const veld_id *id)
{
    record_node *first = map_get(&state->records, id->bytes);
    record_node *node = find_type(first, type);
    if (node != NULL)
        return node;
    node = veld_arena_get(&state->arena, 1, sizeof *node);
    if (node == NULL || veld_arena_copy(&state->arena, type, &node->open.type) != VELD_OK)
        return NULL;
    node->open.id = *id;
    node->by_type = (name_node){.name = &node->open.type, .rank = next_rank(state)};
    if (first == NULL && map_put(&state->records, node->open.id.bytes, node) != VELD_OK)
        return NULL;
    name_tree_put(first == NULL ? &node->same_id : &first->same_id, &node->by_type);
    node->older = state->newest;
    state->newest = node;
    state->record_count++;
    veld_release(state->sorted);
    state->sorted = NULL;
    return node;
}

/* The field, made in its place by name when it is not there yet. NULL without memory. */
static field_node *field_make(veld_state *state, record_node *record, veld_span name)
{
    name_node *before;
    field_node *node = field_by_name(name_tree_find(record->fields, name, &before));
    if (node != NULL)
        return node;
    node = veld_arena_get(&state->arena, 1, sizeof *node);
    if (node == NULL || veld_arena_copy(&state->arena, name, &node->open.name) != VELD_OK)
        return NULL;
    const veld_state_field **link =
        before == NULL ? &record->open.fields : &field_by_name(before)->open.next;
    node->open.record = &record->open;
    node->open.next = *link;
    *link = &node->open;
    node->by_name = (name_node){.name = &node->open.name, .rank = next_rank(state)};
    name_tree_put(&record->fields, &node->by_name);
    return node;
}

/* The node of a write id, without value when it was not seen yet. NULL without memory. */
static entry_node *entry_make(veld_state *state, const veld_write_id *id)
{
    entry_node *node = map_get(&state->writes, id->bytes);
    if (node != NULL)
        return node;
    node = veld_arena_get(&state->arena, 1, sizeof *node);
    if (node == NULL)
        return NULL;
    node->open.id = *id;
    return map_put(&state->writes, node->open.id.bytes, node) == VELD_OK ? node : NULL;
}

/* On a field the visible writes stand before the replaced ones: a write comes first and goes last.
 */
static void link_first(field_node *field, entry_node *node)
{
    node->before = NULL;
    node->open.next = field->open.entries;
    if (field->open.entries != NULL)
        entry_of(field->open.entries)->before = node;
    else
        field->last = node;
    field->open.entries = &node->open;
}

static void link_last(field_node *field, entry_node *node)
{
    VELD_ASSERT(field->last != NULL);
    node->before = field->last;
    node->open.next = NULL;
    field->last->open.next = &node->open;
    field->last = node;
}

/* Not the last one: then there would be no other place for it. */
static void unlink_entry(field_node *field, entry_node *node)
{
    VELD_ASSERT(node->open.next != NULL);
    entry_of(node->open.next)->before = node->before;
    if (node->before != NULL)
        node->before->open.next = node->open.next;
    else
        field->open.entries = node->open.next;
}

void state_replace(veld_state *state, entry_node *target)
{
    if (target->open.replaced)
        return;
    target->open.replaced = true;
    field_node *field = field_of(target->open.field);
    VELD_ASSERT(field->open.visible_count > 0);
    field->open.visible_count--;
    if (target != field->last) {
        unlink_entry(field, target);
        link_last(field, target);
    }
    mark_dirty(state, record_of(field->open.record));
}

veld_status state_name(veld_state *state, const veld_write_id *id, field_node *field)
{
    entry_node *target = entry_make(state, id);
    if (target == NULL)
        return VELD_E_MEMORY;
    if (target->open.field == &field->open) {
        state_replace(state, target);
    } else if (target->open.field == NULL) {
        named_from *from = veld_arena_get(&state->arena, 1, sizeof *from);
        if (from == NULL)
            return VELD_E_MEMORY;
        *from = (named_from){.field = &field->open, .next = target->named};
        target->named = from;
        if (from->next == NULL) {
            target->next_named = state->named;
            state->named = target;
        }
    }
    return VELD_OK;
}

static veld_status copy_ids(
    veld_state *state, const veld_write_id *from, size_t count, const veld_write_id **out)
{
    *out = NULL;
    if (count == 0)
        return VELD_OK;
    veld_write_id *copy = veld_arena_get(&state->arena, count, sizeof *copy);
    if (copy == NULL)
        return VELD_E_MEMORY;
    memcpy(copy, from, count * sizeof *copy);
    *out = copy;
    return VELD_OK;
}

veld_status state_add_entry(
    veld_state *state, const veld_write *write, const veld_origin *origin, const veld_entry **out)
{
    veld_status status = VELD_E_MEMORY;
    record_node *record = record_make(state, write->type, &write->record);
    field_node *field = record == NULL ? NULL : field_make(state, record, write->field);
    entry_node *node = field == NULL ? NULL : entry_make(state, &write->id);
    if (node == NULL)
        goto done;
    /* Only two changes with one core make one write twice, and a core is applied once. But a
     * checkpoint can lie about where a write comes from: what is here stays. */
    if (node->open.field != NULL) {
        *out = &node->open;
        return VELD_OK;
    }
    VELD_TRY(veld_arena_copy(&state->arena, write->value, &node->open.value));
    VELD_TRY(copy_ids(state, write->replaces, write->replaces_count, &node->open.replaces));
    VELD_TRY(copy_ids(state, write->basis, write->basis_count, &node->open.basis));
    node->open.replaces_count = write->replaces_count;
    node->open.basis_count = write->basis_count;
    node->open.origin = origin;
    node->open.field = &field->open;
    link_first(field, node);
    field->open.visible_count++;
    mark_dirty(state, record);

    for (const named_from *from = node->named; from != NULL; from = from->next) {
        if (from->field == &field->open)
            state_replace(state, node);
    }
    node->named = NULL;
    *out = &node->open;
done:
    return status;
}

veld_status state_add_write(veld_state *state, const veld_write *write, const veld_origin *origin)
{
    const veld_entry *entry = NULL;
    veld_status status = state_add_entry(state, write, origin, &entry);
    for (size_t i = 0; status == VELD_OK && i < write->replaces_count; i++)
        status = state_name(state, &write->replaces[i], field_of(entry->field));
    return status;
}

veld_status state_field(
    veld_state *state, veld_span type, const veld_id *record, veld_span name, field_node **out)
{
    record_node *in = record_make(state, type, record);
    *out = in == NULL ? NULL : field_make(state, in, name);
    return *out == NULL ? VELD_E_MEMORY : VELD_OK;
}

veld_status state_add_origin(veld_state *state, const veld_origin *origin, const veld_origin **out)
{
    veld_origin *copy = veld_arena_get(&state->arena, 1, sizeof *copy);
    if (copy == NULL)
        return VELD_E_MEMORY;
    *copy = *origin;
    *out = copy;
    return map_put(&state->cores, copy->core.bytes, copy);
}

veld_status veld_state_apply(
    veld_state *state, const veld_change *change, bool *applied, veld_error *err)
{
    if (applied != NULL)
        *applied = false;
    if (veld_state_has(state, &change->core))
        return VELD_OK;
    veld_origin origin = {
        .change = change->id,
        .core = change->core,
        .device = change->device,
        .number = change->number,
        .time = change->time,
        .arrived_utc_ms = change->arrived_utc_ms,
    };
    memcpy(origin.incarnation, change->incarnation, sizeof origin.incarnation);

    const veld_origin *kept = NULL;
    veld_status status = state_add_origin(state, &origin, &kept);
    for (size_t i = 0; status == VELD_OK && i < change->writes_count; i++)
        status = state_add_write(state, &change->writes[i], kept);
    if (status != VELD_OK)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a case of %zu changes",
            veld_state_change_count(state));
    if (applied != NULL)
        *applied = true;
    return VELD_OK;
}

void veld_state_name(veld_state *state, const veld_hash *core, const veld_hash *id)
{
    veld_origin *origin = map_get(&state->cores, core->bytes);
    VELD_ASSERT(origin != NULL && veld_hash_is_zero(&origin->change));
    origin->change = *id;
}

bool veld_state_has(const veld_state *state, const veld_hash *core)
{
    return map_get(&state->cores, core->bytes) != NULL;
}

size_t veld_state_change_count(const veld_state *state)
{
    return state->cores.count;
}

size_t veld_state_record_count(const veld_state *state)
{
    return state->record_count;
}

static int by_type_and_id(const void *a, const void *b)
{
    const veld_state_record *left = *(const veld_state_record *const *)a;
    const veld_state_record *right = *(const veld_state_record *const *)b;
    int order = veld_span_compare(left->type, right->type);
    return order != 0 ? order : veld_id_compare(&left->id, &right->id);
}

const veld_state_record *const *veld_state_records(veld_state *state, size_t *count)
{
    *count = state->record_count;
    if (state->sorted != NULL)
        return state->sorted;
    size_t bytes = (state->record_count + 1) * sizeof *state->sorted;
    state->sorted = veld_allocate(bytes);
    if (state->sorted == NULL)
        return NULL;
    size_t filled = 0;
    for (const record_node *node = state->newest; node != NULL; node = node->older)
        state->sorted[filled++] = &node->open;
    VELD_ASSERT(filled == state->record_count);
    qsort(state->sorted, filled, sizeof *state->sorted, by_type_and_id);
    return state->sorted;
}

const veld_state_record *veld_state_record_get(
    const veld_state *state, veld_span type, const veld_id *record)
{
    const record_node *node = find_type(map_get(&state->records, record->bytes), type);
    return node == NULL ? NULL : &node->open;
}

const veld_state_record *veld_state_record_find(
    const veld_state *state, const veld_id *record, bool *several)
{
    const record_node *node = map_get(&state->records, record->bytes);
    if (several != NULL)
        *several = node != NULL && (node->same_id->left != NULL || node->same_id->right != NULL);
    return node == NULL ? NULL : &node->open;
}

const veld_state_field *veld_state_field_get(const veld_state_record *record, veld_span name)
{
    const field_node *field = field_by_name(name_tree_find(record_of(record)->fields, name, NULL));
    return field == NULL ? NULL : &field->open;
}

const veld_entry *veld_state_entry_get(const veld_state *state, const veld_write_id *id)
{
    const entry_node *node = map_get(&state->writes, id->bytes);
    return node == NULL || node->open.field == NULL ? NULL : &node->open;
}

const veld_state_record *veld_state_take_dirty(veld_state *state)
{
    record_node *record = state->dirty;
    if (record == NULL)
        return NULL;
    state->dirty = record->next_dirty;
    record->dirty = false;
    record->next_dirty = NULL;
    return &record->open;
}

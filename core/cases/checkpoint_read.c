/* Reading a checkpoint back. The bytes come from a peer, so all counts are bounded by what is left
 * of them, and what contradicts itself is refused. */
#include "veldkit/checkpoint.h"

#include <string.h>

#include "checkpoint_parts.h"
#include "graph_inner.h"
#include "state_inner.h"
#include "veldkit/cbor.h"
#include "veldkit/change.h"
#include "veldkit/json.h"
#include "veldkit/limits.h"

/* What is read lives here until it is copied into state and graph. */
typedef struct restorer {
    veld_cbor_reader from;
    veld_arena arena;
    veld_state *state;
    veld_graph *graph;
    const veld_origin **origins;
    size_t origins_count;
} restorer;

static bool is_good(const restorer *r)
{
    return r->from.status == VELD_OK;
}

static void expect_array(restorer *r, size_t parts)
{
    if (veld_cbor_array(&r->from, parts) != parts)
        veld_cbor_reader_fail(&r->from, VELD_E_FORM);
}

static const veld_write_id *read_write_ids(restorer *r, size_t *count)
{
    *count = veld_cbor_array(&r->from, VELD_CHANGE_REFERENCES_MAX);
    veld_write_id *ids = veld_arena_get(&r->arena, *count, sizeof *ids);
    if (ids == NULL) {
        veld_cbor_reader_fail(&r->from, VELD_E_MEMORY);
        *count = 0;
        return NULL;
    }
    for (size_t i = 0; i < *count; i++) {
        veld_cbor_fixed(&r->from, ids[i].bytes, sizeof ids[i].bytes);
        if (i > 0 && veld_write_id_compare(&ids[i - 1], &ids[i]) >= 0)
            veld_cbor_reader_fail(&r->from, VELD_E_FORM);
    }
    return ids;
}

static void read_origin(restorer *r, veld_origin *origin)
{
    expect_array(r, CHECKPOINT_ORIGIN_PARTS);
    veld_cbor_fixed(&r->from, origin->change.bytes, sizeof origin->change.bytes);
    veld_cbor_fixed(&r->from, origin->core.bytes, sizeof origin->core.bytes);
    veld_cbor_fixed(&r->from, origin->device.bytes, sizeof origin->device.bytes);
    veld_cbor_fixed(&r->from, origin->incarnation, sizeof origin->incarnation);
    origin->number = veld_cbor_uint(&r->from);
    veld_change_time *time = &origin->time;
    time->wall_utc_ms = veld_cbor_int(&r->from);
    int64_t offset_min = veld_cbor_int(&r->from);
    time->monotonic_ms = veld_cbor_int(&r->from);
    time->server_utc_ms = veld_cbor_int(&r->from);
    time->hybrid_ms = veld_cbor_int(&r->from);
    uint64_t hybrid_count = veld_cbor_uint(&r->from);
    uint64_t quality = veld_cbor_uint(&r->from);
    if (offset_min < -1439 || offset_min > 1439 || hybrid_count > UINT32_MAX ||
        quality > VELD_CLOCK_SUSPECT)
        veld_cbor_reader_fail(&r->from, VELD_E_FORM);
    time->offset_min = (int32_t)offset_min;
    time->hybrid_count = (uint32_t)hybrid_count;
    time->quality = (veld_clock_quality)quality;
    if (is_good(r) && (origin->number == 0 || !veld_change_time_is_valid(time)))
        veld_cbor_reader_fail(&r->from, VELD_E_FORM);
}

static veld_status read_origins(restorer *r)
{
    veld_status status = VELD_OK;
    r->origins_count = veld_cbor_array(&r->from, VELD_CHECKPOINT_ITEMS_MAX);
    r->origins = veld_arena_get(&r->arena, r->origins_count, sizeof *r->origins);
    if (r->origins == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; is_good(r) && i < r->origins_count; i++) {
        veld_origin origin = {0};
        read_origin(r, &origin);
        if (is_good(r) && veld_state_has(r->state, &origin.core))
            veld_cbor_reader_fail(&r->from, VELD_E_FORM);
        if (is_good(r))
            VELD_TRY(state_add_origin(r->state, &origin, &r->origins[i]));
    }
done:
    return status;
}

static void read_place(restorer *r, veld_write *write)
{
    write->type = veld_cbor_text(&r->from);
    veld_cbor_fixed(&r->from, write->record.bytes, sizeof write->record.bytes);
    write->field = veld_cbor_text(&r->from);
    if (is_good(r) &&
        (!veld_change_type_is_valid(write->type) || !veld_change_field_is_valid(write->field)))
        veld_cbor_reader_fail(&r->from, VELD_E_FORM);
}

/* What a change may say, and nothing else, is shown, rendered and indexed later. */
static void check_value(restorer *r, veld_span value)
{
    if (value.len > VELD_CHANGE_VALUE_BYTES_MAX)
        veld_cbor_reader_fail(&r->from, VELD_E_LIMIT);
    veld_status status = veld_json_check(value, VELD_JSON_CANONICAL, NULL, NULL);
    if (status != VELD_OK)
        veld_cbor_reader_fail(&r->from, status);
}

static veld_status read_entries(restorer *r)
{
    veld_status status = VELD_OK;
    size_t count = veld_cbor_array(&r->from, VELD_CHECKPOINT_ITEMS_MAX);
    for (size_t i = 0; is_good(r) && i < count; i++) {
        veld_write write = {0};
        const veld_entry *entry = NULL;
        expect_array(r, CHECKPOINT_ENTRY_PARTS);
        read_place(r, &write);
        veld_cbor_fixed(&r->from, write.id.bytes, sizeof write.id.bytes);
        write.value = veld_cbor_bytes(&r->from);
        uint64_t origin = veld_cbor_uint(&r->from);
        write.replaces = read_write_ids(r, &write.replaces_count);
        write.basis = read_write_ids(r, &write.basis_count);
        bool replaced = veld_cbor_boolean(&r->from);
        if (is_good(r) &&
            (origin >= r->origins_count || map_get(&r->state->writes, write.id.bytes) != NULL))
            veld_cbor_reader_fail(&r->from, VELD_E_FORM);
        if (is_good(r))
            check_value(r, write.value);
        if (!is_good(r))
            break;
        VELD_TRY(state_add_entry(r->state, &write, r->origins[origin], &entry));
        if (replaced)
            state_replace(r->state, map_get(&r->state->writes, write.id.bytes));
    }
done:
    return status;
}

static veld_status read_waiting(restorer *r)
{
    veld_status status = VELD_OK;
    size_t count = veld_cbor_array(&r->from, VELD_CHECKPOINT_ITEMS_MAX);
    for (size_t i = 0; is_good(r) && i < count; i++) {
        veld_write write = {0};
        field_node *field;
        expect_array(r, CHECKPOINT_WAITING_PARTS);
        veld_cbor_fixed(&r->from, write.id.bytes, sizeof write.id.bytes);
        read_place(r, &write);
        if (is_good(r) && veld_state_entry_get(r->state, &write.id) != NULL)
            veld_cbor_reader_fail(&r->from, VELD_E_FORM);
        if (!is_good(r))
            break;
        VELD_TRY(state_field(r->state, write.type, &write.record, write.field, &field));
        VELD_TRY(state_name(r->state, &write.id, field));
    }
done:
    return status;
}

static const veld_parent *read_parents(restorer *r, size_t *count)
{
    *count = veld_cbor_array(&r->from, VELD_CHANGE_PARENTS_MAX);
    veld_parent *parents = veld_arena_get(&r->arena, *count, sizeof *parents);
    if (parents == NULL) {
        veld_cbor_reader_fail(&r->from, VELD_E_MEMORY);
        return NULL;
    }
    for (size_t i = 0; i < *count; i++)
        veld_cbor_fixed(&r->from, parents[i].id.bytes, sizeof parents[i].id.bytes);
    return parents;
}

/* A held change of which only the names are known. */
static veld_status read_held_one(restorer *r)
{
    veld_change change = {0};
    const veld_origin *origin = NULL;
    expect_array(r, CHECKPOINT_HELD_PARTS);
    veld_cbor_fixed(&r->from, change.id.bytes, sizeof change.id.bytes);
    veld_cbor_fixed(&r->from, change.core.bytes, sizeof change.core.bytes);
    veld_cbor_fixed(&r->from, change.device.bytes, sizeof change.device.bytes);
    veld_cbor_fixed(&r->from, change.incarnation, sizeof change.incarnation);
    change.number = veld_cbor_uint(&r->from);
    if (change.number == 0)
        veld_cbor_reader_fail(&r->from, VELD_E_FORM);
    bool complete = veld_cbor_boolean(&r->from);
    bool head = veld_cbor_boolean(&r->from);
    veld_span git = veld_cbor_bytes(&r->from);
    change.commit_utc_s = veld_cbor_int(&r->from);
    change.parents = read_parents(r, &change.parents_count);
    bool named = head || !complete;
    if (is_good(r) &&
        (git.len != (named ? sizeof change.git.bytes : 0) || (head && !complete) ||
            (complete && change.parents_count > 0) || veld_graph_has(r->graph, &change.id)))
        veld_cbor_reader_fail(&r->from, VELD_E_FORM);
    if (!is_good(r))
        return VELD_OK;
    if (named)
        memcpy(change.git.bytes, git.data, git.len);
    veld_status status = graph_restore(r->graph, &change, complete, head);
    if (status == VELD_OK && !veld_state_has(r->state, &change.core)) {
        veld_origin gone = {.core = change.core, .change = change.id, .device = change.device};
        status = state_add_origin(r->state, &gone, &origin);
    }
    return status;
}

/* A write is only replaced by another one, so on every field something is visible. */
static void check_fields(restorer *r)
{
    for (const record_node *node = r->state->newest; node != NULL; node = node->older) {
        for (const veld_state_field *f = node->open.fields; f != NULL; f = f->next) {
            if (f->visible_count == 0)
                veld_cbor_reader_fail(&r->from, VELD_E_FORM);
        }
    }
}

static veld_status read_all(restorer *r)
{
    veld_status status;
    expect_array(r, CHECKPOINT_PARTS);
    if (veld_cbor_uint(&r->from) > CHECKPOINT_FORMAT)
        veld_cbor_reader_fail(&r->from, VELD_E_NEWER);
    VELD_TRY(read_origins(r));
    VELD_TRY(read_entries(r));
    VELD_TRY(read_waiting(r));
    if (is_good(r))
        check_fields(r);
    size_t held = veld_cbor_array(&r->from, VELD_CHECKPOINT_ITEMS_MAX);
    for (size_t i = 0; is_good(r) && i < held; i++)
        VELD_TRY(read_held_one(r));
done:
    return status;
}

veld_status veld_checkpoint_read(
    const veld_env *env, veld_span bytes, veld_state **state, veld_graph **graph, veld_error *err)
{
    veld_status status;
    restorer r = {.from = veld_cbor_read(bytes)};
    veld_arena_init(&r.arena, VELD_STATE_BYTES_MAX);
    *state = NULL;
    *graph = NULL;
    VELD_TRY(veld_state_new(env, &r.state, err));
    VELD_TRY(veld_graph_new(env, &r.graph, err));
    status = read_all(&r);
    if (status != VELD_OK) {
        status = veld_fail(err, status, "no memory for a checkpoint");
        goto done;
    }
    VELD_TRY(veld_cbor_reader_finish(&r.from, err));
    *state = r.state;
    *graph = r.graph;
    r.state = NULL;
    r.graph = NULL;
done:
    veld_state_free(r.state);
    veld_graph_free(r.graph);
    veld_arena_release(&r.arena);
    return status;
}

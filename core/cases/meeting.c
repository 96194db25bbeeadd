/* Meetings are found with one bit for each write of a field: a walk over the graph, parents first,
 * tells for every change which of these writes are in its past. All else is arithmetic on bits. */
#include "veldkit/meeting.h"

#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "veldkit/assert.h"

typedef uint64_t bits;

static const veld_span null_value = {(const uint8_t *)"null", 4};

/* The graph as numbers. */
typedef struct finder {
    const veld_schema_set *schemas;
    veld_outlook outlook;
    veld_arena *arena;
    const veld_node *const *order;
    size_t count;
    map places;     /* change id -> 1 + place in the order, as a pointer */
    size_t *begins; /* of each place in `parents`; one more than there are */
    size_t *parents;
    bits *marks;    /* by place: the writes in hand that are in its past, or its own */
    veld_buf found; /* veld_meeting after veld_meeting */
    bool cut;
} finder;

/* The writes in hand: of one field, or of a whole record. */
typedef struct hand {
    const veld_entry *entries[VELD_MEETING_WRITES_MAX];
    size_t places[VELD_MEETING_WRITES_MAX];
    bits seen[VELD_MEETING_WRITES_MAX];     /* in the past of its change */
    bits replaced[VELD_MEETING_WRITES_MAX]; /* directly or not */
    size_t count;
} hand;

#define BIT(i) ((bits)1 << (i))

static bool is_removed_name(veld_span name)
{
    return veld_span_equal(name, veld_span_text(VELD_FIELD_REMOVED));
}

/* ---- the graph ---- */

static size_t place_of(const finder *f, const veld_hash *change)
{
    return (size_t)(uintptr_t)map_get(&f->places, change->bytes);
}

static veld_status number_graph(finder *f)
{
    veld_status status = VELD_OK;
    size_t edges = 0;
    for (size_t i = 0; i < f->count; i++)
        edges += f->order[i]->parents_count;
    f->begins = veld_arena_get(f->arena, f->count + 1, sizeof *f->begins);
    f->parents = veld_arena_get(f->arena, edges, sizeof *f->parents);
    f->marks = veld_arena_get(f->arena, f->count, sizeof *f->marks);
    if (f->begins == NULL || f->parents == NULL || f->marks == NULL)
        return VELD_E_MEMORY;
    edges = 0;
    for (size_t i = 0; i < f->count; i++) {
        const veld_node *node = f->order[i];
        VELD_TRY(map_put(&f->places, node->id.bytes, (void *)(uintptr_t)(i + 1)));
        f->begins[i] = edges;
        for (size_t p = 0; p < node->parents_count; p++) {
            size_t place = place_of(f, &node->parents[p]->id);
            if (place > 0) /* else it is not here */
                f->parents[edges++] = place - 1;
        }
    }
    f->begins[f->count] = edges;

done:
    return status;
}

static void mark(finder *f, const hand *h)
{
    memset(f->marks, 0, f->count * sizeof *f->marks);
    for (size_t i = 0; i < h->count; i++)
        f->marks[h->places[i]] |= BIT(i);
    for (size_t i = 0; i < f->count; i++) {
        for (size_t p = f->begins[i]; p < f->begins[i + 1]; p++)
            f->marks[i] |= f->marks[f->parents[p]];
    }
}

/* ---- the writes ---- */

static void take_entries(finder *f, const veld_state_field *field, hand *h)
{
    for (const veld_entry *e = field->entries; e != NULL; e = e->next) {
        size_t place = place_of(f, &e->origin->change);
        if (place == 0)
            continue; /* of a checkpoint: its past is not here */
        size_t at = h->count;
        while (at > 0 && h->places[at - 1] > place - 1)
            at--;
        if (h->count == VELD_MEETING_WRITES_MAX) {
            f->cut = true;
            if (at == 0)
                continue;
            at--;
            memmove(h->entries, h->entries + 1, at * sizeof *h->entries);
            memmove(h->places, h->places + 1, at * sizeof *h->places);
        } else {
            memmove(h->entries + at + 1, h->entries + at, (h->count - at) * sizeof *h->entries);
            memmove(h->places + at + 1, h->places + at, (h->count - at) * sizeof *h->places);
            h->count++;
        }
        h->entries[at] = e;
        h->places[at] = place - 1;
    }
}

static bool names_it(const veld_entry *entry, const veld_write_id *id)
{
    for (size_t i = 0; i < entry->replaces_count; i++) {
        if (veld_write_id_equal(&entry->replaces[i], id))
            return true;
    }
    return false;
}

/* Who saw and who replaced whom. Entries come parents first, so what one replaces is done. */
static void relate(finder *f, hand *h)
{
    mark(f, h);
    for (size_t i = 0; i < h->count; i++) {
        h->seen[i] = f->marks[h->places[i]];
        h->replaced[i] = 0;
        for (size_t j = 0; j < i; j++) {
            if (names_it(h->entries[i], &h->entries[j]->id))
                h->replaced[i] |= BIT(j) | h->replaced[j];
        }
    }
}

static bool meet(const hand *h, size_t i, size_t j)
{
    return (h->seen[i] & BIT(j)) == 0 && (h->seen[j] & BIT(i)) == 0 &&
           !veld_span_equal(h->entries[i]->value, h->entries[j]->value);
}

/* ---- one meeting ---- */

static veld_status list_entries(
    finder *f, const hand *h, bits which, const veld_entry *const **out, size_t *count)
{
    const veld_entry **list = veld_arena_get(f->arena, h->count, sizeof *list);
    if (list == NULL)
        return VELD_E_MEMORY;
    *count = 0;
    for (size_t i = 0; i < h->count; i++) {
        if (which & BIT(i))
            list[(*count)++] = h->entries[i];
    }
    *out = list;
    return VELD_OK;
}

static veld_span base_of(const hand *h, bits sides)
{
    bits common = ~(bits)0, older = 0;
    veld_span base = null_value;
    bool any = false;
    for (size_t i = 0; i < h->count; i++) {
        if (sides & BIT(i))
            common &= h->replaced[i];
    }
    for (size_t i = 0; i < h->count; i++) {
        if (common & BIT(i))
            older |= h->replaced[i];
    }
    for (size_t i = 0; i < h->count; i++) {
        if ((common & ~older & BIT(i)) == 0)
            continue;
        if (any && !veld_span_equal(base, h->entries[i]->value))
            return null_value;
        base = h->entries[i]->value;
        any = true;
    }
    return base;
}

static bool same_chain(const veld_chain *chain, const veld_origin *origin)
{
    return veld_id_equal(&chain->device, &origin->device);
}

static bool is_sighted(const veld_sighting *list, size_t count, size_t side, const veld_id *device)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].side == side && veld_id_equal(&list[i].change->chain.device, device))
            return true;
    }
    return false;
}

/* Uses the marks of the hand. */
static veld_status find_sightings(finder *f, const hand *h, bits sides, veld_meeting *out)
{
    size_t side = 0, count = 0, capacity = 0;
    veld_sighting *list = NULL;
    for (size_t i = 0; i < h->count; i++) {
        if ((sides & BIT(i)) == 0)
            continue;
        for (size_t p = h->places[i] + 1; p < f->count; p++) {
            const veld_node *node = f->order[p];
            if ((f->marks[p] & BIT(i)) == 0 || same_chain(&node->chain, h->entries[i]->origin) ||
                is_sighted(list, count, side, &node->chain.device))
                continue;
            if (count == capacity) {
                capacity = 2 * capacity + 8;
                veld_sighting *grown = veld_arena_get(f->arena, capacity, sizeof *grown);
                if (grown == NULL)
                    return VELD_E_MEMORY;
                if (count > 0)
                    memcpy(grown, list, count * sizeof *grown);
                list = grown;
            }
            list[count++] = (veld_sighting){.side = side, .change = node};
        }
        side++;
    }
    out->sightings = list;
    out->sightings_count = count;
    return VELD_OK;
}

/* Of each ending, how many sides are in its past. */
static veld_status count_seen(
    finder *f, const hand *h, bits sides, bits endings, const size_t **out)
{
    size_t count = 0;
    size_t *saw = veld_arena_get(f->arena, h->count, sizeof *saw);
    if (saw == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; i < h->count; i++) {
        if ((endings & BIT(i)) == 0)
            continue;
        saw[count] = 0;
        for (bits left = h->seen[i] & sides; left != 0; left &= left - 1)
            saw[count]++;
        count++;
    }
    *out = saw;
    return VELD_OK;
}

static veld_status add_meeting(
    finder *f, const hand *h, bits writes, bits sides, bits endings, veld_meeting *out)
{
    veld_status status;
    out->base = out->removal ? veld_span_text("false") : base_of(h, sides);
    out->meanwhile = veld_span_text("false");
    VELD_TRY(list_entries(f, h, writes, &out->writes, &out->writes_count));
    VELD_TRY(list_entries(f, h, sides, &out->sides, &out->sides_count));
    VELD_TRY(list_entries(f, h, endings, &out->endings, &out->endings_count));
    VELD_TRY(count_seen(f, h, sides, endings, &out->endings_saw));
    VELD_TRY(find_sightings(f, h, sides, out));
    if (!out->removal)
        VELD_TRY(veld_policy_among(
            &f->outlook, out->field, out->sides, out->sides_count, &out->meanwhile));
    VELD_TRY(veld_buf_append(&f->found, out, sizeof *out));

done:
    return status;
}

/* ---- a field ---- */

/* Most fields: every write replaces the one before. Then nothing can have met. */
static bool is_line(const veld_state_field *field)
{
    size_t first = 0;
    for (const veld_entry *e = field->entries; e != NULL; e = e->next) {
        if (e->replaces_count > 1)
            return false;
        first += e->replaces_count == 0;
    }
    return field->visible_count == 1 && first <= 1;
}

/* All that is tied to `i`. */
static bits tied_to(const hand *h, size_t first)
{
    bits group = BIT(first), before = 0;
    while (group != before) {
        before = group;
        for (size_t i = 0; i < h->count; i++) {
            for (size_t j = 0; (before & BIT(i)) != 0 && j < h->count; j++) {
                if (i != j && meet(h, i, j))
                    group |= BIT(j);
            }
        }
    }
    return group;
}

static bool all_equal(const hand *h, bits which)
{
    const veld_entry *first = NULL;
    for (size_t i = 0; i < h->count; i++) {
        if ((which & BIT(i)) == 0)
            continue;
        if (first != NULL && !veld_span_equal(first->value, h->entries[i]->value))
            return false;
        first = h->entries[i];
    }
    return true;
}

static veld_status find_in_field(finder *f, const veld_state_field *field)
{
    veld_status status = VELD_OK;
    hand h = {0};
    veld_reading now;
    bits done = 0;
    const veld_state_record *record = field->record;
    const veld_schema_field *schema =
        veld_schema_field_get(veld_schema_get(f->schemas, record->type), field->name);
    if (is_line(field))
        return VELD_OK;
    take_entries(f, field, &h);
    relate(f, &h);
    VELD_TRY(veld_policy_read(&f->outlook, field, &now));
    for (size_t i = 0; i < h.count; i++) {
        bits group = (done & BIT(i)) ? 0 : tied_to(&h, i);
        bits sides = group, endings = 0;
        bool open = false;
        done |= group;
        for (size_t j = 0; j < h.count; j++)
            sides &= (group & BIT(j)) ? ~h.replaced[j] : sides;
        if (all_equal(&h, sides))
            continue; /* alone, or all came to the same */
        for (size_t j = 0; j < h.count; j++) {
            for (size_t k = 0; k < h.count; k++)
                if ((group & BIT(j)) == 0 && (sides & BIT(k)) &&
                    names_it(h.entries[j], &h.entries[k]->id))
                    endings |= BIT(j);
            open = open || ((sides & BIT(j)) && !h.entries[j]->replaced);
        }
        veld_meeting meeting = {
            .record = record, .field = field, .schema = schema, .is_open = open && now.conflict};
        VELD_TRY(add_meeting(f, &h, group, sides, endings, &meeting));
    }

done:
    return status;
}

/* ---- a removal against work on the record ---- */

/* One write of each change that a removal had not seen and whose author had not seen the removal.
 */
static bits met_by(const hand *h, size_t removal)
{
    bits met = 0;
    for (size_t j = 0; j < h->count; j++) {
        bool first = j == 0 || h->places[j] != h->places[j - 1] || (met & BIT(j - 1)) == 0;
        if (!is_removed_name(h->entries[j]->field->name) && (h->seen[j] & BIT(removal)) == 0 &&
            (h->seen[removal] & BIT(j)) == 0 && first)
            met |= BIT(j);
    }
    return met;
}

static veld_status find_in_removal(finder *f, const veld_state_record *record)
{
    veld_status status = VELD_OK;
    hand h = {0};
    veld_reading now;
    const veld_state_field *removed =
        veld_state_field_get(record, veld_span_text(VELD_FIELD_REMOVED));
    if (removed == NULL)
        return VELD_OK;
    for (const veld_state_field *field = record->fields; field != NULL; field = field->next)
        take_entries(f, field, &h);
    relate(f, &h);
    VELD_TRY(veld_policy_read_removed(record, f->arena, &now));
    for (size_t i = 0; i < h.count; i++) {
        const veld_entry *entry = h.entries[i];
        if (entry->field != removed || !veld_span_equal(entry->value, veld_span_text("true")))
            continue;
        bits met = met_by(&h, i), endings = 0;
        for (size_t j = 0; j < h.count; j++) {
            if (h.entries[j]->field == removed && names_it(h.entries[j], &entry->id))
                endings |= BIT(j);
        }
        veld_meeting meeting = {.record = record,
            .field = removed,
            .removal = true,
            .is_open = now.conflict && !entry->replaced};
        if (met != 0)
            VELD_TRY(add_meeting(f, &h, met | BIT(i), met | BIT(i), endings, &meeting));
    }

done:
    return status;
}

/* ---- the case ---- */

static veld_status find_in_case(finder *f, veld_state *state)
{
    veld_status status = VELD_OK;
    size_t count;
    const veld_state_record *const *records = veld_state_records(state, &count);
    if (records == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const veld_state_field *field = records[i]->fields;
        for (; field != NULL; field = field->next) {
            if (!is_removed_name(field->name))
                VELD_TRY(find_in_field(f, field));
        }
        VELD_TRY(find_in_removal(f, records[i]));
    }

done:
    return status;
}

veld_status veld_meeting_list(const veld_env *env, veld_state *state, veld_graph *graph,
    const veld_schema_set *schemas, veld_arena *arena, const veld_meeting **out, size_t *count,
    bool *cut, veld_error *err)
{
    veld_status status;
    finder f = {.schemas = schemas, .arena = arena};
    f.outlook = veld_outlook_of(state, schemas, arena);
    veld_meeting *list = NULL;
    *out = NULL;
    *count = 0;
    veld_buf_init(&f.found, VELD_STATE_BYTES_MAX);
    VELD_TRY(map_init(&f.places, sizeof(veld_hash), env, err));
    f.order = veld_graph_order(graph, &f.count);
    status = f.order == NULL ? VELD_E_MEMORY : number_graph(&f);
    if (status == VELD_OK)
        status = find_in_case(&f, state);
    *count = f.found.len / sizeof *list;
    if (status == VELD_OK)
        list = veld_arena_get(arena, *count, sizeof *list);
    if (status != VELD_OK || list == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory to find what met in a case");
        *count = 0;
        goto done;
    }
    if (*count > 0)
        memcpy(list, f.found.data, f.found.len);
    *out = list;
    if (cut != NULL)
        *cut = f.cut;

done:
    veld_buf_release(&f.found);
    map_release(&f.places);
    return status;
}

/* The generator. Ids are drawn instead of hashed: the join must not care where they come from, and
 * ten thousand histories stay cheap. */
#include "history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history_values.h"
#include "veld_test.h"

enum { RECORDS = 4, FIELDS = 3, VALUES = 4 };

static const char *const types[] = {"person", "note"};
static const char *const names[] = {"name", "text", "birthDate", VELD_FIELD_REMOVED};

static void draw(history *h, uint8_t *out, size_t bytes)
{
    assert_ok(veld_env_random(&h->world.env, out, bytes, NULL));
}

void replica_new(history *h, replica *r)
{
    memset(r, 0, sizeof *r);
    draw(h, r->device.bytes, sizeof r->device.bytes);
    draw(h, r->incarnation, sizeof r->incarnation);
    assert_ok(veld_state_new(&h->world.env, &r->state, NULL));
    assert_ok(veld_graph_new(&h->world.env, &r->graph, NULL));
}

void replica_free(replica *r)
{
    veld_state_free(r->state);
    veld_graph_free(r->graph);
    memset(r, 0, sizeof *r);
}

void replica_take(history *h, replica *r, size_t change)
{
    assert_ok(veld_state_apply(r->state, h->changes[change], NULL, NULL));
    assert_ok(veld_graph_add(r->graph, h->changes[change], NULL, NULL));
    r->holds[change] = true;
}

static int by_write_id(const void *a, const void *b)
{
    return veld_write_id_compare(a, b);
}

/* The visible writes of one field, or of the whole record when `field` is NULL. */
static const veld_write_id *visible(
    history *h, const replica *r, const veld_write *write, bool whole_record, size_t *count)
{
    *count = 0;
    const veld_state_record *record = veld_state_record_get(r->state, write->type, &write->record);
    if (record == NULL)
        return NULL;
    veld_write_id *ids = veld_arena_get(&h->arena, 512, sizeof *ids);
    assert_non_null(ids);
    for (const veld_state_field *f = record->fields; f != NULL; f = f->next) {
        if (!whole_record && !veld_span_equal(f->name, write->field))
            continue;
        for (const veld_entry *e = f->entries; e != NULL; e = e->next) {
            if (!e->replaced)
                ids[(*count)++] = e->id;
        }
    }
    assert_true(*count <= 512);
    qsort(ids, *count, sizeof *ids, by_write_id);
    return ids;
}

/* What an author drops of what she sees: a decision that does not name a side, an element that
 * stays in its set. */
static void see_less(history *h, veld_write *write)
{
    veld_write_id *kept = veld_arena_get(&h->arena, write->replaces_count + 1, sizeof *kept);
    assert_non_null(kept);
    size_t count = 0;
    for (size_t i = 0; i < write->replaces_count; i++) {
        if (test_env_number(&h->world, 2) == 0)
            kept[count++] = write->replaces[i];
    }
    write->replaces = kept;
    write->replaces_count = count;
}

static void make_write_by_schemas(history *h, const replica *r, veld_write *write)
{
    const history_place *place = &h->places[test_env_number(&h->world, HISTORY_PLACES)];
    bool set = place->schema != NULL && veld_policy_is_set(place->schema->policy);
    *write = (veld_write){.record = place->record, .type = place->type, .field = place->field};
    if (test_env_number(&h->world, 10) == 0)
        write->field = veld_span_text(VELD_FIELD_REMOVED);
    bool removal = write->field.data[0] == '@';
    if (removal)
        write->value = veld_span_text(test_env_number(&h->world, 3) == 0 ? "false" : "true");
    else
        write->value = history_value(&h->world, &h->arena, place->schema);
    write->replaces = visible(h, r, write, false, &write->replaces_count);
    if (set || test_env_number(&h->world, 8) == 0)
        see_less(h, write);
    /* A basis on another record: danger that was known, or a lowering. */
    veld_write known = *write;
    if (!removal && test_env_number(&h->world, 2) == 0) {
        place = &h->places[test_env_number(&h->world, HISTORY_PLACES)];
        known.record = place->record;
        known.type = place->type;
    }
    if (removal || test_env_number(&h->world, 3) == 0)
        write->basis = visible(h, r, &known, true, &write->basis_count);
    draw(h, write->id.bytes, sizeof write->id.bytes);
}

static void make_write(history *h, const replica *r, veld_write *write)
{
    if (h->by_schemas) {
        make_write_by_schemas(h, r, write);
        return;
    }
    memset(write, 0, sizeof *write);
    write->record.bytes[15] = (uint8_t)test_env_number(&h->world, RECORDS);
    write->type = veld_span_text(types[test_env_number(&h->world, 2)]);
    write->field = veld_span_text(names[test_env_number(&h->world, FIELDS + 1)]);
    bool removal = write->field.data[0] == '@';
    static const char *const values[VALUES] = {"\"a\"", "\"b\"", "null", "7"};
    uint64_t value = test_env_number(&h->world, VALUES);
    write->value = veld_span_text(removal ? (value % 2 ? "true" : "false") : values[value]);
    write->replaces = visible(h, r, write, false, &write->replaces_count);
    if (removal)
        write->basis = visible(h, r, write, true, &write->basis_count);
    draw(h, write->id.bytes, sizeof write->id.bytes);
}

static void set_parents(history *h, replica *r, veld_change *change)
{
    size_t count;
    const veld_node *const *heads = veld_graph_heads(r->graph, &count);
    assert_non_null(heads);
    veld_parent *parents = veld_arena_get(&h->arena, count, sizeof *parents);
    assert_non_null(parents);
    for (size_t i = 0; i < count; i++)
        parents[i] = (veld_parent){.id = heads[i]->id, .git = heads[i]->git};
    change->parents = parents;
    change->parents_count = count;
}

/* Clocks that differ by hours, and ties: what a hybrid clock says, so that children come later than
 * their parents, is not asked of them here. Some devices saw the server, some clocks are nonsense.
 */
static void set_time(history *h, const replica *r, veld_change *change)
{
    test_env_advance(&h->world, (int64_t)test_env_number(&h->world, 3) * 60000);
    int64_t wall = h->world.now.wall_utc_ms + r->skew_ms;
    bool seen = test_env_number(&h->world, 2) == 0;
    change->time = (veld_change_time){.wall_utc_ms = wall,
        .server_utc_ms = seen ? h->world.now.wall_utc_ms - 600000 : 0,
        .hybrid_ms = test_env_number(&h->world, 12) == 0 ? VELD_CHANGE_TIME_MS_MAX : wall,
        .hybrid_count = (uint32_t)test_env_number(&h->world, 2)};
}

/* Now and then a change decides about one of its own fields. */
static size_t add_decision(history *h, const replica *r, veld_write *writes, size_t count)
{
    static const char *const fields[2] = {"record", "field"};
    char id[VELD_ID_TEXT_SIZE], text[VELD_ID_TEXT_SIZE + 8];
    veld_id record = {.bytes = {0xD0}};
    if (!h->by_schemas || test_env_number(&h->world, 8) != 0 || writes[0].field.data[0] == '@')
        return count;
    record.bytes[15] = (uint8_t)test_env_number(&h->world, 4);
    veld_id_format(&writes[0].record, id);
    for (size_t i = 0; i < 2; i++) {
        veld_write *write = &writes[count + i];
        *write = (veld_write){.record = record,
            .type = veld_span_text(record.bytes[15] % 2 ? "decision" : "confirmation"),
            .field = veld_span_text(fields[i])};
        if (i == 0)
            snprintf(text, sizeof text, "\"%s\"", id);
        else
            snprintf(text, sizeof text, "\"%.*s\"", (int)writes[0].field.len,
                (const char *)writes[0].field.data);
        assert_ok(veld_arena_copy(&h->arena, veld_span_text(text), &write->value));
        write->replaces = visible(h, r, write, false, &write->replaces_count);
        draw(h, write->id.bytes, sizeof write->id.bytes);
    }
    return count + 2;
}

static void edit(history *h, replica *r)
{
    if (h->count == HISTORY_CHANGES_MAX)
        return;
    veld_change *change = veld_arena_get(&h->arena, 1, sizeof *change);
    size_t count = 1 + test_env_number(&h->world, 3);
    veld_write *writes = veld_arena_get(&h->arena, count + 2, sizeof *writes);
    assert_true(change != NULL && writes != NULL);
    change->device = r->device;
    memcpy(change->incarnation, r->incarnation, sizeof change->incarnation);
    change->number = ++r->number;
    set_parents(h, r, change);
    if (h->by_schemas)
        set_time(h, r, change);
    for (size_t i = 0; i < count; i++)
        make_write(h, r, &writes[i]);
    count = add_decision(h, r, writes, count);
    change->writes = writes;
    change->writes_count = count;
    draw(h, change->core.bytes, sizeof change->core.bytes);
    draw(h, change->id.bytes, sizeof change->id.bytes);
    h->changes[h->count] = change;
    replica_take(h, r, h->count++);
}

void history_shuffle(history *h, size_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t other = test_env_number(&h->world, i + 1);
        order[i] = order[other];
        order[other] = i;
    }
}

/* Hand over a random part of what `from` holds, in any order, with gaps and repetitions. */
static void exchange(history *h, const replica *from, replica *to)
{
    size_t order[HISTORY_CHANGES_MAX];
    history_shuffle(h, order, h->count);
    uint64_t percent = 20 + test_env_number(&h->world, 100);
    for (size_t i = 0; i < h->count; i++) {
        if (from->holds[order[i]] && test_env_number(&h->world, 100) < percent)
            replica_take(h, to, order[i]);
    }
}

/* Make `to` what `from` was some time ago, chain and all: a clone, or a restored backup. */
static void clone(history *h, const replica *from, replica *to)
{
    int64_t skew_ms = to->skew_ms;
    replica_free(to);
    replica_new(h, to);
    to->skew_ms = skew_ms;
    to->device = from->device;
    memcpy(to->incarnation, from->incarnation, sizeof to->incarnation);
    for (size_t i = 0; i < h->count; i++) {
        bool own = veld_id_equal(&h->changes[i]->device, &from->device);
        if (!from->holds[i] || test_env_number(&h->world, 4) == 0)
            continue;
        replica_take(h, to, i);
        if (own && h->changes[i]->number > to->number)
            to->number = h->changes[i]->number;
    }
}

/* Few places, so that devices meet on them: two records, some of their fields, now and then one
 * that no schema knows. */
static void draw_places(history *h, const veld_schema_set *schemas)
{
    size_t count;
    const veld_schema *list = veld_schema_list(schemas, &count);
    const veld_schema *schema[2] = {
        &list[test_env_number(&h->world, count)], &list[test_env_number(&h->world, count)]};
    if (test_env_number(&h->world, 3) == 0) { /* what danger is about */
        schema[0] = veld_schema_get(schemas, veld_span_text("case"));
        schema[1] = veld_schema_get(schemas, veld_span_text("incident"));
    }
    static const char *const guarded[][2] = {{"home-ban", "home-ban-decision"},
        {"handover", "reporter-consent"}, {"case", "handover"}, {"retention", "case"}};
    if (test_env_number(&h->world, 6) == 0) {
        size_t pair = test_env_number(&h->world, sizeof guarded / sizeof *guarded);
        for (size_t i = 0; i < 2; i++)
            schema[i] = veld_schema_get(schemas, veld_span_text(guarded[pair][i]));
    }
    bool texts = test_env_number(&h->world, 4) == 0;
    if (texts)
        schema[0] = veld_schema_get(schemas, veld_span_text("note"));
    for (size_t i = 0; i < HISTORY_PLACES; i++) {
        const veld_schema *s = schema[i % 2];
        history_place *place = &h->places[i];
        place->record.bytes[15] = (uint8_t)(1 + i % 2);
        place->type = s->type;
        place->schema = &s->fields[test_env_number(&h->world, s->fields_count)];
        if (texts && i % 4 == 0)
            place->schema = veld_schema_field_get(s, veld_span_text("text"));
        place->field = place->schema->name;
        if (test_env_number(&h->world, 16) == 0) {
            place->schema = NULL;
            place->field = veld_span_text("ofANewerProgram");
        }
    }
}

static void play(history *h, uint64_t seed, const veld_schema_set *schemas)
{
    memset(h, 0, sizeof *h);
    test_env_init(&h->world, seed);
    veld_arena_init(&h->arena, 64 << 20);
    h->by_schemas = schemas != NULL;
    if (h->by_schemas)
        draw_places(h, schemas);
    h->replicas_count = 2 + test_env_number(&h->world, HISTORY_DEVICES_MAX - 1);
    for (size_t i = 0; i < h->replicas_count; i++) {
        replica_new(h, &h->replicas[i]);
        if (h->by_schemas)
            h->replicas[i].skew_ms = (int64_t)test_env_number(&h->world, 5) * 600000;
    }
    size_t steps = 10 + test_env_number(&h->world, 120);
    for (size_t step = 0; step < steps; step++) {
        replica *one = &h->replicas[test_env_number(&h->world, h->replicas_count)];
        replica *other = &h->replicas[test_env_number(&h->world, h->replicas_count)];
        uint64_t what = test_env_number(&h->world, 100);
        if (what < 60)
            edit(h, one);
        else if (what < 98)
            exchange(h, one, other);
        else if (one != other)
            clone(h, one, other);
    }
}

void history_play(history *h, uint64_t seed)
{
    play(h, seed, NULL);
}

void history_play_by(history *h, uint64_t seed, const veld_schema_set *schemas)
{
    play(h, seed, schemas);
}

void history_release(history *h)
{
    for (size_t i = 0; i < h->replicas_count; i++)
        replica_free(&h->replicas[i]);
    veld_arena_release(&h->arena);
}

void replica_text(replica *r, veld_buf *out)
{
    size_t count;
    const veld_state_record *const *records = veld_state_records(r->state, &count);
    assert_non_null(records);
    for (size_t i = 0; i < count; i++) {
        char id[VELD_ID_TEXT_SIZE];
        veld_id_format(&records[i]->id, id);
        assert_ok(veld_buf_append_span(out, records[i]->type));
        assert_ok(veld_buf_append_format(out, "/%s\n", id));
        assert_ok(veld_state_render(records[i], out));
    }
}

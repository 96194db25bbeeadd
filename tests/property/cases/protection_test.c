/* The laws of protection, over random histories of up to six devices, some of which lie: they leave
 * out what they knew, or replace what they like.
 *
 *   - what is shown depends on the set of changes only, also through a checkpoint
 *   - where less protection is shown than somebody once wrote, some later write lowered it whose
 *     author knew of all the danger there is, or was known by who recorded it
 *   - what restricts is loosened by a decision only
 *   - a case with acute danger is never shown as closed
 *
 * VELD_HISTORIES sets how many histories are played. */
#include "veld_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_env.h"
#include "veldkit/checkpoint.h"
#include "veldkit/crypto.h"
#include "veldkit/policy.h"
#include "veldkit/view.h"

enum { DEVICES = 6, CHANGES = 96, INCIDENTS = 6, BASIS = 64 };

typedef struct device {
    veld_state *state;
    veld_graph *graph;
    bool holds[CHANGES];
} device;

typedef struct play {
    test_env world;
    veld_arena arena;
    const veld_schema_set *schemas;
    veld_change changes[CHANGES];
    size_t count;
    device devices[DEVICES];
    size_t devices_count;
} play;

static unsigned long histories(void)
{
    const char *text = getenv("VELD_HISTORIES");
    return text != NULL ? strtoul(text, NULL, 10) : 2000;
}

static void draw(play *p, uint8_t *out, size_t bytes)
{
    assert_ok(veld_env_random(&p->world.env, out, bytes, NULL));
}

static void device_new(play *p, device *d)
{
    memset(d, 0, sizeof *d);
    assert_ok(veld_state_new(&p->world.env, &d->state, NULL));
    assert_ok(veld_graph_new(&p->world.env, &d->graph, NULL));
}

static void device_free(device *d)
{
    veld_state_free(d->state);
    veld_graph_free(d->graph);
}

static void take(play *p, device *d, size_t change)
{
    assert_ok(veld_state_apply(d->state, &p->changes[change], NULL, NULL));
    assert_ok(veld_graph_add(d->graph, &p->changes[change], NULL, NULL));
    d->holds[change] = true;
}

/* ---- making ---- */

static const struct choice {
    const char *type, *field;
    const char *values[10];
    size_t count;
} choices[] = {
    {"case", "priorityCode", {"\"red\"", "\"orange\"", "\"yellow\"", "null"}, 4},
    {"case", "acuteDanger", {"true", "false", "null"}, 3},
    {"case", "restricted", {"true", "false"}, 2},
    {"case", "phase",
        {"\"received\"", "\"assessing\"", "\"decided\"", "\"investigation\"", "\"handover\"",
            "\"monitoring\"", "\"closed\"", "\"newer\""},
        8},
    {"case", "responsibilityHolder", {"\"veiligThuis\"", "\"localTeam\"", "\"reporter\""}, 3},
    {"incident", "occurredAt", {"\"2026-03-02T20:30:00Z\""}, 1},
};

static int by_id(const void *a, const void *b)
{
    return veld_write_id_compare(a, b);
}

static const veld_state_field *field_of(const play *p, const device *d, const veld_write *write)
{
    (void)p;
    const veld_state_record *record = veld_state_record_get(d->state, write->type, &write->record);
    return record == NULL ? NULL : veld_state_field_get(record, write->field);
}

/* What is visible there; a liar leaves some of it out. */
static void set_replaces(play *p, const device *d, veld_write *write, bool lies)
{
    const veld_state_field *field = field_of(p, d, write);
    veld_write_id *ids = veld_arena_get(&p->arena, CHANGES, sizeof *ids);
    assert_non_null(ids);
    const veld_entry *e = field == NULL ? NULL : field->entries;
    for (; e != NULL && !e->replaced; e = e->next) {
        if (!lies || test_env_number(&p->world, 2) == 0)
            ids[write->replaces_count++] = e->id;
    }
    qsort(ids, write->replaces_count, sizeof *ids, by_id);
    write->replaces = ids;
}

static void set_basis(play *p, const device *d, veld_write *write, bool lies)
{
    if (lies && test_env_number(&p->world, 2) == 0)
        return;
    veld_outlook outlook = veld_outlook_of(d->state, p->schemas, &p->arena);
    const veld_schema_field *schema =
        veld_schema_field_get(veld_schema_get(p->schemas, write->type), write->field);
    assert_ok(veld_policy_basis(
        &outlook, schema, field_of(p, d, write), write->value, &write->basis, &write->basis_count));
}

static void make_write(play *p, const device *d, veld_write *write, bool lies)
{
    const struct choice *what =
        &choices[test_env_number(&p->world, sizeof choices / sizeof *choices)];
    memset(write, 0, sizeof *write);
    bool incident = strcmp(what->type, "incident") == 0;
    write->record.bytes[15] = incident ? (uint8_t)(2 + test_env_number(&p->world, INCIDENTS)) : 1;
    write->type = veld_span_text(what->type);
    write->field = veld_span_text(what->field);
    write->value = veld_span_text(what->values[test_env_number(&p->world, what->count)]);
    set_replaces(p, d, write, lies);
    set_basis(p, d, write, lies);
    draw(p, write->id.bytes, sizeof write->id.bytes);
}

/* The two writes of a decision about the field of `about`. */
static void make_decision(play *p, const veld_write *about, veld_write *writes)
{
    veld_id record;
    draw(p, record.bytes, sizeof record.bytes);
    for (size_t i = 0; i < 2; i++) {
        char text[64] = "\"";
        if (i == 0)
            veld_id_format(&about->record, text + 1);
        else
            memcpy(text + 1, about->field.data, about->field.len);
        text[strlen(text)] = '"';
        memset(&writes[i], 0, sizeof writes[i]);
        writes[i].record = record;
        writes[i].type = veld_span_text("decision");
        writes[i].field = veld_span_text(i == 0 ? "record" : "field");
        assert_ok(veld_arena_copy(&p->arena, veld_span_text(text), &writes[i].value));
        draw(p, writes[i].id.bytes, sizeof writes[i].id.bytes);
    }
}

static void save(play *p, device *d)
{
    if (p->count == CHANGES)
        return;
    bool lies = test_env_number(&p->world, 8) == 0;
    bool decides = test_env_number(&p->world, 6) == 0;
    size_t count = decides ? 1 : 1 + test_env_number(&p->world, 2);
    veld_change *change = &p->changes[p->count];
    veld_write *writes = veld_arena_get(&p->arena, 3, sizeof *writes);
    assert_non_null(writes);
    for (size_t i = 0; i < count; i++)
        make_write(p, d, &writes[i], lies);
    if (decides)
        make_decision(p, &writes[0], &writes[1]);
    memset(change, 0, sizeof *change);
    change->writes = writes;
    change->writes_count = decides ? 3 : count;
    change->number = p->count + 1;
    change->time.hybrid_ms = (int64_t)test_env_number(&p->world, 1000);
    draw(p, change->core.bytes, sizeof change->core.bytes);
    draw(p, change->id.bytes, sizeof change->id.bytes);
    take(p, d, p->count++);
}

static void exchange(play *p, const device *from, device *to)
{
    uint64_t percent = 30 + test_env_number(&p->world, 90);
    for (size_t i = 0; i < p->count; i++) {
        if (from->holds[i] && test_env_number(&p->world, 100) < percent)
            take(p, to, i);
    }
}

static void play_one(play *p, const veld_schema_set *schemas, unsigned long seed)
{
    memset(p, 0, sizeof *p);
    test_env_init(&p->world, seed);
    veld_arena_init(&p->arena, 64 << 20);
    p->schemas = schemas;
    p->devices_count = 2 + test_env_number(&p->world, DEVICES - 1);
    for (size_t i = 0; i < p->devices_count; i++)
        device_new(p, &p->devices[i]);
    size_t steps = 10 + test_env_number(&p->world, 90);
    for (size_t i = 0; i < steps; i++) {
        device *one = &p->devices[test_env_number(&p->world, p->devices_count)];
        device *other = &p->devices[test_env_number(&p->world, p->devices_count)];
        if (test_env_number(&p->world, 100) < 60)
            save(p, one);
        else
            exchange(p, one, other);
    }
}

static void release(play *p)
{
    for (size_t i = 0; i < p->devices_count; i++)
        device_free(&p->devices[i]);
    veld_arena_release(&p->arena);
}

/* ---- laws ---- */

static void read_all(play *p, veld_state *state, veld_buf *out)
{
    static const veld_id case_id = {.bytes = {1}};
    veld_json_writer writer;
    const veld_conflict *conflicts = NULL;
    size_t count;
    veld_buf_clear(out);
    veld_json_writer_init(&writer, out);
    veld_json_writer_array_begin(&writer);
    const veld_place place = {.case_id = case_id, .dossier = case_id};
    const veld_view_part part = {.case_id = case_id, .state = state};
    assert_ok(
        veld_view_case(&place, &part, 1, veld_span_text(""), p->schemas, &p->arena, &writer, NULL));
    assert_ok(veld_conflict_list(state, p->schemas, &case_id, &p->arena, &conflicts, &count, NULL));
    for (size_t i = 0; i < count; i++)
        veld_view_conflict(&conflicts[i], &place, NULL, &writer);
    veld_json_writer_array_end(&writer);
    assert_ok(veld_json_writer_finish(&writer, NULL));
}

/* All changes in random order, some twice; half of them through a checkpoint when `by_checkpoint`.
 */
static void take_all(play *p, device *d, bool by_checkpoint)
{
    size_t order[CHANGES] = {0};
    for (size_t i = 0; i < p->count; i++) {
        size_t other = test_env_number(&p->world, i + 1);
        order[i] = order[other];
        order[other] = i;
    }
    for (size_t i = 0; i < p->count; i++) {
        if (by_checkpoint && i == p->count / 2) {
            veld_buf bytes;
            veld_buf_init(&bytes, 8 << 20);
            assert_ok(veld_checkpoint_write(d->state, d->graph, p->schemas, &bytes, NULL));
            device_free(d);
            assert_ok(veld_checkpoint_read(
                &p->world.env, veld_buf_span(&bytes), &d->state, &d->graph, NULL));
            veld_buf_release(&bytes);
        }
        take(p, d, order[i]);
        take(p, d, order[test_env_number(&p->world, i + 1)]);
    }
}

static bool lists(const veld_write_id *ids, size_t count, const veld_write_id *wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (veld_write_id_equal(&ids[i], wanted))
            return true;
    }
    return false;
}

/* By the letter: does `write` know every danger there is, or do they know it? */
static bool knows_all_danger(play *p, veld_state *state, const veld_entry *write)
{
    for (size_t c = 0; c < p->count; c++) {
        for (size_t w = 0; w < p->changes[c].writes_count; w++) {
            const veld_write *danger = &p->changes[c].writes[w];
            const veld_schema_field *schema =
                veld_schema_field_get(veld_schema_get(p->schemas, danger->type), danger->field);
            bool visible = !veld_state_entry_get(state, &danger->id)->replaced;
            if (!visible || !veld_schema_is_danger(schema, danger->value))
                continue;
            if (!veld_hash_equal(&p->changes[c].core, &write->origin->core) &&
                !lists(write->basis, write->basis_count, &danger->id) &&
                !lists(danger->basis, danger->basis_count, &write->id))
                return false;
        }
    }
    return true;
}

static bool is_in_past(veld_state *state, const veld_entry *of, const veld_entry *wanted)
{
    for (size_t i = 0; i < of->replaces_count; i++) {
        const veld_entry *before = veld_state_entry_get(state, &of->replaces[i]);
        if (before != NULL && (before == wanted || is_in_past(state, before, wanted)))
            return true;
    }
    return false;
}

static bool is_decided(const play *p, const veld_entry *write)
{
    for (size_t c = 0; c < p->count; c++) {
        if (veld_hash_equal(&p->changes[c].core, &write->origin->core))
            return p->changes[c].writes_count == 3;
    }
    return false;
}

/* Every write that protects more than what is shown was lowered by a write that was free to. */
static size_t check_lowering(play *p, veld_state *state, const char *name, const char *seed)
{
    veld_reading reading;
    veld_id id = {.bytes = {[15] = 1}};
    veld_outlook outlook = veld_outlook_of(state, p->schemas, &p->arena);
    const veld_state_record *record = veld_state_record_get(state, veld_span_text("case"), &id);
    const veld_state_field *field =
        record == NULL ? NULL : veld_state_field_get(record, veld_span_text(name));
    if (field == NULL)
        return 0;
    const veld_schema_field *schema = veld_schema_field_get(
        veld_schema_get(p->schemas, veld_span_text("case")), veld_span_text(name));
    assert_ok(veld_policy_read(&outlook, field, &reading));
    int64_t shown = veld_schema_protection(schema, reading.effective);
    for (const veld_entry *high = field->entries; high != NULL; high = high->next) {
        int64_t before = veld_schema_protection(schema, high->value);
        bool freed = before <= shown;
        for (const veld_entry *e = field->entries; e != NULL && !freed; e = e->next)
            freed = veld_schema_protection(schema, e->value) < before &&
                    is_in_past(state, e, high) &&
                    (schema->held_by_danger ? knows_all_danger(p, state, e) : is_decided(p, e));
        if (!freed)
            fail_msg("%s: %s fell without a person", seed, name);
    }
    return reading.held;
}

static veld_span shown(play *p, veld_state *state, const char *name)
{
    veld_reading reading = {0};
    veld_id id = {.bytes = {[15] = 1}};
    veld_outlook outlook = veld_outlook_of(state, p->schemas, &p->arena);
    const veld_state_record *record = veld_state_record_get(state, veld_span_text("case"), &id);
    const veld_state_field *field =
        record == NULL ? NULL : veld_state_field_get(record, veld_span_text(name));
    if (field != NULL)
        assert_ok(veld_policy_read(&outlook, field, &reading));
    return reading.effective;
}

static void protection_never_falls_without_a_person_or_a_full_basis(void **state)
{
    size_t held = 0;
    veld_buf first, other;
    veld_buf_init(&first, 8 << 20);
    veld_buf_init(&other, 8 << 20);
    static play p;
    for (unsigned long seed = 1; seed <= histories(); seed++) {
        char name[32];
        device one, two;
        snprintf(name, sizeof name, "seed %lu", seed);
        play_one(&p, *state, seed);
        device_new(&p, &one);
        device_new(&p, &two);
        take_all(&p, &one, false);
        take_all(&p, &two, true);
        read_all(&p, one.state, &first);
        read_all(&p, two.state, &other);
        if (!veld_span_equal(veld_buf_span(&first), veld_buf_span(&other)))
            fail_msg("%s: two replicas show different cases", name);
        held += check_lowering(&p, one.state, "priorityCode", name);
        held += check_lowering(&p, one.state, "acuteDanger", name);
        held += check_lowering(&p, one.state, "restricted", name);
        if (veld_span_equal(shown(&p, one.state, "acuteDanger"), veld_span_text("true")) &&
            veld_span_equal(shown(&p, one.state, "phase"), veld_span_text("\"closed\"")))
            fail_msg("%s: a case in danger is closed", name);
        device_free(&one);
        device_free(&two);
        release(&p);
    }
    print_message("%lu histories, %zu fields held back\n", histories(), held);
    assert_true(held > histories() / 10);
    veld_buf_release(&first);
    veld_buf_release(&other);
}

static int begin(void **state)
{
    veld_schema_set *schemas = NULL;
    assert_ok(veld_crypto_init(NULL));
    assert_ok(veld_schema_set_new(&schemas, NULL));
    *state = schemas;
    return 0;
}

static int end(void **state)
{
    veld_schema_set_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            protection_never_falls_without_a_person_or_a_full_basis, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

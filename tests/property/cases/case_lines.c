/* Writing needs nothing but the history; reading fills a list of changes and applies them in the
 * order they come, which must not matter. */
#include "case_lines.h"

#include <stdlib.h>
#include <string.h>

#include "veldkit/json.h"
#include "veldkit/view.h"

#include "veld_test.h"

enum { ANSWER_BYTES_MAX = 16 << 20, ARENA_BYTES_MAX = 256 << 20 };

static void put_line(veld_json_writer *writer, veld_buf *bytes, FILE *out)
{
    assert_ok(veld_json_writer_finish(writer, NULL));
    fwrite(bytes->data, 1, bytes->len, out);
    fputc('\n', out);
    veld_buf_release(bytes);
}

/* ---- histories ---- */
static void put_hex(veld_json_writer *writer, const uint8_t *bytes, size_t len)
{
    char text[2 * VELD_HASH_BYTES + 1];
    veld_hex_encode(veld_span_of(bytes, len), text, sizeof text);
    veld_json_writer_text(writer, text);
}

static void put_ids(
    veld_json_writer *writer, const char *name, const veld_write_id *ids, size_t count)
{
    veld_json_writer_name(writer, name);
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; i < count; i++)
        put_hex(writer, ids[i].bytes, sizeof ids[i].bytes);
    veld_json_writer_array_end(writer);
}

static void put_place(
    veld_json_writer *writer, veld_span type, const veld_id *record, veld_span field)
{
    char text[VELD_ID_TEXT_SIZE];
    veld_id_format(record, text);
    veld_json_writer_name(writer, "field");
    veld_json_writer_text_span(writer, field);
    veld_json_writer_name(writer, "record");
    veld_json_writer_text(writer, text);
    veld_json_writer_name(writer, "type");
    veld_json_writer_text_span(writer, type);
}

static void put_integer(veld_json_writer *writer, const char *name, int64_t value)
{
    veld_json_writer_name(writer, name);
    veld_json_writer_integer(writer, value);
}

static void put_write(veld_json_writer *writer, const veld_write *write)
{
    veld_json_writer_object_begin(writer);
    put_ids(writer, "basis", write->basis, write->basis_count);
    put_place(writer, write->type, &write->record, write->field);
    put_ids(writer, "replaces", write->replaces, write->replaces_count);
    veld_json_writer_name(writer, "value");
    veld_json_writer_canonical(writer, write->value);
    veld_json_writer_name(writer, "write");
    put_hex(writer, write->id.bytes, sizeof write->id.bytes);
    veld_json_writer_object_end(writer);
}

static void put_change(veld_json_writer *writer, const veld_change *change)
{
    veld_json_writer_object_begin(writer);
    veld_json_writer_name(writer, "change");
    put_hex(writer, change->id.bytes, sizeof change->id.bytes);
    veld_json_writer_name(writer, "core");
    put_hex(writer, change->core.bytes, sizeof change->core.bytes);
    veld_json_writer_name(writer, "device");
    put_hex(writer, change->device.bytes, sizeof change->device.bytes);
    put_integer(writer, "hybridCount", change->time.hybrid_count);
    put_integer(writer, "hybridMs", change->time.hybrid_ms);
    put_integer(writer, "number", (int64_t)change->number);
    veld_json_writer_name(writer, "parents");
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; i < change->parents_count; i++)
        put_hex(writer, change->parents[i].id.bytes, sizeof change->parents[i].id.bytes);
    veld_json_writer_array_end(writer);
    put_integer(writer, "serverMs", change->time.server_utc_ms);
    put_integer(writer, "wallMs", change->time.wall_utc_ms);
    veld_json_writer_name(writer, "writes");
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; i < change->writes_count; i++)
        put_write(writer, &change->writes[i]);
    veld_json_writer_array_end(writer);
    veld_json_writer_object_end(writer);
}

void case_lines_put_history(const history *h, unsigned long seed, FILE *out)
{
    veld_buf bytes;
    veld_json_writer writer;
    veld_buf_init(&bytes, ANSWER_BYTES_MAX);
    veld_json_writer_init(&writer, &bytes);
    veld_json_writer_object_begin(&writer);
    veld_json_writer_name(&writer, "changes");
    veld_json_writer_array_begin(&writer);
    for (size_t i = 0; i < h->count; i++)
        put_change(&writer, h->changes[i]);
    veld_json_writer_array_end(&writer);
    put_integer(&writer, "seed", (int64_t)seed);
    veld_json_writer_object_end(&writer);
    put_line(&writer, &bytes, out);
}

/* ---- reading a line ---- */
typedef struct reader {
    veld_arena arena;
    bool failed;
} reader;

static void *get(reader *r, size_t count, size_t size)
{
    void *out = veld_arena_get(&r->arena, count, size);
    assert_non_null(out);
    return out;
}

static veld_span text_of(reader *r, const veld_json_value *object, const char *name)
{
    veld_span text = {0};
    r->failed = !veld_json_text(veld_json_get(object, name), &text) || r->failed;
    return text;
}

static int64_t integer_of(reader *r, const veld_json_value *object, const char *name)
{
    int64_t value = 0;
    r->failed = !veld_json_integer(veld_json_get(object, name), &value) || r->failed;
    return value;
}

static void hex_of(
    reader *r, const veld_json_value *object, const char *name, uint8_t *out, size_t len)
{
    r->failed = veld_hex_decode(text_of(r, object, name), out, len) != VELD_OK || r->failed;
}

static const veld_write_id *ids_of(
    reader *r, const veld_json_value *object, const char *name, size_t *count)
{
    const veld_json_value *list = veld_json_get(object, name);
    veld_write_id *ids = get(r, veld_json_count(list), sizeof *ids);
    *count = 0;
    for (const veld_json_value *v = veld_json_first(list); v != NULL; v = veld_json_next(v)) {
        veld_span text = {0};
        r->failed = !veld_json_text(v, &text) || r->failed;
        r->failed =
            veld_hex_decode(text, ids[*count].bytes, sizeof ids->bytes) != VELD_OK || r->failed;
        (*count)++;
    }
    return ids;
}

static void read_write(reader *r, const veld_json_value *value, veld_write *out)
{
    veld_buf bytes;
    veld_buf_init(&bytes, VELD_CHANGE_VALUE_BYTES_MAX);
    out->type = text_of(r, value, "type");
    out->field = text_of(r, value, "field");
    r->failed = veld_id_parse(text_of(r, value, "record"), &out->record) != VELD_OK || r->failed;
    hex_of(r, value, "write", out->id.bytes, sizeof out->id.bytes);
    out->replaces = ids_of(r, value, "replaces", &out->replaces_count);
    out->basis = ids_of(r, value, "basis", &out->basis_count);
    assert_ok(veld_json_canonical(veld_json_get(value, "value"), &bytes, NULL));
    assert_ok(veld_arena_copy(&r->arena, veld_buf_span(&bytes), &out->value));
    veld_buf_release(&bytes);
}

static void read_change(reader *r, const veld_json_value *value, veld_change *out)
{
    hex_of(r, value, "change", out->id.bytes, sizeof out->id.bytes);
    hex_of(r, value, "core", out->core.bytes, sizeof out->core.bytes);
    hex_of(r, value, "device", out->device.bytes, sizeof out->device.bytes);
    out->number = (uint64_t)integer_of(r, value, "number");
    out->time.wall_utc_ms = integer_of(r, value, "wallMs");
    out->time.server_utc_ms = integer_of(r, value, "serverMs");
    out->time.hybrid_ms = integer_of(r, value, "hybridMs");
    out->time.hybrid_count = (uint32_t)integer_of(r, value, "hybridCount");
    const veld_json_value *list = veld_json_get(value, "writes");
    out->writes = get(r, veld_json_count(list), sizeof *out->writes);
    for (const veld_json_value *v = veld_json_first(list); v != NULL; v = veld_json_next(v))
        read_write(r, v, &out->writes[out->writes_count++]);
}

/* ---- readings ---- */
static void put_reading(veld_json_writer *writer, const veld_state_record *record, veld_span field,
    const veld_reading *reading)
{
    veld_json_writer_object_begin(writer);
    veld_json_writer_name(writer, "conflict");
    veld_json_writer_boolean(writer, reading->conflict);
    veld_json_writer_name(writer, "effective");
    veld_json_writer_canonical(writer, reading->effective);
    put_place(writer, record->type, &record->id, field);
    veld_json_writer_name(writer, "held");
    veld_json_writer_boolean(writer, reading->held);
    veld_json_writer_name(writer, "integrity");
    veld_json_writer_boolean(writer, reading->integrity);
    veld_json_writer_name(writer, "sides");
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; i < reading->sides_count; i++) {
        veld_json_writer_array_begin(writer);
        veld_json_writer_canonical(writer, reading->sides[i].value);
        put_hex(writer, reading->sides[i].entry->id.bytes, sizeof(veld_write_id));
        veld_json_writer_array_end(writer);
    }
    veld_json_writer_array_end(writer);
    veld_json_writer_object_end(writer);
}

static void put_record(reader *r, veld_outlook *outlook, const veld_state_record *record,
    plant_kind plant, veld_json_writer *writer)
{
    veld_reading reading;
    for (const veld_state_field *f = record->fields; f != NULL; f = f->next) {
        if (f->name.data[0] == '@')
            continue;
        assert_ok(veld_policy_read(outlook, f, &reading));
        plant_out(plant, &reading);
        put_reading(writer, record, f->name, &reading);
    }
    assert_ok(veld_policy_read_removed(record, &r->arena, &reading));
    put_reading(writer, record, veld_span_text(VELD_FIELD_REMOVED), &reading);
}

static void put_conflict(veld_json_writer *writer, const veld_conflict *conflict)
{
    veld_json_writer_object_begin(writer);
    veld_json_writer_name(writer, "base");
    veld_json_writer_canonical(writer, conflict->base);
    veld_json_writer_name(writer, "effective");
    veld_json_writer_canonical(writer, conflict->effective);
    put_place(writer, conflict->record->type, &conflict->record->id, conflict->field);
    veld_json_writer_name(writer, "integrity");
    veld_json_writer_boolean(writer, conflict->integrity);
    veld_json_writer_name(writer, "risk");
    veld_json_writer_text(writer, conflict->risk == VELD_RISK_TWO ? "two" : "person");
    put_integer(writer, "sides", (int64_t)conflict->sides_count);
    veld_json_writer_object_end(writer);
}

static void answer(
    reader *r, veld_state *state, const veld_schema_set *schemas, plant_kind plant, FILE *out)
{
    static const veld_id case_id = {.bytes = {1}};
    veld_outlook outlook = veld_outlook_of(state, schemas, &r->arena);
    veld_buf bytes;
    veld_json_writer writer;
    size_t count;
    veld_buf_init(&bytes, ANSWER_BYTES_MAX);
    veld_json_writer_init(&writer, &bytes);
    veld_json_writer_object_begin(&writer);
    const veld_conflict *conflicts = NULL;
    assert_ok(veld_conflict_list(state, schemas, &case_id, &r->arena, &conflicts, &count, NULL));
    plant_list(plant, &count);
    veld_json_writer_name(&writer, "conflicts");
    veld_json_writer_array_begin(&writer);
    for (size_t i = 0; i < count; i++)
        put_conflict(&writer, &conflicts[i]);
    veld_json_writer_array_end(&writer);
    const veld_state_record *const *records = veld_state_records(state, &count);
    assert_non_null(records);
    veld_json_writer_name(&writer, "fields");
    veld_json_writer_array_begin(&writer);
    for (size_t i = 0; i < count; i++)
        put_record(r, &outlook, records[i], plant, &writer);
    veld_json_writer_array_end(&writer);
    veld_json_writer_object_end(&writer);
    put_line(&writer, &bytes, out);
}

int case_lines_answer(const veld_schema_set *schemas, plant_kind plant, veld_span line, FILE *out)
{
    test_env world;
    reader r = {0};
    veld_json_doc *doc = NULL;
    veld_state *state = NULL;
    test_env_init(&world, 1);
    veld_arena_init(&r.arena, ARENA_BYTES_MAX);
    if (veld_json_parse(line, VELD_JSON_STRICT, &doc, NULL, NULL) != VELD_OK)
        return 1;
    const veld_json_value *list = veld_json_get(veld_json_root(doc), "changes");
    veld_change *changes = get(&r, veld_json_count(list), sizeof *changes);
    size_t count = 0;
    for (const veld_json_value *v = veld_json_first(list); v != NULL; v = veld_json_next(v))
        read_change(&r, v, &changes[count++]);
    if (!r.failed) {
        plant_in(plant, changes, count, &r.arena);
        assert_ok(veld_state_new(&world.env, &state, NULL));
        for (size_t i = 0; i < count; i++)
            assert_ok(veld_state_apply(state, &changes[i], NULL, NULL));
        answer(&r, state, schemas, plant, out);
    }
    veld_state_free(state);
    veld_json_doc_free(doc);
    veld_arena_release(&r.arena);
    return r.failed ? 1 : 0;
}

/* The statement of a decision: written and read. Members come in canonical order; what is read is
 * written again and compared, so there is one form of each statement and nothing beside it. */
#include "veldkit/decision.h"

#include <stdio.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/hash.h"
#include "veldkit/json.h"
#include "veldkit/limits.h"

enum { KEY_TEXT_SIZE = 7 + 44 + 1, WRITE_TEXT_SIZE = 2 * sizeof(veld_write_id) + 1 };

static const char key_prefix[] = "SHA256:";

static void write_id(veld_json_writer *writer, const char *name, const veld_id *id)
{
    char text[VELD_ID_TEXT_SIZE];
    veld_id_format(id, text);
    veld_json_writer_name(writer, name);
    veld_json_writer_text(writer, text);
}

static void write_hash(veld_json_writer *writer, const char *name, const veld_hash *hash)
{
    char text[VELD_HASH_TEXT_SIZE];
    veld_hash_format(hash, text);
    veld_json_writer_name(writer, name);
    veld_json_writer_text(writer, text);
}

static void write_span(veld_json_writer *writer, const char *name, veld_span text)
{
    veld_json_writer_name(writer, name);
    veld_json_writer_text_span(writer, text);
}

/* As `ssh-keygen -l` shows it; null when the office decides. */
static void write_key(veld_json_writer *writer, const veld_decision *decision)
{
    veld_buf text;
    const char *key = NULL;
    veld_buf_init(&text, KEY_TEXT_SIZE);
    veld_json_writer_name(writer, "key");
    if (decision->has_key && veld_buf_append_text(&text, key_prefix) == VELD_OK &&
        veld_base64_encode(veld_hash_span(&decision->key), false, &text) == VELD_OK) {
        text.len--; /* OpenSSH leaves the padding out */
        if (veld_buf_text(&text, &key) != VELD_OK)
            key = NULL;
    }
    if (key != NULL)
        veld_json_writer_text(writer, key);
    else
        veld_json_writer_null(writer);
    veld_buf_release(&text);
}

static void write_sides(veld_json_writer *writer, const veld_decision *decision)
{
    veld_json_writer_name(writer, "sides");
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; i < decision->sides_count; i++) {
        char text[WRITE_TEXT_SIZE];
        veld_hex_encode(
            veld_span_of(&decision->sides[i], sizeof decision->sides[i]), text, sizeof text);
        veld_json_writer_text(writer, text);
    }
    veld_json_writer_array_end(writer);
}

static void write_time(veld_json_writer *writer, veld_instant time)
{
    char text[VELD_INSTANT_TEXT_SIZE];
    veld_instant_format(time, text);
    veld_json_writer_name(writer, "time");
    veld_json_writer_text(writer, text);
}

static void write_choice(veld_json_writer *writer, const veld_decision *decision)
{
    write_span(writer, "by", decision->by);
    write_id(writer, "case", &decision->case_id);
    write_id(writer, "conflict", &decision->conflict);
    write_span(writer, "field", decision->field);
    veld_json_writer_name(writer, "format");
    veld_json_writer_integer(writer, VELD_DECISION_FORMAT);
    write_id(writer, "id", &decision->id);
    write_key(writer, decision);
    write_span(writer, "kind", veld_span_text(VELD_TYPE_DECISION));
    veld_json_writer_name(writer, "persons");
    veld_json_writer_integer(writer, decision->persons);
    write_span(writer, "reason", decision->reason);
    write_id(writer, "record", &decision->record);
    if (!veld_id_is_zero(&decision->revises))
        write_id(writer, "revises", &decision->revises);
    write_sides(writer, decision);
    write_time(writer, decision->time);
    write_span(writer, "type", decision->type);
    if (decision->value.len > 0 && decision->value.len <= VELD_DECISION_VALUE_BYTES_MAX) {
        veld_json_writer_name(writer, "value");
        veld_json_writer_canonical(writer, decision->value);
    }
    write_hash(writer, "valueSha256", &decision->value_hash);
}

static void write_confirmation(veld_json_writer *writer, const veld_decision *decision)
{
    write_span(writer, "by", decision->by);
    write_id(writer, "case", &decision->case_id);
    write_id(writer, "conflict", &decision->conflict);
    write_id(writer, "decision", &decision->decision);
    veld_json_writer_name(writer, "format");
    veld_json_writer_integer(writer, VELD_DECISION_FORMAT);
    write_id(writer, "id", &decision->id);
    write_key(writer, decision);
    write_span(writer, "kind", veld_span_text(VELD_TYPE_CONFIRMATION));
    write_hash(writer, "statementSha256", &decision->statement);
    write_time(writer, decision->time);
}

static veld_status write_statement(const veld_decision *decision, veld_buf *out, veld_error *err)
{
    veld_json_writer writer;
    veld_json_writer_init(&writer, out);
    veld_json_writer_object_begin(&writer);
    if (decision->kind == VELD_DECISION_CHOICE)
        write_choice(&writer, decision);
    else
        write_confirmation(&writer, decision);
    veld_json_writer_object_end(&writer);
    return veld_json_writer_finish(&writer, err);
}

veld_status veld_decision_write(const veld_decision *decision, veld_buf *out, veld_error *err)
{
    VELD_ASSERT(decision->sides_count <= VELD_DECISION_SIDES_MAX);
    veld_decision whole = *decision;
    veld_status status = VELD_OK;
    if (decision->kind == VELD_DECISION_CHOICE)
        status = veld_sha256(decision->value, &whole.value_hash, err);
    return status == VELD_OK ? write_statement(&whole, out, err) : status;
}

/* ---- reading ---- */
/* What is not there or has another type is found when all is written again: it then differs. */
typedef struct reading {
    const veld_json_value *root;
    veld_arena *arena;
    veld_decision *to;
    bool whole;
} reading;

static veld_span text_of(reading *r, const char *name)
{
    veld_span text = {0}, kept = {0};
    if (!veld_json_text(veld_json_get(r->root, name), &text) ||
        veld_arena_copy(r->arena, text, &kept) != VELD_OK)
        r->whole = false;
    return kept;
}

static void read_id(reading *r, const char *name, veld_id *out)
{
    veld_span text = {0};
    if (!veld_json_text(veld_json_get(r->root, name), &text) || veld_id_parse(text, out) != VELD_OK)
        r->whole = false;
}

static void read_hash(reading *r, const char *name, veld_hash *out)
{
    veld_span text = {0};
    if (!veld_json_text(veld_json_get(r->root, name), &text) ||
        veld_hash_parse(text, out) != VELD_OK)
        r->whole = false;
}

static void read_key(reading *r)
{
    veld_span text = {0};
    veld_buf padded, bytes;
    size_t prefix = sizeof key_prefix - 1;
    const veld_json_value *key = veld_json_get(r->root, "key");
    if (veld_json_is_null(key))
        return;
    veld_buf_init(&padded, KEY_TEXT_SIZE);
    veld_buf_init(&bytes, VELD_HASH_BYTES);
    bool read =
        veld_json_text(key, &text) && text.len > prefix &&
        veld_buf_append_span(&padded, veld_span_part(text, prefix, text.len - prefix)) == VELD_OK &&
        veld_buf_append_byte(&padded, '=') == VELD_OK &&
        veld_base64_decode(veld_buf_span(&padded), false, &bytes) == VELD_OK &&
        bytes.len == VELD_HASH_BYTES;
    if (read)
        memcpy(r->to->key.bytes, bytes.data, VELD_HASH_BYTES);
    r->to->has_key = read;
    r->whole = r->whole && read;
    veld_buf_release(&padded);
    veld_buf_release(&bytes);
}

static void read_sides(reading *r)
{
    const veld_json_value *sides = veld_json_get(r->root, "sides");
    size_t count = veld_json_count(sides);
    if (count > VELD_DECISION_SIDES_MAX) {
        r->whole = false;
        return;
    }
    veld_write_id *ids = veld_arena_get(r->arena, count, sizeof *ids);
    const veld_json_value *at = veld_json_first(sides);
    r->whole = r->whole && ids != NULL;
    for (size_t i = 0; r->whole && i < count; i++, at = veld_json_next(at)) {
        veld_span text = {0};
        r->whole = veld_json_text(at, &text) &&
                   veld_hex_decode(text, ids[i].bytes, sizeof ids[i].bytes) == VELD_OK &&
                   (i == 0 || veld_write_id_compare(&ids[i - 1], &ids[i]) < 0);
    }
    r->to->sides = ids;
    r->to->sides_count = r->whole ? count : 0;
}

static void read_value(reading *r)
{
    veld_buf value;
    const veld_json_value *there = veld_json_get(r->root, "value");
    read_hash(r, "valueSha256", &r->to->value_hash);
    if (there == NULL)
        return;
    veld_buf_init(&value, VELD_DECISION_VALUE_BYTES_MAX);
    if (veld_json_canonical(there, &value, NULL) != VELD_OK ||
        veld_arena_copy(r->arena, veld_buf_span(&value), &r->to->value) != VELD_OK)
        r->whole = false;
    veld_buf_wipe(&value);
}

static void read_choice(reading *r)
{
    int64_t persons = 0;
    veld_decision *to = r->to;
    to->field = text_of(r, "field");
    if (!veld_json_integer(veld_json_get(r->root, "persons"), &persons) || persons < 1 ||
        persons > VELD_DECISION_PERSONS_CRITICAL)
        r->whole = false;
    to->persons = (unsigned)persons;
    to->reason = text_of(r, "reason");
    read_id(r, "record", &to->record);
    if (veld_json_get(r->root, "revises") != NULL)
        read_id(r, "revises", &to->revises);
    read_sides(r);
    to->type = text_of(r, "type");
    read_value(r);
}

static void read_statement(reading *r)
{
    veld_span time = {0};
    veld_decision *to = r->to;
    veld_span kind = text_of(r, "kind");
    to->by = text_of(r, "by");
    read_id(r, "case", &to->case_id);
    read_id(r, "conflict", &to->conflict);
    read_id(r, "id", &to->id);
    read_key(r);
    if (!veld_json_text(veld_json_get(r->root, "time"), &time) ||
        veld_instant_parse(time, &to->time) != VELD_OK)
        r->whole = false;
    if (veld_span_equal(kind, veld_span_text(VELD_TYPE_DECISION))) {
        to->kind = VELD_DECISION_CHOICE;
        read_choice(r);
    } else if (veld_span_equal(kind, veld_span_text(VELD_TYPE_CONFIRMATION))) {
        to->kind = VELD_DECISION_CONFIRMATION;
        read_id(r, "decision", &to->decision);
        read_hash(r, "statementSha256", &to->statement);
    } else {
        r->whole = false;
    }
}

/* The value, when it is there, is the one of the hash. */
static veld_status check_value(const veld_decision *decision, bool *fits, veld_error *err)
{
    veld_hash hash;
    *fits = true;
    if (decision->kind != VELD_DECISION_CHOICE || decision->value.len == 0)
        return VELD_OK;
    veld_status status = veld_sha256(decision->value, &hash, err);
    *fits = status == VELD_OK && veld_hash_equal(&hash, &decision->value_hash);
    return status;
}

veld_status veld_decision_read(
    veld_span statement, veld_arena *arena, veld_decision *out, veld_error *err)
{
    veld_json_doc *doc = NULL;
    veld_buf again;
    veld_decision read = {0};
    int64_t format = 0;
    bool fits = false;
    veld_status status;
    *out = (veld_decision){0};
    veld_buf_init(&again, VELD_DECISION_BYTES_MAX);
    if (statement.len > VELD_DECISION_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "a decision of more than %u KiB",
            (unsigned)(VELD_DECISION_BYTES_MAX >> 10));
    VELD_TRY(veld_json_parse(statement, VELD_JSON_CANONICAL, &doc, NULL, err));
    reading r = {.root = veld_json_root(doc), .arena = arena, .to = &read, .whole = true};
    if (veld_json_integer(veld_json_get(r.root, "format"), &format) &&
        format > VELD_DECISION_FORMAT) {
        status = veld_fail(err, VELD_E_NEWER, "a decision of format %lld, this program knows %d",
            (long long)format, VELD_DECISION_FORMAT);
        goto done;
    }
    read_statement(&r);
    if (r.whole) {
        VELD_TRY(check_value(&read, &fits, err));
        status = write_statement(&read, &again, NULL);
    }
    if (!r.whole || !fits || status != VELD_OK ||
        !veld_span_equal(veld_buf_span(&again), statement)) {
        status = veld_fail(err, VELD_E_FORM, "a decision's statement has not its form");
        goto done;
    }
    *out = read;
done:
    veld_buf_wipe(&again);
    veld_json_doc_free(doc);
    return status;
}

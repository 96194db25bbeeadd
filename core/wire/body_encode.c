/* Writing a body. The encoder leaves out all it can: a record that was named before in the envelope
 * is a number, so is a replaced write; times are steps. What stays is said once. */
#include <string.h>

#include "body.h"
#include "change_parts.h"
#include "id_index.h"
#include "veldkit/assert.h"
#include "veldkit/limits.h"

typedef struct encoder {
    veld_cbor_writer writer;
    veld_id_index records;   /* of the envelope: to the place where it was last named in full */
    veld_id_index writes;    /* to its place in the envelope */
    const veld_span **types; /* by record place */
    uint32_t records_count;
    uint32_t writes_count;
} encoder;

int64_t veld_commit_time_guess(const veld_change *change, const veld_change *before)
{
    int64_t guess = change->time.wall_utc_ms < 0 ? 0 : change->time.wall_utc_ms / 1000;
    return before != NULL && before->commit_utc_s > guess ? before->commit_utc_s : guess;
}

static bool follows_only(const veld_change *change, const veld_change *before)
{
    if (before == NULL)
        return change->parents_count == 0;
    return change->parents_count == 1 && veld_hash_equal(&change->parents[0].id, &before->id);
}

static void put_parents(encoder *enc, const veld_change *change, const veld_change *before)
{
    veld_cbor_put_uint(&enc->writer, VELD_BODY_PARENTS);
    veld_cbor_put_array(&enc->writer, change->parents_count);
    for (size_t i = 0; i < change->parents_count; i++) {
        const veld_parent *parent = &change->parents[i];
        if (before != NULL && veld_hash_equal(&parent->id, &before->id)) {
            veld_cbor_put_null(&enc->writer);
            continue;
        }
        veld_cbor_put_array(&enc->writer, 2);
        veld_cbor_put_bytes(&enc->writer, veld_hash_span(&parent->id));
        veld_cbor_put_bytes(
            &enc->writer, veld_span_of(parent->git.bytes, sizeof parent->git.bytes));
    }
}

/* Monotonic and hybrid time mostly go on as the wall clock does: their steps are told as the
 * difference from its step. */
static void put_time(encoder *enc, const veld_change *change, const veld_change *before)
{
    static const veld_change_time zero = {0};
    int64_t now[VELD_TIME_ITEMS];
    int64_t then[VELD_TIME_ITEMS];
    veld_time_to_numbers(&change->time, now);
    veld_time_to_numbers(before != NULL ? &before->time : &zero, then);
    veld_cbor_put_uint(&enc->writer, VELD_BODY_TIME);
    veld_cbor_put_array(&enc->writer, VELD_TIME_ITEMS);
    int64_t wall_step = now[0] - then[0];
    for (size_t i = 0; i < VELD_TIME_ITEMS; i++) {
        int64_t step = now[i] - then[i];
        veld_cbor_put_int(&enc->writer, i == 2 || i == 4 ? step - wall_step : step);
    }
}

static void put_references(encoder *enc, const veld_write_id *ids, size_t count)
{
    veld_cbor_put_array(&enc->writer, count);
    for (size_t i = 0; i < count; i++) {
        uint32_t place;
        if (veld_id_index_find(&enc->writes, ids[i].bytes, &place))
            veld_cbor_put_uint(&enc->writer, place);
        else
            veld_cbor_put_bytes(&enc->writer, veld_span_of(ids[i].bytes, sizeof ids[i].bytes));
    }
}

static void put_write(encoder *enc, const veld_write *write)
{
    uint32_t place = 0;
    bool known = veld_id_index_find(&enc->records, write->record.bytes, &place) &&
                 veld_span_equal(*enc->types[place], write->type);
    size_t lists = write->basis_count > 0 ? 2 : write->replaces_count > 0 ? 1 : 0;
    veld_cbor_put_array(&enc->writer, (known ? 3 : 4) + lists);
    if (known) {
        veld_cbor_put_uint(&enc->writer, place);
    } else {
        veld_cbor_put_bytes(&enc->writer, veld_id_span(&write->record));
        veld_cbor_put_text(&enc->writer, write->type);
        enc->types[enc->records_count] = &write->type;
        veld_id_index_put(&enc->records, write->record.bytes, enc->records_count++);
    }
    veld_cbor_put_text(&enc->writer, write->field);
    veld_cbor_put_bytes(&enc->writer, write->value);
    if (lists > 0)
        put_references(enc, write->replaces, write->replaces_count);
    if (lists > 1)
        put_references(enc, write->basis, write->basis_count);
}

static void put_change(encoder *enc, const veld_change *change, const veld_change *before)
{
    static const veld_change nothing = {0};
    const veld_change *last = before != NULL ? before : &nothing;
    bool has_parents = !follows_only(change, before);
    int64_t commit_step = change->commit_utc_s - veld_commit_time_guess(change, before);
    bool has_log =
        change->log_size != last->log_size || !veld_hash_equal(&change->log_root, &last->log_root);
    veld_cbor_put_map(&enc->writer,
        2u + (has_parents ? 1u : 0u) + (commit_step != 0 ? 1u : 0u) + (has_log ? 1u : 0u));
    if (has_parents)
        put_parents(enc, change, before);
    put_time(enc, change, before);
    if (commit_step != 0) {
        veld_cbor_put_uint(&enc->writer, VELD_BODY_COMMIT_TIME);
        veld_cbor_put_int(&enc->writer, commit_step);
    }
    if (has_log) {
        veld_cbor_put_uint(&enc->writer, VELD_BODY_LOG);
        veld_cbor_put_array(&enc->writer, 2);
        veld_cbor_put_uint(&enc->writer, change->log_size);
        veld_cbor_put_bytes(&enc->writer, veld_hash_span(&change->log_root));
    }
    veld_cbor_put_uint(&enc->writer, VELD_BODY_WRITES);
    veld_cbor_put_array(&enc->writer, change->writes_count);
    for (size_t i = 0; i < change->writes_count; i++)
        put_write(enc, &change->writes[i]);
    /* Only now: the ids of a change's writes cover its own references. */
    for (size_t i = 0; i < change->writes_count; i++)
        veld_id_index_put(&enc->writes, change->writes[i].id.bytes, enc->writes_count++);
}

veld_status veld_body_encode(
    const veld_change *changes, size_t count, veld_buf *out, veld_error *err)
{
    veld_status status;
    size_t writes = 0;
    for (size_t i = 0; i < count; i++)
        writes += changes[i].writes_count;
    if (writes > VELD_ENVELOPE_WRITES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "too many writes for one envelope");
    VELD_ASSERT(writes > 0);
    encoder enc = {.writer = veld_cbor_write(out)};
    status = VELD_E_MEMORY;
    enc.types = veld_allocate(writes * sizeof *enc.types);
    if (enc.types == NULL)
        goto done;
    VELD_TRY(veld_id_index_init(&enc.records, writes));
    VELD_TRY(veld_id_index_init(&enc.writes, writes));
    veld_cbor_put_map(&enc.writer, 2);
    veld_cbor_put_uint(&enc.writer, VELD_BODY_FORMAT);
    veld_cbor_put_uint(&enc.writer, changes[0].format);
    veld_cbor_put_uint(&enc.writer, VELD_BODY_CHANGES);
    veld_cbor_put_array(&enc.writer, count);
    for (size_t i = 0; i < count; i++)
        put_change(&enc, &changes[i], i > 0 ? &changes[i - 1] : NULL);
    status = veld_cbor_writer_finish(&enc.writer, NULL);
done:
    veld_id_index_release(&enc.writes);
    veld_id_index_release(&enc.records);
    veld_release(enc.types);
    return status == VELD_OK ? VELD_OK : veld_fail(err, status, "cannot hold the body");
}

/* Reading a body: what the encoder left out is put back, change by change, because what a later
 * change leaves out may be a name of an earlier one. A change that is given on has the form of a
 * change; nothing else about it is believed here. */
#include <string.h>

#include "body.h"
#include "change_parts.h"
#include "veldkit/assert.h"
#include "veldkit/limits.h"

/* No step between two valid times is larger, and a valid time plus such a step cannot overflow. */
#define STEP_MAX (INT64_C(1) << 54)

enum { KEYS_MAX = 64 /* of a format that is not ours */ };

typedef struct known_record {
    veld_id record;
    veld_span type;
} known_record;

typedef struct decoder {
    veld_cbor_reader reader;
    veld_arena *arena;
    const veld_change *changes;
    const size_t *write_start; /* of each change: how many writes the envelope has before it */
    size_t change_index;
    veld_buf records; /* known_record, in the order of being named in full */
} decoder;

static void fail(decoder *dec, veld_status status)
{
    veld_cbor_reader_fail(&dec->reader, status);
}

static const veld_change *before(const decoder *dec)
{
    return dec->change_index > 0 ? &dec->changes[dec->change_index - 1] : NULL;
}

static void *take(decoder *dec, size_t count, size_t size)
{
    void *memory = veld_arena_get(dec->arena, count, size);
    if (memory == NULL)
        fail(dec, VELD_E_MEMORY);
    return memory;
}

/* ---- the parts of a change ---- */
static void parent_is_before(decoder *dec, veld_parent *parent)
{
    const veld_change *last = before(dec);
    if (last == NULL) {
        fail(dec, VELD_E_FORM);
        return;
    }
    parent->id = last->id;
    parent->git = last->git;
}

static void read_parents(decoder *dec, veld_change *out)
{
    size_t count = veld_cbor_array(&dec->reader, VELD_CHANGE_PARENTS_MAX);
    veld_parent *parents = take(dec, count, sizeof *parents);
    for (size_t i = 0; i < count && dec->reader.status == VELD_OK; i++) {
        if (veld_cbor_next(&dec->reader) == VELD_CBOR_NULL) {
            veld_cbor_null(&dec->reader);
            parent_is_before(dec, &parents[i]);
            continue;
        }
        if (veld_cbor_array(&dec->reader, 2) != 2)
            fail(dec, VELD_E_FORM);
        veld_cbor_fixed(&dec->reader, parents[i].id.bytes, sizeof parents[i].id.bytes);
        veld_cbor_fixed(&dec->reader, parents[i].git.bytes, sizeof parents[i].git.bytes);
    }
    out->parents = parents;
    out->parents_count = count;
}

static void parents_left_out(decoder *dec, veld_change *out)
{
    if (before(dec) == NULL)
        return;
    veld_parent *parent = take(dec, 1, sizeof *parent);
    if (parent == NULL)
        return;
    parent_is_before(dec, parent);
    out->parents = parent;
    out->parents_count = 1;
}

static void read_time(decoder *dec, veld_change *out)
{
    static const veld_change_time zero = {0};
    int64_t numbers[VELD_TIME_ITEMS];
    const veld_change *last = before(dec);
    veld_time_to_numbers(last != NULL ? &last->time : &zero, numbers);
    if (veld_cbor_array(&dec->reader, VELD_TIME_ITEMS) != VELD_TIME_ITEMS)
        fail(dec, VELD_E_FORM);
    int64_t wall_step = 0;
    for (size_t i = 0; i < VELD_TIME_ITEMS; i++) {
        int64_t step = veld_cbor_int(&dec->reader);
        if (step > STEP_MAX || step < -STEP_MAX) {
            fail(dec, VELD_E_FORM);
            return;
        }
        wall_step = i == 0 ? step : wall_step;
        numbers[i] += i == 2 || i == 4 ? step + wall_step : step;
    }
    if (!veld_time_from_numbers(numbers, &out->time))
        fail(dec, VELD_E_FORM);
}

static void read_log(decoder *dec, veld_change *out)
{
    if (veld_cbor_array(&dec->reader, 2) != 2)
        fail(dec, VELD_E_FORM);
    out->log_size = veld_cbor_uint(&dec->reader);
    veld_cbor_fixed(&dec->reader, out->log_root.bytes, sizeof out->log_root.bytes);
}

/* ---- writes ---- */
static void read_record(decoder *dec, veld_write *write)
{
    known_record named = {0};
    if (veld_cbor_next(&dec->reader) == VELD_CBOR_UINT) {
        uint64_t place = veld_cbor_uint(&dec->reader);
        if (place >= dec->records.len / sizeof named) {
            fail(dec, VELD_E_FORM);
            return;
        }
        memcpy(&named, dec->records.data + (size_t)place * sizeof named, sizeof named);
    } else {
        veld_cbor_fixed(&dec->reader, named.record.bytes, sizeof named.record.bytes);
        named.type = veld_cbor_text(&dec->reader);
        veld_status status = veld_buf_append(&dec->records, &named, sizeof named);
        if (status != VELD_OK)
            fail(dec, status);
    }
    write->record = named.record;
    write->type = named.type;
}

/* write_at: the write of an earlier change at this place in the envelope. */
static const veld_write *write_at(const decoder *dec, uint64_t place)
{
    if (place >= dec->write_start[dec->change_index])
        return NULL;
    size_t low = 0;
    size_t high = dec->change_index;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (dec->write_start[middle] <= place)
            low = middle;
        else
            high = middle;
    }
    return &dec->changes[low].writes[place - dec->write_start[low]];
}

static const veld_write_id *read_references(decoder *dec, size_t *count)
{
    *count = veld_cbor_array(&dec->reader, VELD_CHANGE_REFERENCES_MAX);
    veld_write_id *ids = take(dec, *count, sizeof *ids);
    for (size_t i = 0; i < *count && dec->reader.status == VELD_OK; i++) {
        if (veld_cbor_next(&dec->reader) != VELD_CBOR_UINT) {
            veld_cbor_fixed(&dec->reader, ids[i].bytes, sizeof ids[i].bytes);
            continue;
        }
        const veld_write *named = write_at(dec, veld_cbor_uint(&dec->reader));
        if (named != NULL)
            ids[i] = named->id;
        else
            fail(dec, VELD_E_FORM);
    }
    return ids;
}

static void read_write(decoder *dec, veld_write *write)
{
    size_t items = veld_cbor_array(&dec->reader, VELD_WRITE_ITEMS);
    size_t least = veld_cbor_next(&dec->reader) == VELD_CBOR_UINT ? 3 : 4;
    if (items < least || items > least + 2) {
        fail(dec, VELD_E_FORM);
        return;
    }
    read_record(dec, write);
    write->field = veld_cbor_text(&dec->reader);
    write->value = veld_cbor_bytes(&dec->reader);
    if (items > least)
        write->replaces = read_references(dec, &write->replaces_count);
    if (items > least + 1)
        write->basis = read_references(dec, &write->basis_count);
}

static void read_writes(decoder *dec, veld_change *out)
{
    size_t count = veld_cbor_array(&dec->reader, VELD_CHANGE_WRITES_MAX);
    if (dec->write_start[dec->change_index] + count > VELD_ENVELOPE_WRITES_MAX)
        fail(dec, VELD_E_LIMIT);
    if (dec->reader.status != VELD_OK)
        return;
    veld_write *writes = take(dec, count, sizeof *writes);
    for (size_t i = 0; i < count && dec->reader.status == VELD_OK; i++)
        read_write(dec, &writes[i]);
    out->writes = writes;
    out->writes_count = count;
}

/* ---- one change ---- */
static void read_change(decoder *dec, veld_change *out)
{
    bool has[VELD_BODY_KEYS] = {false};
    uint64_t last_key = VELD_CBOR_NO_KEY;
    int64_t commit_step = 0;
    size_t keys = veld_cbor_map(&dec->reader, KEYS_MAX);
    for (size_t i = 0; i < keys && dec->reader.status == VELD_OK; i++) {
        uint64_t key = veld_cbor_key(&dec->reader, &last_key);
        if (key < VELD_BODY_KEYS)
            has[key] = true;
        if (key == VELD_BODY_PARENTS)
            read_parents(dec, out);
        else if (key == VELD_BODY_TIME)
            read_time(dec, out);
        else if (key == VELD_BODY_COMMIT_TIME)
            commit_step = veld_cbor_int(&dec->reader);
        else if (key == VELD_BODY_LOG)
            read_log(dec, out);
        else if (key == VELD_BODY_WRITES)
            read_writes(dec, out);
        else
            fail(dec, VELD_E_NEWER);
    }
    if (!has[VELD_BODY_TIME] || !has[VELD_BODY_WRITES] || commit_step > STEP_MAX ||
        commit_step < -STEP_MAX)
        fail(dec, VELD_E_FORM);
    if (dec->reader.status != VELD_OK)
        return;
    const veld_change *last = before(dec);
    if (!has[VELD_BODY_PARENTS])
        parents_left_out(dec, out);
    if (!has[VELD_BODY_LOG] && last != NULL) {
        out->log_size = last->log_size;
        out->log_root = last->log_root;
    }
    out->commit_utc_s = veld_commit_time_guess(out, last) + commit_step;
}

static void fill_place(const veld_envelope_header *header, size_t index, veld_change *out)
{
    out->format = VELD_CHANGE_FORMAT;
    out->case_id = header->case_id;
    out->device = header->device;
    memcpy(out->incarnation, header->incarnation, sizeof out->incarnation);
    out->number = header->number + index;
}

static void fill_fixed(const uint8_t *fixed, veld_change *out)
{
    memcpy(out->signature.bytes, fixed, sizeof out->signature.bytes);
    fixed += sizeof out->signature.bytes;
    memcpy(out->tree.bytes, fixed, sizeof out->tree.bytes);
    fixed += sizeof out->tree.bytes;
    memcpy(out->tree_git.bytes, fixed, sizeof out->tree_git.bytes);
    fixed += sizeof out->tree_git.bytes;
    memcpy(out->salt, fixed, sizeof out->salt);
}

/* read_front: format and number of changes, which must be the header's. */
static veld_status read_front(decoder *dec, const veld_envelope_header *header, veld_error *err)
{
    uint64_t last_key = VELD_CBOR_NO_KEY;
    size_t keys = veld_cbor_map(&dec->reader, KEYS_MAX);
    if (veld_cbor_key(&dec->reader, &last_key) != VELD_BODY_FORMAT)
        fail(dec, VELD_E_FORM);
    if (veld_cbor_uint(&dec->reader) > VELD_CHANGE_FORMAT || keys > 2)
        fail(dec, VELD_E_NEWER);
    if (veld_cbor_key(&dec->reader, &last_key) != VELD_BODY_CHANGES)
        fail(dec, VELD_E_FORM);
    size_t count = veld_cbor_array(&dec->reader, VELD_ENVELOPE_CHANGES_MAX);
    if (dec->reader.status == VELD_OK && count != header->count)
        return veld_fail(err, VELD_E_INVALID, "the envelope holds %zu changes, its header says %u",
            count, (unsigned)header->count);
    return VELD_OK;
}

veld_status veld_body_decode(const veld_envelope_header *header, veld_span body, veld_span fixed,
    const veld_change_namer *namer, veld_arena *arena, veld_change *changes, veld_error *err)
{
    VELD_ASSERT(fixed.len == (size_t)header->count * VELD_FIXED_BYTES);
    veld_status status;
    size_t *write_start = veld_arena_get(arena, (size_t)header->count + 1, sizeof *write_start);
    if (write_start == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for the envelope's changes");
    decoder dec = {.reader = veld_cbor_read(body),
        .arena = arena,
        .changes = changes,
        .write_start = write_start};
    veld_buf_init(&dec.records, VELD_ENVELOPE_WRITES_MAX * sizeof(known_record));
    VELD_TRY(read_front(&dec, header, err));
    for (size_t i = 0; i < header->count && dec.reader.status == VELD_OK; i++) {
        veld_change *change = &changes[i];
        dec.change_index = i;
        fill_place(header, i, change);
        fill_fixed(fixed.data + i * VELD_FIXED_BYTES, change);
        read_change(&dec, change);
        if (dec.reader.status != VELD_OK)
            break;
        VELD_TRY(veld_change_check_form(change, err));
        VELD_TRY(veld_change_derive(change, err));
        VELD_TRY(namer->name(namer->context, change, err));
        write_start[i + 1] = write_start[i] + change->writes_count;
    }
    status = veld_cbor_reader_finish(&dec.reader, err);
done:
    veld_buf_wipe(&dec.records);
    return status;
}

/* One change as bytes that are complete in themselves. Keys are those of proto/veldkit.cddl; the
 * last two, the names and when it came, are there in our own rows only, and a change from outside
 * that has one is refused, so nobody can tell us a name that does not follow. */
#include <string.h>

#include "change_parts.h"
#include "veldkit/assert.h"
#include "veldkit/limits.h"

enum {
    KEY_FORMAT = 0,
    KEY_CASE,
    KEY_DEVICE,
    KEY_INCARNATION,
    KEY_NUMBER,
    KEY_PARENTS,
    KEY_TIME,
    KEY_COMMIT_TIME,
    KEY_LOG,
    KEY_SALT,
    KEY_TREE,
    KEY_WRITES,
    KEY_SIGNATURE,
    WIRE_KEYS,
    KEY_NAMES = WIRE_KEYS,
    ROW_KEYS,
    KEY_ARRIVED = ROW_KEYS, /* left out when it was not kept */
    KEYS_KNOWN,
    KEYS_MAX = 64, /* of a format that is not ours */
    NAMES_ITEMS = 5
};

/* Whatever has the form has a row: parents, names of all writes and the rest fit beside them. */
_Static_assert(
    VELD_CHANGE_PARENTS_MAX * 64 + VELD_CHANGE_WRITES_MAX * sizeof(veld_write_id) + 1024 <=
        VELD_CHANGE_ALONE_BYTES_MAX - VELD_CHANGE_BYTES_MAX,
    "a change fits alone");

/* ---- encoding ---- */
static void put_hash(veld_cbor_writer *writer, const veld_hash *hash)
{
    veld_cbor_put_bytes(writer, veld_hash_span(hash));
}

static void put_git(veld_cbor_writer *writer, const veld_git_oid *oid)
{
    veld_cbor_put_bytes(writer, veld_span_of(oid->bytes, sizeof oid->bytes));
}

static void put_place(veld_cbor_writer *writer, const veld_change *change)
{
    veld_cbor_put_uint(writer, KEY_FORMAT);
    veld_cbor_put_uint(writer, change->format);
    veld_cbor_put_uint(writer, KEY_CASE);
    veld_cbor_put_bytes(writer, veld_id_span(&change->case_id));
    veld_cbor_put_uint(writer, KEY_DEVICE);
    veld_cbor_put_bytes(writer, veld_id_span(&change->device));
    veld_cbor_put_uint(writer, KEY_INCARNATION);
    veld_cbor_put_bytes(writer, veld_span_of(change->incarnation, sizeof change->incarnation));
    veld_cbor_put_uint(writer, KEY_NUMBER);
    veld_cbor_put_uint(writer, change->number);
    veld_cbor_put_uint(writer, KEY_PARENTS);
    veld_cbor_put_array(writer, change->parents_count);
    for (size_t i = 0; i < change->parents_count; i++) {
        veld_cbor_put_array(writer, 2);
        put_hash(writer, &change->parents[i].id);
        put_git(writer, &change->parents[i].git);
    }
}

/* The ids of all writes lie one behind the other in one byte string. */
static void put_names(veld_cbor_writer *writer, const veld_change *change)
{
    veld_cbor_put_uint(writer, KEY_NAMES);
    veld_cbor_put_array(writer, NAMES_ITEMS);
    put_hash(writer, &change->id);
    put_git(writer, &change->git);
    put_hash(writer, &change->core);
    put_hash(writer, &change->writes_hash);
    veld_put_id_run(writer, change);
}

veld_status veld_change_encode(
    const veld_change *change, veld_change_form form, veld_buf *out, veld_error *err)
{
    VELD_ASSERT(change->writes_count > 0 && change->number > 0);
    size_t start = out->len;
    veld_cbor_writer writer = veld_cbor_write(out);
    bool arrived = form == VELD_CHANGE_ROW && change->arrived_utc_ms != 0;
    veld_cbor_put_map(&writer, form == VELD_CHANGE_WIRE ? WIRE_KEYS : ROW_KEYS + arrived);
    put_place(&writer, change);
    veld_cbor_put_uint(&writer, KEY_TIME);
    veld_put_time(&writer, &change->time);
    veld_cbor_put_uint(&writer, KEY_COMMIT_TIME);
    veld_cbor_put_int(&writer, change->commit_utc_s);
    veld_cbor_put_uint(&writer, KEY_LOG);
    veld_cbor_put_array(&writer, 2);
    veld_cbor_put_uint(&writer, change->log_size);
    put_hash(&writer, &change->log_root);
    veld_cbor_put_uint(&writer, KEY_SALT);
    veld_cbor_put_bytes(&writer, veld_span_of(change->salt, sizeof change->salt));
    veld_cbor_put_uint(&writer, KEY_TREE);
    veld_cbor_put_array(&writer, 2);
    put_git(&writer, &change->tree_git);
    put_hash(&writer, &change->tree);
    veld_cbor_put_uint(&writer, KEY_WRITES);
    veld_put_writes(&writer, change);
    veld_cbor_put_uint(&writer, KEY_SIGNATURE);
    veld_cbor_put_bytes(
        &writer, veld_span_of(change->signature.bytes, sizeof change->signature.bytes));
    if (form == VELD_CHANGE_ROW)
        put_names(&writer, change);
    if (arrived) {
        veld_cbor_put_uint(&writer, KEY_ARRIVED);
        veld_cbor_put_int(&writer, change->arrived_utc_ms);
    }
    veld_status status = veld_cbor_writer_finish(&writer, err);
    if (status == VELD_OK && out->len - start > VELD_CHANGE_ALONE_BYTES_MAX) {
        out->len = start;
        return veld_fail(
            err, VELD_E_LIMIT, "the change is over %u bytes", VELD_CHANGE_ALONE_BYTES_MAX);
    }
    return status;
}

/* ---- decoding ---- */
static void read_hash(veld_cbor_reader *reader, veld_hash *hash)
{
    veld_cbor_fixed(reader, hash->bytes, sizeof hash->bytes);
}

static void read_git(veld_cbor_reader *reader, veld_git_oid *oid)
{
    veld_cbor_fixed(reader, oid->bytes, sizeof oid->bytes);
}

static void read_count(veld_cbor_reader *reader, size_t count)
{
    if (veld_cbor_array(reader, count) != count)
        veld_cbor_reader_fail(reader, VELD_E_FORM);
}

static void read_parents(veld_cbor_reader *reader, veld_arena *arena, veld_change *out)
{
    size_t count = veld_cbor_array(reader, VELD_CHANGE_PARENTS_MAX);
    veld_parent *parents = veld_arena_get(arena, count, sizeof *parents);
    if (parents == NULL) {
        veld_cbor_reader_fail(reader, VELD_E_MEMORY);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        read_count(reader, 2);
        read_hash(reader, &parents[i].id);
        read_git(reader, &parents[i].git);
    }
    out->parents = parents;
    out->parents_count = count;
}

static void read_writes(veld_cbor_reader *reader, veld_arena *arena, veld_change *out)
{
    size_t count = veld_cbor_array(reader, VELD_CHANGE_WRITES_MAX);
    veld_write *writes = veld_arena_get(arena, count, sizeof *writes);
    if (writes == NULL) {
        veld_cbor_reader_fail(reader, VELD_E_MEMORY);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        read_count(reader, VELD_WRITE_ITEMS);
        veld_cbor_fixed(reader, writes[i].record.bytes, sizeof writes[i].record.bytes);
        writes[i].type = veld_cbor_text(reader);
        writes[i].field = veld_cbor_text(reader);
        writes[i].value = veld_cbor_bytes(reader);
        writes[i].replaces = veld_read_id_list(reader, arena, &writes[i].replaces_count);
        writes[i].basis = veld_read_id_list(reader, arena, &writes[i].basis_count);
    }
    out->writes = writes;
    out->writes_count = count;
}

static void read_names(veld_cbor_reader *reader, veld_change *out)
{
    read_count(reader, NAMES_ITEMS);
    read_hash(reader, &out->id);
    read_git(reader, &out->git);
    read_hash(reader, &out->core);
    read_hash(reader, &out->writes_hash);
    veld_read_id_run(reader, out);
}

static void read_format(veld_cbor_reader *reader, veld_change *out)
{
    uint64_t format = veld_cbor_uint(reader);
    if (format > VELD_CHANGE_FORMAT)
        veld_cbor_reader_fail(reader, VELD_E_NEWER);
    out->format = (uint16_t)format;
}

/* read_key: the value of one key. Every key but those of our rows must be there, so they come in
 * turn. */
static void read_key(veld_cbor_reader *reader, uint64_t key, veld_arena *arena, veld_change *out)
{
    switch (key) {
    case KEY_FORMAT:
        read_format(reader, out);
        break;
    case KEY_CASE:
        veld_cbor_fixed(reader, out->case_id.bytes, sizeof out->case_id.bytes);
        break;
    case KEY_DEVICE:
        veld_cbor_fixed(reader, out->device.bytes, sizeof out->device.bytes);
        break;
    case KEY_INCARNATION:
        veld_cbor_fixed(reader, out->incarnation, sizeof out->incarnation);
        break;
    case KEY_NUMBER:
        out->number = veld_cbor_uint(reader);
        break;
    case KEY_PARENTS:
        read_parents(reader, arena, out);
        break;
    case KEY_TIME:
        veld_read_time(reader, &out->time);
        break;
    case KEY_COMMIT_TIME:
        out->commit_utc_s = veld_cbor_int(reader);
        break;
    case KEY_LOG:
        read_count(reader, 2);
        out->log_size = veld_cbor_uint(reader);
        read_hash(reader, &out->log_root);
        break;
    case KEY_SALT:
        veld_cbor_fixed(reader, out->salt, sizeof out->salt);
        break;
    case KEY_TREE:
        read_count(reader, 2);
        read_git(reader, &out->tree_git);
        read_hash(reader, &out->tree);
        break;
    case KEY_WRITES:
        read_writes(reader, arena, out);
        break;
    case KEY_SIGNATURE:
        veld_cbor_fixed(reader, out->signature.bytes, sizeof out->signature.bytes);
        break;
    case KEY_NAMES:
        read_names(reader, out);
        break;
    case KEY_ARRIVED:
        out->arrived_utc_ms = veld_cbor_int(reader);
        break;
    default:
        veld_cbor_reader_fail(reader, VELD_E_NEWER);
        break;
    }
}

veld_status veld_change_decode(
    veld_span bytes, veld_change_form form, veld_arena *arena, veld_change *out, veld_error *err)
{
    *out = (veld_change){0};
    veld_change change = {0};
    if (bytes.len > VELD_CHANGE_ALONE_BYTES_MAX)
        return veld_fail(
            err, VELD_E_LIMIT, "the change is over %u bytes", VELD_CHANGE_ALONE_BYTES_MAX);
    uint64_t keys = form == VELD_CHANGE_ROW ? ROW_KEYS : WIRE_KEYS;
    veld_cbor_reader reader = veld_cbor_read(bytes);
    size_t count = veld_cbor_map(&reader, KEYS_MAX);
    uint64_t last = VELD_CBOR_NO_KEY;
    for (size_t i = 0; i < count && reader.status == VELD_OK; i++) {
        uint64_t key = veld_cbor_key(&reader, &last);
        bool ours = form == VELD_CHANGE_ROW && key == KEY_ARRIVED;
        if (reader.status == VELD_OK && (i < keys ? key != i : !ours && key < KEYS_KNOWN))
            veld_cbor_reader_fail(&reader, VELD_E_FORM);
        else
            read_key(&reader, key, arena, &change);
    }
    if (count < keys)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    veld_status status;
    VELD_TRY(veld_cbor_reader_finish(&reader, err));
    if (form == VELD_CHANGE_WIRE) {
        VELD_TRY(veld_change_check_form(&change, err));
        VELD_TRY(veld_change_derive(&change, err));
    }
    *out = change;
done:
    return status;
}

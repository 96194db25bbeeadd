/* The rows of the quarantine: what was set aside, why, and what a person decided; and the word to
 * the device whose change it is. */
#include "veldkit/quarantine.h"

#include <string.h>

#include "veldkit/cbor.h"
#include "veldkit/context.h"
#include "veldkit/envelope.h"
#include "veldkit/limits.h"
#include "veldkit/signed_part.h"

#define GROUP "quarantine"

enum { FORMAT = 0, ITEMS = 8, WHY_BYTES_MAX = 2000, NAMES_BYTES_MAX = 64 << 20 };

static veld_status put(veld_store *store, const veld_quarantined *one, veld_error *err)
{
    veld_buf row;
    veld_buf_init(&row, VELD_STORE_BODY_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&row);
    veld_cbor_put_array(&writer, ITEMS);
    veld_cbor_put_uint(&writer, FORMAT);
    veld_cbor_put_bytes(&writer, veld_id_span(&one->device));
    veld_cbor_put_bytes(&writer, veld_id_span(&one->case_id));
    veld_cbor_put_uint(&writer, (uint64_t)one->reason);
    veld_cbor_put_uint(&writer, (uint64_t)one->verdict);
    veld_cbor_put_int(&writer, one->received_utc_ms);
    veld_cbor_put_bytes(&writer, one->body);
    veld_cbor_put_bytes(&writer, one->why);
    veld_status status = veld_cbor_writer_finish(&writer, err);
    if (status == VELD_OK)
        status = veld_store_put_value(
            store, GROUP, veld_hash_span(&one->change), veld_buf_span(&row), err);
    veld_buf_wipe(&row);
    return status;
}

static veld_status read(veld_span name, veld_span row, veld_quarantined *out, veld_error *err)
{
    veld_quarantined one = {0};
    veld_cbor_reader reader = veld_cbor_read(row);
    if (veld_cbor_array(&reader, ITEMS) != ITEMS || veld_cbor_uint(&reader) != FORMAT ||
        name.len != sizeof one.change.bytes)
        veld_cbor_reader_fail(&reader, VELD_E_DAMAGED);
    else
        memcpy(one.change.bytes, name.data, name.len);
    veld_cbor_fixed(&reader, one.device.bytes, sizeof one.device.bytes);
    veld_cbor_fixed(&reader, one.case_id.bytes, sizeof one.case_id.bytes);
    one.reason = (veld_quarantine_reason)veld_cbor_uint(&reader);
    one.verdict = (veld_quarantine_verdict)veld_cbor_uint(&reader);
    one.received_utc_ms = veld_cbor_int(&reader);
    one.body = veld_cbor_bytes(&reader);
    one.why = veld_cbor_bytes(&reader);
    veld_status status = veld_cbor_reader_finish(&reader, err);
    if (status == VELD_OK)
        *out = one;
    return status;
}

veld_status veld_quarantine_get(veld_store *store, const veld_hash *change, veld_buf *body,
    veld_quarantined *out, veld_error *err)
{
    veld_buf_init(body, VELD_STORE_BODY_BYTES_MAX);
    veld_status status = veld_store_get_value(store, GROUP, veld_hash_span(change), body, err);
    return status == VELD_OK ? read(veld_hash_span(change), veld_buf_span(body), out, err) : status;
}

veld_status veld_quarantine_put(veld_store *store, const veld_change *change,
    veld_quarantine_reason reason, int64_t received_utc_ms, veld_error *err)
{
    veld_buf body, there;
    veld_quarantined one;
    veld_status status = veld_quarantine_get(store, &change->id, &there, &one, err);
    veld_buf_wipe(&there);
    if (status != VELD_E_NOT_FOUND)
        return status;
    veld_buf_init(&body, VELD_CHANGE_ALONE_BYTES_MAX);
    status = veld_change_encode(change, VELD_CHANGE_WIRE, &body, err);
    one = (veld_quarantined){.change = change->id,
        .device = change->device,
        .case_id = change->case_id,
        .reason = reason,
        .received_utc_ms = received_utc_ms,
        .body = veld_buf_span(&body)};
    if (status == VELD_OK)
        status = put(store, &one, err);
    veld_buf_wipe(&body);
    return status;
}

veld_status veld_quarantine_put_late(
    veld_store *store, veld_span envelope, int64_t received_utc_ms, veld_error *err)
{
    veld_envelope_header header;
    veld_quarantined one, known;
    veld_hash id;
    veld_buf there;
    veld_status status = veld_envelope_read_header(envelope, &header, err);
    if (status == VELD_OK)
        status = veld_envelope_id(envelope, &id, err);
    if (status != VELD_OK)
        return status;
    status = veld_quarantine_get(store, &id, &there, &known, err);
    veld_buf_wipe(&there);
    if (status != VELD_E_NOT_FOUND)
        return status;
    one = (veld_quarantined){.change = id,
        .device = header.device,
        .case_id = header.case_id,
        .reason = VELD_QUARANTINE_ERASED,
        .received_utc_ms = received_utc_ms,
        .body = envelope};
    return put(store, &one, err);
}

veld_status veld_quarantine_each(veld_store *store, void *context,
    veld_status (*each)(void *context, const veld_quarantined *one, veld_error *err),
    veld_error *err)
{
    veld_status status;
    bool more = true;
    veld_store_cursor *cursor = NULL;
    VELD_TRY(veld_store_values(store, GROUP, &cursor, err));
    while (more) {
        veld_quarantined one;
        veld_store_value value;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more)
            break;
        VELD_TRY(read(value.name, value.body, &one, err));
        VELD_TRY(each(context, &one, err));
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

typedef struct dropping {
    const veld_id *case_id;
    veld_buf changes;
} dropping;

static veld_status note_of_case(void *context, const veld_quarantined *one, veld_error *err)
{
    dropping *by = context;
    (void)err;
    return veld_id_equal(&one->case_id, by->case_id)
               ? veld_buf_append_span(&by->changes, veld_hash_span(&one->change))
               : VELD_OK;
}

veld_status veld_quarantine_drop(veld_store *store, const veld_id *case_id, veld_error *err)
{
    dropping by = {.case_id = case_id};
    veld_buf_init(&by.changes, NAMES_BYTES_MAX);
    veld_status status = veld_quarantine_each(store, &by, note_of_case, err);
    for (size_t at = 0; status == VELD_OK && at < by.changes.len; at += VELD_HASH_BYTES)
        status = veld_store_delete_value(
            store, GROUP, veld_span_of(by.changes.data + at, VELD_HASH_BYTES), err);
    veld_buf_release(&by.changes);
    return status;
}

veld_status veld_quarantine_forget(veld_store *store, const veld_hash *change, veld_error *err)
{
    return veld_store_delete_value(store, GROUP, veld_hash_span(change), err);
}

veld_status veld_quarantine_decide(veld_store *store, const veld_hash *change,
    veld_quarantine_verdict verdict, veld_span why, veld_error *err)
{
    veld_buf body;
    veld_quarantined one;
    veld_status status = veld_quarantine_get(store, change, &body, &one, err);
    if (status == VELD_OK && why.len > WHY_BYTES_MAX)
        status = veld_fail(err, VELD_E_LIMIT, "a reason of more than %d bytes", WHY_BYTES_MAX);
    if (status == VELD_OK && one.verdict != VELD_QUARANTINE_WAITING && one.verdict != verdict)
        status = veld_fail(err, VELD_E_STALE, "this change was decided otherwise before");
    bool is_late = status == VELD_OK && one.reason == VELD_QUARANTINE_ERASED;
    if (is_late && verdict == VELD_QUARANTINE_ADMITTED)
        status = veld_fail(err, VELD_E_NOT_ALLOWED, "the case is erased: nothing is joined to it");
    one.verdict = verdict;
    one.why = why;
    if (is_late) /* nobody is to have it any more */
        one.body = (veld_span){0};
    if (status == VELD_OK)
        status = put(store, &one, err);
    veld_buf_wipe(&body);
    return status;
}

/* ---- the word to the device ---- */

enum { KEY_FORMAT = 0, KEY_DEVICE, KEY_CASE, KEY_CHANGE, KEY_TIME, ASIDE_KEYS };

veld_status veld_aside_make(
    const veld_aside *aside, const veld_signer *merger, veld_buf *out, veld_error *err)
{
    veld_buf body;
    veld_buf_init(&body, VELD_ORDER_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&body);
    veld_cbor_put_map(&writer, ASIDE_KEYS);
    veld_cbor_put_uint(&writer, KEY_FORMAT);
    veld_cbor_put_uint(&writer, FORMAT);
    veld_cbor_put_uint(&writer, KEY_DEVICE);
    veld_cbor_put_bytes(&writer, veld_id_span(&aside->device));
    veld_cbor_put_uint(&writer, KEY_CASE);
    veld_cbor_put_bytes(&writer, veld_id_span(&aside->case_id));
    veld_cbor_put_uint(&writer, KEY_CHANGE);
    veld_cbor_put_bytes(&writer, veld_hash_span(&aside->change));
    veld_cbor_put_uint(&writer, KEY_TIME);
    veld_cbor_put_int(&writer, aside->utc_ms);
    veld_status status = veld_cbor_writer_finish(&writer, err);
    if (status == VELD_OK)
        status = veld_signed_write(merger, VELD_NAMESPACE_ASIDE, veld_buf_span(&body), out, err);
    veld_buf_release(&body);
    return status;
}

static void read_aside_key(veld_cbor_reader *reader, uint64_t key, void *to)
{
    veld_aside *out = to;
    switch (key) {
    case KEY_FORMAT:
        if (veld_cbor_uint(reader) > FORMAT)
            veld_cbor_reader_fail(reader, VELD_E_NEWER);
        break;
    case KEY_DEVICE:
        veld_cbor_fixed(reader, out->device.bytes, sizeof out->device.bytes);
        break;
    case KEY_CASE:
        veld_cbor_fixed(reader, out->case_id.bytes, sizeof out->case_id.bytes);
        break;
    case KEY_CHANGE:
        veld_cbor_fixed(reader, out->change.bytes, sizeof out->change.bytes);
        break;
    default:
        out->utc_ms = veld_cbor_int(reader);
        break;
    }
}

static const veld_signed_form ASIDE_FORM = {
    VELD_NAMESPACE_ASIDE, VELD_ORDER_BYTES_MAX, ASIDE_KEYS, ASIDE_KEYS, read_aside_key};

veld_status veld_aside_read(veld_span bytes, veld_aside *out, veld_error *err)
{
    veld_aside aside = {0};
    veld_status status = veld_signed_decode(bytes, &ASIDE_FORM, &aside, err);
    *out = status == VELD_OK ? aside : (veld_aside){0};
    return status;
}

veld_status veld_aside_verify(
    veld_span bytes, const veld_verifier *verifier, const veld_p256_public *key, veld_error *err)
{
    return veld_signed_verify(bytes, &ASIDE_FORM, verifier, key, err);
}

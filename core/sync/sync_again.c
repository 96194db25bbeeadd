/* After another key signs for the agency: what the merger posted with the one before, and still
 * holds, it posts again. A device believes nothing that comes in with a key of before, since the
 * place that such a part says it has can be written by who stole the key; so what it is to hear
 * after a long sleep has to be said with the present one. The bodies stay as they are. */
#include <string.h>

#include "order_row.h"
#include "sync_inner.h"
#include "veldkit/access.h"
#include "veldkit/assignment.h"
#include "veldkit/context.h"
#include "veldkit/signed_part.h"

#define NAME_SIGNER "signer" /* in SYNC_GROUP: fingerprint of the key that said all of it */

enum { NAMES_BYTES_MAX = 64 << 20, POST_BYTES_MAX = VELD_FRAME_BYTES_MAX + 16 };

static bool has_former(const veld_agency *agency)
{
    for (size_t i = 0; i < agency->former_count; i++)
        if (agency->former[i].kind == VELD_AGENCY_MERGER)
            return true;
    return false;
}

static veld_status is_due(veld_sync *sync, const veld_hash *signer, bool *out, veld_error *err)
{
    veld_buf said;
    *out = false;
    if (!has_former(sync->config.agency))
        return VELD_OK;
    veld_buf_init(&said, VELD_HASH_BYTES);
    veld_status status = veld_store_get_value(
        sync->config.desk->store, SYNC_GROUP, veld_span_text(NAME_SIGNER), &said, err);
    *out = status == VELD_E_NOT_FOUND ||
           (status == VELD_OK && !veld_span_equal(veld_buf_span(&said), veld_hash_span(signer)));
    veld_buf_release(&said);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* ---- what still holds, and how it is said again ---- */

static veld_status again_grant(veld_sync *sync, veld_span bytes, veld_buf *out, veld_error *err)
{
    veld_grant grant;
    veld_assignment there;
    veld_directory_entry device;
    veld_store *store = sync->config.desk->store;
    veld_status status;
    VELD_TRY(veld_grant_read(bytes, &grant, err));
    const veld_id *to = &grant.terms.recipient;
    VELD_TRY(veld_assignment_get(store, &grant.terms.case_id, to, &there, err));
    VELD_TRY(veld_directory_find(store, to, &device, err));
    if (device.state == VELD_DEVICE_ACTIVE && there.purpose == grant.terms.purpose)
        status = veld_grant_again(bytes, &sync->config.desk->signer, out, err);
done:
    return status == VELD_E_NOT_FOUND ? VELD_OK : status; /* it was taken back since */
}

static veld_status again_access(veld_sync *sync, veld_span bytes, veld_buf *out, veld_error *err)
{
    veld_access_item item;
    veld_status status = veld_access_item_read(bytes, &item, err);
    if (status != VELD_OK || item.form != VELD_ACCESS_KEPT)
        return status;
    return veld_signed_again(&sync->config.desk->signer, VELD_NAMESPACE_KEPT, bytes, out, err);
}

static veld_status again(
    veld_sync *sync, veld_frame_type type, veld_span bytes, veld_buf *out, veld_error *err)
{
    const veld_signer *signer = &sync->config.desk->signer;
    switch (type) {
    case VELD_FRAME_HEAD:
        return veld_signed_again(signer, VELD_NAMESPACE_HEAD, bytes, out, err);
    case VELD_FRAME_ASIDE:
        return veld_signed_again(signer, VELD_NAMESPACE_ASIDE, bytes, out, err);
    case VELD_FRAME_ACCESS:
        return again_access(sync, bytes, out, err);
    case VELD_FRAME_GRANT:
        return again_grant(sync, bytes, out, err);
    case VELD_FRAME_ORDER:
        return sync_order_again(sync, bytes, out, err);
    default: /* it is no word to a device, or its place is proved otherwise */
        return VELD_OK;
    }
}

static veld_status say_one(veld_sync *sync, veld_span name, veld_span row, veld_error *err)
{
    veld_status status;
    veld_buf bytes;
    veld_buf_init(&bytes, POST_BYTES_MAX);
    veld_cbor_reader reader = veld_cbor_read(row);
    if (veld_cbor_array(&reader, 2) != 2)
        veld_cbor_reader_fail(&reader, VELD_E_DAMAGED);
    veld_frame_type type = (veld_frame_type)veld_cbor_uint(&reader);
    veld_span before = veld_cbor_bytes(&reader);
    VELD_TRY(veld_cbor_reader_finish(&reader, err));
    VELD_TRY(again(sync, type, before, &bytes, err));
    if (bytes.len > 0)
        status = sync_post(sync, name, type, veld_buf_span(&bytes), err);
done:
    veld_buf_release(&bytes);
    return status;
}

/* What is still to go out is newer than what went out under its name, and was said with it. */
static veld_status say_group(veld_sync *sync, const char *group, bool has_newer, veld_error *err)
{
    veld_status status;
    veld_store *store = sync->config.desk->store;
    veld_span name;
    veld_buf names, row;
    veld_buf_init(&names, NAMES_BYTES_MAX);
    veld_buf_init(&row, POST_BYTES_MAX);
    VELD_TRY(veld_store_value_names(store, group, NULL, NULL, &names, err));
    for (size_t at = 0; veld_store_next_name(&names, &at, &name);) {
        veld_buf_clear(&row);
        status =
            has_newer ? veld_store_get_value(store, SYNC_POST, name, &row, err) : VELD_E_NOT_FOUND;
        if (status == VELD_OK)
            continue;
        if (status == VELD_E_NOT_FOUND)
            status = veld_store_get_value(store, group, name, &row, err);
        if (status == VELD_OK)
            status = say_one(sync, name, veld_buf_span(&row), err);
        VELD_TRY(status);
    }
done:
    veld_buf_release(&row);
    veld_buf_release(&names);
    return status;
}

static veld_status say_all(veld_sync *sync, const veld_hash *signer, veld_error *err)
{
    veld_status status;
    VELD_TRY(say_group(sync, SYNC_POST, false, err));
    VELD_TRY(say_group(sync, SYNC_POSTED, true, err));
    status = veld_store_put_value(sync->config.desk->store, SYNC_GROUP, veld_span_text(NAME_SIGNER),
        veld_hash_span(signer), err);
done:
    return status;
}

veld_status sync_say_again(veld_sync *sync, veld_error *err)
{
    bool due;
    veld_hash signer;
    veld_status status;
    veld_store *store = sync->config.desk->store;
    VELD_TRY(veld_p256_fingerprint(&sync->config.desk->signer.public_key, &signer, err));
    VELD_TRY(is_due(sync, &signer, &due, err));
    if (!due)
        goto done;
    VELD_TRY(veld_store_begin(store, err));
    status = say_all(sync, &signer, err);
    status = veld_store_end(store, status, err);
    veld_sync_wake(sync);
done:
    return status;
}

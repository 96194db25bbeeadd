/* Leases as a device keeps them, and the time by which they end. */
#include "veldkit/lease.h"

#include <string.h>

#include "veldkit/cbor.h"
#include "veldkit/emergency.h"
#include "veldkit/number.h"

#define GROUP     "lease"
#define WITHDRAWN "withdrawn"
#define TIME      "lease.time"
#define TIME_NAME "highest"

enum { FORMAT = 0, ITEMS = 5, ROW_BYTES_MAX = 64, NUMBER_BYTES = 8 };

/* The highest time is kept when it grew by this: not every look costs a write. */
#define TIME_STEP_MS (60 * 1000)

/* ---- numbers ---- */

static veld_status get_number(
    veld_store *store, const char *group, veld_span name, uint64_t *out, veld_error *err)
{
    veld_buf value;
    veld_buf_init(&value, NUMBER_BYTES);
    veld_status status = veld_store_get_value(store, group, name, &value, err);
    *out = status == VELD_OK && value.len == NUMBER_BYTES ? veld_get_u64(value.data) : 0;
    veld_buf_release(&value);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

static veld_status put_number(
    veld_store *store, const char *group, veld_span name, uint64_t number, veld_error *err)
{
    uint8_t bytes[NUMBER_BYTES];
    veld_put_u64(bytes, number);
    return veld_store_put_value(store, group, name, veld_span_of(bytes, sizeof bytes), err);
}

/* ---- rows ---- */

static veld_status read_lease(
    veld_store *store, const veld_id *case_id, veld_span row, veld_lease *out, veld_error *err)
{
    veld_lease lease = {0};
    veld_emergency opened;
    veld_status status;
    veld_cbor_reader reader = veld_cbor_read(row);
    if (veld_cbor_array(&reader, ITEMS) != ITEMS || veld_cbor_uint(&reader) != FORMAT)
        veld_cbor_reader_fail(&reader, VELD_E_DAMAGED);
    lease.serial = veld_cbor_uint(&reader);
    lease.purpose = (veld_grant_purpose)veld_cbor_uint(&reader);
    lease.end_utc_ms = veld_cbor_int(&reader);
    lease.since_utc_ms = veld_cbor_int(&reader);
    VELD_TRY(veld_cbor_reader_finish(&reader, err));
    if (lease.purpose == VELD_GRANT_BREAK_GLASS) {
        VELD_TRY(veld_emergency_get(store, case_id, &opened, err));
        lease.opened_until_utc_ms = opened.until_utc_ms;
    }
    *out = lease;
done:
    return status;
}

veld_status veld_lease_get(
    veld_store *store, const veld_id *case_id, veld_lease *out, veld_error *err)
{
    veld_buf row;
    *out = (veld_lease){0};
    veld_buf_init(&row, ROW_BYTES_MAX);
    veld_status status = veld_store_get_value(store, GROUP, veld_id_span(case_id), &row, err);
    if (status == VELD_OK)
        status = read_lease(store, case_id, veld_buf_span(&row), out, err);
    veld_buf_release(&row);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status veld_lease_each(veld_store *store, void *context,
    veld_status (*each)(
        void *context, const veld_id *case_id, const veld_lease *lease, veld_error *err),
    veld_error *err)
{
    veld_status status;
    bool more = true;
    veld_store_cursor *cursor = NULL;
    VELD_TRY(veld_store_values(store, GROUP, &cursor, err));
    while (more) {
        veld_id case_id;
        veld_lease lease;
        veld_store_value value;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more || value.name.len != sizeof case_id.bytes)
            continue;
        memcpy(case_id.bytes, value.name.data, sizeof case_id.bytes);
        VELD_TRY(read_lease(store, &case_id, value.body, &lease, err));
        VELD_TRY(each(context, &case_id, &lease, err));
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

static veld_status put_lease(
    veld_store *store, const veld_id *case_id, const veld_lease *lease, veld_error *err)
{
    veld_buf row;
    veld_buf_init(&row, ROW_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&row);
    veld_cbor_put_array(&writer, ITEMS);
    veld_cbor_put_uint(&writer, FORMAT);
    veld_cbor_put_uint(&writer, lease->serial);
    veld_cbor_put_uint(&writer, (uint64_t)lease->purpose);
    veld_cbor_put_int(&writer, lease->end_utc_ms);
    veld_cbor_put_int(&writer, lease->since_utc_ms);
    veld_status status = veld_cbor_writer_finish(&writer, err);
    if (status == VELD_OK)
        status =
            veld_store_put_value(store, GROUP, veld_id_span(case_id), veld_buf_span(&row), err);
    veld_buf_release(&row);
    return status;
}

veld_status veld_lease_drop(veld_store *store, const veld_id *case_id, veld_error *err)
{
    veld_status status = veld_store_delete_value(store, GROUP, veld_id_span(case_id), err);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status veld_lease_take(
    veld_store *store, const veld_anchor *anchor, const veld_grant_terms *terms, veld_error *err)
{
    veld_status status;
    uint64_t withdrawn;
    veld_lease old;
    VELD_TRY(get_number(store, WITHDRAWN, veld_id_span(&terms->case_id), &withdrawn, err));
    VELD_TRY(veld_lease_get(store, &terms->case_id, &old, err));
    if (withdrawn > 0 && terms->serial <= withdrawn)
        return veld_fail(err, VELD_E_STALE, "a grant from before the case was withdrawn");
    if (old.serial > 0 && terms->serial <= old.serial)
        goto done;
    const veld_lease lease = {
        .serial = terms->serial,
        .purpose = terms->purpose,
        .end_utc_ms = terms->lease_end_utc_ms,
        .since_utc_ms = anchor != NULL ? anchor->server_utc_ms : 0,
    };
    status = put_lease(store, &terms->case_id, &lease, err);
done:
    return status;
}

veld_status veld_lease_withdraw(
    veld_store *store, const veld_id *case_id, uint64_t serial, veld_error *err)
{
    veld_status status;
    VELD_TRY(put_number(store, WITHDRAWN, veld_id_span(case_id), serial, err));
    VELD_TRY(veld_emergency_drop(store, case_id, err));
    status = veld_lease_drop(store, case_id, err);
done:
    return status;
}

/* ---- time ---- */

static bool is_anchored(const veld_anchor *anchor, const veld_now *now)
{
    return anchor != NULL && anchor->server_utc_ms > 0 &&
           veld_id_equal(&anchor->boot, &anchor->boot_now) &&
           now->monotonic_ms >= anchor->monotonic_ms;
}

/* With an anchor of this boot the time is known, and what a wrong clock once said is forgotten. */
veld_status veld_lease_time(veld_store *store, const veld_anchor *anchor, const veld_now *now,
    int64_t *utc_ms, bool *sure, veld_error *err)
{
    veld_status status;
    uint64_t kept;
    int64_t best = now->wall_utc_ms;
    *sure = true;
    VELD_TRY(get_number(store, TIME, veld_span_text(TIME_NAME), &kept, err));
    int64_t highest = kept > INT64_MAX ? INT64_MAX : (int64_t)kept;
    bool is_known = is_anchored(anchor, now);
    if (is_known)
        best = anchor->server_utc_ms + (now->monotonic_ms - anchor->monotonic_ms);
    else if (anchor != NULL && anchor->server_utc_ms > highest)
        highest = anchor->server_utc_ms;
    if (best > highest + TIME_STEP_MS || (is_known && best < highest - TIME_STEP_MS))
        VELD_TRY(
            put_number(store, TIME, veld_span_text(TIME_NAME), best > 0 ? (uint64_t)best : 0, err));
    if (!is_known && best < highest) {
        *sure = best >= highest - VELD_ANCHOR_SUSPECT_MS;
        best = highest;
    }
    *utc_ms = best;
    if (anchor != NULL)
        status = veld_emergency_correct(
            store, &anchor->boot_now, now->monotonic_ms, best, is_known, err);
done:
    return status;
}

veld_lease_state veld_lease_state_at(const veld_lease *lease, int64_t utc_ms, bool sure)
{
    if (lease->purpose == 0)
        return VELD_LEASE_NONE;
    int64_t end = lease->end_utc_ms;
    bool is_emergency = lease->purpose == VELD_GRANT_BREAK_GLASS;
    if (is_emergency && lease->opened_until_utc_ms == 0)
        return VELD_LEASE_EMERGENCY;
    if (is_emergency && (end == 0 || lease->opened_until_utc_ms < end))
        end = lease->opened_until_utc_ms;
    if (end == 0)
        return VELD_LEASE_VALID;
    if (utc_ms >= end)
        return is_emergency ? VELD_LEASE_EMERGENCY_OVER : VELD_LEASE_OVER;
    return sure ? VELD_LEASE_VALID : VELD_LEASE_UNSURE;
}

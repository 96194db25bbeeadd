/* The anchor: one value of the store. Time is told from it in one place, so that all who save agree
 * on what is known. It knows nothing of receipts: who verified one hands the time in. */
#include "veldkit/anchor.h"

#include <string.h>

#include "veldkit/cbor.h"

enum { FORMAT = 0, ITEMS = 6, VALUE_BYTES_MAX = 256 };

#define GROUP "sync"
#define NAME  "anchor"

static veld_status decode(veld_span bytes, veld_anchor *out, veld_error *err)
{
    veld_cbor_reader reader = veld_cbor_read(bytes);
    if (veld_cbor_array(&reader, ITEMS) != ITEMS || veld_cbor_uint(&reader) != FORMAT)
        veld_cbor_reader_fail(&reader, VELD_E_DAMAGED);
    out->server_utc_ms = veld_cbor_int(&reader);
    out->monotonic_ms = veld_cbor_int(&reader);
    veld_cbor_fixed(&reader, out->boot.bytes, sizeof out->boot.bytes);
    out->log_size = veld_cbor_uint(&reader);
    veld_cbor_fixed(&reader, out->log_root.bytes, sizeof out->log_root.bytes);
    return veld_cbor_reader_finish(&reader, err);
}

veld_status veld_anchor_load(
    veld_store *store, const veld_id *boot, veld_anchor *out, veld_error *err)
{
    veld_anchor anchor = {0};
    veld_buf value;
    veld_buf_init(&value, VALUE_BYTES_MAX);
    veld_status status = veld_store_get_value(store, GROUP, veld_span_text(NAME), &value, err);
    if (status == VELD_OK)
        status = decode(veld_buf_span(&value), &anchor, err);
    else if (status == VELD_E_NOT_FOUND)
        status = VELD_OK;
    veld_buf_release(&value);
    if (status == VELD_OK) {
        anchor.boot_now = *boot;
        *out = anchor;
    }
    return status;
}

veld_status veld_anchor_set(veld_anchor *anchor, veld_store *store, const veld_now *now,
    int64_t server_utc_ms, uint64_t log_size, const veld_hash *log_root, veld_error *err)
{
    veld_anchor next = *anchor;
    veld_buf value;
    next.log_size = log_size;
    next.log_root = *log_root;
    if (server_utc_ms >= anchor->server_utc_ms) {
        next.server_utc_ms = server_utc_ms;
        next.monotonic_ms = now->monotonic_ms;
        next.boot = anchor->boot_now;
    }
    veld_buf_init(&value, VALUE_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&value);
    veld_cbor_put_array(&writer, ITEMS);
    veld_cbor_put_uint(&writer, FORMAT);
    veld_cbor_put_int(&writer, next.server_utc_ms);
    veld_cbor_put_int(&writer, next.monotonic_ms);
    veld_cbor_put_bytes(&writer, veld_id_span(&next.boot));
    veld_cbor_put_uint(&writer, next.log_size);
    veld_cbor_put_bytes(&writer, veld_hash_span(&next.log_root));
    veld_status status = veld_cbor_writer_finish(&writer, err);
    if (status == VELD_OK)
        status =
            veld_store_put_value(store, GROUP, veld_span_text(NAME), veld_buf_span(&value), err);
    veld_buf_release(&value);
    if (status == VELD_OK)
        *anchor = next;
    return status;
}

static bool is_same_boot(const veld_anchor *anchor, const veld_now *now)
{
    return veld_id_equal(&anchor->boot, &anchor->boot_now) &&
           now->monotonic_ms >= anchor->monotonic_ms;
}

void veld_anchor_time(const veld_anchor *anchor, const veld_now *now, veld_change_time *out)
{
    *out = (veld_change_time){
        .wall_utc_ms = now->wall_utc_ms,
        .offset_min = now->offset_min,
        .monotonic_ms = now->monotonic_ms,
        .hybrid_ms = now->wall_utc_ms,
        .quality = VELD_CLOCK_UNANCHORED,
    };
    if (anchor == NULL || anchor->server_utc_ms == 0)
        return;
    int64_t earliest = anchor->server_utc_ms;
    out->server_utc_ms = anchor->server_utc_ms;
    if (is_same_boot(anchor, now)) {
        out->hybrid_ms = earliest + (now->monotonic_ms - anchor->monotonic_ms);
        int64_t off = now->wall_utc_ms - out->hybrid_ms;
        out->quality = off > VELD_ANCHOR_SUSPECT_MS || off < -VELD_ANCHOR_SUSPECT_MS
                           ? VELD_CLOCK_SUSPECT
                           : VELD_CLOCK_ANCHORED;
        return;
    }
    out->quality = VELD_CLOCK_STALE;
    if (now->wall_utc_ms < earliest - VELD_ANCHOR_SUSPECT_MS)
        out->quality = VELD_CLOCK_SUSPECT;
    if (out->hybrid_ms < earliest)
        out->hybrid_ms = earliest;
    else if (out->hybrid_ms > earliest + VELD_ANCHOR_AHEAD_MS)
        out->hybrid_ms = earliest + VELD_ANCHOR_AHEAD_MS;
}

bool veld_anchor_is_skewed(const veld_change_time *time, int64_t arrived_utc_ms)
{
    int64_t wall = time->wall_utc_ms;
    bool behind = time->server_utc_ms != 0 && wall < time->server_utc_ms - VELD_ANCHOR_SUSPECT_MS;
    bool ahead = arrived_utc_ms != 0 && wall > arrived_utc_ms + VELD_ANCHOR_SUSPECT_MS;
    return time->quality == VELD_CLOCK_SUSPECT || behind || ahead;
}

int64_t veld_anchor_reading_ms(const veld_change_time *time)
{
    int64_t earliest = time->server_utc_ms;
    int64_t latest = earliest + VELD_ANCHOR_AHEAD_MS;
    int64_t ms = time->hybrid_ms;
    if (earliest == 0)
        return ms;
    if (ms > latest)
        ms = time->wall_utc_ms < latest ? time->wall_utc_ms : latest;
    return ms > earliest ? ms : earliest;
}

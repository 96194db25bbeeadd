/* Until where a revoked device counts, as the merger can prove it: what lay in the relay's journal
 * before the revocation did. The relay signs at which place it took the revocation in, and proves
 * of each envelope at which place that is: under the root that it signs, which goes on from the one
 * before. What it does not prove is late. */
#include <stdlib.h>
#include <string.h>

#include "sync_answer.h"
#include "veldkit/hash.h"
#include "veldkit/number.h"

/* By revoked device: a journal and the place of the revocation in it; 0: nothing counts any more.
 */
#define CUTS "sync.cut"

enum { CUT_BYTES = VELD_ID_BYTES + 8 };

static veld_status put(
    veld_sync *sync, const veld_id *device, const veld_id *journal, uint64_t seq, veld_error *err)
{
    uint8_t cut[CUT_BYTES];
    memcpy(cut, journal->bytes, VELD_ID_BYTES);
    veld_put_u64(cut + VELD_ID_BYTES, seq);
    return veld_store_put_value(
        sync->config.desk->store, CUTS, veld_id_span(device), veld_span_of(cut, sizeof cut), err);
}

/* The place in a journal, 0 where there is none in this one. */
static veld_status get(veld_sync *sync, const veld_id *device, const veld_id *journal,
    uint64_t *seq, bool *there, veld_error *err)
{
    veld_buf row;
    veld_buf_init(&row, CUT_BYTES);
    veld_status status =
        veld_store_get_value(sync->config.desk->store, CUTS, veld_id_span(device), &row, err);
    *there = status == VELD_OK;
    *seq = 0;
    if (*there && row.len == CUT_BYTES && memcmp(row.data, journal->bytes, VELD_ID_BYTES) == 0)
        *seq = veld_get_u64(row.data + VELD_ID_BYTES);
    veld_buf_release(&row);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status sync_load_cuts(veld_sync *sync, veld_error *err)
{
    veld_id *devices;
    size_t count;
    veld_status status =
        veld_store_value_ids(sync->config.desk->store, CUTS, &devices, &count, err);
    sync->cut_upto = 0;
    for (size_t i = 0; status == VELD_OK && i < count; i++) {
        bool there;
        uint64_t seq;
        status = get(sync, &devices[i], &sync->cursor.journal, &seq, &there, err);
        if (seq > sync->cut_upto)
            sync->cut_upto = seq;
    }
    veld_release(devices);
    return status;
}

veld_status sync_void_cuts(veld_sync *sync, veld_error *err)
{
    veld_id *devices;
    size_t count;
    veld_store *store = sync->config.desk->store;
    veld_status status = veld_store_value_ids(store, CUTS, &devices, &count, err);
    for (size_t i = 0; status == VELD_OK && i < count; i++)
        status = put(sync, &devices[i], &(veld_id){{0}}, 0, err);
    if (status == VELD_OK)
        sync->cut_upto = 0;
    veld_release(devices);
    return status;
}

/* The first answer counts: in no other journal is the revocation earlier. */
veld_status sync_note_cut(
    veld_sync *sync, veld_span entry, const veld_id *journal, uint64_t seq, veld_error *err)
{
    bool there;
    uint64_t known;
    veld_directory_entry device;
    const veld_desk *desk = sync->config.desk;
    if (veld_directory_read(
            entry, &desk->verifier, &sync->config.agency->merger_key, &device, NULL) != VELD_OK ||
        device.state != VELD_DEVICE_REVOKED)
        return VELD_OK;
    veld_status status = get(sync, &device.device, journal, &known, &there, err);
    if (status != VELD_OK || there)
        return status;
    status = put(sync, &device.device, journal, seq, err);
    if (status == VELD_OK && seq > sync->cut_upto)
        sync->cut_upto = seq;
    return status;
}

bool sync_asks_places(const veld_sync *sync)
{
    bool asks = sync->cut_upto > 0 && (sync->cursor.seq < sync->cut_upto || sync->retry_count > 0);
    for (size_t i = 0; i < sync->outs_count && !asks; i++)
        asks = sync->outs[i].type == VELD_FRAME_DIRECTORY && !sync->outs[i].is_done;
    return asks && sync->config.role == VELD_SYNC_MERGER;
}

/* ---- the places in an answer ---- */

static int by_id(const void *a, const void *b)
{
    const sync_place *left = a;
    const sync_place *right = b;
    return veld_hash_compare(&left->id, &right->id);
}

static veld_status check_place(const veld_log_head *log, const exchange_place *place)
{
    veld_hash leaf;
    veld_status status = veld_log_leaf(VELD_FRAME_ENVELOPE, &place->id, &leaf, NULL);
    return status == VELD_OK ? veld_log_check_entry(&leaf, place->seq - 1, log, &place->proof, NULL)
                             : status;
}

veld_status sync_take_places(veld_sync *sync, sync_answer *in, veld_error *err)
{
    if (in->is_reset || sync->config.role != VELD_SYNC_MERGER)
        return VELD_OK;
    in->places = veld_allocate((sync->frames_count + 1) * sizeof *in->places);
    if (in->places == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu frames", sync->frames_count);
    for (size_t i = 0; i < sync->frames_count; i++) {
        exchange_place place;
        veld_error why = {0};
        if (sync->frames[i].type != VELD_FRAME_PLACE)
            continue;
        veld_status status = exchange_read_place(sync->frames[i].body, &place, &why);
        if (status == VELD_OK)
            status = check_place(&in->receipt.log, &place);
        if (status == VELD_E_MEMORY || status == VELD_E_CRYPTO)
            return veld_fail(err, status, "a place in the journal could not be checked");
        if (status != VELD_OK)
            sync_tell_refused(
                sync, &(veld_id){{0}}, status, "a place that the relay does not prove");
        else
            in->places[in->places_count++] = (sync_place){.id = place.id, .seq = place.seq};
    }
    if (in->places_count > 1)
        qsort(in->places, in->places_count, sizeof *in->places, by_id);
    return VELD_OK;
}

veld_status sync_find_place(
    const sync_answer *in, veld_span envelope, uint64_t *out, veld_error *err)
{
    sync_place named;
    *out = 0;
    if (in->places_count == 0)
        return VELD_OK;
    veld_status status = veld_sha256(envelope, &named.id, err);
    if (status != VELD_OK)
        return status;
    const sync_place *found =
        bsearch(&named, in->places, in->places_count, sizeof *in->places, by_id);
    *out = found != NULL ? found->seq : 0;
    return VELD_OK;
}

/* ---- judging ---- */

/* The answer under way was asked for before the relay could hear of it. */
static bool was_revoked_meanwhile(const veld_sync *sync, const veld_id *device)
{
    bool found = false;
    const veld_buf *ids = &sync->revoked_meanwhile;
    for (size_t at = 0; at < ids->len && !found; at += VELD_ID_BYTES)
        found = memcmp(ids->data + at, device->bytes, VELD_ID_BYTES) == 0;
    return found;
}

veld_status sync_is_in_time(
    veld_sync *sync, const veld_id *device, uint64_t place, bool *out, veld_error *err)
{
    bool there;
    uint64_t cut;
    veld_status status = get(sync, device, &sync->journal_now, &cut, &there, err);
    *out = status == VELD_OK &&
           (there ? place != 0 && place < cut : was_revoked_meanwhile(sync, device));
    return status;
}

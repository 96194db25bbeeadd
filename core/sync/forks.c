/* A chain that forks: one number, two changes. Nobody but a copy of a tablet's folder makes such,
 * so the office hears of it, once for each further fork. Both changes stand. */
#include "sync_inner.h"

#include <stdio.h>
#include <string.h>

#include "veldkit/number.h"

#define FORKS "forks" /* device, case -> how many numbers fork */

enum { COUNT_BYTES = 8 };

typedef struct fork_name {
    uint8_t bytes[2 * VELD_ID_BYTES];
} fork_name;

static veld_status note(
    veld_sync *sync, const veld_id *case_id, const veld_holding *holding, veld_error *err)
{
    veld_store *store = sync->config.desk->store;
    fork_name name;
    uint8_t count[COUNT_BYTES];
    char device[VELD_ID_TEXT_SIZE], text[VELD_ERROR_TEXT_BYTES_MAX];
    veld_buf known;
    veld_status status;
    memcpy(name.bytes, holding->chain.device.bytes, VELD_ID_BYTES);
    memcpy(name.bytes + VELD_ID_BYTES, case_id->bytes, VELD_ID_BYTES);
    veld_span key = veld_span_of(name.bytes, sizeof name.bytes);
    veld_buf_init(&known, COUNT_BYTES);
    status = veld_store_get_value(store, FORKS, key, &known, err);
    if (status != VELD_OK && status != VELD_E_NOT_FOUND)
        goto done;
    status = VELD_OK;
    if (known.len == COUNT_BYTES && veld_get_u64(known.data) >= holding->forks_count)
        goto done;
    veld_put_u64(count, holding->forks_count);
    VELD_TRY(veld_store_put_value(store, FORKS, key, veld_span_of(count, sizeof count), err));
    veld_id_format(&holding->chain.device, device);
    (void)snprintf(text, sizeof text, "device %s gave number %llu twice: a copy of it is in use",
        device, (unsigned long long)holding->forks[holding->forks_count - 1]);
    sync_tell(sync, &(veld_sync_event){.kind = VELD_SYNC_FORK,
                        .case_id = *case_id,
                        .count = holding->forks_count,
                        .text = text});

done:
    veld_buf_release(&known);
    return status;
}

veld_status sync_note_forks(
    veld_sync *sync, const veld_id *case_id, veld_case *opened, veld_error *err)
{
    size_t count = 0;
    veld_status status = VELD_OK;
    const veld_holding *holdings = veld_graph_holdings(veld_case_graph(opened), &count);
    for (size_t i = 0; holdings != NULL && status == VELD_OK && i < count; i++)
        if (holdings[i].forks_count > 0)
            status = note(sync, case_id, &holdings[i], err);
    return status;
}

veld_status veld_sync_is_forked(
    veld_store *store, const veld_id *device, bool *out, veld_error *err)
{
    bool more = true;
    veld_store_cursor *cursor = NULL;
    veld_status status;
    *out = false;
    VELD_TRY(veld_store_values(store, FORKS, &cursor, err));
    while (more && !*out) {
        veld_store_value value;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        *out = more && value.name.len == sizeof(fork_name) &&
               memcmp(value.name.data, device->bytes, VELD_ID_BYTES) == 0;
    }

done:
    veld_store_cursor_close(cursor);
    return status;
}

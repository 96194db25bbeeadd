/* Rebuilding: a row that does not say what its author signed is dropped, so that the change can
 * come again. Everything in memory is made from the rows at the next opening. */
#include <string.h>

#include "case_inner.h"
#include "veldkit/commit.h"
#include "veldkit/limits.h"

/* The names in the row are not believed: they are derived again from what it says. */
static veld_status fits(const veld_desk *desk, const veld_hash *row, const veld_change *change,
    bool *out, veld_error *err)
{
    veld_p256_public key;
    veld_change again = *change;
    *out = true;
    veld_status status = veld_keyring_signer(&desk->keyring, &desk->verifier, change, &key, err);
    if (status == VELD_E_NOT_FOUND) /* nobody can say */
        return VELD_OK;
    if (status == VELD_OK)
        status = veld_change_derive(&again, err);
    if (status == VELD_OK)
        status = veld_commit_verify(&again, &key, &desk->verifier, err);
    if (status == VELD_E_FORGED || status == VELD_E_INVALID) {
        *out = false;
        return VELD_OK;
    }
    if (status == VELD_OK)
        *out = veld_hash_equal(&again.id, row) && veld_hash_equal(&again.id, &change->id) &&
               veld_hash_equal(&again.core, &change->core);
    return status;
}

/* The ids of what does not fit, appended to `bad`. What this device wrote stays: its number must
 * never be given twice. */
static veld_status find_bad(
    const veld_desk *desk, veld_store_case *keys, veld_buf *bad, veld_error *err)
{
    veld_status status;
    veld_arena arena;
    veld_store_cursor *cursor = NULL;
    veld_arena_init(&arena, VELD_CHANGE_MEMORY_MAX);
    VELD_TRY(veld_store_changes(desk->store, keys, 0, &cursor, err));
    for (;;) {
        bool more = false, fine;
        veld_store_change row;
        veld_change change;
        VELD_TRY(veld_store_changes_next(cursor, &more, &row, err));
        if (!more)
            break;
        VELD_TRY(veld_change_decode(row.body, VELD_CHANGE_ROW, &arena, &change, err));
        VELD_TRY(fits(desk, &row.id, &change, &fine, err));
        if (!fine && !veld_id_equal(&change.device, veld_store_device(desk->store)))
            VELD_TRY(veld_buf_append_span(bad, veld_hash_span(&row.id)));
        veld_arena_release(&arena);
    }
done:
    veld_store_cursor_close(cursor);
    veld_arena_release(&arena);
    return status;
}

veld_status veld_case_rebuild(
    const veld_desk *desk, const veld_id *case_id, size_t *dropped, veld_error *err)
{
    veld_status status;
    veld_store_case *keys = NULL;
    veld_buf bad;
    *dropped = 0;
    veld_buf_init(&bad, VELD_STATE_BYTES_MAX);
    VELD_TRY(veld_store_case_open(desk->store, case_id, &keys, err));
    VELD_TRY(find_bad(desk, keys, &bad, err));
    const veld_hash *ids = (const veld_hash *)(const void *)bad.data;
    if (bad.len > 0)
        VELD_TRY(veld_store_drop_changes(desk->store, ids, bad.len / sizeof *ids, err));
    *dropped = bad.len / sizeof *ids;
done:
    veld_store_case_close(keys);
    veld_buf_release(&bad);
    return status;
}

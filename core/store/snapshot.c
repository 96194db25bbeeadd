/* The index snapshot in the store: an image cut into parts, each sealed on its own, since sealing
 * has a maximum. Part 0 says what the others are; a random name of the snapshot is part of their
 * place, so parts of two snapshots do not mix. A snapshot is a convenience: one that does not open
 * is as good as none.
 *
 * Part 0: name 16 | format u16 | covered u64 | bytes u64. */
#include <string.h>

#include "inner.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"

enum {
    FORMAT = 1,
    NAME_BYTES = 16,
    AT_COVERED = NAME_BYTES + 2,
    AT_BYTES = AT_COVERED + 8,
    HEAD_BYTES = AT_BYTES + 8,
    PART_BYTES = 1 << 16, /* small enough to stay below what malloc maps anew each time */
    PLACE_BYTES = NAME_BYTES + 4
};

static const char table[] = "snapshot";

static const veld_sealer *snapshot_sealer(const veld_store *store)
{
    return veld_vault_sealer(store->vault, VELD_SEALER_VAULT_SNAPSHOT);
}

/* Where a part lives: name (zero for part 0) | number. */
static veld_span place_of(uint8_t place[PLACE_BYTES], const uint8_t *name, uint32_t part)
{
    memset(place, 0, NAME_BYTES);
    if (part > 0)
        memcpy(place, name, NAME_BYTES);
    veld_put_u32(place + NAME_BYTES, part);
    return veld_span_of(place, PLACE_BYTES);
}

static veld_status put_part(
    veld_store *store, const uint8_t *name, uint32_t part, veld_span plain, veld_error *err)
{
    uint8_t place[PLACE_BYTES];
    sqlite3_stmt *statement = NULL;
    veld_buf sealed;
    bool row;
    veld_status status = VELD_OK;
    veld_buf_init(&sealed, plain.len + VELD_ROW_OVERHEAD_BYTES);
    VELD_TRY(store_seal(store, snapshot_sealer(store), table, place_of(place, name, part), &plain,
        1, &sealed, err));
    VELD_TRY(store_statement(store, STORE_SNAPSHOT_PUT, &statement, err));
    if (sqlite3_bind_int64(statement, 1, part) != SQLITE_OK ||
        sql_bind_span(statement, 2, veld_buf_span(&sealed)) != SQLITE_OK) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for a snapshot");
        goto done;
    }
    VELD_TRY(store_step(store, statement, &row, err));
done:
    store_statement_done(statement);
    veld_buf_release(&sealed);
    return status;
}

veld_status store_snapshot_put(
    veld_store *store, uint64_t covered, veld_span image, veld_error *err)
{
    uint8_t head[HEAD_BYTES];
    bool own = false;
    uint32_t part = 1;
    veld_status status = VELD_OK;
    if (image.len > VELD_INDEX_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "the index is too large to keep");
    VELD_TRY(store_write_begin(store, &own, err));
    VELD_TRY(store_run(store, STORE_SNAPSHOT_DROP, NULL, 0, err));
    VELD_TRY(veld_env_random(store->env, head, NAME_BYTES, err));
    veld_put_u16(head + NAME_BYTES, FORMAT);
    veld_put_u64(head + AT_COVERED, covered);
    veld_put_u64(head + AT_BYTES, image.len);
    VELD_TRY(put_part(store, head, 0, veld_span_of(head, sizeof head), err));
    for (size_t at = 0; at < image.len; at += PART_BYTES, part++) {
        size_t left = image.len - at;
        veld_span piece = veld_span_part(image, at, left < PART_BYTES ? left : PART_BYTES);
        VELD_TRY(put_part(store, head, part, piece, err));
    }
done:
    return store_write_end(store, own, status, err);
}

/* The next part into the emptied buffer of the cursor. No row is damage here: the head said more.
 */
static veld_status next_part(
    veld_store_cursor *cursor, const uint8_t *name, uint32_t part, veld_error *err)
{
    uint8_t place[PLACE_BYTES];
    bool more = false;
    veld_status status = store_cursor_step(cursor, STORE_WALK_SNAPSHOT, &more, err);
    if (status != VELD_OK)
        return status;
    if (!more)
        return veld_fail(err, part == 0 ? VELD_E_NOT_FOUND : VELD_E_DAMAGED, "no such part");
    return store_open(cursor->store, snapshot_sealer(cursor->store), table,
        place_of(place, name, part), sql_column_span(cursor->statement, 0), 1, &cursor->plain, err);
}

static veld_status get_image(veld_store_cursor *cursor, uint64_t *covered, uint8_t **image,
    size_t *image_bytes, veld_error *err)
{
    uint8_t head[HEAD_BYTES], *bytes = NULL;
    uint64_t total;
    size_t at = 0;
    veld_status status = VELD_OK;
    VELD_TRY(next_part(cursor, NULL, 0, err));
    if (cursor->plain.len != HEAD_BYTES || veld_get_u16(cursor->plain.data + NAME_BYTES) != FORMAT)
        return veld_fail(err, VELD_E_DAMAGED, "the snapshot is of another format");
    memcpy(head, cursor->plain.data, sizeof head);
    total = veld_get_u64(head + AT_BYTES);
    if (total == 0 || total > VELD_INDEX_BYTES_MAX)
        return veld_fail(err, VELD_E_DAMAGED, "the snapshot has no possible length");
    bytes = sqlite3_malloc64(total);
    if (bytes == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for the index");
    for (uint32_t part = 1; at < total; part++) {
        VELD_TRY(next_part(cursor, head, part, err));
        if (cursor->plain.len > total - at) {
            status = veld_fail(err, VELD_E_DAMAGED, "the snapshot is longer than it says");
            goto done;
        }
        memcpy(bytes + at, cursor->plain.data, cursor->plain.len);
        at += cursor->plain.len;
    }
    *covered = veld_get_u64(head + AT_COVERED);
    *image = bytes;
    *image_bytes = at;
    bytes = NULL;
done:
    sqlite3_free(bytes);
    return status;
}

veld_status store_snapshot_get(
    veld_store *store, uint64_t *covered, uint8_t **image, size_t *image_bytes, veld_error *err)
{
    veld_store_cursor *cursor = NULL;
    *covered = 0;
    *image = NULL;
    *image_bytes = 0;
    veld_status status = store_cursor_new(
        store, STORE_WALK_SNAPSHOT, "SELECT body FROM snapshot ORDER BY part", &cursor, err);
    if (status != VELD_OK)
        return status;
    status = get_image(cursor, covered, image, image_bytes, err);
    veld_store_cursor_close(cursor);
    if (status == VELD_E_NOT_FOUND)
        return VELD_OK;
    if (status == VELD_E_DAMAGED && store->poisoned == VELD_OK) {
        veld_env_log(store->env, VELD_LOG_WARNING, "the index snapshot does not open: made anew");
        return VELD_OK;
    }
    return status;
}

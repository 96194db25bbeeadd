/* Is this file its own continuation? Every commit counts up in a row of the store and, right after,
 * in the small file HOME/continuity. A store.db that was put back from a copy is behind the file;
 * one that was moved without it has none. Either way it may use numbers again that were already
 * used, so it takes a new incarnation. The file may be behind the store (a kill or power loss
 * between the two): that is the normal order. A copy of the whole folder cannot be told here.
 *
 * The file: session 8 | commits u64 | MAC 16; it is written in place, within one sector. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "inner.h"
#include "veldkit/number.h"

enum {
    AT_SESSION = VELD_INCARNATION_BYTES,
    AT_PREVIOUS = AT_SESSION + STORE_SESSION_BYTES,
    AT_COMMITS = AT_PREVIOUS + STORE_SESSION_BYTES,
    AT_LAST_SEQ = AT_COMMITS + 8,
    ROW_BYTES = AT_LAST_SEQ + 8,
    FILE_COVERED = STORE_SESSION_BYTES + 8,
    FILE_BYTES = FILE_COVERED + 16
};

static const char table[] = "own";
static const char file_name[] = "continuity";

static veld_status put_row(veld_store *store, veld_error *err)
{
    const store_continuity *now = &store->continuity;
    uint8_t row[ROW_BYTES] = {0};
    veld_span plain = veld_span_of(row, sizeof row), values[2];
    veld_buf sealed;
    veld_status status = VELD_OK;
    veld_buf_init(&sealed, ROW_BYTES + VELD_ROW_OVERHEAD_BYTES);
    memcpy(row, now->incarnation, VELD_INCARNATION_BYTES);
    memcpy(row + AT_SESSION, now->session, STORE_SESSION_BYTES);
    memcpy(row + AT_PREVIOUS, now->previous, STORE_SESSION_BYTES);
    veld_put_u64(row + AT_COMMITS, now->commits);
    veld_put_u64(row + AT_LAST_SEQ, now->last_seq);
    values[0] = store_row_span(&store->continuity_row);
    VELD_TRY(store_seal(
        store, store_vault_row_sealer(store), table, values[0], &plain, 1, &sealed, err));
    values[1] = veld_buf_span(&sealed);
    VELD_TRY(store_run(store, STORE_OWN_PUT, values, 2, err));
done:
    veld_buf_release(&sealed);
    return status;
}

static veld_status get_row(veld_store *store, veld_error *err)
{
    store_continuity *now = &store->continuity;
    veld_buf plain;
    veld_buf_init(&plain, ROW_BYTES);
    veld_status status = store_get(store, STORE_OWN_GET, store_vault_row_sealer(store), table,
        &store->continuity_row, ROW_BYTES, &plain, err);
    if (status == VELD_E_NOT_FOUND)
        status = veld_fail(err, VELD_E_DAMAGED, "the store's continuity row is missing");
    if (status != VELD_OK)
        goto done;
    memcpy(now->incarnation, plain.data, VELD_INCARNATION_BYTES);
    memcpy(now->session, plain.data + AT_SESSION, STORE_SESSION_BYTES);
    memcpy(now->previous, plain.data + AT_PREVIOUS, STORE_SESSION_BYTES);
    now->commits = veld_get_u64(plain.data + AT_COMMITS);
    now->last_seq = veld_get_u64(plain.data + AT_LAST_SEQ);
    store->committed = *now;
done:
    veld_buf_release(&plain);
    return status;
}

static veld_status row_name(veld_store *store, veld_error *err)
{
    veld_span name = veld_span_text(file_name);
    return store_row_id(store, table, &name, 1, &store->continuity_row, err);
}

static veld_status file_mac(
    const veld_store *store, const uint8_t *file, veld_row_id *out, veld_error *err)
{
    veld_span covered = veld_span_of(file, FILE_COVERED);
    return store_row_id(store, "continuity-file", &covered, 1, out, err);
}

/* Does what the file says fit the row? A file that is missing or damaged says nothing that fits. */
static veld_status file_fits(veld_store *store, bool *fits, veld_error *err)
{
    veld_buf file;
    veld_row_id mac;
    const store_continuity *now = &store->continuity;
    *fits = false;
    veld_buf_init(&file, FILE_BYTES);
    veld_status status = store_file_read(store->home, file_name, &file, err);
    if (status == VELD_E_NOT_FOUND || status == VELD_E_DAMAGED)
        status = VELD_OK;
    if (status == VELD_OK && file.len == FILE_BYTES) {
        status = file_mac(store, file.data, &mac, err);
        bool known = memcmp(file.data, now->session, STORE_SESSION_BYTES) == 0 ||
                     memcmp(file.data, now->previous, STORE_SESSION_BYTES) == 0;
        *fits = status == VELD_OK && known &&
                memcmp(mac.bytes, file.data + FILE_COVERED, sizeof mac.bytes) == 0 &&
                veld_get_u64(file.data + STORE_SESSION_BYTES) <= now->commits;
    }
    veld_buf_release(&file);
    return status;
}

veld_status store_continuity_create(veld_store *store, veld_error *err)
{
    store->continuity = (store_continuity){.commits = 1};
    veld_status status = row_name(store, err);
    if (status == VELD_OK)
        status =
            veld_env_random(store->env, store->continuity.incarnation, VELD_INCARNATION_BYTES, err);
    if (status == VELD_OK)
        status = veld_env_random(store->env, store->continuity.session, STORE_SESSION_BYTES, err);
    if (status == VELD_OK)
        status = put_row(store, err);
    /* The creating transaction is not committed yet, but a file without a row does no harm. */
    if (status == VELD_OK)
        store_continuity_after_commit(store);
    return status;
}

veld_status store_continuity_load(veld_store *store, veld_error *err)
{
    bool fits;
    veld_status status = VELD_OK;
    store->session_written = false;
    VELD_TRY(row_name(store, err));
    VELD_TRY(get_row(store, err));
    VELD_TRY(file_fits(store, &fits, err));
    if (!fits) {
        VELD_TRY(veld_store_renew(store, err));
        store->renewed = true;
        veld_env_log(store->env, VELD_LOG_WARNING,
            "the store is not its own continuation (restored?): new incarnation");
    }
done:
    return status;
}

veld_status store_continuity_before_commit(veld_store *store, veld_error *err)
{
    store_continuity *now = &store->continuity;
    if (!store->session_written) {
        memcpy(now->previous, now->session, STORE_SESSION_BYTES);
        veld_status status = veld_env_random(store->env, now->session, STORE_SESSION_BYTES, err);
        if (status != VELD_OK)
            return status;
    }
    now->commits++;
    return put_row(store, err);
}

void store_continuity_after_commit(veld_store *store)
{
    uint8_t file[FILE_BYTES];
    veld_row_id mac;
    char *path = NULL;
    store->session_written = true;
    if (store->continuity_fd < 0 && store_file_path(store->home, file_name, &path, NULL) == VELD_OK)
        store->continuity_fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    veld_release(path);
    memcpy(file, store->continuity.session, STORE_SESSION_BYTES);
    veld_put_u64(file + STORE_SESSION_BYTES, store->continuity.commits);
    bool told = store->continuity_fd >= 0 && file_mac(store, file, &mac, NULL) == VELD_OK;
    if (told) {
        memcpy(file + FILE_COVERED, mac.bytes, sizeof mac.bytes);
        told = pwrite(store->continuity_fd, file, sizeof file, 0) == (ssize_t)sizeof file;
    }
    if (!told)
        veld_env_log(store->env, VELD_LOG_WARNING, "the continuity file could not be written");
}

void store_continuity_close(veld_store *store)
{
    if (store->continuity_fd < 0)
        return;
    (void)fdatasync(store->continuity_fd); /* behind is the normal order: nothing is lost */
    close(store->continuity_fd);
    store->continuity_fd = -1;
}

const uint8_t *veld_store_incarnation(const veld_store *store)
{
    return store->continuity.incarnation;
}

bool veld_store_was_renewed(const veld_store *store)
{
    return store->renewed;
}

veld_status veld_store_renew(veld_store *store, veld_error *err)
{
    VELD_ASSERT(!store->in_transaction);
    bool own = false;
    veld_status status = VELD_OK;
    VELD_TRY(store_write_begin(store, &own, err));
    status =
        veld_env_random(store->env, store->continuity.incarnation, VELD_INCARNATION_BYTES, err);
done:
    return store_write_end(store, own, status, err);
}

uint64_t veld_store_last_seq(const veld_store *store)
{
    return store->continuity.last_seq;
}

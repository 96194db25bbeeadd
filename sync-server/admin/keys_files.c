/* What a change of keys leaves to be done after its one transaction: files in the relay's folder,
 * which only a process outside the merger's sandbox writes, and the wrapping of what the agency
 * holds. All of it lies in the merger's store until it is done, so it can be done again. */
#include "keys.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "veldkit/renew.h"

#define MARK  "changing"
#define GROUP "keys.files" /* by name: the file */

enum { FILES_MAX = 32 };

veld_status srv_changing_begin(const char *dir, veld_error *err)
{
    return srv_write_file(dir, MARK, veld_span_text("keys change --resume\n"), err);
}

veld_status srv_changing_end(const char *dir, veld_error *err)
{
    char path[SRV_PATH_BYTES_MAX];
    veld_status status;
    VELD_TRY(srv_path(dir, MARK, path, err));
    if (unlink(path) != 0 && errno != ENOENT)
        status = veld_fail_native(err, veld_status_from_errno(errno), VELD_DOMAIN_POSIX, errno,
            "het teken dat sleutels gewisseld worden kan niet weg: %s", MARK);

done:
    return status;
}

veld_status srv_changing_refuse(const char *dir, veld_error *err)
{
    char path[SRV_PATH_BYTES_MAX];
    veld_status status;
    VELD_TRY(srv_path(dir, MARK, path, err));
    if (access(path, F_OK) == 0)
        status = veld_fail(err, VELD_E_STALE,
            "een wisseling van sleutels is niet afgemaakt; doe dat eerst: keys change --resume");

done:
    return status;
}

veld_status srv_file_queue(srv_session *session, const char *name, veld_span bytes, veld_error *err)
{
    return veld_store_put_value(session->store, GROUP, veld_span_text(name), bytes, err);
}

/* The name of one that is queued; empty when there are no more. */
static veld_status next_file(
    srv_session *session, char *name, size_t size, veld_buf *bytes, veld_error *err)
{
    bool more = false;
    veld_store_value value;
    veld_store_cursor *cursor = NULL;
    veld_status status;
    name[0] = '\0';
    VELD_TRY(veld_store_values(session->store, GROUP, &cursor, err));
    VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
    if (!more)
        goto done;
    if (value.name.len >= size) {
        status = veld_fail(err, VELD_E_DAMAGED, "a queued file has too long a name");
        goto done;
    }
    (void)snprintf(name, size, "%.*s", (int)value.name.len, (const char *)value.name.data);
    status = veld_buf_append_span(bytes, value.body);

done:
    veld_store_cursor_close(cursor);
    return status;
}

static veld_status write_files(srv_session *session, veld_error *err)
{
    char relay[SRV_PATH_BYTES_MAX], name[64];
    veld_buf bytes;
    veld_status status;
    veld_buf_init(&bytes, SRV_FILE_BYTES_MAX);
    VELD_TRY(srv_path(session->dir, "relay", relay, err));
    for (int i = 0; i < FILES_MAX; i++) {
        veld_buf_wipe(&bytes);
        VELD_TRY(next_file(session, name, sizeof name, &bytes, err));
        if (name[0] == '\0')
            goto done;
        VELD_TRY(srv_write_file(relay, name, veld_buf_span(&bytes), err));
        VELD_TRY(veld_store_delete_value(session->store, GROUP, veld_span_text(name), err));
    }
    status = veld_fail(err, VELD_E_LIMIT, "more than %d files are queued", FILES_MAX);

done:
    veld_buf_wipe(&bytes);
    return status;
}

veld_status srv_change_finish(srv_session *session, size_t *wrapped, veld_error *err)
{
    size_t codes = 0;
    veld_status status;
    VELD_TRY(write_files(session, err));
    if (veld_store_seal_key_at(session->store, 1) != NULL)
        VELD_TRY(veld_recovery_rewrap(&session->desk, &codes, err));
    status = veld_sync_rewrap(session->sync, wrapped, err);

done:
    return status;
}

/* The one connection. Each setting is there because a measurement or a rule asks for it, and each
 * is read back: SQLite answers "ok" to settings that it then does not have. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "inner.h"

/* Exclusive comes before WAL: then no shared-memory file is made. */
static const char *const settings[][3] = {
    {"PRAGMA locking_mode = EXCLUSIVE", "PRAGMA locking_mode", "exclusive"},
    {"PRAGMA journal_mode = WAL", "PRAGMA journal_mode", "wal"},
    {"PRAGMA synchronous = FULL", "PRAGMA synchronous", "2"},
    {"PRAGMA temp_store = MEMORY", "PRAGMA temp_store", "2"},
    {"PRAGMA secure_delete = ON", "PRAGMA secure_delete", "1"},
    {"PRAGMA trusted_schema = OFF", "PRAGMA trusted_schema", "0"},
    {"PRAGMA cell_size_check = ON", "PRAGMA cell_size_check", "1"},
    {"PRAGMA mmap_size = 0", "PRAGMA mmap_size", "0"},
};

static veld_status apply_settings(veld_store *store, veld_error *err)
{
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        veld_status status =
            sql_set_pragma(store->db, settings[i][0], settings[i][1], settings[i][2], err);
        if (status != VELD_OK)
            return status;
    }
    int defensive = 0;
    int code = sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, &defensive);
    if (code != SQLITE_OK || defensive != 1)
        return veld_fail(err, VELD_E_UNSUPPORTED, "sqlite has no defensive mode");
    return VELD_OK;
}

/* The file is ours before SQLite sees it, so that nobody else may read it or its log. */
static veld_status make_file(const char *path, bool create, veld_error *err)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
    if (fd < 0)
        return veld_fail_native(err, veld_status_from_errno(errno), VELD_DOMAIN_POSIX, errno,
            errno == ENOENT ? "there is no store here" : "cannot open the store");
    close(fd);
    return VELD_OK;
}

veld_status store_connect(veld_store *store, bool create, veld_error *err)
{
    char *path = NULL;
    int code;
    veld_status status = VELD_OK;
    VELD_TRY(store_file_path(store->home, "store.db", &path, err));
    VELD_TRY(make_file(path, create, err));
    code = sqlite3_open_v2(path, &store->db,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (code != SQLITE_OK) {
        status = sql_fail(code, "open", err);
        goto done;
    }
    VELD_TRY(apply_settings(store, err));
    VELD_TRY(store_migrate(store, create, err));
    VELD_TRY(store_own_load(store, err));
    VELD_TRY(store_continuity_load(store, err));
done:
    veld_release(path);
    if (status != VELD_OK)
        store_disconnect(store);
    return status;
}

void store_disconnect(veld_store *store)
{
    veld_store_rollback(store);
    for (size_t i = 0; i < STORE_STATEMENTS; i++) {
        sqlite3_finalize(store->statements[i]);
        store->statements[i] = NULL;
    }
    for (size_t i = 0; i < STORE_WALKS; i++) {
        sqlite3_finalize(store->walked[i]);
        store->walked[i] = NULL;
    }
    if (store->db != NULL) {
        int code = sqlite3_close(store->db);
        VELD_ASSERT(code == SQLITE_OK); /* else a statement was forgotten */
    }
    store->db = NULL;
    store_continuity_close(store);
}

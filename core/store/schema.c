/* The tables, and how an older file becomes one of today: an ordered list of steps, each in one
 * transaction with the number it leads to. A step that was ever released is never changed.
 *
 * No column is readable but the order of writing (seq), the places on the chains of the access log
 * (number) and the parts of a snapshot. `kase` is the
 * keyed id of a case, the same in every table; `cases` has it as its id. */
#include <stdio.h>

#include "inner.h"

typedef struct migration {
    const char *script;
    veld_status (*fill)(veld_store *store, veld_error *err); /* may be NULL */
} migration;

static const char first_script[] =
    "CREATE TABLE own(id BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE cases(id BLOB PRIMARY KEY, seq INTEGER NOT NULL, body BLOB NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE INDEX cases_seq ON cases(seq);"
    "CREATE TABLE case_keys(kase BLOB NOT NULL, id BLOB NOT NULL, body BLOB NOT NULL,"
    " PRIMARY KEY(kase, id)) WITHOUT ROWID;"
    "CREATE TABLE changes(seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, kase BLOB NOT NULL,"
    " body BLOB NOT NULL);"
    "CREATE INDEX changes_kase ON changes(kase);" /* an index entry ends in the row's seq */
    "CREATE TABLE outbox(seq INTEGER PRIMARY KEY, kase BLOB NOT NULL, body BLOB NOT NULL);"
    "CREATE TABLE drafts(id BLOB PRIMARY KEY, kase BLOB NOT NULL, body BLOB NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE vals(id BLOB PRIMARY KEY, grp BLOB NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE objects(n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, kase BLOB NOT NULL,"
    " body BLOB NOT NULL);"
    "CREATE INDEX objects_kase ON objects(kase);"
    "CREATE TABLE snapshot(part INTEGER PRIMARY KEY, body BLOB NOT NULL);";

/* The access log. Keys of a row that is not searched for are NULL, and cost no index. */
static const char access_script[] =
    "CREATE TABLE access(seq INTEGER PRIMARY KEY, chain BLOB NOT NULL, number INTEGER NOT NULL,"
    " kase BLOB, usr BLOB, day BLOB, body BLOB NOT NULL);"
    "CREATE INDEX access_chain ON access(chain, number);"
    "CREATE INDEX access_kase ON access(kase) WHERE kase IS NOT NULL;"
    "CREATE INDEX access_usr ON access(usr) WHERE usr IS NOT NULL;"
    "CREATE INDEX access_day ON access(day) WHERE day IS NOT NULL;";

/* What stands for the changes of a case that are not here: one row a case. */
static const char base_script[] =
    "CREATE TABLE bases(kase BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;";

/* A group is walked at each exchange; without this every value of the store would be looked at. */
static const char group_script[] = "CREATE INDEX vals_grp ON vals(grp);";

static const migration migrations[] = {{first_script, store_own_create}, {access_script, NULL},
    {base_script, NULL}, {group_script, NULL}};
_Static_assert(sizeof migrations / sizeof migrations[0] == VELD_STORE_SCHEMA, "one step each");

static veld_status migrate_one(veld_store *store, int64_t to, veld_error *err)
{
    const migration *step = &migrations[to - 1];
    char numbers[96];
    veld_status status = VELD_OK;
    snprintf(numbers, sizeof numbers, "PRAGMA application_id = %d; PRAGMA user_version = %lld;",
        STORE_APPLICATION_ID, (long long)to);
    VELD_TRY(sql_run(store->db, "BEGIN IMMEDIATE", err));
    VELD_TRY(sql_run(store->db, step->script, err));
    if (step->fill != NULL)
        VELD_TRY(step->fill(store, err));
    VELD_TRY(sql_run(store->db, numbers, err));
    VELD_TRY(sql_run(store->db, "COMMIT", err));
done:
    if (status != VELD_OK && sqlite3_get_autocommit(store->db) == 0)
        (void)!sql_run(store->db, "ROLLBACK", NULL);
    return status;
}

veld_status store_migrate(veld_store *store, bool create, veld_error *err)
{
    int64_t version = 0, application = 0;
    veld_status status = VELD_OK;
    VELD_TRY(sql_number(store->db, "PRAGMA user_version", &version, err));
    VELD_TRY(sql_number(store->db, "PRAGMA application_id", &application, err));
    if (version == 0 && !create)
        return veld_fail(err, VELD_E_NOT_FOUND, "there is no store here");
    if (version != 0 && application != STORE_APPLICATION_ID)
        return veld_fail(err, VELD_E_DAMAGED, "the store's file is not one of a store");
    if (version > VELD_STORE_SCHEMA)
        return veld_fail(err, VELD_E_NEWER, "the store has schema %lld, this program knows %d",
            (long long)version, (int)VELD_STORE_SCHEMA);
    if (version < 0)
        return veld_fail(err, VELD_E_DAMAGED, "the store's schema number is damaged");
    if (version != 0 && create)
        return veld_fail(err, VELD_E_EXISTS, "there is a store here already");
    for (int64_t to = version + 1; to <= VELD_STORE_SCHEMA; to++)
        VELD_TRY(migrate_one(store, to, err));
done:
    return status;
}

/* Every statement that is kept prepared, in one list. Private to the room. */
#ifndef STORE_STATEMENTS_H
#define STORE_STATEMENTS_H

/* clang-format off */
#define STORE_STATEMENT_LIST(_)                                                                    \
    _(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    _(COMMIT, "COMMIT")                                                                            \
    _(ROLLBACK, "ROLLBACK")                                                                        \
    _(OWN_PUT, "INSERT OR REPLACE INTO own(id, body) VALUES(?1, ?2)")                              \
    _(OWN_GET, "SELECT body FROM own WHERE id = ?1")                                               \
    _(OWN_DELETE, "DELETE FROM own WHERE id = ?1")                                                 \
    _(CASE_KEY_PUT, "INSERT INTO case_keys(id, kase, body) VALUES(?1, ?2, ?3)")                    \
    _(CASE_KEY_HAS, "SELECT 1 FROM case_keys WHERE kase = ?1 AND id = ?2")                         \
    _(CASE_KEYS_GET, "SELECT id, body FROM case_keys WHERE kase = ?1")                             \
    _(CASE_KEYS_COUNT, "SELECT count(*) FROM case_keys WHERE kase = ?1")                           \
    _(CASE_PUT, "INSERT OR REPLACE INTO cases(id, body, seq) VALUES(?1, ?2, ?3)")                  \
    _(CASE_GET, "SELECT body FROM cases WHERE id = ?1")                                            \
    _(CHANGE_PUT, "INSERT INTO changes(seq, id, kase, body) VALUES(?4, ?1, ?2, ?3)")               \
    _(CHANGE_HAS, "SELECT seq FROM changes WHERE id = ?1")                                         \
    _(CHANGE_GET, "SELECT body FROM changes WHERE id = ?1")                                        \
    _(CHANGES_COUNT, "SELECT count(*) FROM changes WHERE kase = ?1")                               \
    _(CHANGES_COUNT_ALL, "SELECT count(*) FROM changes")                                           \
    _(CHANGE_DROP, "DELETE FROM changes WHERE id = ?1 AND seq NOT IN (SELECT seq FROM outbox)")    \
    _(BASE_PUT, "INSERT OR REPLACE INTO bases(kase, body) VALUES(?1, ?2)")                         \
    _(BASE_GET, "SELECT body FROM bases WHERE kase = ?1")                                          \
    _(BASE_DELETE, "DELETE FROM bases WHERE kase = ?1")                                            \
    _(OUTBOX_PUT, "INSERT INTO outbox(seq, kase, body) VALUES(?3, ?1, ?2)")                        \
    _(OUTBOX_DELETE, "DELETE FROM outbox WHERE seq = (SELECT seq FROM changes WHERE id = ?1)")     \
    _(OUTBOX_COUNT, "SELECT count(*) FROM outbox WHERE kase = ?1")                                 \
    _(OUTBOX_COUNT_ALL, "SELECT count(*) FROM outbox")                                             \
    _(DRAFT_PUT, "INSERT OR REPLACE INTO drafts(id, kase, body) VALUES(?1, ?2, ?3)")               \
    _(DRAFT_GET, "SELECT body FROM drafts WHERE id = ?1")                                          \
    _(DRAFT_DELETE, "DELETE FROM drafts WHERE id = ?1")                                            \
    _(VALUE_PUT, "INSERT OR REPLACE INTO vals(id, grp, body) VALUES(?1, ?2, ?3)")                  \
    _(VALUE_GET, "SELECT body FROM vals WHERE id = ?1")                                            \
    _(VALUE_DELETE, "DELETE FROM vals WHERE id = ?1")                                              \
    _(OBJECT_PUT, "INSERT OR IGNORE INTO objects(id, kase, body) VALUES(?1, ?2, ?3)")              \
    _(OBJECT_GET, "SELECT body FROM objects WHERE id = ?1")                                        \
    _(OBJECT_HAS, "SELECT 1 FROM objects WHERE id = ?1")                                           \
    _(OBJECTS_PURGE, "DELETE FROM objects WHERE kase = ?1")                                        \
    _(OBJECTS_PURGE_ALL, "DELETE FROM objects")                                                    \
    _(ACCESS_PUT, "INSERT INTO access(chain, number, body, kase, usr, day)"                        \
                  " VALUES(?1, ?2, ?3, ?4, ?5, ?6)")                                               \
    _(ACCESS_TRIM, "DELETE FROM access WHERE chain = ?1 AND number <= ?2")                         \
    _(ACCESS_COUNT, "SELECT count(*) FROM access WHERE chain = ?1")                                \
    _(ACCESS_COUNT_ALL, "SELECT count(*) FROM access")                                             \
    _(SNAPSHOT_PUT, "INSERT INTO snapshot(part, body) VALUES(?1, ?2)")                             \
    _(SNAPSHOT_DROP, "DELETE FROM snapshot")                                                       \
    _(ERASE_OUTBOX, "DELETE FROM outbox WHERE kase = ?1")                                          \
    _(ERASE_CHANGES, "DELETE FROM changes WHERE kase = ?1")                                        \
    _(ERASE_DRAFTS, "DELETE FROM drafts WHERE kase = ?1")                                          \
    _(ERASE_CASE_KEYS, "DELETE FROM case_keys WHERE kase = ?1")                                    \
    _(ERASE_CASE, "DELETE FROM cases WHERE id = ?1")
/* clang-format on */

typedef enum store_statement_id {
#define STORE_STATEMENT_NAME(name, sql) STORE_##name,
    STORE_STATEMENT_LIST(STORE_STATEMENT_NAME)
#undef STORE_STATEMENT_NAME
        STORE_STATEMENTS
} store_statement_id;

#endif

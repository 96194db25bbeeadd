/* keys.h: the agency's keys as administration sees them: how old they are, what still hangs on
 * those of before, and a change of one of them.
 *
 *   change --begins--> DIR/changing is there, merger: one transaction
 *          --ends----> files of the relay written, keys wrapped anew, DIR/changing removed
 *
 * What was cut between is ended by `keys change --resume`; until then no server starts. */
#ifndef SRV_ADMIN_KEYS_H
#define SRV_ADMIN_KEYS_H

#include "../srv.h"
#include "veldkit/x509.h"

typedef enum srv_key {
    SRV_KEY_SEAL = 0,
    SRV_KEY_RELAY,
    SRV_KEY_CA,
    SRV_KEY_ADMIN,
    SRV_KEYS
} srv_key;
extern const char *const srv_key_names[SRV_KEYS];

typedef struct srv_key_facts {
    int64_t since_utc_ms;
    int64_t due_utc_ms;
    bool is_due;
    size_t former;  /* keys of before that are still there */
    size_t waiting; /* active devices that may still work by them */
    bool is_fixed;  /* a CA that may sign no other: made before CAs could be changed */
    char fingerprint[2 * VELD_HASH_BYTES + 1];
} srv_key_facts;

/* srv_key_find: Expects: VELD_E_INVALID (no such key). */
veld_status srv_key_find(const char *word, srv_key *out, veld_error *err) VELD_MUST_CHECK;
/* srv_key_facts_get: Expects: as the store. */
veld_status srv_key_facts_get(
    srv_session *session, srv_key key, srv_key_facts *out, veld_error *err) VELD_MUST_CHECK;
/* srv_key_note: the key is new, with this edition of the statement. */
veld_status srv_key_note(
    srv_session *session, srv_key key, uint64_t edition, veld_error *err) VELD_MUST_CHECK;
/* srv_keys_write: an array with a member for each key. */
veld_status srv_keys_write(
    srv_session *session, veld_json_writer *writer, veld_error *err) VELD_MUST_CHECK;

/* srv_certificate_period: of a CA.  srv_server_certificate: of the relay on this machine.
 * srv_certificate_ends: when the relay's ends, ms; 0 = not known. */
veld_x509_period srv_certificate_period(const veld_env *env);
veld_status srv_server_certificate(const veld_env *env, const veld_x509_issuer *issuer,
    const veld_p256_public *key, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
veld_status srv_certificate_note(
    srv_session *session, veld_span certificate, veld_error *err) VELD_MUST_CHECK;
veld_status srv_certificate_ends(
    srv_session *session, int64_t *out, veld_error *err) VELD_MUST_CHECK;

/* srv_certificate_is_ending: in so little time that it is to be replaced now.  srv_write_time: a
 * member with an instant; null for 0. */
bool srv_certificate_is_ending(const srv_session *session, int64_t ends_utc_ms);
void srv_write_time(veld_json_writer *writer, const char *name, int64_t utc_ms);
/* srv_relay_answers: device.c: the relay of a running server, on its local socket. */
bool srv_relay_answers(srv_session *session);

/* ---- keys_files.c: what a change leaves to be done ---- */
/* srv_changing_begin / _end: the mark in the folder.  srv_changing_refuse: VELD_E_STALE while it is
 * there: the text says what to do. */
veld_status srv_changing_begin(const char *dir, veld_error *err) VELD_MUST_CHECK;
veld_status srv_changing_end(const char *dir, veld_error *err) VELD_MUST_CHECK;
veld_status srv_changing_refuse(const char *dir, veld_error *err) VELD_MUST_CHECK;
/* srv_file_queue: in a transaction: this file of the relay is to be written. */
veld_status srv_file_queue(
    srv_session *session, const char *name, veld_span bytes, veld_error *err) VELD_MUST_CHECK;
/* srv_change_finish: what is queued is written, and wrapped what is to be wrapped; again is fine.
 */
veld_status srv_change_finish(
    srv_session *session, size_t *wrapped, veld_error *err) VELD_MUST_CHECK;

#endif

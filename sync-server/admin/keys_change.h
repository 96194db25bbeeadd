/* keys_change.h: what the files of `keys change` and `keys end` share. */
#ifndef SRV_KEYS_CHANGE_H
#define SRV_KEYS_CHANGE_H

#include "keys.h"

enum { KEYS_CERTIFICATES_MAX = VELD_TLS_CAS_MAX + 1, KEYS_FILE_BYTES_MAX = 40 };

/* What a change is to bring, before it is decided. */
typedef struct keys_change {
    veld_cli_call *call;
    srv_session *session;
    srv_key key;
    bool is_lost; /* the old one counts for nothing from now on */
    veld_agency agency;
    veld_buf statement;
    veld_p256_private fresh, tls; /* the new key; of a relay also that for TLS */
    veld_buf ca, server;          /* new certificates */
    veld_buf before[KEYS_CERTIFICATES_MAX],
        bridges[KEYS_CERTIFICATES_MAX]; /* of CAs, the newest first */
    size_t before_count, bridges_count;
} keys_change;

/* keys_prepare.c: the new key, certificates and statement; nothing is kept yet.
 * keys_drop_former: without those of `kind` from `keep` on.
 * keys_sign_statement: the agency as it is in `c`, as the next edition. */
veld_status keys_prepare(
    keys_change *c, const veld_p256_private *root, veld_error *err) VELD_MUST_CHECK;
void keys_drop_former(veld_agency *agency, veld_agency_key kind, size_t keep);
veld_status keys_sign_statement(
    keys_change *c, const veld_p256_private *root, veld_error *err) VELD_MUST_CHECK;
/* keys_decide.c: all that was prepared, in one transaction; without `is_new` the statement alone.
 */
veld_status keys_decide(keys_change *c, bool is_new, veld_error *err) VELD_MUST_CHECK;

#endif

/* user.h: a person of the agency in the directory: her signing key, role and whether she still
 * works there. The merger signs it. It says no name: names of staff stand inside cases only, where
 * an entry travels with each decision that its key signed (decision.h).
 *
 * Format 2 of the directory: [body, signature], namespace "veldkit-directory-1".
 * Source: security.md 2; proto/WIRE.md, "Directory". */
#ifndef VELDKIT_USER_H
#define VELDKIT_USER_H

#include <stdbool.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/id.h"
#include "veldkit/p256.h"
#include "veldkit/sign.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers are part of the format. */
typedef enum veld_user_role {
    VELD_ROLE_FIELD_WORKER = 1,
    VELD_ROLE_OFFICE_WORKER,
    VELD_ROLE_CASE_MANAGER,
    VELD_ROLE_SPECIALIST,
    VELD_ROLE_TEAM_LEAD,
    VELD_ROLE_REPORTING,
    VELD_ROLE_ADMIN,
    VELD_ROLE_AUDITOR
} veld_user_role;
enum { VELD_USER_ROLES = VELD_ROLE_AUDITOR };

typedef enum veld_user_state { VELD_USER_ACTIVE = 1, VELD_USER_DISABLED = 2 } veld_user_state;

typedef struct veld_user_entry {
    veld_id user;
    veld_p256_public key;
    veld_user_role role;
    veld_user_state state;
    uint64_t position; /* in the directory, from 1: later ones count */
} veld_user_entry;

/* veld_user_role_name: "field_worker" and so on; static storage; NULL for no role.
 * veld_user_role_find: false when no role is called so. */
const char *veld_user_role_name(veld_user_role role);
bool veld_user_role_find(const char *name, veld_user_role *out);

/* veld_user_make: sign with the merger's signer and append.  veld_user_read: take apart and check
 * against the merger's `key`.
 * Expects: what the signer returns, VELD_E_LIMIT; reading VELD_E_FORM, VELD_E_LIMIT, VELD_E_NEWER
 *          (also an unknown role or state), VELD_E_FORGED; both VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_user_make(const veld_user_entry *entry, const veld_signer *merger, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;
veld_status veld_user_read(veld_span bytes, const veld_verifier *verifier,
    const veld_p256_public *key, veld_user_entry *out, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

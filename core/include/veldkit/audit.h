/* audit.h: is an exported repository what the devices signed?
 *
 * Stock git checks that objects fit their SHA-1 names and signatures their bytes. This checks what
 * git does not know: that every commit is a change in its one form, signed by the device it names
 * with the key that the caller trusts for it; that the SHA-256 tree of each change fits its files;
 * that parents by git id and by change id are the same; that all is one case; and that the branch
 * is what follows from the changes; that what lies apart is signed so; and that the file
 * allowed_signers, which git takes keys from, names the keys of the changes and no others. It
 * trusts nothing in the folder: not its configuration, not its allowed_signers, not its references.
 * Nothing is written.
 *
 * Needs veld_history_init and veld_crypto_init. Thread: any. Source: design 3 */
#ifndef VELDKIT_AUDIT_H
#define VELDKIT_AUDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "veldkit/bytes.h"
#include "veldkit/change.h"
#include "veldkit/p256.h"
#include "veldkit/sign.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One thing that is wrong. `commit` is all zero when it is about the repository as a whole. */
typedef struct veld_audit_finding {
    veld_status status; /* FORM, FORGED, DAMAGED, NOT_FOUND, INVALID, NEWER */
    veld_git_oid commit;
    const char *text; /* lower case, ids only; borrowed during the call */
} veld_audit_finding;

/* A record as it stands on the branch: its file, as state.h renders it. Borrowed. */
typedef struct veld_audit_file {
    veld_span type;
    veld_id id;
    veld_span bytes;
} veld_audit_file;

typedef struct veld_audit_rules {
    void *context;
    /* The key that may sign for this device (`back` 0), or the one that it had before that (1, 2,
     * ...): VELD_E_NOT_FOUND when none is known (a finding); any other error ends the audit. */
    veld_status (*key)(
        void *context, const veld_id *device, size_t back, veld_p256_public *out, veld_error *err);
    void (*finding)(void *context, const veld_audit_finding *finding);
    /* Each change that was read well, in the order of git ids; may be NULL. It has no writes. */
    void (*change)(void *context, const veld_change *change);
    /* Each record on the branch, when that is what follows from the changes; may be NULL. An error
     * ends the audit. */
    veld_status (*file)(void *context, const veld_audit_file *file, veld_error *err);
    veld_verifier verifier;
} veld_audit_rules;

typedef struct veld_audit_summary {
    veld_id case_id;   /* of the changes; zero when there are none */
    size_t changes;    /* commits that are changes, with or without findings */
    size_t incomplete; /* of them, without all their parents here (a shallow export) */
    size_t apart;      /* changes below refs/veldkit/apart: their files are not known (export.h) */
    size_t heads;
    size_t findings;
} veld_audit_summary;

/* veld_audit_repository: look through `dir` (what veld_export_open was given).
 * Expects: VELD_E_NOT_FOUND (no repository there), VELD_E_DAMAGED (it cannot be read at all),
 *          VELD_E_LIMIT (> VELD_REPO_OBJECTS_MAX objects), VELD_E_IO, VELD_E_MEMORY, VELD_E_CRYPTO,
 *          what `key` returns. VELD_OK says that all was looked at, not that all is well: see
 *          findings. */
veld_status veld_audit_repository(const char *dir, const veld_audit_rules *rules,
    veld_audit_summary *out, veld_error *err) VELD_MUST_CHECK;

/* veld_audit_read_file: append the file `name` of `dir`, which may be hostile: no symbolic link is
 * followed and nothing is waited for.  Expects: VELD_E_NOT_FOUND, VELD_E_LIMIT, VELD_E_IO,
 * VELD_E_MEMORY.
 * veld_audit_same_lines: the same lines, whatever their order and however often. */
veld_status veld_audit_read_file(
    const char *dir, const char *name, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
bool veld_audit_same_lines(veld_span one, veld_span other);

#ifdef __cplusplus
}
#endif
#endif

/* assignment.h: which device has which case, as the merger keeps it: for how long each lease is,
 * and until when the newest one runs. Who is assigned gets the keys of new epochs and new leases;
 * who founded a case is assigned to it.
 *
 * Kept in the merger's store, values: "granted" (by device, all its cases) and "holders" (by case,
 * its devices).
 * Expects, all: as the store, VELD_E_MEMORY. Thread: as the store. Source: security.md 2. */
#ifndef VELDKIT_ASSIGNMENT_H
#define VELDKIT_ASSIGNMENT_H

#include <stddef.h>
#include <stdint.h>

#include "veldkit/grant.h"
#include "veldkit/id.h"
#include "veldkit/store.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VELD_LEASE_DEFAULT_MS (72LL * 60 * 60 * 1000)
/* The end of a lease that never began: assigned, and no key was given yet. */
#define VELD_LEASE_NOT_GIVEN_MS 1LL

typedef struct veld_assignment {
    veld_id case_id;
    veld_id device;
    veld_grant_purpose purpose;
    int64_t lease_ms;         /* of each lease; 0 = until withdrawn */
    int64_t lease_end_utc_ms; /* of the newest grant; 0 = until withdrawn */
} veld_assignment;

/* veld_assignment_put: keep or replace.  veld_assignment_get: Expects: VELD_E_NOT_FOUND.
 * veld_assignment_remove: fine when there is none. */
veld_status veld_assignment_put(
    veld_store *store, const veld_assignment *assignment, veld_error *err) VELD_MUST_CHECK;
veld_status veld_assignment_get(veld_store *store, const veld_id *case_id, const veld_id *device,
    veld_assignment *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_assignment_remove(veld_store *store, const veld_id *case_id, const veld_id *device,
    veld_error *err) VELD_MUST_CHECK;

/* veld_assignments_of_device / _of_case: all of them, in order of assigning.
 * Owns: veld_release `out`; NULL when there are none. */
veld_status veld_assignments_of_device(veld_store *store, const veld_id *device,
    veld_assignment **out, size_t *count, veld_error *err) VELD_MUST_CHECK;
veld_status veld_assignments_of_case(veld_store *store, const veld_id *case_id,
    veld_assignment **out, size_t *count, veld_error *err) VELD_MUST_CHECK;

/* ---- what was given when, for who asks later what a device could read ---- */
/* The keys of a case, as they were given once. Kept: values "given", by device and serial. */
typedef struct veld_given {
    veld_id device;
    veld_id case_id;
    uint64_t serial; /* of the grant */
    veld_grant_purpose purpose;
    int64_t utc_ms;
    int64_t lease_end_utc_ms; /* 0 = until withdrawn */
} veld_given;

veld_status veld_given_put(
    veld_store *store, const veld_given *given, veld_error *err) VELD_MUST_CHECK;
/* veld_given_each: all that was given to a device, in no order that means anything; a renewed lease
 * is one more. Stops when `each` returns another status than VELD_OK, and returns it. */
veld_status veld_given_each(veld_store *store, const veld_id *device, void *context,
    veld_status (*each)(void *context, const veld_given *given, veld_error *err),
    veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

/* erase.h: between the files of the erasing verbs. */
#ifndef SRV_ERASE_H
#define SRV_ERASE_H

#include "../srv.h"
#include "veldkit/erase.h"
#include "veldkit/part.h"

#define SRV_AIM_MAX     256 /* cases at once */
#define SRV_BACKUP_DAYS 30  /* as long as a backup of keys is kept */

/* The cases of a dossier that a verb means, the one that was asked for last. */
typedef struct srv_aim {
    veld_places places;
    const veld_place *items[SRV_AIM_MAX];
    size_t count;
} srv_aim;

/* What is erased, and when it was founded anew without a part: where it goes on and what it lacks.
 * All is borrowed. */
typedef struct srv_erasure {
    const veld_place *place;
    veld_id anew; /* zero: nothing of it goes on */
    const veld_id *left;
    size_t left_count;
} srv_erasure;

/* ---- erase_stub.c ---- */
/* srv_stub_make: append the stub, a JWS of the agency. The case is still here.
 * Expects: as opening the case; VELD_E_LIMIT. */
veld_status srv_stub_make(
    veld_cli_call *call, const srv_erasure *erasure, veld_buf *out) VELD_MUST_CHECK;
/* srv_stub_read: the stub that is kept of a case, checked, and what it says.
 * Owns:    free `doc`; `stub` is appended to.
 * Expects: VELD_E_NOT_FOUND (it was not erased), VELD_E_FORGED, VELD_E_FORM, VELD_E_DAMAGED (it is
 *          of another case or lacks what a stub says). */
veld_status srv_stub_read(srv_session *session, const veld_id *case_id, veld_buf *stub,
    veld_json_doc **doc, veld_error *err) VELD_MUST_CHECK;
/* srv_stub_anew: where the case goes on; zero when it does not. */
veld_id srv_stub_anew(const veld_json_doc *doc);

/* ---- erase_part.c ---- */
/* srv_erase_part: what --part names, with --confirm; without, only `at` is made to be the cases
 * that would be founded anew and erased. `case_id` gets the first of them.
 * Expects: as veld_part_found_anew; VELD_E_NOT_FOUND, VELD_E_INVALID (which record?). */
veld_status srv_erase_part(veld_cli_call *call, srv_aim *at, veld_id *case_id) VELD_MUST_CHECK;

/* ---- fsck.c ---- */
/* srv_stub_check: what is wrong with what is kept of an erased case is told to `finding`, a number
 * of the case and a text.  Expects: as the store. */
typedef struct srv_findings {
    void *context;
    veld_status (*found)(void *context, const veld_id *case_id, const char *text);
} srv_findings;
veld_status srv_stub_check(srv_session *session, const veld_id *case_id,
    const srv_findings *findings, veld_error *err) VELD_MUST_CHECK;

#endif

/* quarantine.h: what a change that waits for a person builds on. */
#ifndef SRV_ADMIN_QUARANTINE_H
#define SRV_ADMIN_QUARANTINE_H

#include "../srv.h"
#include "veldkit/quarantine.h"

/* Changes that its author had before the eyes and that are not in the case: admitted without them
 * it stands apart, in an export too (export.h). */
typedef struct srv_quarantine_past {
    size_t refused;
    size_t waiting;
    size_t missing; /* never came here */
} srv_quarantine_past;

/* srv_quarantine_past_get: of a change, and of nothing else that is kept.
 * Expects: as the store. */
veld_status srv_quarantine_past_get(srv_session *session, const veld_quarantined *one,
    const veld_change *change, srv_quarantine_past *out, veld_error *err) VELD_MUST_CHECK;
/* srv_quarantine_past_say: in words, when there is anything.  _json: a member `buildsOn`. */
veld_status srv_quarantine_past_say(
    veld_cli_call *call, const srv_quarantine_past *past) VELD_MUST_CHECK;
void srv_quarantine_past_json(veld_json_writer *writer, const srv_quarantine_past *past);

#endif

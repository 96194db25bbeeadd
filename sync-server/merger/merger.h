/* merger.h: between the files of the merger. */
#ifndef SRV_MERGER_H
#define SRV_MERGER_H

#include "../srv.h"
#include "veldkit/host_net.h"

/* srv_engine_new: the exchange engine of the session's desk; `session` must not move. */
veld_status srv_engine_new(srv_session *session, veld_error *err) VELD_MUST_CHECK;

/* srv_renew_leases: for who was in contact just now, as the relay behind `link` says.
 * Expects: as the link (the relay is away), as the store. */
veld_status srv_renew_leases(
    srv_session *session, veld_host_link *link, veld_error *err) VELD_MUST_CHECK;

/* srv_renew_certificate: another one for the relay behind `link`, when its own ends soon.
 * Expects: as the link (the relay is away), as the store; VELD_E_FORM. */
veld_status srv_renew_certificate(
    srv_session *session, veld_host_link *link, veld_error *err) VELD_MUST_CHECK;

#endif

/* merger.h: between the files of the merger. */
#ifndef SRV_MERGER_H
#define SRV_MERGER_H

#include "../srv.h"

/* srv_engine_new: the exchange engine of the session's desk; `session` must not move. */
veld_status srv_engine_new(srv_session *session, veld_error *err) VELD_MUST_CHECK;

#endif

/* view_inner.h: between the files that show a case. */
#ifndef VELD_CASES_VIEW_INNER_H
#define VELD_CASES_VIEW_INNER_H

#include "veldkit/view.h"

/* view_steps: the member "logs" of a record, when it has a transition log.
 * Expects: VELD_E_MEMORY; the object is whole then too. */
veld_status view_steps(veld_outlook *outlook, const veld_state_record *record,
    veld_json_writer *writer) VELD_MUST_CHECK;

#endif

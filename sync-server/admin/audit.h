/* audit.h: between the files of the audit verbs. */
#ifndef SRV_AUDIT_H
#define SRV_AUDIT_H

#include "../srv.h"

/* srv_audit_json: one line of the access log as a JSON object with the names of NEN 7513. */
veld_status srv_audit_json(
    const veld_access_entry *entry, veld_span bytes, veld_json_writer *writer) VELD_MUST_CHECK;
/* srv_audit_question: what --case, --device, --user, --from, --to and --action ask. --case names
 * one case or several with commas between them; a dossier stands for all its parts, unless
 * --compartment names one of them.
 * Owns:    `cases` is initialised here; the query borrows from it.
 * Expects: VELD_E_INVALID (time, action), VELD_E_NOT_FOUND, VELD_E_LIMIT (too many cases). */
veld_status srv_audit_question(
    veld_cli_call *call, veld_access_query *out, veld_buf *cases) VELD_MUST_CHECK;
/* srv_audit_fault_name: a word for a fault of a chain. */
const char *srv_audit_fault_name(veld_access_fault_kind kind);

#endif

/* findings.h: what a check found, between verify and the check of an export. */
#ifndef FC_FINDINGS_H
#define FC_FINDINGS_H

#include "fc.h"

enum { FC_FINDINGS_BYTES_MAX = 16 << 20 };

/* Findings as they come: texts with a zero byte behind each, the case they are about before them.
 */
typedef struct fc_findings {
    veld_buf texts;
    veld_id about; /* zero = the store as a whole */
    size_t count;
    bool lost; /* more than fit */
} fc_findings;

/* fc_findings_add: `context` is the list.  fc_findings_json: the member "findings".
 * fc_findings_say: that all is well, or what is not. */
void fc_findings_add(void *context, const char *text);
void fc_findings_json(veld_json_writer *writer, const fc_findings *list);
veld_status fc_findings_say(veld_cli_call *call, const fc_findings *list) VELD_MUST_CHECK;

/* fc_verify_export: the verb verify on an exported folder. */
veld_status fc_verify_export(veld_cli_call *call, const char *dir) VELD_MUST_CHECK;

#endif

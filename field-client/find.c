/* From what a person types to a case or a record: the whole id, or the beginning of one when only
 * one begins so. It never takes the first of several. */
#include <string.h>

#include "fc.h"
#include "veldkit/assert.h"

static int compare_ids(const void *a, const void *b)
{
    return veld_id_compare(a, b);
}

veld_status fc_case_ids(veld_cli_call *call, veld_buf *out, size_t *count)
{
    veld_store_cursor *cursor = NULL;
    veld_status status;
    bool more = true;
    veld_buf_init(out, VELD_CLI_OUTPUT_BYTES_MAX);
    VELD_TRY(veld_store_cases(call->session->store, &cursor, &call->err));
    for (;;) {
        veld_store_summary summary;
        VELD_TRY(veld_store_cases_next(cursor, &more, &summary, &call->err));
        if (!more)
            break;
        VELD_TRY(veld_buf_append(out, &summary.case_id, sizeof summary.case_id));
    }
    *count = out->len / sizeof(veld_id);
    if (*count > 1)
        qsort(out->data, *count, sizeof(veld_id), compare_ids);

done:
    veld_store_cursor_close(cursor);
    return status;
}

veld_status fc_case_find(veld_cli_call *call, const char *word, veld_id *out)
{
    veld_buf ids = {0};
    size_t count = 0, matches = 0;
    veld_status status;
    VELD_TRY(veld_cli_prefix_check(word, &call->err));
    VELD_TRY(fc_case_ids(call, &ids, &count));
    for (size_t i = 0; i < count; i++) {
        veld_id id;
        memcpy(&id, ids.data + i * sizeof id, sizeof id);
        if (veld_cli_prefix_fits(&id, word)) {
            *out = id;
            matches++;
        }
    }
    status = veld_cli_prefix_judge(word, "zaak", matches, &call->err);

done:
    veld_buf_release(&ids);
    return status;
}

veld_status fc_case_open(veld_cli_call *call, const char *word, veld_case **out)
{
    veld_id id;
    veld_status status = fc_case_find(call, word, &id);
    return status == VELD_OK ? veld_case_open(&call->session->desk, &id, out, &call->err) : status;
}

veld_status fc_record_find(
    veld_cli_call *call, veld_case *opened, const char *word, const veld_state_record **out)
{
    size_t count = 0, matches = 0;
    veld_status status = veld_cli_prefix_check(word, &call->err);
    if (status != VELD_OK)
        return status;
    const veld_state_record *const *records = veld_state_records(veld_case_state(opened), &count);
    if (records == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; i < count; i++)
        if (veld_cli_prefix_fits(&records[i]->id, word)) {
            *out = records[i];
            matches++;
        }
    return veld_cli_prefix_judge(word, "onderdeel", matches, &call->err);
}

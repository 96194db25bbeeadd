/* From what a person types to a case or a record: the whole id, or the beginning of one when only
 * one begins so. It never takes the first of several. */
#include <string.h>

#include "fc.h"
#include "veldkit/assert.h"

/* Only the characters of an id, so that what was typed may be shown in an error. */
static veld_status check_prefix(fc_call *call, const char *word)
{
    size_t len = strlen(word);
    if (len < FC_PREFIX_MIN || len >= VELD_ID_TEXT_SIZE || strspn(word, "0123456789abcdef-") != len)
        return veld_fail(&call->err, VELD_E_INVALID,
            "een nummer heeft %u tot 36 tekens: 0-9, a-f en streepjes", FC_PREFIX_MIN);
    return VELD_OK;
}

static bool begins_with(const veld_id *id, const char *prefix)
{
    char text[VELD_ID_TEXT_SIZE];
    veld_id_format(id, text);
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static veld_status judge(fc_call *call, const char *word, const char *what, size_t matches)
{
    if (matches == 0)
        return veld_fail(
            &call->err, VELD_E_NOT_FOUND, "geen %s waarvan het nummer begint met %s", what, word);
    if (matches > 1)
        return veld_fail(&call->err, VELD_E_INVALID,
            "%zu keer een %s waarvan het nummer begint met %s; geef meer tekens", matches, what,
            word);
    return VELD_OK;
}

static int compare_ids(const void *a, const void *b)
{
    return veld_id_compare(a, b);
}

veld_status fc_case_ids(fc_call *call, veld_buf *out, size_t *count)
{
    veld_store_cursor *cursor = NULL;
    veld_status status;
    bool more = true;
    veld_buf_init(out, FC_OUTPUT_BYTES_MAX);
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

veld_status fc_case_find(fc_call *call, const char *word, veld_id *out)
{
    veld_buf ids = {0};
    size_t count = 0, matches = 0;
    veld_status status;
    VELD_TRY(check_prefix(call, word));
    VELD_TRY(fc_case_ids(call, &ids, &count));
    for (size_t i = 0; i < count; i++) {
        veld_id id;
        memcpy(&id, ids.data + i * sizeof id, sizeof id);
        if (begins_with(&id, word)) {
            *out = id;
            matches++;
        }
    }
    status = judge(call, word, "zaak", matches);

done:
    veld_buf_release(&ids);
    return status;
}

veld_status fc_case_open(fc_call *call, const char *word, veld_case **out)
{
    veld_id id;
    veld_status status = fc_case_find(call, word, &id);
    return status == VELD_OK ? veld_case_open(&call->session->desk, &id, out, &call->err) : status;
}

veld_status fc_record_find(
    fc_call *call, veld_case *opened, const char *word, const veld_state_record **out)
{
    size_t count = 0, matches = 0;
    veld_status status = check_prefix(call, word);
    if (status != VELD_OK)
        return status;
    const veld_state_record *const *records = veld_state_records(veld_case_state(opened), &count);
    if (records == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; i < count; i++)
        if (begins_with(&records[i]->id, word)) {
            *out = records[i];
            matches++;
        }
    return judge(call, word, "onderdeel", matches);
}

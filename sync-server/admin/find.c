/* From what an administrator types to a case or a device. */
#include <stdlib.h>
#include <string.h>

#include "../srv.h"

static int compare_ids(const void *a, const void *b)
{
    return veld_id_compare(a, b);
}

veld_status srv_case_ids(srv_session *session, veld_buf *out, size_t *count, veld_error *err)
{
    veld_store_cursor *cursor = NULL;
    veld_status status;
    bool more = true;
    veld_buf_init(out, VELD_CLI_OUTPUT_BYTES_MAX);
    VELD_TRY(veld_store_cases(session->store, &cursor, err));
    for (;;) {
        veld_store_summary summary;
        VELD_TRY(veld_store_cases_next(cursor, &more, &summary, err));
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

veld_status srv_case_find(srv_session *session, const char *word, veld_id *out, veld_error *err)
{
    veld_buf ids = {0};
    size_t count = 0, matches = 0;
    veld_status status;
    VELD_TRY(veld_cli_prefix_check(word, err));
    VELD_TRY(srv_case_ids(session, &ids, &count, err));
    for (size_t i = 0; i < count; i++) {
        veld_id id;
        memcpy(&id, ids.data + i * sizeof id, sizeof id);
        if (veld_cli_prefix_fits(&id, word)) {
            *out = id;
            matches++;
        }
    }
    status = veld_cli_prefix_judge(word, "zaak", matches, err);

done:
    veld_buf_release(&ids);
    return status;
}

typedef struct device_search {
    const char *word;
    bool is_prefix;
    size_t matches;
    veld_directory_entry found;
} device_search;

static veld_status look_at(void *context, const veld_directory_entry *entry, veld_error *err)
{
    device_search *search = context;
    (void)err;
    if ((search->is_prefix && veld_cli_prefix_fits(&entry->device, search->word)) ||
        strcmp(entry->worker, search->word) == 0) {
        search->found = *entry;
        search->matches++;
    }
    return VELD_OK;
}

veld_status srv_device_find(
    srv_session *session, const char *word, veld_directory_entry *out, veld_error *err)
{
    device_search search = {
        .word = word, .is_prefix = veld_cli_prefix_check(word, NULL) == VELD_OK};
    veld_status status;
    VELD_TRY(veld_directory_each(session->store, &search, look_at, err));
    if (search.matches == 0)
        status = veld_fail(err, VELD_E_NOT_FOUND, "geen apparaat met dit nummer of deze naam");
    else if (search.matches > 1)
        status = veld_fail(
            err, VELD_E_INVALID, "%zu apparaten passen hierbij; geef het nummer", search.matches);
    else
        *out = search.found;

done:
    return status;
}

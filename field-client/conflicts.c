/* conflicts: where a person has to choose, in one case or in all. */
#include <string.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/conflict.h"

static veld_status say_conflict(veld_cli_call *call, const veld_conflict *conflict)
{
    char case_id[VELD_ID_TEXT_SIZE], record[VELD_ID_TEXT_SIZE];
    veld_status status;
    veld_id_format(&conflict->case_id, case_id);
    veld_id_format(&conflict->record->id, record);
    VELD_TRY(veld_cli_say(call, "Zaak %s, onderdeel %s, veld ", case_id, record));
    VELD_TRY(veld_cli_say_text(call, conflict->field));
    VELD_TRY(veld_cli_say(call, conflict->integrity ? " (tegen een regel)\n" : "\n"));
    for (size_t i = 0; i < conflict->sides_count; i++) {
        const veld_side *side = &conflict->sides[i];
        VELD_TRY(veld_cli_say(call, "  - "));
        VELD_TRY(veld_cli_say_canonical(call, side->value));
        VELD_TRY(veld_cli_say(call, "  ("));
        VELD_TRY(fc_say_origin(call, side->entry->origin));
        VELD_TRY(veld_cli_say(call, ")\n"));
    }

done:
    return status;
}

typedef enum listing { LIST_COUNT, LIST_TEXT, LIST_JSON } listing;

/* `writer` is for LIST_JSON. */
static veld_status list_case(
    veld_cli_call *call, const veld_id *id, listing as, veld_json_writer *writer, size_t *found)
{
    veld_arena arena;
    veld_case *opened = NULL;
    const veld_conflict *conflicts = NULL;
    size_t count = 0;
    veld_status status;
    veld_view_names names = fc_view_names(call->session);
    veld_arena_init(&arena, FC_ARENA_BYTES_MAX);
    VELD_TRY(veld_case_open(&call->session->desk, id, &opened, &call->err));
    VELD_TRY(veld_conflict_list(veld_case_state(opened), call->session->schemas, id, &arena,
        &conflicts, &count, &call->err));
    for (size_t i = 0; i < count; i++) {
        if (as == LIST_JSON)
            veld_view_conflict(&conflicts[i], &names, writer);
        else if (as == LIST_TEXT)
            VELD_TRY(say_conflict(call, &conflicts[i]));
    }
    *found += count;

done:
    veld_case_close(opened);
    veld_arena_release(&arena);
    return status;
}

/* The cases that were asked for. */
static veld_status wanted_cases(veld_cli_call *call, veld_buf *out, size_t *count)
{
    veld_id id;
    if (call->arguments_count == 0)
        return fc_case_ids(call, out, count);
    veld_status status = fc_case_find(call, call->arguments[0], &id);
    veld_buf_init(out, sizeof id);
    *count = 1;
    return status == VELD_OK ? veld_buf_append(out, &id, sizeof id) : status;
}

veld_status fc_conflicts_count(veld_cli_call *call, size_t *out)
{
    veld_buf ids = {0};
    size_t count = 0;
    veld_status status;
    *out = 0;
    VELD_TRY(fc_case_ids(call, &ids, &count));
    for (size_t i = 0; i < count; i++) {
        veld_id id;
        memcpy(&id, ids.data + i * sizeof id, sizeof id);
        VELD_TRY(list_case(call, &id, LIST_COUNT, NULL, out));
    }

done:
    veld_buf_release(&ids);
    return status;
}

veld_status fc_verb_conflicts(veld_cli_call *call)
{
    veld_buf ids = {0};
    size_t count = 0, found = 0;
    veld_json_writer writer = {0};
    bool json = veld_cli_given(call, VELD_CLI_JSON);
    veld_status status;
    VELD_TRY(wanted_cases(call, &ids, &count));
    if (json) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_array_begin(&writer);
    }
    for (size_t i = 0; i < count; i++) {
        veld_id id;
        memcpy(&id, ids.data + i * sizeof id, sizeof id);
        VELD_TRY(list_case(call, &id, json ? LIST_JSON : LIST_TEXT, &writer, &found));
    }
    if (json) {
        veld_json_writer_array_end(&writer);
        status = veld_cli_json_end(call, &writer);
    } else if (found == 0) {
        status = veld_cli_say(call, "Niemand hoeft iets te kiezen.\n");
    }

done:
    veld_json_writer_release(&writer);
    veld_buf_release(&ids);
    return status;
}

/* case new, list and show. */
#include <stdlib.h>
#include <string.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/dossier.h"
#include "veldkit/index.h"
#include "veldkit/summary.h"

/* The snapshot of the index costs a write: worth it when that many cases are read anew each time.
 */
enum { INDEX_DIRTY_MAX = 64 };

veld_status fc_verb_case_new(veld_cli_call *call)
{
    veld_arena arena;
    veld_buf dossier;
    veld_edits edits = {0};
    veld_id id;
    veld_json_writer writer;
    char text[VELD_ID_TEXT_SIZE];
    veld_status status;
    veld_arena_init(&arena, FC_ARENA_BYTES_MAX);
    veld_buf_init(&dossier, VELD_JSON_BYTES_MAX);
    veld_dossier_context context = {.schemas = call->session->schemas,
        .env = &call->session->env,
        .arena = &arena,
        .errors = &call->errors,
        .case_optional = true};
    VELD_TRY(fc_office(call));
    VELD_TRY(veld_cli_read(call, veld_cli_value(call, FC_OPTION_FILE), &dossier));
    VELD_TRY(veld_dossier_check(&context, veld_buf_span(&dossier), &edits, &call->err));
    VELD_TRY(veld_founder_new_id(
        &call->session->env, veld_store_device(call->session->store), &id, &call->err));
    VELD_TRY(
        veld_part_found_dossier(&call->session->desk, &id, edits.items, edits.count, &call->err));
    veld_id_format(&id, text);
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        status = veld_cli_say(call, "Zaak %s: opgeslagen op dit apparaat.\n", text);
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_id(&writer, "case", &id);
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    veld_buf_wipe(&dossier);
    veld_arena_release(&arena);
    return status;
}

/* ---- the list ---- */
static veld_status open_index(veld_cli_call *call, veld_index **out)
{
    size_t dirty = 0;
    veld_store *store = call->session->store;
    veld_status status;
    VELD_TRY(veld_index_open(store, out, &call->err));
    (void)veld_index_dirty(*out, &dirty);
    VELD_TRY(veld_summary_index(store, *out, &call->err));
    if (dirty > INDEX_DIRTY_MAX)
        VELD_TRY(veld_index_save(*out, store, &call->err));

done:
    return status;
}

/* Of a case that may not be read now the list says its number and what is unsent. These come last,
 * by number: their place among the titles would tell of theirs. */
typedef struct unread_row {
    veld_id case_id;
    uint64_t unsent;
    bool is_for_emergency;
} unread_row;

typedef struct list_context {
    veld_cli_call *call;
    veld_json_writer *writer; /* NULL for text */
    veld_buf unread;          /* of unread_row */
    size_t count;
} list_context;

static void list_json(const list_context *list, const veld_index_entry *entry, bool is_read)
{
    veld_json_writer_object_begin(list->writer);
    veld_cli_json_id(list->writer, "case", &entry->case_id);
    veld_json_writer_name(list->writer, "records");
    if (is_read)
        veld_json_writer_integer(list->writer, (int64_t)entry->records);
    else
        veld_json_writer_null(list->writer);
    veld_cli_json_text(list->writer, "title", is_read ? entry->title : (veld_span){0});
    veld_cli_json_count(list->writer, "unsent", entry->unsent);
    veld_json_writer_object_end(list->writer);
}

static veld_status list_text(const list_context *list, const veld_index_entry *entry)
{
    char id[VELD_ID_TEXT_SIZE];
    veld_status status;
    veld_id_format(&entry->case_id, id);
    VELD_TRY(veld_cli_say(list->call, "%s  ", id));
    VELD_TRY(entry->title.len > 0 ? veld_cli_say_text(list->call, entry->title)
                                  : veld_cli_say(list->call, "(zonder titel)"));
    VELD_TRY(veld_cli_say(list->call, "  (%llu %s, %llu nog niet opgenomen)\n",
        (unsigned long long)entry->records, entry->records == 1 ? "onderdeel" : "onderdelen",
        (unsigned long long)entry->unsent));

done:
    return status;
}

static bool is_for_emergency(veld_lease_state state)
{
    return state == VELD_LEASE_EMERGENCY || state == VELD_LEASE_EMERGENCY_OVER;
}

static veld_status list_held(void *context, const veld_id *case_id)
{
    list_context *list = context;
    const unread_row row = {.case_id = *case_id, .is_for_emergency = true};
    list->count++;
    return veld_buf_append(&list->unread, &row, sizeof row);
}

static veld_status list_entry(void *context, const veld_index_entry *entry)
{
    list_context *list = context;
    veld_lease_state state;
    veld_status status = fc_lease_state(list->call, &entry->case_id, &state);
    if (status != VELD_OK)
        return status;
    list->count++;
    if (!fc_lease_reads(state)) {
        const unread_row row = {.case_id = entry->case_id,
            .unsent = entry->unsent,
            .is_for_emergency = is_for_emergency(state)};
        return veld_buf_append(&list->unread, &row, sizeof row);
    }
    if (list->writer == NULL)
        return list_text(list, entry);
    list_json(list, entry, true);
    return VELD_OK;
}

static int by_number(const void *a, const void *b)
{
    const unread_row *left = a;
    const unread_row *right = b;
    return veld_id_compare(&left->case_id, &right->case_id);
}

static veld_status list_unread(list_context *list)
{
    veld_status status = VELD_OK;
    size_t count = list->unread.len / sizeof(unread_row);
    if (count > 1)
        qsort(list->unread.data, count, sizeof(unread_row), by_number);
    for (size_t i = 0; status == VELD_OK && i < count; i++) {
        unread_row row;
        char id[VELD_ID_TEXT_SIZE];
        memcpy(&row, list->unread.data + i * sizeof row, sizeof row);
        const veld_index_entry entry = {.case_id = row.case_id, .unsent = row.unsent};
        veld_id_format(&row.case_id, id);
        if (list->writer != NULL)
            list_json(list, &entry, false);
        else
            status = veld_cli_say(list->call, "%s  %s  (%llu nog niet opgenomen)\n", id,
                row.is_for_emergency ? "alleen voor nood" : "niet leesbaar zonder verbinding",
                (unsigned long long)row.unsent);
    }
    return status;
}

veld_status fc_verb_case_list(veld_cli_call *call)
{
    veld_index *index = NULL;
    veld_json_writer writer = {0};
    bool json = veld_cli_given(call, VELD_CLI_JSON);
    list_context list = {.call = call, .writer = json ? &writer : NULL};
    veld_status status;
    veld_buf_init(&list.unread, VELD_CLI_OUTPUT_BYTES_MAX);
    VELD_TRY(open_index(call, &index));
    if (json) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_array_begin(&writer);
    }
    VELD_TRY(veld_index_list(index, VELD_INDEX_BY_TITLE, list_entry, &list, &call->err));
    VELD_TRY(fc_emergency_each(call, &list, list_held));
    VELD_TRY(list_unread(&list));
    if (json) {
        veld_json_writer_array_end(&writer);
        status = veld_cli_json_end(call, &writer);
    } else if (list.count == 0) {
        status = veld_cli_say(call, "Er zijn nog geen zaken op dit apparaat.\n");
    }

done:
    veld_json_writer_release(&writer);
    veld_buf_release(&list.unread);
    veld_index_close(index);
    return status;
}

/* ---- one compartment of a dossier ---- */
static veld_status say_case(veld_cli_call *call, veld_span json)
{
    veld_json_doc *doc = NULL;
    veld_span id = {0}, state_id = {0}, compartment = veld_span_text("main");
    veld_status status;
    VELD_TRY(veld_json_parse(json, VELD_JSON_CANONICAL, &doc, NULL, &call->err));
    const veld_json_value *root = veld_json_root(doc);
    bool whole = veld_json_text(veld_json_get(root, "case"), &id) &&
                 veld_json_text(veld_json_get(root, "stateId"), &state_id);
    VELD_ASSERT(whole);
    (void)veld_json_text(veld_json_get(root, "compartment"), &compartment);
    VELD_TRY(veld_cli_say(call, "Zaak %.*s (%.*s)\nStand %.*s\n", (int)id.len,
        (const char *)id.data, (int)compartment.len, (const char *)compartment.data,
        (int)state_id.len, (const char *)state_id.data));
    const veld_json_value *record = veld_json_first(veld_json_get(root, "records"));
    for (; record != NULL; record = veld_json_next(record)) {
        VELD_TRY(veld_cli_say(call, "\n"));
        VELD_TRY(veld_label_say_record(
            call, call->session->schemas, record, veld_json_get(root, "records")));
    }

done:
    veld_json_doc_free(doc);
    return status;
}

veld_status fc_verb_case_show(veld_cli_call *call)
{
    veld_part part = {0};
    veld_buf json;
    veld_status status;
    veld_buf_init(&json, VELD_CLI_OUTPUT_BYTES_MAX);
    VELD_TRY(fc_part_open(call, call->arguments[0], &part));
    VELD_TRY(veld_part_view(&part, call->session->schemas, &json, &call->err));
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        status = say_case(call, veld_buf_span(&json));
        goto done;
    }
    VELD_TRY(veld_buf_append_span(&call->out, veld_buf_span(&json)));
    VELD_TRY(veld_buf_append_byte(&call->out, '\n'));

done:
    veld_buf_wipe(&json);
    veld_part_close(&part);
    return status;
}

/* note quick: something that cannot wait for a case to be found or made. It goes sealed to the
 * agency as a case of its own, to be sorted there; on the tablet nothing of it can be read. */
#include <stdio.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/dossier.h"
#include "veldkit/limits.h"
#include "veldkit/time.h"

enum { DAY_AND_MINUTE = 16 }; /* of an instant's text */

static void write_record(
    veld_json_writer *writer, const char *type, const char *field, veld_span text, const char *kind)
{
    veld_json_writer_object_begin(writer);
    veld_json_writer_name(writer, "fields");
    veld_json_writer_object_begin(writer);
    if (kind != NULL) {
        veld_json_writer_name(writer, "kind");
        veld_json_writer_text(writer, kind);
    }
    veld_json_writer_name(writer, field);
    veld_json_writer_text_span(writer, text);
    veld_json_writer_object_end(writer);
    veld_json_writer_name(writer, "type");
    veld_json_writer_text(writer, type);
    veld_json_writer_object_end(writer);
}

/* The note as the dossier of a case to be sorted. */
static veld_status write_dossier(veld_cli_call *call, veld_span text, veld_buf *out)
{
    static const char heading[] = "Snelle notitie ";
    char title[sizeof heading + VELD_MOMENT_TEXT_SIZE];
    char when[VELD_MOMENT_TEXT_SIZE];
    veld_json_writer writer;
    veld_now now = veld_env_now(&call->session->env);
    veld_moment_format(now.wall_utc_ms, when);
    when[DAY_AND_MINUTE] = '\0';
    (void)snprintf(title, sizeof title, "%s%s", heading, when);
    veld_json_writer_init(&writer, out);
    veld_json_writer_object_begin(&writer);
    veld_json_writer_name(&writer, "records");
    veld_json_writer_array_begin(&writer);
    write_record(&writer, "case", "title", veld_span_text(title), NULL);
    write_record(&writer, "note", "text", text, "fact");
    veld_json_writer_array_end(&writer);
    veld_json_writer_object_end(&writer);
    return veld_json_writer_finish(&writer, &call->err);
}

static veld_status say(veld_cli_call *call, const veld_id *case_id, const veld_hash *change)
{
    veld_json_writer writer;
    if (!veld_cli_given(call, VELD_CLI_JSON))
        return veld_cli_say(
            call, "Opgeslagen, verzegeld voor de organisatie: hier niet te lezen.\n");
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_id(&writer, "case", case_id);
    veld_cli_json_hash(&writer, "change", change);
    veld_json_writer_object_end(&writer);
    return veld_cli_json_end(call, &writer);
}

veld_status fc_verb_note_quick(veld_cli_call *call)
{
    veld_arena arena;
    veld_buf text, dossier;
    veld_edits edits = {0};
    veld_id case_id;
    veld_hash change;
    veld_status status;
    veld_arena_init(&arena, FC_ARENA_BYTES_MAX);
    veld_buf_init(&text, VELD_CHANGE_VALUE_BYTES_MAX);
    veld_buf_init(&dossier, VELD_JSON_BYTES_MAX);
    const veld_dossier_context context = {.schemas = call->session->schemas,
        .env = &call->session->env,
        .arena = &arena,
        .errors = &call->errors};
    VELD_TRY(fc_office(call));
    VELD_TRY(veld_cli_read(call, veld_cli_value(call, FC_OPTION_FILE), &text));
    VELD_TRY(write_dossier(call, veld_buf_span(&text), &dossier));
    VELD_TRY(veld_dossier_check(&context, veld_buf_span(&dossier), &edits, &call->err));
    status = veld_part_found_blind(
        &call->session->desk, edits.items, edits.count, &case_id, &change, &call->err);
    if (status == VELD_E_NOT_ALLOWED)
        status = veld_fail(&call->err, status,
            "een snelle notitie wordt verzegeld voor de organisatie; deze kluis is van geen "
            "organisatie");
    VELD_TRY(status);
    status = say(call, &case_id, &change);

done:
    veld_buf_wipe(&text);
    veld_buf_wipe(&dossier);
    veld_arena_release(&arena);
    return status;
}

/* record put, set, delete and show. Each of the first three cuts one change at once: what a script
 * was told is saved is a signed change on the disk. */
#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/blind.h"
#include "veldkit/dossier.h"
#include "veldkit/policy.h"

/* What a saving verb holds: the cases of the compartment that it is about, its dossier's main case
 * where that is here, and the edits that were made. */
typedef struct saving {
    veld_part part;    /* empty: to be founded */
    veld_part main;    /* empty when `part` is it */
    veld_case *opened; /* of `part`, in which is saved */
    veld_arena arena;
    veld_edits edits;
    veld_dossier_context context;
    const veld_state_record *record; /* NULL for a new one */
    veld_id closed;                  /* the case, when its lease is over: added to blindly */
    veld_state *blank;               /* what is known of it then */
    bool main_closed;
    bool is_sealed; /* was saved without a trace that is readable here */
} saving;

/* The states of all cases that are open but `opened`. */
static veld_status list_beside(saving *open)
{
    size_t count = 0;
    veld_state **beside =
        veld_arena_get(&open->arena, open->part.count + open->main.count, sizeof(veld_state *));
    if (beside == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; i < open->part.count; i++) {
        if (open->part.cases[i] != open->opened)
            beside[count++] = veld_case_state(open->part.cases[i]);
    }
    bool is_main_beside = open->opened != NULL || open->blank != NULL;
    for (size_t i = 0; is_main_beside && i < open->main.count; i++)
        beside[count++] = veld_case_state(open->main.cases[i]);
    open->context.beside = beside;
    open->context.beside_count = count;
    return VELD_OK;
}

static veld_status saving_begin(veld_cli_call *call, saving *out)
{
    veld_state *state = out->blank;
    if (state == NULL)
        state = veld_case_state(out->opened != NULL ? out->opened : out->main.cases[0]);
    out->context = (veld_dossier_context){.schemas = call->session->schemas,
        .env = &call->session->env,
        .state = state,
        .arena = &out->arena,
        .errors = &call->errors,
        .main_away = out->main.count == 0 &&
                     (out->blank != NULL || out->part.place.compartment != VELD_COMPARTMENT_MAIN)};
    return list_beside(out);
}

static veld_status check_open(veld_cli_call *call, const veld_id *case_id, veld_id *closed)
{
    veld_lease_state state;
    veld_status status;
    VELD_TRY(fc_lease_state(call, case_id, &state));
    if (state == VELD_LEASE_EMERGENCY)
        VELD_TRY(fc_lease_check(call, case_id));
    if (!fc_lease_reads(state))
        *closed = *case_id;

done:
    return status;
}

/* The cases of a compartment. When the lease of one of them is over none is opened, and `closed`
 * gets it; one that is here for an emergency only is refused. */
static veld_status open_list(veld_cli_call *call, const veld_places *places, const veld_id *dossier,
    veld_compartment compartment, veld_part *out, veld_id *closed)
{
    size_t count = 0;
    veld_status status = VELD_OK;
    const veld_place *first = veld_places_list(places, dossier, compartment, &count);
    *closed = (veld_id){0};
    if (count == 0 && compartment == VELD_COMPARTMENT_MAIN) /* only held, or not here */
        VELD_TRY(check_open(call, dossier, closed));
    for (size_t i = 0; i < count && veld_id_is_zero(closed); i++)
        VELD_TRY(check_open(call, &first[i].case_id, closed));
    if (count > 0 && veld_id_is_zero(closed))
        status = veld_part_open(&call->session->desk, first, count, out, &call->err);

done:
    return status;
}

/* What the record is to refer to lies in main. */
static veld_status open_main(veld_cli_call *call, const veld_places *places, saving *out)
{
    veld_id closed;
    if (out->part.place.compartment == VELD_COMPARTMENT_MAIN)
        return VELD_OK;
    veld_status status = open_list(
        call, places, &out->part.place.dossier, VELD_COMPARTMENT_MAIN, &out->main, &closed);
    out->main_closed = status == VELD_OK && !veld_id_is_zero(&closed);
    return status;
}

/* Where nothing is open there is nothing to save into, unless blindly. */
static veld_status check_target(veld_cli_call *call, const saving *open)
{
    if (open->opened != NULL || open->blank != NULL || open->main.count > 0)
        return VELD_OK;
    if (open->main_closed)
        return veld_fail(&call->err, VELD_E_LOCKED,
            "een nieuw afgeschermd deel vraagt een zaak die te lezen is; maak verbinding met "
            "sync --once, of gebruik note quick");
    return veld_fail(
        &call->err, VELD_E_NOT_FOUND, "van deze zaak is hier alleen een ander afgeschermd deel");
}

static veld_status saving_open_record(veld_cli_call *call, saving *out)
{
    veld_places places = {0};
    veld_status status;
    *out = (saving){0};
    veld_arena_init(&out->arena, FC_ARENA_BYTES_MAX);
    VELD_TRY(fc_record_open(call, &out->part, &out->record, &out->opened));
    VELD_TRY(veld_places_load(call->session->store, &places, &call->err));
    VELD_TRY(open_main(call, &places, out));
    VELD_TRY(saving_begin(call, out));
    if (veld_type_is_programs(out->record->type))
        status = veld_fail(&call->err, VELD_E_INVALID,
            "dit onderdeel is door het programma gemaakt en verandert niet");

done:
    veld_places_release(&places);
    return status;
}

/* The compartment in which records of a type live; one that the person names must be it. */
static veld_status compartment_of(veld_cli_call *call, const char *type, veld_compartment *out)
{
    const veld_schema *schema = veld_schema_get(call->session->schemas, veld_span_text(type));
    veld_compartment own = schema == NULL ? VELD_COMPARTMENT_ANY : schema->compartment;
    *out = own == VELD_COMPARTMENT_ANY ? VELD_COMPARTMENT_MAIN : own;
    veld_status status = fc_compartment(call, out);
    if (status == VELD_OK && own != VELD_COMPARTMENT_ANY && *out != own)
        return veld_fail(&call->err, VELD_E_INVALID, "dit soort onderdeel hoort in het deel %s",
            veld_compartment_name(own));
    return status;
}

/* A new record goes into the first case of its compartment; where there is none, one is founded. */
static veld_status saving_open_new(veld_cli_call *call, saving *out)
{
    veld_places places = {0};
    veld_place place;
    veld_compartment compartment;
    veld_status status;
    *out = (saving){0};
    veld_arena_init(&out->arena, FC_ARENA_BYTES_MAX);
    VELD_TRY(fc_office(call)); /* before a case gets its copy of the desk */
    VELD_TRY(compartment_of(call, call->arguments[1], &compartment));
    VELD_TRY(veld_places_load(call->session->store, &places, &call->err));
    VELD_TRY(fc_place_find(call, &places, call->arguments[0], &place));
    out->part.place = (veld_place){.dossier = place.dossier, .compartment = compartment};
    VELD_TRY(open_list(call, &places, &place.dossier, compartment, &out->part, &out->closed));
    VELD_TRY(open_main(call, &places, out));
    if (out->part.count > 0)
        out->opened = out->part.cases[0];
    if (!veld_id_is_zero(&out->closed))
        VELD_TRY(veld_state_new(&call->session->env, &out->blank, &call->err));
    VELD_TRY(check_target(call, out));
    VELD_TRY(saving_begin(call, out));

done:
    veld_places_release(&places);
    return status;
}

static void saving_close(saving *open)
{
    veld_part_close(&open->part);
    veld_part_close(&open->main);
    veld_state_free(open->blank);
    veld_arena_release(&open->arena);
}

/* Danger in another part than main is noticed in main first, in the eyes of who records it: then it
 * holds for those too who may not read the part. Without main here the office does it. */
static veld_status notice_danger(veld_cli_call *call, saving *open)
{
    veld_hash change;
    veld_status status = VELD_OK;
    for (size_t i = 0; open->main.count > 0 && i < open->edits.count && status == VELD_OK; i++) {
        const veld_edit *edit = &open->edits.items[i];
        const veld_schema_field *field =
            veld_schema_field_get(veld_schema_get(call->session->schemas, edit->type), edit->field);
        if (field != NULL && veld_schema_is_danger(field, edit->value))
            status =
                veld_part_notice(open->main.cases[0], &edit->record, 1, false, &change, &call->err);
    }
    return status;
}

/* The edits, into the case that is open; blindly into one that is not read without contact, or that
 * main links and that this device may not read; or into one that is founded with them. */
static veld_status save_edits(veld_cli_call *call, saving *open, veld_hash *change)
{
    veld_id part;
    veld_status status = VELD_OK;
    veld_compartment compartment = open->part.place.compartment;
    const veld_edits *edits = &open->edits;
    if (edits->count == 0)
        return VELD_OK;
    VELD_TRY(notice_danger(call, open));
    if (open->opened != NULL)
        return veld_case_save(open->opened, edits->items, edits->count, change, &call->err);
    open->is_sealed = open->blank != NULL;
    if (open->is_sealed)
        return veld_case_save_blind(
            &call->session->desk, &open->closed, edits->items, edits->count, change, &call->err);
    veld_case *main = open->main.cases[0];
    VELD_TRY(veld_part_linked(main, compartment, &part, &call->err));
    open->is_sealed = compartment == VELD_COMPARTMENT_REPORTER ||
                      (!veld_id_is_zero(&part) && call->session->desk.office != NULL);
    status = open->is_sealed && !veld_id_is_zero(&part)
                 ? veld_case_save_blind(
                       &call->session->desk, &part, edits->items, edits->count, change, &call->err)
                 : veld_part_found(
                       main, compartment, edits->items, edits->count, &part, change, &call->err);

done:
    if (status == VELD_E_NOT_ALLOWED)
        return veld_fail(&call->err, status,
            "wie meldde wordt verzegeld voor de organisatie; deze kluis is van geen organisatie");
    return status;
}

/* `record` is NULL where the answer does not name one. */
static veld_status save(veld_cli_call *call, saving *open, const veld_id *record)
{
    veld_hash change = {0};
    veld_json_writer writer;
    char id[VELD_HASH_TEXT_SIZE];
    veld_status status = save_edits(call, open, &change);
    if (status != VELD_OK)
        return status;
    if (!veld_cli_given(call, VELD_CLI_JSON) && veld_hash_is_zero(&change))
        return veld_cli_say(call, "Er was niets te veranderen.\n");
    if (!veld_cli_given(call, VELD_CLI_JSON) && record != NULL) {
        veld_id_format(record, id);
        status = veld_cli_say(call, "Onderdeel %s\n", id);
    }
    if (status == VELD_OK && !veld_cli_given(call, VELD_CLI_JSON)) {
        veld_hash_format(&change, id);
        return veld_cli_say(call, "%s Wijziging %s\n",
            open->is_sealed ? "Opgeslagen, verzegeld voor de organisatie: hier niet te lezen."
                            : "Opgeslagen op dit apparaat.",
            id);
    }
    if (status != VELD_OK)
        return status;
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_hash(&writer, "change", &change);
    if (record != NULL)
        veld_cli_json_id(&writer, "record", record);
    veld_json_writer_object_end(&writer);
    return veld_cli_json_end(call, &writer);
}

veld_status fc_verb_record_put(veld_cli_call *call)
{
    saving open;
    veld_buf bytes;
    veld_id record = {0};
    veld_status status;
    veld_buf_init(&bytes, VELD_JSON_BYTES_MAX);
    VELD_TRY(saving_open_new(call, &open));
    VELD_TRY(veld_cli_read(call, veld_cli_value(call, FC_OPTION_FILE), &bytes));
    VELD_TRY(veld_dossier_check_record(&open.context, veld_span_text(call->arguments[1]),
        veld_buf_span(&bytes), &record, &open.edits, &call->err));
    VELD_TRY(save(call, &open, &record));

done:
    saving_close(&open);
    veld_buf_wipe(&bytes);
    return status;
}

/* One of each line that has anything in it; `out` has room for one more than there are ends. */
static size_t split_lines(veld_span text, veld_span *out)
{
    size_t count = 0, from = 0;
    for (size_t at = 0; at <= text.len; at++) {
        if (at < text.len && text.data[at] != '\n')
            continue;
        size_t end = at > from && text.data[at - 1] == '\r' ? at - 1 : at;
        if (end > from)
            out[count++] = veld_span_part(text, from, end - from);
        from = at + 1;
    }
    return count;
}

/* VELD=JSON as words of the command, or as lines of standard input, which nobody else sees. */
static veld_status take_assignments(
    veld_cli_call *call, saving *open, veld_buf *input, veld_span **out, size_t *count)
{
    veld_status status = VELD_OK;
    bool are_lines = call->arguments_count == 3 && strcmp(call->arguments[2], "-") == 0;
    size_t most = call->arguments_count - 2;
    if (are_lines)
        VELD_TRY(veld_cli_read(call, "-", input));
    for (size_t i = 0; i < input->len; i++)
        most += input->data[i] == '\n';
    *out = veld_arena_get(&open->arena, most, sizeof **out);
    if (*out == NULL)
        return VELD_E_MEMORY;
    *count = are_lines ? split_lines(veld_buf_span(input), *out) : most;
    for (size_t i = 0; i < *count && !are_lines; i++)
        (*out)[i] = veld_span_text(call->arguments[2 + i]);
    if (*count == 0)
        status = veld_fail(&call->err, VELD_E_INVALID, "op standaardinvoer staat geen VELD=JSON");
done:
    return status;
}

veld_status fc_verb_record_set(veld_cli_call *call)
{
    saving open;
    veld_buf input;
    veld_status status;
    size_t count = 0;
    veld_span *assignments = NULL;
    veld_buf_init(&input, VELD_JSON_BYTES_MAX);
    VELD_TRY(saving_open_record(call, &open));
    VELD_TRY(take_assignments(call, &open, &input, &assignments, &count));
    VELD_TRY(veld_dossier_check_fields(
        &open.context, &open.record->id, assignments, count, &open.edits, &call->err));
    VELD_TRY(save(call, &open, NULL));

done:
    saving_close(&open);
    veld_buf_wipe(&input);
    return status;
}

veld_status fc_verb_record_delete(veld_cli_call *call)
{
    saving open;
    veld_status status;
    VELD_TRY(saving_open_record(call, &open));
    bool gone = veld_policy_removed(open.record); /* removing it again would say nothing new */
    const veld_edit removal = {
        .kind = VELD_EDIT_REMOVE, .record = open.record->id, .type = open.record->type};
    open.edits = (veld_edits){.items = &removal, .count = gone ? 0 : 1};
    VELD_TRY(save(call, &open, NULL));

done:
    saving_close(&open);
    return status;
}

veld_status fc_verb_record_restore(veld_cli_call *call)
{
    saving open;
    veld_status status;
    VELD_TRY(saving_open_record(call, &open));
    const veld_edit restoring = {
        .kind = VELD_EDIT_RESTORE, .record = open.record->id, .type = open.record->type};
    open.edits = (veld_edits){.items = &restoring, .count = 1};
    VELD_TRY(save(call, &open, NULL));

done:
    saving_close(&open);
    return status;
}

veld_status fc_verb_record_show(veld_cli_call *call)
{
    saving open;
    veld_json_writer writer;
    veld_json_doc *doc = NULL;
    veld_buf json;
    veld_status status;
    veld_buf_init(&json, VELD_CLI_OUTPUT_BYTES_MAX);
    VELD_TRY(saving_open_record(call, &open));
    veld_json_writer_init(&writer, &json);
    veld_outlook outlook =
        veld_outlook_of(veld_case_state(open.opened), call->session->schemas, &open.arena);
    status = veld_view_record(&outlook, open.record, &writer, &call->err);
    if (status != VELD_OK) {
        veld_json_writer_release(&writer);
        goto done;
    }
    VELD_TRY(veld_json_writer_finish(&writer, &call->err));
    if (veld_cli_given(call, VELD_CLI_JSON)) {
        VELD_TRY(veld_buf_append_span(&call->out, veld_buf_span(&json)));
        VELD_TRY(veld_buf_append_byte(&call->out, '\n'));
        goto done;
    }
    VELD_TRY(veld_json_parse(veld_buf_span(&json), VELD_JSON_CANONICAL, &doc, NULL, &call->err));
    VELD_TRY(veld_label_say_record(call, call->session->schemas, veld_json_root(doc), NULL));

done:
    veld_json_doc_free(doc);
    veld_buf_wipe(&json);
    saving_close(&open);
    return status;
}

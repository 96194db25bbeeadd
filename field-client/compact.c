/* case compact: forget how a case became what it is, as far as the agency has it; and what is said
 * wherever history is shown of a case whose beginning is not here. */
#include <stdlib.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/compact.h"
#include "veldkit/past.h"

enum { KEEP_DAYS_MAX = 36500 };

static const int64_t ms_per_day = 24 * 3600 * INT64_C(1000);

static void format_day(int64_t utc_ms, char out[VELD_MOMENT_TEXT_SIZE])
{
    enum { DAY_LENGTH = 10 };
    veld_moment_format(utc_ms, out);
    out[DAY_LENGTH] = '\0';
}

void fc_note_before(veld_cli_call *call, const veld_case *opened)
{
    char day[VELD_MOMENT_TEXT_SIZE], id[VELD_ID_TEXT_SIZE];
    const veld_case_base *base = veld_case_get_base(opened);
    if (base == NULL)
        return;
    format_day(base->utc_ms, day);
    veld_id_format(veld_case_id(opened), id);
    veld_cli_note(call,
        "veldkit: zaak %s begint hier met een ijkpunt %s van %s: %llu wijziging%s van daarvoor "
        "%s niet op dit apparaat; kantoor heeft ze. `veldkit case history` haalt ze op zodra er "
        "verbinding is.\n",
        id, base->from_agency ? "van kantoor" : "van dit apparaat", day,
        (unsigned long long)base->changes, base->changes == 1 ? "" : "en",
        base->changes == 1 ? "staat" : "staan");
}

static veld_status keep_days(veld_cli_call *call, int64_t *out)
{
    const char *text = veld_cli_value(call, FC_OPTION_KEEP);
    char *end = NULL;
    *out = VELD_COMPACT_KEEP_DAYS;
    if (text == NULL)
        return VELD_OK;
    long days = text[0] >= '0' && text[0] <= '9' ? strtol(text, &end, 10) : -1;
    if (end == NULL || *end != '\0' || days < 0 || days > KEEP_DAYS_MAX)
        return veld_fail(
            &call->err, VELD_E_INVALID, "--keep is een aantal dagen van 0 tot %d", KEEP_DAYS_MAX);
    *out = days;
    return VELD_OK;
}

veld_status fc_verb_case_compact(veld_cli_call *call)
{
    const fc_session *session = call->session;
    veld_case *opened = NULL;
    veld_id id;
    int64_t days;
    size_t folded = 0;
    veld_json_writer writer;
    veld_status status;
    VELD_TRY(keep_days(call, &days));
    VELD_TRY(fc_case_open(call, call->arguments[0], &opened));
    id = *veld_case_id(opened);
    veld_case_close(opened);
    opened = NULL;
    VELD_TRY(veld_compact_case(&session->desk, &id, days * ms_per_day, 1, &folded, &call->err));
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        status = folded == 0
                     ? veld_cli_say(call, "Er is niets samen te vatten: kantoor heeft nog niets "
                                          "opgenomen dat oud genoeg is.\n")
                     : veld_cli_say(call,
                           "%zu wijziging%s samengevat in een ijkpunt; wat er nu in de zaak staat "
                           "is hetzelfde.\n",
                           folded, folded == 1 ? "" : "en");
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_id(&writer, "case", &id);
    veld_cli_json_count(&writer, "folded", folded);
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    veld_case_close(opened);
    return status;
}

veld_status fc_verb_case_history(veld_cli_call *call)
{
    const fc_session *session = call->session;
    veld_case *opened = NULL;
    veld_id id;
    bool has_base;
    veld_json_writer writer;
    veld_status status;
    VELD_TRY(fc_case_open(call, call->arguments[0], &opened));
    id = *veld_case_id(opened);
    has_base = veld_case_get_base(opened) != NULL;
    if (has_base)
        VELD_TRY(veld_past_want(&session->desk, &id, &call->err));
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        status = veld_cli_say(call,
            has_base ? "Wat van voor het ijkpunt is komt mee met de volgende synchronisatie.\n"
                     : "De hele geschiedenis van deze zaak is al hier.\n");
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_id(&writer, "case", &id);
    veld_json_writer_name(&writer, "wanted");
    veld_json_writer_boolean(&writer, has_base);
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    veld_case_close(opened);
    return status;
}

/* After an exchange: what grew long. What fails here is no reason to call the exchange failed. */
void fc_compact_due(veld_cli_call *call)
{
    const fc_session *session = call->session;
    veld_places places = {0};
    veld_desk quiet = veld_desk_quiet(&session->desk);
    if (veld_places_load(session->store, &places, NULL) != VELD_OK)
        return;
    for (size_t i = 0; i < places.count; i++) {
        uint64_t rows = 0;
        size_t folded = 0;
        const veld_id *id = &places.items[i].case_id;
        if (veld_store_count_changes(session->store, id, &rows, NULL) == VELD_OK &&
            rows >= VELD_COMPACT_CHANGES_MIN)
            (void)!veld_compact_case(&quiet, id, VELD_COMPACT_KEEP_DAYS * ms_per_day,
                VELD_COMPACT_CHANGES_MIN, &folded, NULL);
    }
    veld_places_release(&places);
}

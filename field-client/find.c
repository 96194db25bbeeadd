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

veld_status fc_compartment(veld_cli_call *call, veld_compartment *out)
{
    const char *name = veld_cli_value(call, FC_OPTION_COMPARTMENT);
    if (name == NULL || veld_compartment_find(veld_span_text(name), out))
        return VELD_OK;
    return veld_fail(&call->err, VELD_E_INVALID,
        "geen afgeschermd deel met die naam; kies uit main, address, reporter, child-talk, legal");
}

veld_status fc_place_find(
    veld_cli_call *call, const veld_places *places, const char *word, veld_place *out)
{
    size_t matches = 0;
    veld_status status = veld_cli_prefix_check(word, &call->err);
    if (status != VELD_OK)
        return status;
    veld_places_search(places, word, veld_cli_prefix_fits, out, &matches);
    if (matches == 0) { /* nothing of it is opened, so nobody knows of which compartment it is */
        *out = (veld_place){0};
        status = fc_emergency_find(call, word, &out->case_id, &matches);
        out->dossier = out->case_id;
    }
    return status == VELD_OK ? veld_cli_prefix_judge(word, "zaak", matches, &call->err) : status;
}

/* The cases that `word` and --compartment name, in `places`. */
static veld_status find_part(veld_cli_call *call, const veld_places *places, const char *word,
    const veld_place **first, size_t *count)
{
    veld_place place;
    veld_status status;
    VELD_TRY(fc_place_find(call, places, word, &place));
    veld_compartment wanted = place.compartment;
    VELD_TRY(fc_compartment(call, &wanted));
    *first = veld_places_list(places, &place.dossier, wanted, count);
    if (place.compartment != VELD_COMPARTMENT_MAIN) { /* one case by its own number */
        *first = wanted == place.compartment ? veld_places_of(places, &place.case_id) : NULL;
        *count = *first != NULL;
    }
    if (*count == 0) /* what is only held has no row of its own */
        VELD_TRY(fc_lease_check(call, &place.dossier));
    if (*count == 0 && wanted == VELD_COMPARTMENT_MAIN)
        status = veld_fail(&call->err, VELD_E_NOT_FOUND,
            "van deze zaak is hier alleen een afgeschermd deel; noem het met --compartment");
    else if (*count == 0)
        status = veld_fail(&call->err, VELD_E_NOT_FOUND,
            "deze zaak heeft hier geen afgeschermd deel %s", veld_compartment_name(wanted));
    for (size_t i = 0; status == VELD_OK && i < *count; i++)
        status = fc_lease_check(call, &(*first)[i].case_id);

done:
    return status;
}

veld_status fc_part_open(veld_cli_call *call, const char *word, veld_part *out)
{
    veld_places places = {0};
    const veld_place *first = NULL;
    size_t count = 0;
    veld_status status;
    *out = (veld_part){0};
    VELD_TRY(veld_places_load(call->session->store, &places, &call->err));
    VELD_TRY(find_part(call, &places, word, &first, &count));
    VELD_TRY(veld_part_open(&call->session->desk, first, count, out, &call->err));

done:
    veld_places_release(&places);
    return status;
}

/* Of how many records of a compartment the id is typed; nobody is told that it was looked at, since
 * nothing of it is shown. What may not be read now has none. */
static veld_status count_records(
    veld_cli_call *call, const veld_place *first, size_t count, const char *word, size_t *matches)
{
    const veld_desk quiet = veld_desk_quiet(&call->session->desk);
    veld_part part = {0};
    veld_lease_state state;
    veld_status status = VELD_OK;
    *matches = 0;
    if (count == 0)
        return VELD_OK;
    for (size_t i = 0; i < count; i++) {
        VELD_TRY(fc_lease_state(call, &first[i].case_id, &state));
        if (!fc_lease_reads(state))
            goto done;
    }
    VELD_TRY(veld_part_open(&quiet, first, count, &part, &call->err));
    for (size_t c = 0; c < part.count; c++) {
        size_t records_count = 0;
        const veld_state_record *const *records =
            veld_state_records(veld_case_state(part.cases[c]), &records_count);
        if (records == NULL) {
            status = VELD_E_MEMORY;
            goto done;
        }
        for (size_t i = 0; i < records_count; i++)
            *matches += veld_cli_prefix_fits(&records[i]->id, word);
    }

done:
    veld_part_close(&part);
    return status;
}

/* In which compartment of the dossier the record lies that `word` names; `*count` stays 0 when it
 * is in none, and when there is one only, which is opened anyhow. */
static veld_status find_holder(veld_cli_call *call, const veld_places *places,
    const veld_id *dossier, const char *word, const veld_place **first, size_t *count)
{
    const veld_place *there[VELD_COMPARTMENT_ANY];
    size_t there_count[VELD_COMPARTMENT_ANY];
    size_t compartments = 0, all = 0, matches = 0;
    veld_status status = veld_cli_prefix_check(word, &call->err);
    for (size_t c = 0; c < VELD_COMPARTMENT_ANY; c++) {
        there[c] = veld_places_list(places, dossier, (veld_compartment)c, &there_count[c]);
        compartments += there_count[c] > 0;
    }
    for (size_t c = 0; compartments > 1 && c < VELD_COMPARTMENT_ANY && status == VELD_OK; c++) {
        status = count_records(call, there[c], there_count[c], word, &matches);
        all += matches;
        if (matches > 0) {
            *first = there[c];
            *count = there_count[c];
        }
    }
    if (status == VELD_OK && all > 1)
        status = veld_cli_prefix_judge(word, "onderdeel", all, &call->err);
    return status;
}

veld_status fc_record_open(
    veld_cli_call *call, veld_part *part, const veld_state_record **out, veld_case **in)
{
    const char *const word = call->arguments[0];
    veld_places places = {0};
    veld_place of;
    const veld_place *first = NULL;
    size_t count = 0;
    veld_status status;
    *part = (veld_part){0};
    VELD_TRY(veld_places_load(call->session->store, &places, &call->err));
    VELD_TRY(fc_place_find(call, &places, word, &of));
    if (of.compartment == VELD_COMPARTMENT_MAIN && !veld_cli_given(call, FC_OPTION_COMPARTMENT))
        VELD_TRY(find_holder(call, &places, &of.dossier, call->arguments[1], &first, &count));
    if (count == 0)
        VELD_TRY(find_part(call, &places, word, &first, &count));
    VELD_TRY(veld_part_open(&call->session->desk, first, count, part, &call->err));
    status = fc_record_find(call, part->cases, part->count, call->arguments[1], out, in);

done:
    veld_places_release(&places);
    return status;
}

veld_status fc_case_find(veld_cli_call *call, const char *word, veld_id *out)
{
    veld_places places = {0};
    const veld_place *first = NULL;
    size_t count = 0;
    veld_status status;
    VELD_TRY(veld_places_load(call->session->store, &places, &call->err));
    VELD_TRY(find_part(call, &places, word, &first, &count));
    VELD_ASSERT(first != NULL);
    *out = first->case_id;
    if (count > 1)
        status = veld_fail(&call->err, VELD_E_INVALID,
            "dit deel bestaat uit %zu zaken; case show noemt ze bij parts, kies er een", count);

done:
    veld_places_release(&places);
    return status;
}

veld_status fc_case_open(veld_cli_call *call, const char *word, veld_case **out)
{
    veld_id id;
    veld_status status = fc_case_find(call, word, &id);
    return status == VELD_OK ? veld_case_open(&call->session->desk, &id, out, &call->err) : status;
}

veld_status fc_record_find(veld_cli_call *call, veld_case *const *cases, size_t cases_count,
    const char *word, const veld_state_record **out, veld_case **in)
{
    size_t matches = 0;
    veld_status status = veld_cli_prefix_check(word, &call->err);
    if (status != VELD_OK)
        return status;
    for (size_t c = 0; c < cases_count; c++) {
        size_t count = 0;
        const veld_state_record *const *records =
            veld_state_records(veld_case_state(cases[c]), &count);
        if (records == NULL)
            return VELD_E_MEMORY;
        for (size_t i = 0; i < count; i++)
            if (veld_cli_prefix_fits(&records[i]->id, word)) {
                *out = records[i];
                *in = cases[c];
                matches++;
            }
    }
    return veld_cli_prefix_judge(word, "onderdeel", matches, &call->err);
}

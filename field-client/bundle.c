/* bundle: an exchange by hand, in a file on a stick: what goes in is sealed for one colleague whose
 * card was confirmed; what comes in is believed only as far as its signatures go. */
#include <string.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/bundle.h"
#include "veldkit/limits.h"

/* ---- for whom ---- */
/* By the beginning of the device's number, or by the whole name on the card. */
static bool is_meant(const veld_card *card, const char *word)
{
    char device[VELD_ID_TEXT_SIZE];
    size_t len = strlen(word);
    veld_id_format(&card->device, device);
    return strcmp(card->name, word) == 0 ||
           (len >= VELD_CLI_PREFIX_MIN && strncmp(device, word, len) == 0);
}

static veld_status find_card(veld_cli_call *call, const char *word, veld_card *out)
{
    veld_store_cursor *cursor = NULL;
    size_t matches = 0;
    bool more = true;
    veld_status status;
    VELD_TRY(veld_store_values(call->session->store, FC_GROUP_CARDS, &cursor, &call->err));
    for (;;) {
        veld_store_value value;
        veld_card card;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, &call->err));
        if (!more)
            break;
        VELD_TRY(veld_card_read(value.body, &call->session->desk.verifier, &card, &call->err));
        if (is_meant(&card, word)) {
            *out = card;
            matches++;
        }
    }
    if (matches == 0)
        status = veld_fail(&call->err, VELD_E_NOT_FOUND, "geen bewaard kaartje past bij --to");
    else if (matches > 1)
        status = veld_fail(&call->err, VELD_E_INVALID, "meer dan een kaartje past bij --to");

done:
    veld_store_cursor_close(cursor);
    return status;
}

/* ---- make ---- */
static veld_status add_case(veld_cli_call *call, const veld_id *id, veld_buf *out)
{
    for (size_t at = 0; at < out->len; at += sizeof *id)
        if (memcmp(out->data + at, id, sizeof *id) == 0)
            return veld_fail(&call->err, VELD_E_INVALID, "een zaak staat er twee keer");
    return veld_buf_append(out, id, sizeof *id);
}

/* Addresses go with the case that a colleague gets, unless one of them is secret. */
static veld_status add_addresses(
    veld_cli_call *call, const veld_places *places, const veld_id *dossier, veld_buf *out)
{
    size_t count = 0;
    veld_status status = VELD_OK;
    const veld_place *first = veld_places_list(places, dossier, VELD_COMPARTMENT_ADDRESS, &count);
    for (size_t i = 0; status == VELD_OK && i < count; i++) {
        veld_case *opened = NULL;
        bool secret = true;
        status = fc_lease_check(call, &first[i].case_id);
        if (status == VELD_OK)
            status = veld_case_open(&call->session->desk, &first[i].case_id, &opened, &call->err);
        if (status == VELD_OK)
            status = veld_part_is_secret(opened, &secret, &call->err);
        if (status == VELD_OK && !secret)
            status = add_case(call, &first[i].case_id, out);
        else if (status == VELD_OK)
            veld_cli_note(call, "veldkit: een geheim adres gaat niet mee.\n");
        veld_case_close(opened);
    }
    return status;
}

static veld_status find_cases(veld_cli_call *call, veld_buf *out)
{
    veld_places places = {0};
    veld_status status;
    veld_buf_init(out, VELD_CLI_OUTPUT_BYTES_MAX);
    VELD_TRY(veld_places_load(call->session->store, &places, &call->err));
    for (size_t i = 0; i < call->arguments_count; i++) {
        veld_id id;
        VELD_TRY(fc_case_find(call, call->arguments[i], &id));
        VELD_TRY(add_case(call, &id, out));
        const veld_place *place = veld_places_of(&places, &id);
        if (place != NULL && place->compartment == VELD_COMPARTMENT_MAIN)
            VELD_TRY(add_addresses(call, &places, &place->dossier, out));
    }

done:
    veld_places_release(&places);
    return status;
}

static veld_status say_bundle(veld_cli_call *call, size_t bytes)
{
    veld_json_writer writer;
    const char *file = veld_cli_value(call, FC_OPTION_FILE);
    if (!veld_cli_given(call, VELD_CLI_JSON))
        return veld_cli_say(
            call, "Klaar: %zu bytes, alleen leesbaar voor het apparaat van je collega.\n", bytes);
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_count(&writer, "bytes", bytes);
    veld_cli_json_count(&writer, "cases", call->arguments_count);
    veld_cli_json_text(&writer, "file", veld_span_text(file));
    veld_json_writer_object_end(&writer);
    return veld_cli_json_end(call, &writer);
}

veld_status fc_verb_bundle_make(veld_cli_call *call)
{
    veld_buf cases = {0}, own, bundle;
    veld_card to;
    veld_status status;
    veld_buf_init(&own, VELD_CARD_BYTES_MAX);
    veld_buf_init(&bundle, VELD_BUNDLE_BYTES_MAX);
    if (strcmp(veld_cli_value(call, FC_OPTION_FILE), "-") == 0) {
        status = veld_fail(&call->err, VELD_E_INVALID,
            "een bundel gaat naar een bestand, niet naar standaarduitvoer; noem er een");
        goto done;
    }
    VELD_TRY(find_card(call, veld_cli_value(call, FC_OPTION_TO), &to));
    VELD_TRY(find_cases(call, &cases));
    VELD_TRY(fc_own_card(call, &own));
    VELD_TRY(veld_bundle_write(&call->session->desk, "veldkit " VELD_VERSION, veld_buf_span(&own),
        &to, (const veld_id *)(const void *)cases.data, cases.len / sizeof(veld_id), &bundle,
        &call->err));
    VELD_TRY(veld_cli_write_file(
        veld_cli_value(call, FC_OPTION_FILE), veld_buf_span(&bundle), &call->err));
    VELD_TRY(say_bundle(call, bundle.len));

done:
    veld_buf_release(&cases);
    veld_buf_release(&own);
    veld_buf_release(&bundle);
    return status;
}

/* ---- take ---- */
static void note_finding(void *context, const char *text)
{
    veld_buf words;
    veld_buf_init(&words, 1024);
    if (veld_cli_in_words(text, &words) == VELD_OK && veld_buf_append_byte(&words, 0) == VELD_OK)
        veld_cli_note(context, "veldkit: %.400s\n", (const char *)words.data);
    veld_buf_release(&words);
}

static veld_status say_report(veld_cli_call *call, const veld_bundle_report *report)
{
    const veld_taken *taken = &report->taken;
    size_t left_out = report->refused + taken->forged + taken->unknown_device;
    veld_json_writer writer;
    if (!veld_cli_given(call, VELD_CLI_JSON))
        return veld_cli_say(call,
            "%zu %s, waarvan %zu nieuw: %zu %s erbij, %zu %s er al, %zu overgeslagen.\n",
            report->cases, veld_cli_of(report->cases, "zaak", "zaken"), report->new_cases,
            taken->added, veld_cli_of(taken->added, "wijziging", "wijzigingen"), taken->known,
            veld_cli_of(taken->known, "was", "waren"), left_out);
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_count(&writer, "added", taken->added);
    veld_cli_json_count(&writer, "cases", report->cases);
    veld_cli_json_count(&writer, "forged", taken->forged);
    veld_cli_json_count(&writer, "known", taken->known);
    veld_cli_json_count(&writer, "newCases", report->new_cases);
    veld_cli_json_count(&writer, "otherTree", taken->other_tree);
    veld_cli_json_count(&writer, "refused", report->refused);
    veld_cli_json_count(&writer, "unknownDevice", taken->unknown_device);
    veld_json_writer_object_end(&writer);
    return veld_cli_json_end(call, &writer);
}

veld_status fc_verb_bundle_take(veld_cli_call *call)
{
    veld_buf bytes;
    veld_bundle_report report = {0};
    veld_status status;
    veld_buf_init(&bytes, VELD_BUNDLE_BYTES_MAX);
    VELD_TRY(veld_cli_read(call, call->arguments[0], &bytes));
    VELD_TRY(veld_bundle_take(
        &call->session->desk, veld_buf_span(&bytes), &report, note_finding, call, &call->err));
    if (report.refused + report.taken.forged + report.taken.unknown_device > 0)
        call->exit_code = VELD_CLI_EXIT_PARTLY;
    VELD_TRY(say_report(call, &report));

done:
    veld_buf_release(&bytes);
    return status;
}

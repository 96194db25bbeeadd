/* card: two vaults without an agency get to know each other. A card proves only that its maker
 * holds the key; that it is the colleague's is for two people to see on two screens, so a card is
 * taken in only after its check code was confirmed. */
#include <ctype.h>
#include <string.h>

#include "fc.h"
#include "veldkit/assert.h"

veld_status fc_own_card(veld_cli_call *call, veld_buf *out)
{
    fc_session *session = call->session;
    veld_card card = {.device = *veld_store_device(session->store),
        .seal_key = veld_store_seal_key(session->store)->public_key};
    memcpy(card.name, session->worker, sizeof card.name);
    return veld_card_make(&card, &session->desk.signer, out, &call->err);
}

static void json_card(veld_json_writer *writer, const veld_card *card, const char *code)
{
    veld_cli_json_text(writer, "code", veld_span_text(code));
    veld_cli_json_id(writer, "device", &card->device);
    veld_cli_json_text(writer, "name", veld_span_text(card->name));
}

static veld_status say_card(veld_cli_call *call, const veld_card *card, const char *code)
{
    char device[VELD_ID_TEXT_SIZE];
    veld_status status;
    veld_id_format(&card->device, device);
    VELD_TRY(veld_cli_say(call, "%s  %s  ", device, code));
    VELD_TRY(veld_cli_say_text(call, veld_span_text(card->name)));
    VELD_TRY(veld_cli_say(call, "\n"));

done:
    return status;
}

veld_status fc_verb_card(veld_cli_call *call)
{
    veld_buf bytes, line;
    char code[VELD_CARD_CODE_SIZE];
    veld_json_writer writer;
    veld_status status;
    veld_buf_init(&bytes, VELD_CARD_BYTES_MAX);
    veld_buf_init(&line, FC_CARD_TEXT_MAX);
    VELD_TRY(fc_own_card(call, &bytes));
    VELD_TRY(veld_card_code(veld_buf_span(&bytes), code, &call->err));
    VELD_TRY(veld_card_to_text(veld_buf_span(&bytes), &line, &call->err));
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        /* Only the line is the answer, so that it can be sent as a file. */
        veld_cli_note(call, "Controlecode: %s\n", code);
        VELD_TRY(veld_buf_append_span(&call->out, veld_buf_span(&line)));
        VELD_TRY(veld_buf_append_byte(&call->out, '\n'));
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_text(&writer, "card", veld_buf_span(&line));
    veld_cli_json_text(&writer, "code", veld_span_text(code));
    veld_cli_json_id(&writer, "device", veld_store_device(call->session->store));
    veld_cli_json_text(&writer, "name", veld_span_text(call->session->worker));
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    veld_buf_release(&bytes);
    veld_buf_release(&line);
    return status;
}

/* ---- adding ---- */
static veld_status read_card(veld_cli_call *call, veld_buf *bytes, veld_card *card, char *code)
{
    veld_buf text;
    veld_status status;
    veld_buf_init(&text, FC_CARD_TEXT_MAX);
    VELD_TRY(veld_cli_read(call, call->arguments[0], &text));
    VELD_TRY(veld_card_from_text(veld_buf_span(&text), bytes, &call->err));
    VELD_TRY(veld_card_read(veld_buf_span(bytes), &call->session->desk.verifier, card, &call->err));
    VELD_TRY(veld_card_code(veld_buf_span(bytes), code, &call->err));

done:
    veld_buf_release(&text);
    return status;
}

/* As people type it: dashes or none, capitals or none. */
static bool same_code(const char *typed, const char *code)
{
    for (;;) {
        typed += strspn(typed, "- ");
        code += strspn(code, "-");
        if (toupper((unsigned char)*typed) != *code)
            return false;
        if (*code == '\0')
            return true;
        typed++;
        code++;
    }
}

static veld_status check_code(veld_cli_call *call, const char *code)
{
    char question[256];
    const char *given = veld_cli_value(call, FC_OPTION_CHECK);
    if (given != NULL && !same_code(given, code))
        return veld_cli_fail(call, VELD_E_FORGED, "De controlecode klopt niet.",
            "de controlecode van dit kaartje is anders; vraag je collega haar nog eens voor te "
            "lezen. "
            "Neem een kaartje met een andere code niet aan");
    if (given != NULL)
        return VELD_OK;
    if (veld_cli_given(call, FC_OPTION_YES))
        return veld_fail(
            &call->err, VELD_E_INVALID, "bij --yes hoort --check met de code van je collega");
    (void)snprintf(question, sizeof question,
        "Controlecode: %s\nStaat deze code ook op het scherm van je collega? (ja/nee) ", code);
    return veld_cli_confirm(call, question);
}

/* A device has one card: other keys under a known number are refused, whoever confirms them. */
static veld_status compare_known(veld_cli_call *call, const veld_card *card, bool *known)
{
    veld_card before;
    *known = false;
    if (veld_id_equal(&card->device, veld_store_device(call->session->store)))
        return veld_fail(&call->err, VELD_E_INVALID, "dit is je eigen kaartje");
    veld_status status = fc_keyring_card(call->session, &card->device, &before, &call->err);
    if (status == VELD_E_NOT_FOUND)
        return VELD_OK;
    if (status != VELD_OK)
        return status;
    *known = true;
    if (!veld_p256_public_equal(&card->sign_key, &before.sign_key) ||
        !veld_p256_public_equal(&card->seal_key, &before.seal_key))
        return veld_fail(&call->err, VELD_E_EXISTS,
            "van dit apparaat is al een kaartje bewaard, met andere sleutels");
    return VELD_OK;
}

veld_status fc_verb_card_add(veld_cli_call *call)
{
    veld_buf bytes;
    veld_card card;
    char code[VELD_CARD_CODE_SIZE];
    bool known = false;
    veld_json_writer writer;
    veld_status status;
    veld_buf_init(&bytes, VELD_CARD_BYTES_MAX);
    VELD_TRY(read_card(call, &bytes, &card, code));
    VELD_TRY(compare_known(call, &card, &known));
    if (!known) {
        VELD_TRY(check_code(call, code));
        VELD_TRY(veld_store_put_value(call->session->store, FC_GROUP_CARDS,
            veld_id_span(&card.device), veld_buf_span(&bytes), &call->err));
    }
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        VELD_TRY(veld_cli_say(call, known ? "Dit kaartje was er al: " : "Kaartje bewaard: "));
        status = say_card(call, &card, code);
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_json_writer_name(&writer, "added");
    veld_json_writer_boolean(&writer, !known);
    json_card(&writer, &card, code);
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    veld_buf_release(&bytes);
    return status;
}

/* ---- listing ---- */
static veld_status show_card(veld_cli_call *call, veld_span bytes, veld_json_writer *writer)
{
    veld_card card;
    char code[VELD_CARD_CODE_SIZE];
    veld_status status;
    VELD_TRY(veld_card_read(bytes, &call->session->desk.verifier, &card, &call->err));
    VELD_TRY(veld_card_code(bytes, code, &call->err));
    if (writer == NULL) {
        status = say_card(call, &card, code);
        goto done;
    }
    veld_json_writer_object_begin(writer);
    json_card(writer, &card, code);
    veld_json_writer_object_end(writer);

done:
    return status;
}

veld_status fc_verb_card_list(veld_cli_call *call)
{
    veld_store_cursor *cursor = NULL;
    veld_json_writer writer = {0};
    bool json = veld_cli_given(call, VELD_CLI_JSON), more = true;
    veld_status status;
    VELD_TRY(veld_store_values(call->session->store, FC_GROUP_CARDS, &cursor, &call->err));
    if (json) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_array_begin(&writer);
    }
    for (;;) {
        veld_store_value value;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, &call->err));
        if (!more)
            break;
        VELD_TRY(show_card(call, value.body, json ? &writer : NULL));
    }
    if (json) {
        veld_json_writer_array_end(&writer);
        status = veld_cli_json_end(call, &writer);
    } else if (call->out.len == 0) {
        status = veld_cli_say(call, "Er zijn nog geen kaartjes bewaard.\n");
    }

done:
    veld_json_writer_release(&writer);
    veld_store_cursor_close(cursor);
    return status;
}

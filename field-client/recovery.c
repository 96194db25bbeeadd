/* unlock --recovery: the office's door. The code opens it once; the worker chooses a new PIN, and
 * at the next exchange the office gets another code and hears that this one was used. That it was
 * is kept in the vault before the PIN is set; that it is good no more, before the door goes. Killed
 * between the two it still opens, since nobody can know whether the new PIN arrived. */
#include <stdio.h>
#include <unistd.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/host.h"
#include "veldkit/renew.h"

typedef struct recovering {
    veld_cli_call *call;
    veld_env env;
    fc_keystore_choice choice;
    veld_keystore keystore, new_keystore;
    veld_vault *vault;
    fc_session session; /* the store, for what it says of codes */
    uint8_t code[VELD_RECOVERY_BYTES];
} recovering;

/* The code itself, or - for standard input. */
static veld_status read_code(recovering *r)
{
    veld_cli_call *call = r->call;
    const char *given = veld_cli_value(call, FC_OPTION_RECOVERY);
    veld_buf text;
    veld_status status;
    veld_buf_init(&text, 256);
    if (given[0] == '-' && given[1] == '\0')
        VELD_TRY(veld_cli_read(call, "-", &text));
    else
        VELD_TRY(veld_buf_append_text(&text, given));
    while (text.len > 0 && text.data[text.len - 1] <= ' ')
        text.len--;
    status = veld_recovery_code_parse(veld_buf_span(&text), r->code, &call->err);

done:
    veld_buf_wipe(&text);
    return status;
}

/* No count of attempts: 128 random bits are not guessed, and who typed wrong PINs may not keep her
 * out. */
static veld_status open_door(recovering *r)
{
    veld_cli_call *call = r->call;
    char path[VELD_CLI_FOLDER_BYTES_MAX + 16];
    veld_status status;
    (void)snprintf(path, sizeof path, "%s/recovery", call->folder);
    if (access(path, F_OK) != 0)
        return veld_fail(&call->err, VELD_E_NOT_FOUND,
            "bij deze kluis hoort nu geen herstelcode; een gebruikte werkt niet nog eens");
    status = fc_keystore_open(call, VELD_DOOR_RECOVERY, &r->choice, &r->keystore);
    if (status == VELD_OK)
        status = veld_vault_door_open(&r->env, call->folder, VELD_DOOR_RECOVERY, &r->keystore,
            veld_span_of(r->code, sizeof r->code), &r->vault, &call->err);
    if (status == VELD_E_WRONG_PIN)
        return veld_fail(&call->err, status, "dit is niet de herstelcode van deze kluis");
    return status;
}

/* Who hands in for the locked vault leaves it, or has just wiped it. */
static veld_status open_store(recovering *r)
{
    veld_cli_call *call = r->call;
    r->session.env = r->env;
    veld_status status =
        veld_store_open(&r->session.env, call->folder, r->vault, &r->session.store, &call->err);
    (void)fc_sender_end(call->folder);
    return status == VELD_OK ? fc_wiped_refuse(call) : status;
}

static void remove_door(const recovering *r)
{
    static const char *const names[] = {"recovery", "recovery.keystore", "attempts"};
    char path[VELD_CLI_FOLDER_BYTES_MAX + 32];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", r->call->folder, names[i]);
        (void)unlink(path);
    }
}

static veld_status set_pin(recovering *r, veld_cli_pin *pin)
{
    veld_cli_call *call = r->call;
    veld_pin_params params;
    veld_status status;
    VELD_TRY(fc_keystore_new(
        &r->env, call->folder, VELD_DOOR_PIN, &r->choice, &r->new_keystore, &call->err));
    VELD_TRY(veld_passphrase_check(r->new_keystore.strength, veld_cli_pin_span(pin), &call->err));
    VELD_TRY(fc_pin_params(call, &r->env, &params));
    VELD_TRY(fc_code_check(&r->session, r->code, &call->err));
    VELD_TRY(veld_vault_door_make(r->vault, &r->env, call->folder, VELD_DOOR_PIN, &r->new_keystore,
        veld_cli_pin_span(pin), &params, &call->err));
    VELD_TRY(fc_code_used(&r->session, &call->err));
    remove_door(r);

done:
    return status;
}

veld_status fc_recover(veld_cli_call *call, veld_cli_pin *pin)
{
    recovering r = {.call = call, .env = veld_host_env()};
    veld_status status;
    VELD_TRY(fc_crypto_ready(&call->err));
    VELD_TRY(fc_vault_look(call));
    VELD_TRY(read_code(&r));
    VELD_TRY(open_door(&r));
    VELD_TRY(open_store(&r));
    if (veld_cli_given(call, FC_OPTION_NEW_PIN))
        VELD_TRY(veld_cli_pin_new(call, veld_cli_value(call, FC_OPTION_NEW_PIN), pin));
    else if (veld_cli_given(call, VELD_CLI_PIN_FILE | VELD_CLI_PIN_COMMAND))
        VELD_TRY(veld_cli_pin_get(call, true, pin));
    else
        VELD_TRY(veld_cli_pin_new(call, NULL, pin));
    VELD_TRY(set_pin(&r, pin));
    veld_cli_note(call, "De nieuwe pincode geldt vanaf nu. De herstelcode is gebruikt.\n");

done:
    veld_wipe(r.code, sizeof r.code);
    veld_store_close(r.session.store);
    veld_vault_close(r.vault);
    veld_keystore_close(&r.new_keystore);
    veld_keystore_close(&r.keystore);
    return status;
}

/* pin change, and what else has to do with a new PIN: asking for it, making one up, what stretching
 * it costs. The old one is asked for whether the vault is open or not. */
#include <string.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/host.h"
#include "veldkit/limits.h"
#include "veldkit/pin.h"

static const veld_pin_params floor_params = {.passes = 1, .memory_kib = 46 * 1024, .lanes = 1};

veld_status fc_pin_params(veld_cli_call *call, const veld_env *env, veld_pin_params *out)
{
    *out = floor_params;
    return veld_cli_given(call, FC_OPTION_QUICK_PIN) ? VELD_OK
                                                     : veld_pin_calibrate(env, out, &call->err);
}

veld_status fc_pin_new(veld_cli_call *call, const char *path, veld_cli_pin *out)
{
    veld_buf words;
    veld_status status;
    const veld_env env = veld_host_env();
    if (!veld_cli_given(call, FC_OPTION_GENERATE))
        return veld_cli_pin_new(call, path, out);
    veld_buf_init(&words, VELD_PIN_BYTES_MAX);
    VELD_TRY(veld_passphrase_generate(&env, &words, &call->err));
    VELD_TRY(veld_secret_copy(&out->bytes, veld_buf_span(&words)));
    out->len = words.len;

done:
    veld_buf_wipe(&words);
    return status;
}

veld_status fc_say_passphrase(veld_cli_call *call, const veld_cli_pin *pin)
{
    const veld_span text = veld_cli_pin_span(pin);
    return veld_cli_say(call,
        "\nJe wachtwoord: %.*s\n\nSchrijf het over op papier dat je niet bij de tablet bewaart. "
        "Het wordt niet\nnog eens getoond. Het is zo sterk als %d worpen met een munt.\n",
        (int)text.len, (const char *)text.data, VELD_PASSPHRASE_WORDS_BITS);
}

/* ---- pin change ---- */
typedef struct pin_change {
    veld_cli_call *call;
    veld_env env;
    fc_keystore_choice choice, new_choice;
    veld_keystore keystore, new_keystore;
    veld_vault *vault;
    veld_cli_pin new_pin;
} pin_change;

/* The kind that is there, or another: a vault can move into a TPM that the tablet got, and out of
 * it. From one TPM to another there is no way by which a crash in between would do no harm. */
static veld_status choose(pin_change *p)
{
    veld_cli_call *call = p->call;
    veld_status status;
    p->new_choice = p->choice;
    if (!veld_cli_given(call, FC_OPTION_KEYSTORE))
        return VELD_OK;
    VELD_TRY(fc_keystore_choose(call, &p->new_choice));
    if (p->new_choice.is_chip && p->choice.is_chip &&
        strcmp(p->new_choice.tpm.address, p->choice.tpm.address) != 0)
        return veld_fail(&call->err, VELD_E_UNSUPPORTED,
            "van de ene TPM naar de andere gaat met --keystore file ertussen");
    if (p->new_choice.is_chip && !p->choice.is_chip)
        VELD_TRY(fc_tpm_put(call->folder, &p->new_choice.tpm, &call->err));

done:
    return status;
}

static veld_status change(void *context)
{
    pin_change *p = context;
    veld_cli_call *call = p->call;
    veld_pin_params params;
    veld_status status;
    VELD_TRY(choose(p));
    VELD_TRY(fc_keystore_new(
        &p->env, call->folder, VELD_DOOR_PIN, &p->new_choice, &p->new_keystore, &call->err));
    VELD_TRY(veld_passphrase_check(
        p->new_keystore.strength, veld_cli_pin_span(&p->new_pin), &call->err));
    VELD_TRY(fc_pin_params(call, &p->env, &params));
    status = veld_vault_door_make(p->vault, &p->env, call->folder, VELD_DOOR_PIN, &p->new_keystore,
        veld_cli_pin_span(&p->new_pin), &params, &call->err);

done:
    return status;
}

static veld_status say_changed(const pin_change *p)
{
    veld_cli_call *call = p->call;
    const bool generated = veld_cli_given(call, FC_OPTION_GENERATE);
    veld_json_writer writer;
    veld_status status;
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        status = veld_cli_say(call, "Vanaf nu opent de nieuwe de kluis; de oude niet meer.\n");
        return status == VELD_OK && generated ? fc_say_passphrase(call, &p->new_pin) : status;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_json_writer_name(&writer, "changed");
    veld_json_writer_boolean(&writer, true);
    veld_cli_json_text(&writer, "keystore", veld_span_text(p->new_keystore.kind));
    if (generated)
        veld_cli_json_text(&writer, "passphrase", veld_cli_pin_span(&p->new_pin));
    veld_json_writer_object_end(&writer);
    return veld_cli_json_end(call, &writer);
}

veld_status fc_verb_pin_change(veld_cli_call *call)
{
    pin_change p = {.call = call, .env = veld_host_env()};
    fc_vault_parts parts = {.choice = &p.choice, .keystore = &p.keystore, .vault = &p.vault};
    veld_cli_pin pin = {0};
    veld_status status;
    VELD_ASSERT(call->session == NULL);
    VELD_TRY(fc_crypto_ready(&call->err));
    /* Both before the vault is opened: nobody else can open it meanwhile. */
    VELD_TRY(veld_cli_pin_get(call, false, &pin));
    VELD_TRY(fc_pin_new(call, veld_cli_value(call, FC_OPTION_NEW_PIN), &p.new_pin));
    VELD_TRY(fc_vault_open(call, &p.env, &parts, veld_cli_pin_span(&pin), change, &p));
    status = say_changed(&p);

done:
    veld_cli_pin_release(&pin);
    veld_cli_pin_release(&p.new_pin);
    veld_vault_close(p.vault);
    veld_keystore_close(&p.new_keystore);
    veld_keystore_close(&p.keystore);
    return status;
}
